"""A person's inbox: what waits for them, what they wait for, and notices."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet, Value

from quotes.models import Notice, ReviewKind, ReviewRequest, ReviewState, Run, User
from quotes.models.prepared import prepared
from quotes.models.review import ReviewRequestQuerySet
from quotes.services import run_people
from quotes.services.review import approvals

MOST_REQUESTS = 200
PAGE = 50
MOST_COUNTED = 99


@dataclass(frozen=True)
class Requests:
    """Open requests, the oldest first: those the person is to answer, and their own."""

    waiting: Sequence[ReviewRequest]
    own: Sequence[ReviewRequest]


def open_requests(user: User) -> Requests:
    """What others ask of the person and is open, and what they ask of others.

    To revisit: of whoever works on the run. To approve: of whoever oversees it, but not who
    asked or chose.
    """
    found = _open(user)
    own = [each for each in found if each.asked_by_id == user.pk]
    revisits = {each.run_id for each in found if each.kind != ReviewKind.APPROVAL}
    worked = run_people.worked_on(user, revisits) if user.is_broker and revisits else set()
    return Requests([each for each in found if _is_asked(user, each, worked)], own)


def waiting_count(user: User) -> int:
    """How many requests wait for the person. For most there are none, which costs little to see."""
    if all(asked_by == user.pk for asked_by in _askers(user)):
        return 0
    return len(open_requests(user).waiting)


@prepared
def _askers(user: User) -> QuerySet[ReviewRequest, int]:
    return _open_seen(user).order_by().values_list("asked_by", flat=True).distinct()


def _open_seen(user: User) -> ReviewRequestQuerySet:
    """By the index of open ones, which is by their kind: SQLite otherwise looks through all the
    runs of an office for the few that were asked about."""
    seen = ReviewRequest.objects.visible_to(user).filter(kind__in=ReviewKind.values)
    return seen.filter(state=ReviewState.OPEN)


@prepared
def _open(user: User) -> QuerySet[ReviewRequest]:
    return (
        _open_seen(user)
        .select_related("run__insured__owner__office", "asked_by", "choice__solution")
        .only(
            "kind", "state", "text", "asked_at", "asked_by", "choice__actor",
            "choice__solution__rank", "run__number", "run__sandbox", "run__insured__applicant_name",
            "run__insured__owner__office__name", "run__insured__owner__first_name",
            "run__insured__owner__last_name", "run__insured__owner__username",
        )
        .order_by("asked_at", "id")[:MOST_REQUESTS]
    )  # fmt: skip


def _is_asked(user: User, request: ReviewRequest, worked: Collection[UUID]) -> bool:
    if request.asked_by_id == user.pk:
        return False
    if request.kind == ReviewKind.APPROVAL:
        return not approvals.why_not(user, request, request.run)
    return request.run_id in worked


def notices_page(user: User, before: int | None = None) -> tuple[list[Notice], int | None]:
    """A page of the person's notices, the latest first, and where the next one begins."""
    rows = Notice.objects.of(user).select_related("run__insured").only(
        "kind", "text", "at", "read_at", "run__number", "run__insured__applicant_name"
    )  # fmt: skip
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None


def unread_count(user: User) -> int:
    """Unread notices, counted up to one more than `MOST_COUNTED`."""
    unread = Notice.objects.of(user).filter(read_at__isnull=True).order_by()
    return unread[: MOST_COUNTED + 1].count()


def any_unread(user: User, run: Run) -> bool:
    """Whether any of the person's notices of the run is unread."""
    return bool(_unread(user, run.pk))


@prepared
def _unread(user: User, run: UUID) -> QuerySet[Notice, int]:
    rows = Notice.objects.filter(user=user, run=run, read_at__isnull=True).order_by()
    return rows.values_list(Value(1), flat=True)[:1]


def mark_read(user: User, *, now: datetime, pk: int | None = None, run: Run | None = None) -> int:
    """Mark one notice read, or those of one run, or all. Says how many were unread."""
    rows = Notice.objects.filter(user=user, read_at__isnull=True)
    if pk is not None:
        rows = rows.filter(pk=pk)
    if run is not None:
        rows = rows.filter(run=run)
    return rows.update(read_at=now)


def mail_notices(user: User, *, on: bool) -> None:
    """Whether the person's notices are mailed as well; what waits to be mailed follows."""
    user.notices_by_mail = on
    user.save(update_fields=["notices_by_mail"])

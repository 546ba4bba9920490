"""The runs an administrator may have to see to, in groups, a page at a time, oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from quotes.models import Run, RunState, User
from quotes.models.run import OVERDUE_AFTER, RunQuerySet
from quotes.services.worklist import ENDED_BADLY, NEEDS_FOR, listed

PAGE_ROWS = 50
HELD_AFTER = timedelta(seconds=60)


@dataclass(frozen=True)
class Group:
    """`count` is how many runs it has now."""

    code: str
    label: str
    explains: str
    count: int = 0


GROUPS = (
    Group(
        "lost",
        "Lost in sending",
        "The request left and no answer came back: ask Nexio whether it has a run, then link its "
        "run_id, send again knowingly, or give it up.",
    ),
    Group(
        "unreadable",
        "Unreadable replies",
        "Ten unusable replies in a row ended the checking: resume it once Nexio answers again.",
    ),
    Group(
        "overdue",
        "Overdue",
        "At Nexio for more than ten minutes. Nothing is failed by itself: ask Nexio, or wait.",
    ),
    Group(
        "held",
        "Not sent yet",
        "Queued for more than a minute: the key, a pause Nexio asked for, or no worker.",
    ),
    Group(
        "refused",
        "Refused or failed",
        "Ended without a package in the last 14 days, with no later run of the insured. The "
        "broker mends the quotes; where it was about the key, send the same again.",
    ),
    Group("waiting", "Being ranked", "Nexio has them; each is asked for by its schedule."),
)
CODES = tuple(group.code for group in GROUPS)


def runs_of(code: str, *, user: User, now: datetime) -> RunQuerySet:
    """The runs of the group `code` that `user` may see; all narrow by state, which is indexed."""
    later = Run.objects.filter(insured=OuterRef("insured"), number__gt=OuterRef("number"))
    narrowed = {
        "lost": Q(state=RunState.SUBMIT_UNKNOWN),
        "unreadable": Q(state=RunState.BAD_RESPONSE),
        "overdue": Q(state=RunState.WAITING, submitted_at__lt=now - OVERDUE_AFTER),
        "held": Q(state=RunState.QUEUED, created_at__lt=now - HELD_AFTER),
        "refused": Q(state__in=ENDED_BADLY, created_at__gte=now - NEEDS_FOR) & ~Exists(later),
        "waiting": Q(state=RunState.WAITING),
    }
    return Run.objects.visible_to(user).filter(narrowed[code])


def count_groups(*, user: User, now: datetime) -> list[Group]:
    """Every group with how many runs it has."""
    return [
        Group(
            group.code,
            group.label,
            group.explains,
            runs_of(group.code, user=user, now=now).order_by().count(),
        )
        for group in GROUPS
    ]


def page_of(
    code: str, *, user: User, now: datetime, after: UUID | None = None
) -> tuple[list[Run], UUID | None]:
    """Up to 50 runs of a group, and the run after which the next page begins (None: no more).

    By key and not by number: settling a run moves none from one page to another.
    """
    rows = listed(runs_of(code, user=user, now=now)).order_by("created_at", "id")
    seen = Run.objects.visible_to(user).filter(pk=after) if after else None
    if seen is not None and (known := seen.values_list("created_at", "pk").first()):
        at, pk = known
        rows = rows.filter(Q(created_at__gt=at) | Q(created_at=at, pk__gt=pk))
    found = list(rows[: PAGE_ROWS + 1])
    more = len(found) > PAGE_ROWS
    return found[:PAGE_ROWS], found[PAGE_ROWS - 1].pk if more else None

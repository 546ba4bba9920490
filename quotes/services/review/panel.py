"""What the Review section of a run's page shows: comments, requests, and what the reader may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from quotes.models import Comment, ReviewKind, ReviewRequest, ReviewState, Run, RunState, User
from quotes.models.prepared import may_have, prepared
from quotes.services import run_people
from quotes.services.review import approval_rule, approvals, revisits
from quotes.services.review.approval_rule import Standing

MOST_COMMENTS = 100
MOST_REQUESTS = 50


@dataclass(frozen=True)
class Asked:
    """A request, and what the reader may do about it. `why_not` says what keeps a manager from
    approving."""

    request: ReviewRequest
    may_answer: bool = False
    may_approve: bool = False
    may_withdraw: bool = False
    why_not: str = ""

    @property
    def may_act(self) -> bool:
        return self.may_answer or self.may_approve or self.may_withdraw


@dataclass(frozen=True)
class Panel:
    """Comments oldest first, requests the latest first; open ones are in `requests` too."""

    comments: Sequence[Comment]
    earlier_comments: int
    requests: Sequence[Asked]
    approval: Standing
    may_ask_revisit: bool
    may_ask_approval: bool

    @property
    def open(self) -> list[Asked]:
        return [each for each in self.requests if each.request.state == ReviewState.OPEN]

    @property
    def closed(self) -> list[Asked]:
        return [each for each in self.requests if each.request.state != ReviewState.OPEN]

    @property
    def waiting_for_reader(self) -> list[Asked]:
        return [each for each in self.open if each.may_answer or each.may_approve]

    @property
    def approval_words(self) -> str:
        """What keeps the choice from being bound, or who approved it; "" where none is needed."""
        request = self.approval.request
        if self.approval.missing:
            return approval_rule.missing_words(self.approval)
        if self.approval.needed and request is not None and request.answered_by is not None:
            return f"This choice is approved, by {request.answered_by.shown_name}."
        return ""


def panel_of(run: Run, user: User, *, works: bool | None = None) -> Panel:
    """The section for a reader who sees the run; a handful of queries, whatever was said.

    A page that knows already whether the reader works on the run says so in `works`.
    """
    comments = _comments(run.pk) if may_have(run, "comments") else []
    more = run.comments.count() - MOST_COMMENTS if len(comments) > MOST_COMMENTS else 0
    rows = _requests(run.pk) if may_have(run, "requests") else []
    oversees = run_people.oversees(user, run)
    if works is None:
        works = run_people.works_on(user, run)
    standing = (
        approvals.standing(run) if run.state == RunState.COMPLETED else Standing(None, None, False)
    )
    return Panel(
        comments=comments[:MOST_COMMENTS][::-1],
        earlier_comments=more,
        requests=[_asked(row, run, user, oversees=oversees, works=works) for row in rows],
        approval=standing,
        may_ask_revisit=revisits.may_ask(user, run),
        may_ask_approval=works and standing.missing and not standing.open,
    )


@prepared
def _comments(run: UUID) -> QuerySet[Comment]:
    latest = Comment.objects.filter(run=run).select_related("author")
    return latest.order_by("-at", "-id")[: MOST_COMMENTS + 1]


@prepared
def _requests(run: UUID) -> QuerySet[ReviewRequest]:
    rows = ReviewRequest.objects.filter(run=run).defer("choice__solution__scorecard")
    known = rows.select_related("asked_by", "answered_by", "choice__solution")
    return known.order_by("-asked_at", "-id")[:MOST_REQUESTS]


def _asked(request: ReviewRequest, run: Run, user: User, *, oversees: bool, works: bool) -> Asked:
    if request.state != ReviewState.OPEN:
        return Asked(request)
    if request.kind == ReviewKind.REVISIT:
        may_answer = works and request.asked_by_id != user.pk
        return Asked(request, may_answer=may_answer, may_withdraw=oversees)
    why_not = approvals.why_not(user, request, run)
    return Asked(
        request,
        may_approve=not why_not,
        may_withdraw=works,
        why_not=why_not if oversees else "",
    )

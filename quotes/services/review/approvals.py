"""Approval of a choice: a broker asks, somebody else who oversees the office gives or refuses it.

Every step takes the run's lock, as every step of the decision does, so that a choice cannot be
changed under an approval, nor two people settle one request.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from quotes.models import (
    Decision,
    DecisionKind,
    NoticeKind,
    ReviewKind,
    ReviewRequest,
    ReviewState,
    Run,
    User,
)
from quotes.services import run_people
from quotes.services.decisions import NotPossible
from quotes.services.notices.telling import tell
from quotes.services.review import approval_rule
from quotes.services.review.approval_rule import Standing
from quotes.services.review.steps import close, excerpt, locked, stated

BEFORE_BOUND = (Decision.CHOSEN.value, Decision.SHOWN.value, Decision.ACCEPTED.value)


def standing(run: Run) -> Standing:
    """How the run's present choice stands with its office's rule; a handful of small queries."""
    if run.chosen_id is None or run.decision not in BEFORE_BOUND:
        return approval_rule.standing_of(run, None)
    events = run.decision_events.filter(kind=DecisionKind.CHOSEN)
    events = events.select_related("actor", "solution").defer("solution__scorecard")
    return approval_rule.standing_of(run, events.order_by("-id").first())


def why_not(user: User, request: ReviewRequest, run: Run) -> str:
    """Why the person may not approve or refuse this; "" where they may."""
    if not run_people.oversees(user, run):
        return "Only a manager of its broker's office, or an admin, approves this."
    if request.asked_by_id == user.pk:
        return "Nobody approves what they asked for themselves."
    if request.choice is not None and request.choice.actor_id == user.pk:
        return "Nobody approves what they chose themselves."
    return ""


@transaction.atomic
def ask_approval(*, run: Run, actor: User, text: str = "") -> ReviewRequest:
    """Ask for approval of the present choice.

    Raises NotPossible where none is needed, or one was asked for or given already.
    """
    run = locked(run)
    if not run_people.works_on(actor, run):
        raise NotPossible("Only the broker who works on the run asks for approval.")
    now_stands = standing(run)
    if now_stands.choice is None:
        raise NotPossible("Nothing is chosen that could be approved: choose a package first.")
    if not now_stands.needed:
        raise NotPossible("This choice needs no approval: it can be recorded as bound without.")
    if now_stands.approved:
        raise NotPossible("This choice is approved already.")
    if now_stands.open:
        raise NotPossible("Approval of this choice is asked for already.")
    said = text.strip() and stated(text, ask="", shortest=1)
    now = timezone.now()
    request = ReviewRequest.objects.create(
        run=run, kind=ReviewKind.APPROVAL, choice=now_stands.choice, asked_by=actor, asked_at=now,
        text=said,
    )  # fmt: skip
    _note(request, "approval_asked", "Approval of the choice asked for", said, actor, now)
    tell(
        run=run,
        people=lambda: approval_rule.approvers(now_stands, but=[actor]),
        kind=NoticeKind.REVIEW,
        key=f"asked:{request.pk.hex}",
        text=f"You are asked to approve the choice on run {run.number}.",
        now=now,
        but=actor,
    )
    return request


def approve(*, request: ReviewRequest, actor: User, text: str = "") -> ReviewRequest:
    """Approve the present choice. Raises NotPossible for who asked, who chose, and too late."""
    return _settle(request, actor, text, approved=True)


def refuse(*, request: ReviewRequest, actor: User, text: str) -> ReviewRequest:
    """Refuse it, and say why."""
    return _settle(request, actor, text, approved=False)


@transaction.atomic
def _settle(request: ReviewRequest, actor: User, text: str, *, approved: bool) -> ReviewRequest:
    run = locked(request.run)
    _of_kind(request)
    said = text.strip() and stated(text, ask="", shortest=1)
    if not approved:
        said = stated(text, ask="Write why it is refused: the broker must know what to change.")
    refused = why_not(actor, request, run)
    if refused:
        raise NotPossible(refused)
    now = timezone.now()
    state = ReviewState.APPROVED if approved else ReviewState.REFUSED
    closed = close(request, state=state, actor=actor, now=now, answer=said)
    choice = standing(run).choice
    if choice is None or choice.pk != request.choice_id:
        # Cannot be while every later step withdraws the request; never approve another choice.
        raise NotPossible("The choice is another by now. Look at the decision as it is.")
    if approved:
        _note(request, "approved", "Choice approved", said, actor, now)
    else:
        _note(request, "approval_refused", "Approval refused", said, actor, now)
    tell(
        run=run,
        people=lambda: [request.asked_by, choice.actor, *run_people.brokers_of(run)],
        kind=NoticeKind.ANSWER,
        key=f"answered:{request.pk.hex}",
        text=f"The choice on run {run.number} was {'approved' if approved else 'refused'}.",
        now=now,
        but=actor,
    )
    return closed


@transaction.atomic
def withdraw_approval(*, request: ReviewRequest, actor: User, text: str = "") -> ReviewRequest:
    """Take the question back: whoever works on the run."""
    run = locked(request.run)
    _of_kind(request)
    if not run_people.works_on(actor, run):
        raise NotPossible("Only the broker who works on the run withdraws this.")
    now = timezone.now()
    said = text.strip()[:2000]
    closed = close(request, state=ReviewState.WITHDRAWN, actor=actor, now=now, answer=said)
    _note(request, "approval_withdrawn", "Approval no longer asked for", said, actor, now)
    return closed


def _of_kind(request: ReviewRequest) -> None:
    if request.kind != ReviewKind.APPROVAL:
        raise NotPossible("That is no request for approval.")


def _note(
    request: ReviewRequest, kind: str, words: str, said: str, actor: User, now: datetime
) -> None:
    data = {"review": str(request.pk), "choice": request.choice_id, "text": said}
    text = f"{words}: {excerpt(said)}" if said else f"{words}."
    request.run.note(at=now, kind=kind, text=text, actor=actor, data=data)

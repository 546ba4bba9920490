"""A manager asks the broker to look at a run again; the broker answers, or it is withdrawn."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from quotes.models import NoticeKind, ReviewKind, ReviewRequest, ReviewState, Run, User
from quotes.services import run_people
from quotes.services.decisions import NotPossible
from quotes.services.notices.telling import tell
from quotes.services.review.steps import close, excerpt, locked, stated


def may_ask(user: User, run: Run) -> bool:
    """Whoever oversees the run, except for an insured of their own."""
    return run_people.oversees(user, run) and run.insured.owner_id not in {None, user.pk}


def may_answer(user: User, request: ReviewRequest) -> bool:
    """Whoever works on the run, but not who asked: they withdraw what they asked."""
    return request.asked_by_id != user.pk and run_people.works_on(user, request.run)


@transaction.atomic
def ask_to_revisit(*, run: Run, actor: User, text: str) -> ReviewRequest:
    """Ask the run's brokers to look at it again, and say what for."""
    said = stated(text, ask="Write what to look at again.")
    run = locked(run)
    if run.insured.owner_id is None:
        raise NotPossible("This run belongs to nobody, so there is nobody to ask.")
    if not may_ask(actor, run):
        raise NotPossible("Only a manager of its broker's office, or an admin, asks for this.")
    now = timezone.now()
    request = ReviewRequest.objects.create(
        run=run, kind=ReviewKind.REVISIT, asked_by=actor, asked_at=now, text=said
    )
    run.note(
        at=now, kind="revisit_asked", text=f"Asked to revisit: {excerpt(said)}", actor=actor,
        data={"review": str(request.pk), "text": said},
    )  # fmt: skip
    tell(
        run=run,
        people=lambda: run_people.brokers_of(run),
        kind=NoticeKind.REVIEW,
        key=f"asked:{request.pk.hex}",
        text=f"You are asked to revisit run {run.number}.",
        now=now,
        but=actor,
    )
    return request


@transaction.atomic
def answer_revisit(*, request: ReviewRequest, actor: User, text: str) -> ReviewRequest:
    """The broker's answer. Raises ChangedMeanwhile where it was answered or withdrawn before."""
    said = stated(text, ask="Write the answer: what you changed, or why it stays.")
    run = locked(request.run)
    _of_kind(request)
    if not may_answer(actor, request):
        raise NotPossible("Only the broker who works on the run answers this.")
    now = timezone.now()
    closed = close(request, state=ReviewState.ANSWERED, actor=actor, now=now, answer=said)
    run.note(
        at=now, kind="revisit_answered", text=f"Answered: {excerpt(said)}", actor=actor,
        data={"review": str(request.pk), "text": said},
    )  # fmt: skip
    tell(
        run=run,
        people=lambda: [request.asked_by, *run_people.brokers_of(run)],
        kind=NoticeKind.ANSWER,
        key=f"answered:{request.pk.hex}",
        text=f"The request to revisit run {run.number} was answered.",
        now=now,
        but=actor,
    )
    return closed


@transaction.atomic
def withdraw_revisit(*, request: ReviewRequest, actor: User, text: str = "") -> ReviewRequest:
    """Take the request back: who asked, or another who oversees the run."""
    run = locked(request.run)
    _of_kind(request)
    if not run_people.oversees(actor, run):
        raise NotPossible("Only a manager of its broker's office, or an admin, withdraws this.")
    now = timezone.now()
    said = text.strip()[:2000]
    closed = close(request, state=ReviewState.WITHDRAWN, actor=actor, now=now, answer=said)
    run.note(
        at=now, kind="revisit_withdrawn", actor=actor, data={"review": str(request.pk)},
        text="The request to revisit was withdrawn" + (f": {excerpt(said)}" if said else "."),
    )  # fmt: skip
    tell(
        run=run,
        people=lambda: [request.asked_by, *run_people.brokers_of(run)],
        kind=NoticeKind.ANSWER,
        key=f"answered:{request.pk.hex}",
        text=f"The request to revisit run {run.number} was withdrawn.",
        now=now,
        but=actor,
    )
    return closed


def _of_kind(request: ReviewRequest) -> None:
    if request.kind != ReviewKind.REVISIT:
        raise NotPossible("That is no request to revisit.")

"""What every step of a review shares: the run's lock, what is said, closing by compare-and-set."""

from __future__ import annotations

from datetime import datetime

from quotes.models import ReviewRequest, ReviewState, Run, User
from quotes.services.decisions import ChangedMeanwhile, NotPossible

MOST_COMMENT = 5000
MOST_WORDS = 2000
EXCERPT = 300


def locked(run: Run) -> Run:
    """The run under its lock, with its insured's broker; decisions take the same lock."""
    return (
        Run.objects.select_for_update(of=("self",))
        .select_related("insured__owner__office")
        .defer(
            "request", "request_body", "response", "response_body", "insured__document",
            "insured__body_document",
        )
        .get(pk=run.pk)
    )  # fmt: skip


def stated(text: str, *, ask: str, most: int = MOST_WORDS, shortest: int = 3) -> str:
    """What a person wrote, without space around it; NotPossible with `ask` for nothing."""
    said = text.strip()
    if len(said) < shortest:
        raise NotPossible(ask)
    if len(said) > most:
        raise NotPossible(f"Shorten it to {most:,} characters or fewer; it has {len(said):,}.")
    return said


def excerpt(text: str) -> str:
    """The text on one line, cut where it is long; the whole stands in its own row."""
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else f"{line[:EXCERPT]}…"


def close(
    request: ReviewRequest, *, state: str, actor: User, now: datetime, answer: str
) -> ReviewRequest:
    """Answer an open request: a compare-and-set on its being open.

    Raises ChangedMeanwhile, saying who was first, where it no longer is.
    """
    mine = ReviewRequest.objects.filter(pk=request.pk, state=ReviewState.OPEN).update(
        state=state, answered_by=actor, answered_at=now, answer=answer
    )
    stands = ReviewRequest.objects.select_related("answered_by").get(pk=request.pk)
    if not mine:
        who = "somebody" if stands.answered_by is None else stands.answered_by.shown_name
        how = str(stands.get_state_display()).lower()
        raise ChangedMeanwhile(
            f"It was {how} by {who} meanwhile, and nothing of yours was recorded. Look at it as it "
            "is now."
        )
    return stands

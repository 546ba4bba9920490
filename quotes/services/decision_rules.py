"""What a step of a decision is held against: the day, the package, and the doubts confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.utils import timezone

from quotes.models import DecisionKind, Run, Solution
from quotes.services.decision_step import NotConfirmed, NotPossible
from quotes.services.doubts import doubts_about, same_words


def needs_reason(solution: Solution, ranks: Sequence[int | None]) -> bool:
    """Whether choosing it needs a reason: always, unless its rank is the lowest there is."""
    stated = [rank for rank in ranks if rank is not None]
    return solution.rank is None or solution.rank != min(stated, default=solution.rank)


def check_day(run: Run, day: date | None, now: datetime) -> None:
    """Raises NotPossible for no day, a day to come, and one before the packages were there."""
    if day is None:
        raise NotPossible("Say on which day it happened.")
    if day > timezone.localdate(now):
        raise NotPossible("That day is still to come: record it once it has happened.")
    if run.finished_at is not None and day < timezone.localdate(run.finished_at):
        first = timezone.localdate(run.finished_at)
        raise NotPossible(
            f"These packages exist since {first:%b} {first.day}, {first.year}; it cannot have "
            "happened before."
        )


def check_own(run: Run, solution: Solution) -> None:
    """Raises NotPossible for another run's package."""
    if solution.run_id != run.pk:
        raise NotPossible("That package belongs to another run.")


def with_lines(run: Run, solution: Solution) -> Solution:
    """The run's package with its lines and their carriers at hand."""
    return Solution.objects.prefetch_related("lines__carrier").get(pk=solution.pk, run=run)


def check_confirmed(
    run: Run, solution: Solution, kind: str, confirmed: str, on: date | None = None
) -> str:
    """What is doubtful about the package's prices, "" for nothing.

    Raises NotConfirmed where there is something and it was not confirmed in these very words.
    """
    doubts = doubts_about(run, with_lines(run, solution), on)
    if doubts and same_words(confirmed) != doubts:
        raise NotConfirmed(doubts, DecisionKind(kind).label.lower())
    return doubts

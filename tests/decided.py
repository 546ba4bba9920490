"""Completed runs with a decision under way, for tests: a fixed day, and plain words to say."""

from __future__ import annotations

from datetime import date
from typing import Any

from quotes.models import DecisionKind, Run, Solution, User
from quotes.services import decisions
from quotes.services.decisions import Said

NOW = "2026-11-16 15:00:00+00:00"
"""A day on which every price of the example still holds."""
JUST_BEFORE = "2026-11-16 14:58:00+00:00"
"""When the rows were written that a test of that day finds."""
TODAY = date(2026, 11, 16)
LATER = "2026-12-02 15:00:00+00:00"
"""Quillfeather's prices ended on Nov 30; they are in the first rank."""
WHY = "The insured keeps one carrier."
K = DecisionKind


def said(**how: Any) -> Said:
    return Said(**{"on": TODAY, "how": "phone", **how})


def packages(run: Run) -> list[Solution]:
    return list(run.solutions.prefetch_related("lines__carrier"))


def choose(run: Run, actor: User, rank: int = 1) -> None:
    solution = run.solutions.get(rank=rank)
    decisions.choose_solution(run=run, solution=solution, actor=actor, reason=WHY)
    run.refresh_from_db()


def bring_to(run: Run, state: str, actor: User) -> Run:
    """The run with its second rank chosen and then shown, accepted, declined or bound."""
    steps = {
        "undecided": [],
        "chosen": ["choose"],
        "shown": ["choose", "show"],
        "accepted": ["choose", "show", K.ACCEPTED],
        "declined": ["choose", "show", K.DECLINED],
        "bound": ["choose", "show", K.ACCEPTED, K.BOUND],
    }[state]
    for step in steps:
        if step == "choose":
            choose(run, actor, rank=2)
        elif step == "show":
            shown = [run.solutions.get(rank=2)]
            decisions.mark_shown(run=run, solutions=shown, actor=actor, said=said())
        else:
            decisions.record_answer(run=run, kind=step, actor=actor, said=said(reason="Too dear."))
    run.refresh_from_db()
    assert run.decision == state
    return run

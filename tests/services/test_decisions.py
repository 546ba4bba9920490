"""The decision's rules: what may follow what, what must be said, and what stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from quotes.models import Decision, DecisionEvent, DecisionKind, Run, Solution, User
from quotes.services import decisions
from quotes.services.decision_summary import decision_of
from quotes.services.decisions import ChangedMeanwhile, NotConfirmed, NotPossible, ReasonNeeded
from quotes.services.doubts import expired_words
from tests import runs as made
from tests.decided import JUST_BEFORE, LATER, NOW, WHY, bring_to, choose, packages, said
from tests.factories import make_people, queued_run

pytestmark = pytest.mark.django_db
K = DecisionKind
STATES = ("undecided", "chosen", "shown", "accepted", "declined", "bound")


@pytest.fixture(autouse=True)
def _day() -> Any:
    with time_machine.travel(NOW):
        yield


def rows_that_stand() -> dict[str, Any]:
    with time_machine.travel(JUST_BEFORE):
        people = make_people()
        return {**people, "run": made.completed_run(people["broker"])}


@pytest.fixture
def broker(rows: dict[str, Any]) -> User:
    return rows["broker"]  # type: ignore[no-any-return]


@pytest.fixture
def run(rows: dict[str, Any]) -> Run:
    return rows["run"]  # type: ignore[no-any-return]


def take(run: Run, step: str, actor: User) -> None:
    """One step about the second rank, all that it asks for said."""
    second = run.solutions.get(rank=2)
    words: dict[str, Any] = {"reason": "They said so.", "note": "They said so."}
    if step == "choose second":
        decisions.choose_solution(run=run, solution=second, actor=actor, reason=WHY)
    elif step == "choose third":
        third = run.solutions.get(rank=3)
        decisions.choose_solution(run=run, solution=third, actor=actor, reason=WHY)
    elif step == "show":
        decisions.mark_shown(run=run, solutions=[second], actor=actor, said=said())
    elif step == "reopen":
        decisions.reopen_decision(run=run, actor=actor, reason=WHY)
    else:
        decisions.record_answer(run=run, kind=step, actor=actor, said=said(**words))


AFTER = {
    # step: what the decision is after it, by what it was; a state that is missing refuses it.
    "choose second": {"undecided": "chosen", "declined": "shown"},
    "choose third": {
        "undecided": "chosen", "chosen": "chosen", "shown": "chosen", "declined": "chosen",
    },
    "show": {
        "undecided": "undecided", "chosen": "shown", "shown": "shown", "accepted": "accepted",
        "declined": "declined", "bound": "bound",
    },
    K.ACCEPTED: {"shown": "accepted"},
    K.DECLINED: {"shown": "declined", "accepted": "declined"},
    K.BOUND: {"chosen": "bound", "shown": "bound", "accepted": "bound"},
    "reopen": {state: "undecided" for state in STATES if state != "undecided"},
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", AFTER)
def test_what_may_follow_what(run: Run, broker: User, step: str, state: str) -> None:
    bring_to(run, state, broker)
    before = DecisionEvent.objects.count()
    to = AFTER[step].get(state)
    if to is None:
        with pytest.raises(NotPossible):
            take(run, step, broker)
    else:
        take(run, step, broker)
    run.refresh_from_db()
    assert run.decision == (to or state)
    assert DecisionEvent.objects.count() == before + (to is not None)
    assert (run.chosen is None) == (run.decision == Decision.UNDECIDED)


RANKS: list[tuple[list[int | None], int, bool]] = [
    # ranks of the packages, which is chosen, whether a reason is needed
    ([1, 2, 3], 0, False),
    ([1, 2, 3], 1, True),
    ([1, 1, 3], 1, False),
    ([1, 1, 3], 2, True),
    ([2, 3, None], 0, False),
    ([2, 3, None], 2, True),
    ([None, None, None], 0, True),
]


@pytest.mark.parametrize(("ranks", "picked", "needed"), RANKS)
def test_a_choice_that_is_not_the_first_rank_needs_a_reason(
    run: Run, broker: User, ranks: list[int | None], picked: int, needed: bool
) -> None:
    solutions = packages(run)
    for solution, rank in zip(solutions, ranks, strict=True):
        Solution.objects.filter(pk=solution.pk).update(rank=rank)
    chosen = Solution.objects.get(pk=solutions[picked].pk)
    if needed:
        for reason in ("", "   ", "no"):
            with pytest.raises(ReasonNeeded):
                decisions.choose_solution(run=run, solution=chosen, actor=broker, reason=reason)
        assert not run.decision_events.exists()
        decisions.choose_solution(run=run, solution=chosen, actor=broker, reason=WHY)
    else:
        decisions.choose_solution(run=run, solution=chosen, actor=broker)
    assert run.decision_events.get().reason == (WHY if needed else "")


def test_an_expired_price_is_chosen_only_when_confirmed_by_name(run: Run, broker: User) -> None:
    first = run.solutions.get(rank=1)
    with time_machine.travel(LATER):
        with pytest.raises(NotConfirmed) as refusal:
            decisions.choose_solution(run=run, solution=first, actor=broker)
        words = refusal.value.words
        assert words == "The price of Quillfeather Insurance auto ended on Nov 30, 2026"
        with pytest.raises(NotConfirmed):
            decisions.choose_solution(run=run, solution=first, actor=broker, confirmed="yes")
        decisions.choose_solution(run=run, solution=first, actor=broker, confirmed=words)
    assert run.decision_events.get().confirmed == words


def test_a_price_that_ended_since_it_was_confirmed_is_asked_about_again(
    run: Run, broker: User
) -> None:
    first = run.solutions.get(rank=1)
    with time_machine.travel(LATER):
        words = expired_words(run, packages(run)[0], timezone.now())
    with time_machine.travel("2026-12-22 15:00:00+00:00"), pytest.raises(NotConfirmed) as refusal:
        decisions.choose_solution(run=run, solution=first, actor=broker, confirmed=words)
    assert "Larkspur Mutual umbrella ended on Dec 20, 2026" in refusal.value.words


@pytest.mark.parametrize("state", ["queued", "waiting", "failed", "rejected"])
def test_only_a_completed_runs_packages_are_decided_on(run: Run, broker: User, state: str) -> None:
    ways: dict[str, Callable[[], Run]] = {
        "queued": lambda: queued_run(insured=run.insured, owner=broker),
        "waiting": lambda: made.waiting_run(broker, insured=run.insured),
        "failed": lambda: made.failed_run(broker, insured=run.insured),
        "rejected": lambda: made.rejected_run(broker, insured=run.insured),
    }
    other = ways[state]()
    with pytest.raises(NotPossible, match="completed run"):
        decisions.choose_solution(run=other, solution=packages(run)[0], actor=broker)


def test_a_package_of_another_run_is_refused(run: Run, broker: User) -> None:
    other = made.completed_run(broker, insured=run.insured)
    for act in (
        lambda: decisions.choose_solution(
            run=run, solution=packages(other)[0], actor=broker, reason=WHY
        ),
        lambda: decisions.mark_shown(run=run, solutions=packages(other), actor=broker, said=said()),
        lambda: decisions.decline_option(
            run=run, solution=packages(other)[0], actor=broker, said=said()
        ),
    ):
        with pytest.raises(NotPossible, match="another run"):
            act()
    assert not run.decision_events.exists()


def test_a_newer_run_supersedes_but_hinders_nothing(run: Run, broker: User) -> None:
    newer = made.completed_run(broker, insured=run.insured)
    choose(run, broker)
    summary = decision_of(run, broker)
    assert summary is not None
    assert summary.newer == newer
    of_newer = decision_of(newer, broker)
    assert of_newer is not None
    assert of_newer.newer is None


DAYS = [
    (date(2026, 11, 15), "exist since Nov 16, 2026"),
    (date(2026, 11, 17), "still to come"),
    (None, "on which day"),
]


@pytest.mark.parametrize(("day", "why"), DAYS)
@pytest.mark.parametrize("step", ["show", "answer", "limits", "option"])
def test_a_day_that_cannot_be(
    run: Run, broker: User, step: str, day: date | None, why: str
) -> None:
    bring_to(run, "shown", broker)
    first = run.solutions.get(rank=1)
    decisions.mark_shown(run=run, solutions=[first], actor=broker, said=said())
    words = said(on=day, line="auto", note="500 CSL instead of 250/500")
    acts: dict[str, Callable[[], object]] = {
        "show": lambda: decisions.mark_shown(run=run, solutions=[first], actor=broker, said=words),
        "answer": lambda: decisions.record_answer(
            run=run, kind=K.ACCEPTED, actor=broker, said=words
        ),
        "limits": lambda: decisions.record_limits(
            run=run, kind=K.LIMITS_OFFERED, actor=broker, said=words
        ),
        "option": lambda: decisions.decline_option(
            run=run, solution=first, actor=broker, said=words
        ),
    }
    with pytest.raises(NotPossible, match=why):
        acts[step]()


NEEDED = [
    ("shown", K.DECLINED, {"reason": ""}, "why the insured declined"),
    ("shown", K.BOUND, {"note": ""}, "not recorded as accepted"),
    ("chosen", K.BOUND, {"note": ""}, "not recorded as accepted"),
    ("chosen", K.ACCEPTED, {}, "not shown yet"),
    ("chosen", K.DECLINED, {"reason": "Too dear."}, "not shown yet"),
    ("undecided", K.ACCEPTED, {}, "No package is chosen"),
]


@pytest.mark.parametrize(("state", "kind", "words", "why"), NEEDED)
def test_what_must_be_said_or_done_before(
    run: Run, broker: User, state: str, kind: str, words: dict[str, str], why: str
) -> None:
    bring_to(run, state, broker)
    with pytest.raises(NotPossible, match=why):
        decisions.record_answer(run=run, kind=kind, actor=broker, said=said(**words))


def test_an_option_is_declined_once_after_it_was_shown(run: Run, broker: User) -> None:
    bring_to(run, "shown", broker)
    first, second, third = packages(run)
    with pytest.raises(NotPossible, match="not shown yet"):
        decisions.decline_option(run=run, solution=third, actor=broker, said=said())
    with pytest.raises(NotPossible, match="chosen package"):
        decisions.decline_option(run=run, solution=second, actor=broker, said=said())
    decisions.mark_shown(run=run, solutions=[first], actor=broker, said=said())
    decisions.decline_option(run=run, solution=first, actor=broker, said=said())
    with pytest.raises(NotPossible, match="already"):
        decisions.decline_option(run=run, solution=first, actor=broker, said=said())
    run.refresh_from_db()
    assert run.decision == Decision.SHOWN


def test_limits_are_rejected_only_where_they_were_offered(run: Run, broker: User) -> None:
    words = said(line="umbrella", note="$2M and $3M instead of $1M")
    with pytest.raises(NotPossible, match="umbrella are recorded as offered"):
        decisions.record_limits(run=run, kind=K.LIMITS_REJECTED, actor=broker, said=words)
    decisions.record_limits(run=run, kind=K.LIMITS_OFFERED, actor=broker, said=words)
    decisions.record_limits(run=run, kind=K.LIMITS_REJECTED, actor=broker, said=words)
    for wrong, why in ((said(note="500 CSL"), "which line"), (said(line="auto"), "which limits")):
        with pytest.raises(NotPossible, match=why):
            decisions.record_limits(run=run, kind=K.LIMITS_OFFERED, actor=broker, said=wrong)
    assert [e.kind for e in run.decision_events.all()] == [K.LIMITS_OFFERED, K.LIMITS_REJECTED]
    run.refresh_from_db()
    assert run.decision == Decision.UNDECIDED


def test_a_later_choice_supersedes_and_both_stay(run: Run, broker: User) -> None:
    choose(run, broker, rank=1)
    choose(run, broker, rank=3)
    assert run.chosen == run.solutions.get(rank=3)
    assert [e.solution.rank for e in run.decision_events.all()] == [1, 3]


def test_choosing_what_was_shown_before_stands_at_shown(run: Run, broker: User) -> None:
    """The insured picked another of the options laid before them."""
    choose(run, broker, rank=1)
    decisions.mark_shown(run=run, solutions=packages(run), actor=broker, said=said())
    choose(run, broker, rank=3)
    assert run.decision == Decision.SHOWN
    decisions.record_answer(run=run, kind=K.ACCEPTED, actor=broker, said=said())


def test_of_two_tabs_the_second_is_told(run: Run, broker: User) -> None:
    seen = decisions.version_of(run)
    first, second, _ = packages(run)
    decisions.choose_solution(run=run, solution=first, actor=broker, version=seen)
    with pytest.raises(ChangedMeanwhile, match="Something else was recorded"):
        decisions.choose_solution(run=run, solution=second, actor=broker, reason=WHY, version=seen)
    run.refresh_from_db()
    assert run.chosen == first


def test_shown_needs_packages_and_a_way(run: Run, broker: User) -> None:
    with pytest.raises(NotPossible, match="Tick the packages"):
        decisions.mark_shown(run=run, solutions=[], actor=broker, said=said())
    with pytest.raises(NotPossible, match="how it was shown"):
        decisions.mark_shown(run=run, solutions=packages(run), actor=broker, said=said(how=""))

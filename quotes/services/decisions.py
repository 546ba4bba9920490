"""The decision on a run's packages: each step a row that stays, `Run.decision` kept in step.

    undecided → chosen → shown → accepted → bound
                             ↘ declined

A later choice supersedes an earlier one until the insured has accepted; what was accepted, bound
or declined is taken back by reopening, with a reason. Being shown, options declined and higher
limits are recorded beside it at any time: E&O cover asks for them whatever was chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from quotes.models import (
    Decision,
    DecisionEvent,
    DecisionKind,
    Proposal,
    Run,
    RunState,
    Solution,
    User,
)
from quotes.services import run_facts
from quotes.services.comparison import line_word
from quotes.services.decision_rules import (
    check_confirmed,
    check_day,
    check_own,
    needs_reason,
    with_lines,
)
from quotes.services.decision_step import (
    ChangedMeanwhile,
    NotConfirmed,
    NotPossible,
    ReasonNeeded,
    Said,
)
from quotes.services.review import approval_rule
from quotes.services.weighed import weigh

__all__ = [
    "ApprovalMissing",
    "ChangedMeanwhile",
    "NotConfirmed",
    "NotPossible",
    "ReasonNeeded",
    "Said",
    "choose_solution",
    "decline_option",
    "mark_shown",
    "needs_reason",
    "record_answer",
    "record_limits",
    "reopen_decision",
    "version_of",
]

K, D = DecisionKind, Decision
ON_FROM: dict[str, frozenset[str]] = {
    K.ACCEPTED: frozenset({D.SHOWN}),
    K.DECLINED: frozenset({D.SHOWN, D.ACCEPTED}),
    K.BOUND: frozenset({D.CHOSEN, D.SHOWN, D.ACCEPTED}),
    K.REOPENED: frozenset({D.CHOSEN, D.SHOWN, D.ACCEPTED, D.DECLINED, D.BOUND}),
}
"""From where these steps may be taken; the others depend on more than the state."""


class ApprovalMissing(NotPossible):
    """The office has such a choice approved before it is bound; the text says whom to ask."""


@dataclass
class _Step:
    """A run under its lock, with its history, while one step is taken."""

    run: Run
    actor: User
    now: datetime
    events: list[DecisionEvent] = field(default_factory=list)

    def add(
        self,
        kind: str,
        said: Said,
        *,
        solution: Solution | None = None,
        proposal: Proposal | None = None,
        confirmed: str = "",
    ) -> DecisionEvent:
        event = DecisionEvent.objects.create(
            run=self.run,
            solution=solution,
            proposal=proposal,
            kind=kind,
            line=said.line,
            reason=said.reason.strip(),
            how=said.how,
            on=said.on,
            note=said.kept_note,
            confirmed=confirmed,
            actor=self.actor,
            at=self.now,
        )
        self.events.append(event)
        approval_rule.lapse(run=self.run, kind=kind, actor=self.actor, now=self.now)
        return event

    def move(self, to: str, chosen: Solution | None) -> None:
        self.run.decision, self.run.chosen = to, chosen
        self.run.save(update_fields=["decision", "chosen"])
        run_facts.refresh(self.run.pk)

    def was_shown(self, solution: Solution) -> bool:
        return any(e.kind == K.SHOWN and e.solution_id == solution.pk for e in self.events)


def version_of(run: Run) -> int:
    """The id of the run's last decision event, 0 without one: what a form was drawn from."""
    last = run.decision_events.order_by("-id").values_list("id", flat=True).first()
    return int(last or 0)


def _begin(run: Run, actor: User, version: int | None, at: datetime | None = None) -> _Step:
    """Lock the run and read its history; the rest of the step sees no other's in between.

    `at` is the moment it is recorded, now if not stated.
    """
    locked = (
        Run.objects.select_for_update(of=("self",))
        .defer("request_body", "response_body", "response")
        .get(pk=run.pk)
    )
    if locked.state != RunState.COMPLETED:
        raise NotPossible(
            "Only packages of a completed run are decided on; this run is "
            f"{locked.get_state_display().lower()}."
        )
    events = list(locked.decision_events.order_by("id"))
    if version is not None and version != (events[-1].pk if events else 0):
        raise ChangedMeanwhile(
            "Something else was recorded after you opened this page, and nothing of yours was. "
            "Look at the decision as it is now, then send this again or leave it."
        )
    return _Step(locked, actor, at or timezone.now(), events)


@transaction.atomic
def choose_solution(
    *,
    run: Run,
    solution: Solution,
    actor: User,
    reason: str = "",
    confirmed: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> DecisionEvent:
    """Choose a package of a completed run.

    A choice that is not the first rank needs a `reason` (ReasonNeeded); one whose price is gone or
    was quoted by nobody needs `confirmed`, the words of `doubts_about` (NotConfirmed has them).
    The event's note keeps every check of the package, and how it stands beside what is in force,
    as they were on that day.
    `at` is the moment of the choice, now if not stated.
    Raises NotPossible once something was accepted or bound, ChangedMeanwhile for an old `version`.
    """
    step = _begin(run, actor, version, at)
    check_own(run, solution)
    if step.run.decision in {D.ACCEPTED, D.BOUND}:
        raise NotPossible(
            f"A package was {step.run.get_decision_display().lower()} already. Reopen the "
            "decision, with a reason, before another is chosen."
        )
    if step.run.chosen_id == solution.pk and step.run.decision != D.DECLINED:
        raise NotPossible("This package is the chosen one already.")
    ranks = list(step.run.solutions.values_list("rank", flat=True))
    if needs_reason(solution, ranks) and len(reason.strip()) < 3:
        raise ReasonNeeded("It is not the first rank: write why it is chosen.")
    package = with_lines(step.run, solution)
    day = None if at is None else timezone.localdate(at)
    doubts = check_confirmed(step.run, package, K.CHOSEN, confirmed, day)
    shown = step.was_shown(solution)
    told = weigh(step.run, package, step.now).words
    event = step.add(K.CHOSEN, Said(reason=reason, note=told), solution=solution, confirmed=doubts)
    step.move(D.SHOWN if shown else D.CHOSEN, solution)
    return event


@transaction.atomic
def mark_shown(
    *,
    run: Run,
    solutions: Sequence[Solution],
    actor: User,
    said: Said,
    proposal: Proposal | None = None,
    version: int | None = None,
    at: datetime | None = None,
) -> list[DecisionEvent]:
    """Record that these packages were shown to the insured: when, and by what way."""
    step = _begin(run, actor, version, at)
    if not solutions:
        raise NotPossible("Tick the packages that were shown.")
    if not said.how:
        raise NotPossible("Say how it was shown.")
    check_day(step.run, said.on, step.now)
    for solution in solutions:
        check_own(run, solution)
    added = [step.add(K.SHOWN, said, solution=each, proposal=proposal) for each in solutions]
    if step.run.decision == D.CHOSEN and step.run.chosen_id in {each.pk for each in solutions}:
        step.move(D.SHOWN, step.run.chosen)
    return added


@transaction.atomic
def record_answer(
    *,
    run: Run,
    kind: str,
    actor: User,
    said: Said,
    confirmed: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> DecisionEvent:
    """Record what became of the chosen package: accepted, declined (why) or bound.

    Accepted and declined only after it was shown; bound after it was accepted, or with a note
    that says why before, and where the office requires it only once the choice is approved
    (ApprovalMissing). Accepted needs no approval: it is what the insured said, which is recorded
    whether or not anybody approves; what the agency then does, binding, is what others approve.
    What is accepted or bound at a price that had ended on that day, or that nobody quoted, needs
    `confirmed` as a choice does (NotConfirmed).
    """
    step = _begin(run, actor, version, at)
    now = step.run.decision
    chosen = step.run.chosen
    if chosen is None:
        raise NotPossible("No package is chosen yet: choose one first.")
    if kind not in {K.ACCEPTED, K.DECLINED, K.BOUND}:
        raise NotPossible("That is no answer to a package.")
    if kind in {K.ACCEPTED, K.DECLINED} and now == D.CHOSEN:
        raise NotPossible("The chosen package was not shown yet: record first when and how it was.")
    if now not in ON_FROM[kind]:
        raise NotPossible(
            f"The chosen package is {step.run.get_decision_display().lower()}. Reopen the decision "
            "to change that."
        )
    check_day(step.run, said.on, step.now)
    if kind == K.DECLINED and len(said.reason.strip()) < 3:
        raise ReasonNeeded("Write why the insured declined it.")
    if kind == K.BOUND and now != D.ACCEPTED and len(said.note.strip()) < 3:
        raise NotPossible(
            "It was not recorded as accepted. Record that first, or write in the note why it was "
            "bound without."
        )
    if kind == K.BOUND:
        _check_approved(step)
    doubts = (
        "" if kind == K.DECLINED else check_confirmed(step.run, chosen, kind, confirmed, said.on)
    )
    event = step.add(kind, said, solution=chosen, confirmed=doubts)
    step.move({K.ACCEPTED: D.ACCEPTED, K.DECLINED: D.DECLINED, K.BOUND: D.BOUND}[K(kind)], chosen)
    return event


def _check_approved(step: _Step) -> None:
    choice = next((e for e in reversed(step.events) if e.kind == K.CHOSEN), None)
    words = approval_rule.missing_words(approval_rule.standing_of(step.run, choice))
    if words:
        raise ApprovalMissing(words)


@transaction.atomic
def decline_option(
    *, run: Run, solution: Solution, actor: User, said: Said, version: int | None = None
) -> DecisionEvent:
    """Record that the insured was shown this package, and did not want it."""
    step = _begin(run, actor, version)
    check_own(run, solution)
    if step.run.chosen_id == solution.pk:
        raise NotPossible("That is the chosen package: record that it was declined instead.")
    if not step.was_shown(solution):
        raise NotPossible("That package was not shown yet: record first when and how it was.")
    declined = {e.solution_id for e in step.events if e.kind == K.OPTION_DECLINED}
    if solution.pk in declined:
        raise NotPossible("That package is recorded as declined already.")
    check_day(step.run, said.on, step.now)
    return step.add(K.OPTION_DECLINED, said, solution=solution)


@transaction.atomic
def record_limits(
    *, run: Run, kind: str, actor: User, said: Said, version: int | None = None
) -> DecisionEvent:
    """Record higher limits offered on a line, or rejected after they were; `said.note` says which.

    Agencies do not recommend one limit: they offer several, and keep what was turned down.
    """
    step = _begin(run, actor, version)
    if not said.line:
        raise NotPossible("Say on which line.")
    if len(said.note.strip()) < 3:
        raise NotPossible("Write which limits, such as “auto 500 CSL instead of 250/500”.")
    check_day(step.run, said.on, step.now)
    offered = [e for e in step.events if e.kind == K.LIMITS_OFFERED and e.line == said.line]
    if kind == K.LIMITS_REJECTED and not offered:
        raise NotPossible(
            f"No higher limits on {line_word(said.line)} are recorded as offered. Record that "
            "first."
        )
    if kind not in {K.LIMITS_OFFERED, K.LIMITS_REJECTED}:
        raise NotPossible("Higher limits are offered or rejected.")
    return step.add(kind, said)


@transaction.atomic
def reopen_decision(
    *, run: Run, actor: User, reason: str, version: int | None = None
) -> DecisionEvent:
    """Take the choice back: nothing is chosen any more, and the history says why."""
    step = _begin(run, actor, version)
    if step.run.decision not in ON_FROM[K.REOPENED]:
        raise NotPossible("Nothing is decided yet, so there is nothing to reopen.")
    if len(reason.strip()) < 3:
        raise ReasonNeeded("Write why the decision is reopened.")
    event = step.add(K.REOPENED, Said(reason=reason), solution=step.run.chosen)
    step.move(D.UNDECIDED, None)
    return event

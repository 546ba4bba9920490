"""The decision on a run as its pages show it: where it stands, and what was shown and declined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from quotes.models import (
    Decision,
    DecisionEvent,
    DecisionKind,
    Proposal,
    Run,
    RunEvent,
    RunState,
    Solution,
    User,
)
from quotes.models.prepared import may_have, prepared
from quotes.models.run import DECISION_WORDS
from quotes.services.run_people import works_on
from quotes.services.what_if.origin import (
    IS_WHAT_IF,
    Origin,
    SupposedPremiums,
    supposed_premiums,
    what_if_of,
)

K, D = DecisionKind, Decision
STEP_OF: Mapping[str, frozenset[str]] = {
    D.CHOSEN: frozenset({K.CHOSEN}),
    D.SHOWN: frozenset({K.CHOSEN, K.SHOWN}),
    D.ACCEPTED: frozenset({K.ACCEPTED}),
    D.DECLINED: frozenset({K.DECLINED}),
    D.BOUND: frozenset({K.BOUND}),
}
"""The kinds of the step by which a decision came to stand where it does."""
APPROVAL_EVENTS = ("approval_asked", "approved", "approval_refused", "approval_withdrawn")


@dataclass(frozen=True)
class Summary:
    """A run's decision. `events` in the order they were recorded, `proposals` the latest first;
    `newer` is a later completed run of what was quoted for the same insured; `origin` and
    `supposed` say of a what-if what it was made of, and which of its premiums no carrier quoted.
    """

    run: Run
    chosen: Solution | None
    events: Sequence[DecisionEvent]
    proposals: Sequence[Proposal]
    newer: Run | None
    may_decide: bool
    origin: Origin | None = None
    supposed: SupposedPremiums = field(default_factory=SupposedPremiums)
    approvals: Sequence[RunEvent] = ()

    @property
    def history(self) -> list[DecisionEvent | RunEvent]:
        """Every step of the decision, and of its approval, in the order they were recorded."""
        return sorted([*self.events, *self.approvals], key=lambda each: each.at)

    @property
    def version(self) -> int:
        """What a form drawn from this says it saw; see `decisions.version_of`."""
        return self.events[-1].pk if self.events else 0

    @property
    def choice(self) -> DecisionEvent | None:
        """The step in which what is chosen now was chosen."""
        if self.chosen is None:
            return None
        return next((e for e in reversed(self.events) if e.kind == K.CHOSEN), None)

    @property
    def may_choose(self) -> bool:
        """Whether a package can be chosen now: what was accepted or bound is reopened first."""
        return self.may_decide and self.run.decision not in {D.ACCEPTED, D.BOUND}

    @property
    def closing(self) -> DecisionEvent | None:
        """The step that brought the chosen package to where it stands; None before a choice."""
        kinds = STEP_OF.get(self.run.decision, frozenset())
        return next((e for e in reversed(self.events) if e.kind in kinds), None)

    @cached_property
    def shown(self) -> set[int | None]:
        return {event.solution_id for event in self.events if event.kind == K.SHOWN}

    @cached_property
    def declined(self) -> set[int | None]:
        return {event.solution_id for event in self.events if event.kind == K.OPTION_DECLINED}

    @property
    def delivered(self) -> set[object]:
        return {event.proposal_id for event in self.events if event.proposal_id}

    @property
    def open_kinds(self) -> list[str]:
        """The steps that can be recorded now, in the order of the page's forms."""
        now = self.run.decision
        kinds = [K.SHOWN]
        if now == D.SHOWN:
            kinds.append(K.ACCEPTED)
        if now in {D.SHOWN, D.ACCEPTED}:
            kinds.append(K.DECLINED)
        if now == D.ACCEPTED:
            kinds.append(K.BOUND)
        if self.shown - self.declined - {self.run.chosen_id}:
            kinds.append(K.OPTION_DECLINED)
        kinds.append(K.LIMITS_OFFERED)
        if any(event.kind == K.LIMITS_OFFERED for event in self.events):
            kinds.append(K.LIMITS_REJECTED)
        if now in {D.CHOSEN, D.SHOWN}:
            # Possible, with a note that says why before an answer: not what comes next.
            kinds.append(K.BOUND)
        if now != D.UNDECIDED:
            kinds.append(K.REOPENED)
        return [kind.value for kind in kinds]

    def mark_of(self, solution: Solution) -> str:
        """What the list says of a package: "chosen", "chosen, shown" or "bound" of the chosen
        one, else "shown", "declined by the insured" or nothing."""
        if solution.pk == self.run.chosen_id:
            now = DECISION_WORDS.get(self.run.decision, self.run.decision)
            return f"chosen, {now}" if self.run.decision in {D.SHOWN, D.DECLINED} else now
        if solution.pk in self.declined:
            return "declined by the insured"
        return "shown" if solution.pk in self.shown else ""


MOST_OTHERS = 20
"""An insured's other runs that a run's page names; there may be more."""


def decision_of(
    run: Run,
    user: User | AnonymousUser,
    *,
    may_decide: bool | None = None,
    timeline: Sequence[RunEvent] | None = None,
    others: Sequence[Run] | None = None,
) -> Summary | None:
    """The decision on a completed run; None for another. A handful of queries, whatever its size.

    The caller has made sure that the user sees the run. A page that knows already whether the
    user works on it, or has all the run's events, or its insured's latest other runs, says so.
    """
    if run.state != RunState.COMPLETED:
        return None
    chosen = None
    if run.chosen_id is not None:
        chosen = Solution.objects.prefetch_related("lines__carrier").get(pk=run.chosen_id)
    origin = what_if_of(run)
    return Summary(
        run=run,
        chosen=chosen,
        events=_steps(run.pk) if may_have(run, "steps") else [],
        proposals=_proposals(run.pk) if may_have(run, "proposals") else [],
        newer=newer_run(run) if others is None else newer_among(others, run),
        may_decide=works_on(user, run) if may_decide is None else may_decide,
        origin=origin,
        supposed=SupposedPremiums() if origin is None else supposed_premiums(run),
        approvals=_approvals(run, timeline),
    )


@prepared
def _steps(run: UUID) -> QuerySet[DecisionEvent]:
    steps = DecisionEvent.objects.filter(run=run).select_related("actor", "solution", "proposal")
    return steps.defer("proposal__pdf", "solution__scorecard").order_by("id")


@prepared
def _proposals(run: UUID) -> QuerySet[Proposal]:
    rows = Proposal.objects.filter(run=run).select_related("made_by").defer("pdf")
    return rows.order_by("-number")


def _approvals(run: Run, timeline: Sequence[RunEvent] | None) -> list[RunEvent]:
    if timeline is None:
        found = run.events.filter(kind__in=APPROVAL_EVENTS)
        return list(found.select_related("actor").order_by("id"))
    return sorted(
        (event for event in timeline if event.kind in APPROVAL_EVENTS), key=lambda each: each.pk
    )


def newer_run(run: Run) -> Run | None:
    """A later completed run of the same insured, which supersedes this one; None without.

    A what-if supersedes nothing: its premiums, or what it left out, are suppositions, and the run
    of what was quoted stays the one to decide on.
    """
    return next(iter(_newer(run.insured_id, run.number)), None)


def newer_among(others: Sequence[Run], run: Run) -> Run | None:
    """The same, by the insured's latest other runs, the latest first, with `supposed`: all of
    them, or `MOST_OTHERS`."""
    later = [each for each in others if each.number > run.number]
    quoted = (each for each in later if each.state == RunState.COMPLETED)
    newer = next((each for each in quoted if not getattr(each, "supposed")), None)  # noqa: B009
    if newer is None and later and len(later) == len(others) >= MOST_OTHERS:
        return newer_run(run)  # among those before them
    return newer


@prepared
def _newer(insured: UUID, number: int) -> QuerySet[Run]:
    later = Run.objects.filter(insured=insured, state=RunState.COMPLETED)
    quoted = later.filter(~IS_WHAT_IF, number__gt=number)
    return quoted.only("id", "number").order_by("-number")[:1]

"""The decision on a run as its pages show it: where it stands, and what was shown and declined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

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
from quotes.services.decisions import newer_run

K, D = DecisionKind, Decision
APPROVAL_EVENTS = ("approval_asked", "approved", "approval_refused", "approval_withdrawn")


@dataclass(frozen=True)
class Summary:
    """A run's decision. `events` in the order they were recorded, `proposals` the latest first;
    `newer` is a later completed run of the same insured."""

    run: Run
    chosen: Solution | None
    events: Sequence[DecisionEvent]
    proposals: Sequence[Proposal]
    newer: Run | None
    may_decide: bool
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
    def shown(self) -> set[int | None]:
        return {event.solution_id for event in self.events if event.kind == K.SHOWN}

    @property
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
        if now in {D.CHOSEN, D.SHOWN, D.ACCEPTED}:
            kinds.append(K.BOUND)
        if self.shown - self.declined - {self.run.chosen_id}:
            kinds.append(K.OPTION_DECLINED)
        kinds.append(K.LIMITS_OFFERED)
        if any(event.kind == K.LIMITS_OFFERED for event in self.events):
            kinds.append(K.LIMITS_REJECTED)
        if now != D.UNDECIDED:
            kinds.append(K.REOPENED)
        return [kind.value for kind in kinds]

    def mark_of(self, solution: Solution) -> str:
        """What the list says of a package: "chosen", "chosen, shown" or "bound" of the chosen
        one, else "shown", "declined by the insured" or nothing."""
        if solution.pk == self.run.chosen_id:
            now = str(self.run.get_decision_display()).lower()
            return f"chosen, {now}" if self.run.decision in {D.SHOWN, D.DECLINED} else now
        if solution.pk in self.declined:
            return "declined by the insured"
        return "shown" if solution.pk in self.shown else ""


def decision_of(run: Run, user: User | AnonymousUser) -> Summary | None:
    """The decision on a completed run; None for another. A handful of queries, whatever its size.

    The caller has made sure that the user sees the run.
    """
    if run.state != RunState.COMPLETED:
        return None
    events = run.decision_events.select_related("actor", "solution", "proposal")
    proposals = run.proposals.select_related("made_by").defer("pdf").order_by("-number")
    chosen = None
    if run.chosen_id is not None:
        chosen = Solution.objects.prefetch_related("lines__carrier").get(pk=run.chosen_id)
    return Summary(
        run=run,
        chosen=chosen,
        events=list(events.defer("proposal__pdf", "solution__scorecard").order_by("id")),
        proposals=list(proposals),
        newer=newer_run(run),
        may_decide=Run.objects.actionable_by(user).filter(pk=run.pk).exists(),
        approvals=list(
            run.events.filter(kind__in=APPROVAL_EVENTS).select_related("actor").order_by("id")
        ),
    )

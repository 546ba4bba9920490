"""What lists and reports ask of a run, worked out from the run, its packages and its decision.

Pure but for `Known`, which reads what a batch of runs is worked out from; `run_facts` writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from quotes.models import (
    LINES,
    Carrier,
    CarrierPart,
    Decision,
    DecisionEvent,
    DecisionKind,
    QuoteLine,
    Run,
    Solution,
    SolutionLine,
)
from quotes.models.carrier import carrier_key
from quotes.models.run_fact import facts_of_step
from quotes.services import comparison
from quotes.services import documents as doc

CarrierRow = tuple[str, str, int | None]
"""Part, name, and the carrier's id where we know the carrier."""


@dataclass
class Known:
    """What a batch of runs is worked out from, read in a few queries."""

    solutions: dict[UUID, list[Solution]] = field(default_factory=dict)
    lines: dict[int, list[SolutionLine]] = field(default_factory=dict)
    steps: dict[UUID, list[DecisionEvent]] = field(default_factory=dict)
    entered: dict[str, datetime] = field(default_factory=dict)
    carriers: Mapping[str, Carrier] = field(default_factory=dict)

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Known:
        known = cls()
        ranked = [run for run in runs if run.state == "completed"]
        if ranked:
            known._read_packages(ranked)
        decided = [run.pk for run in runs if run.decision != Decision.UNDECIDED]
        if decided:
            kinds = (DecisionKind.CHOSEN, DecisionKind.BOUND)
            for step in DecisionEvent.objects.filter(run__in=decided, kind__in=kinds):
                known.steps.setdefault(step.run_id, []).append(step)
        # By the insured: a request may have more lines than a query takes parameters.
        entered = QuoteLine.objects.filter(quote__insured__in={run.insured_id for run in runs})
        known.entered = {
            str(pk): at for pk, at in entered.order_by().values_list("pk", "quote__created_at")
        }
        named = {name for run in runs for name in comparison.carriers_sent(run.request)}
        for run in runs:
            named.update(incumbent_carriers(run.request).values())
        known.carriers = Carrier.objects.by_key(named)
        return known

    def _read_packages(self, runs: Sequence[Run]) -> None:
        ids = [run.pk for run in runs]
        lines = SolutionLine.objects.filter(solution__run__in=ids).select_related("carrier")
        self.add_packages(
            Solution.objects.filter(run__in=ids).defer("scorecard"),
            lines.order_by("solution", "position"),
        )

    def add_packages(self, solutions: Iterable[Solution], lines: Iterable[SolutionLine]) -> None:
        for solution in solutions:
            self.solutions.setdefault(solution.run_id, []).append(solution)
        for line in lines:
            self.lines.setdefault(line.solution_id, []).append(line)


def is_override(rank: int | None, ranks: Iterable[int | None]) -> bool:
    """Whether choosing the package of this rank overrides Nexio: its first is the lowest rank."""
    stated = [each for each in ranks if each is not None]
    return rank is None or rank != min(stated, default=rank)


def incumbent_carriers(request: Mapping[str, Any]) -> dict[str, str]:
    """Line → the carrier in force for it, as the request states it."""
    household = request.get("input")
    current = household.get("current_coverage") if isinstance(household, dict) else None
    found = {}
    for line in LINES:
        policy = current.get(line) if isinstance(current, dict) else None
        if isinstance(policy, dict):
            name = doc.read_fields(policy, doc.INCUMBENT)["carrier_name"]
            if name:
                found[line] = str(name)
    return found


def columns_of(run: Run, known: Known, first_quote_at: datetime | None) -> dict[str, Any]:
    """The columns of the run's fact, by attribute name."""
    entered = [known.entered[line] for line in run.offering_lines.values() if line in known.entered]
    if first_quote_at is not None:
        entered.append(first_quote_at)  # A quote deleted since was there all the same.
    first = min(entered, default=None)
    return {
        **columns_of_end(run, known),
        "number": run.number,
        "insured_id": run.insured_id,
        "broker_id": getattr(run, "broker_id"),  # noqa: B009 - annotated
        "created_at": run.created_at,
        "created_on": timezone.localdate(run.created_at),
        "sandbox": run.sandbox,
        "lines": ",".join(line for line in LINES if line in run.coverage_types),
        "offerings": len(run.offering_lines),
        "first_quote_at": first,
        "decision": run.decision,
        **_decision_columns(run, known, first),
    }


def columns_of_end(run: Run, known: Known) -> dict[str, Any]:
    """Those of them that follow from how the run ended and from its packages."""
    solutions = known.solutions.get(run.pk, [])
    top = _top(solutions)
    return {
        **facts_of_step(run, len(solutions)),
        "packages": len(solutions),
        "top_label": top.cluster_label if top else "",
        "top_cost": _low(top),
        "top_cost_high": top.est_cost_high if top else None,
        "expires_at": _expires_at(run, known),
    }


def _top(solutions: Sequence[Solution]) -> Solution | None:
    """The first-ranked package; None where Nexio stated no rank."""
    ranked = [each for each in solutions if each.rank is not None]
    return min(ranked, key=lambda each: (each.rank or 0, each.position), default=None)


def _low(solution: Solution | None) -> Decimal | None:
    if solution is None:
        return None
    low = solution.est_cost_low
    return solution.est_cost_high if low is None else low


def _expires_at(run: Run, known: Known) -> datetime | None:
    """The first end of a price that stands in any package."""
    solutions = known.solutions.get(run.pk, [])
    if not solutions:
        return None
    sent = comparison.Sent.of(run.request, run.offering_lines)
    lines = [line for solution in solutions for line in known.lines.get(solution.pk, [])]
    offerings = [offering for line in lines if (offering := sent.offering_of(line)) is not None]
    ends = [end for each in offerings if (end := comparison.expiry_of(each)) is not None]
    return min(ends, default=None)


def _chosen(run: Run, known: Known) -> Solution | None:
    of_run = known.solutions.get(run.pk, [])
    return next((each for each in of_run if each.pk == run.chosen_id), None)


def _decision_columns(run: Run, known: Known, first: datetime | None) -> dict[str, Any]:
    chosen = _chosen(run, known)
    steps = known.steps.get(run.pk, [])
    last = {step.kind: step for step in steps}
    choice, bound = last.get(DecisionKind.CHOSEN), last.get(DecisionKind.BOUND)
    decided_at = choice.at if chosen is not None and choice is not None else None
    is_bound = run.decision == Decision.BOUND
    ranks = [each.rank for each in known.solutions.get(run.pk, [])]
    waited = None if decided_at is None or first is None else decided_at - first
    return {
        "decided_at": decided_at,
        "to_decision": None if waited is None else max(waited.total_seconds(), 0.0),
        "overridden": None if chosen is None else is_override(chosen.rank, ranks),
        "chosen_rank": chosen.rank if chosen else None,
        "chosen_label": chosen.cluster_label if chosen else "",
        "chosen_cost": _low(chosen),
        "bound_at": _happened_at(bound) if is_bound and bound else None,
        "moved": _moved(run, known, chosen) if is_bound and chosen else None,
    }


def _happened_at(step: DecisionEvent) -> datetime:
    """When a step was taken: the day that was stated, at the hour it was recorded where that is
    the same day."""
    if step.on is None or step.on == timezone.localdate(step.at):
        return step.at
    return timezone.make_aware(datetime.combine(step.on, time.min))


def _moved(run: Run, known: Known, chosen: Solution) -> Decimal | None:
    """Dollars a year bound with a carrier that is not the line's incumbent; None where a line
    that moves has no premium. A line that was not in force before is new, and moves nothing."""
    in_force = incumbent_carriers(run.request)
    sent = comparison.Sent.of(run.request, run.offering_lines)
    total = Decimal(0)
    for line in known.lines.get(chosen.pk, []):
        incumbent = in_force.get(line.category)
        if incumbent is None or _same_carrier(line, incumbent, known):
            continue
        premium = line.line_premium_annual
        if premium is None and (offering := sent.offering_of(line)) is not None:
            premium = comparison.line_premium(offering)
        if premium is None:
            return None
        total += premium
    return total


def _same_carrier(line: SolutionLine, incumbent: str, known: Known) -> bool:
    carrier = known.carriers.get(carrier_key(incumbent))
    if carrier is not None and line.carrier_id is not None:
        return carrier.pk == line.carrier_id
    return carrier_key(incumbent) == carrier_key(line.provider_name)


def carriers_of(run: Run, known: Known) -> list[CarrierRow]:
    """Each carrier's parts in the run, once each, in the order of the lines."""
    quoted = [
        (name, known.carriers.get(carrier_key(name)))
        for name in comparison.carriers_sent(run.request)
    ]
    chosen = _chosen(run, known)
    bound = chosen if run.decision == Decision.BOUND else None
    return [
        *_parts(CarrierPart.QUOTED, quoted),
        *carriers_of_top(run, known),
        *_parts(CarrierPart.CHOSEN, _returned(chosen, known)),
        *_parts(CarrierPart.BOUND, _returned(bound, known)),
    ]


def carriers_of_top(run: Run, known: Known) -> list[CarrierRow]:
    """Those in the run's first-ranked package."""
    top = _top(known.solutions.get(run.pk, []))
    return _parts(CarrierPart.TOP, _returned(top, known))


def _returned(solution: Solution | None, known: Known) -> list[tuple[str, Carrier | None]]:
    lines = known.lines.get(solution.pk, []) if solution else []
    return [(line.provider_name, line.carrier) for line in lines]


def _parts(part: CarrierPart, carriers: list[tuple[str, Carrier | None]]) -> list[CarrierRow]:
    rows: dict[str, CarrierRow] = {}
    for said, carrier in carriers:
        name = carrier.name if carrier else said[:200]
        if name:
            rows.setdefault(name, (part.value, name, carrier.pk if carrier else None))
    return list(rows.values())

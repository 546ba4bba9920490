"""Works out what lists and reports ask of runs, from the runs, their packages and decisions.

`refresh` is called in the same transaction wherever a run is made, gets its packages or is
decided on; `Run.move` itself keeps the columns that follow from a step, and `owner_changed` the
broker's. Whatever wrote them, working a run out anew yields the same rows (`rebuild_facts` does).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from quotes.models import (
    LINES,
    Carrier,
    CarrierPart,
    Decision,
    DecisionEvent,
    DecisionKind,
    Insured,
    QuoteLine,
    Run,
    RunCarrier,
    RunFact,
    Solution,
    SolutionLine,
)
from quotes.models.carrier import carrier_key
from quotes.models.figures import figures_changed
from quotes.models.run_fact import facts_of_step
from quotes.services import comparison
from quotes.services import documents as doc

BATCH = 100
READ = (
    "number", "insured_id", "state", "nexio_status", "nexio_run_id", "created_at",
    "submitted_at", "completed_at", "finished_at", "sandbox", "error", "error_code",
    "http_status", "coverage_types", "decision",
    "chosen_id", "request", "offering_lines",
)  # fmt: skip
"""The one document that is read is the request: it says what was quoted, and until when."""

CarrierRow = tuple[str, str, int | None]
"""Part, name, and the carrier's id where we know the carrier."""
Packages = tuple[Sequence[Solution], Sequence[SolutionLine]]
"""A run's packages, and their lines, each line with its carrier."""
Differences = dict[str, tuple[Any, Any]]
"""Column → what was written and what is; "carriers" for the carriers' rows."""


@dataclass
class _Known:
    """What a batch of runs is worked out from, read in a few queries."""

    solutions: dict[UUID, list[Solution]] = field(default_factory=dict)
    lines: dict[int, list[SolutionLine]] = field(default_factory=dict)
    steps: dict[UUID, list[DecisionEvent]] = field(default_factory=dict)
    entered: dict[str, datetime] = field(default_factory=dict)
    carriers: Mapping[str, Carrier] = field(default_factory=dict)

    @classmethod
    def of(
        cls, runs: Sequence[Run], names: Iterable[str] = (), with_packages: bool = True
    ) -> _Known:
        """`names` are carriers to be looked up besides those that the requests name. Without
        packages they are added later."""
        known = cls()
        ranked = [run for run in runs if run.state == "completed"]
        if ranked and with_packages:
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
        named = {*names, *(name for run in runs for name in comparison.carriers_sent(run.request))}
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


@dataclass(frozen=True)
class Reading:
    """A run with its rows as they stand, and what they are worked out from."""

    run: Run
    fact: RunFact | None
    parts: set[CarrierRow]
    known: _Known

    @property
    def carriers(self) -> Mapping[str, Carrier]:
        """The carriers that were asked for and those of the request, by `carrier_key`."""
        return self.known.carriers

    @property
    def quote_lines(self) -> Iterable[str]:
        """The ids of the quote lines that the run's insured has now."""
        return self.known.entered


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


def refresh(run_id: UUID) -> Differences:
    """Work out one run's rows; what differed from those there were. Idempotent.

    Call it in the transaction that changed the run, after the change.
    """
    return dict(_refresh([run_id])).get(run_id, {})


def read(run_id: UUID, names: Iterable[str]) -> Reading:
    """A run that is about to get its packages, with all that these are stored by, so that nothing
    is read twice; `names` are the carriers of the packages. In a transaction; `write` follows.
    """
    runs, facts, parts = _read([run_id])
    known = _Known.of(runs, names, with_packages=False)
    return Reading(runs[0], facts.get(run_id), parts.get(run_id, set()), known)


def write(reading: Reading, packages: Packages) -> Differences:
    """Work out the run's rows from what was read and its packages, which are all it has."""
    reading.known.add_packages(*packages)
    return _write(reading.run, reading.known, reading.fact, reading.parts)


def refresh_many(ids: Iterable[UUID], batch: int = BATCH) -> Iterator[tuple[UUID, Differences]]:
    """Work out the rows of many runs, a transaction a batch; yields each run that differed."""
    waiting: list[UUID] = []
    for pk in ids:
        waiting.append(pk)
        if len(waiting) >= batch:
            yield from _refresh(waiting)
            waiting = []
    if waiting:
        yield from _refresh(waiting)


def owner_changed(insureds: Collection[UUID]) -> int:
    """After insureds went to other brokers: their runs go along; the number of runs."""
    owner = Insured.objects.filter(pk=OuterRef("insured")).values("owner")
    facts = RunFact.objects.filter(insured__in=insureds)
    moved = facts.update(broker=Subquery(owner))
    figures_changed(facts.order_by().values_list("created_on", flat=True).distinct())
    return moved


def carrier_became(carrier: Carrier, was: Carrier) -> None:
    """After `was` was found to be `carrier`, or the carrier got another name: its parts in runs
    are told once, under its name."""
    rows = RunCarrier.objects.filter(carrier=was)
    days = list(rows.order_by().values_list("created_on", flat=True).distinct())
    if was.pk != carrier.pk:
        there = RunCarrier.objects.filter(carrier=carrier, part=OuterRef("part"))
        twice = rows.annotate(
            twin=Subquery(there.filter(run=OuterRef("run")).values("pk")[:1])
        ).filter(twin__isnull=False)
        RunCarrier.objects.filter(pk__in=list(twice.values_list("pk", flat=True))).delete()
    rows.update(carrier=carrier, name=carrier.name)
    figures_changed(days)


@transaction.atomic(savepoint=False)
def _refresh(ids: Sequence[UUID]) -> list[tuple[UUID, Differences]]:
    runs, facts, parts = _read(ids)
    known = _Known.of(runs)
    found = []
    for run in runs:
        differed = _write(run, known, facts.get(run.pk), parts.get(run.pk, set()))
        if differed:
            found.append((run.pk, differed))
    return found


def _read(
    ids: Sequence[UUID],
) -> tuple[list[Run], dict[UUID, RunFact], dict[UUID, set[CarrierRow]]]:
    """Runs, locked, with their rows as written: these first, then what they follow from. Where a
    broker's insured goes to another in between, what is newer wins."""
    facts = RunFact.objects.order_by().in_bulk(ids)
    parts: dict[UUID, set[CarrierRow]] = {}
    for row in RunCarrier.objects.filter(run__in=ids):
        parts.setdefault(row.run_id, set()).add((row.part, row.name, row.carrier_id))
    rows = Run.objects.select_for_update(of=("self",)).filter(pk__in=ids).only(*READ)
    return list(rows.annotate(broker_id=F("insured__owner")).order_by()), facts, parts


def _write(run: Run, known: _Known, fact: RunFact | None, carriers: set[CarrierRow]) -> Differences:
    columns = _columns(run, known, None if fact is None else fact.first_quote_at)
    differed: Differences = {}
    if fact is None:
        RunFact.objects.create(run_id=run.pk, **columns)
        differed["run"] = (None, run.pk)
    else:
        differed = {
            name: (getattr(fact, name), value)
            for name, value in columns.items()
            if getattr(fact, name) != value
        }
        if differed:
            RunFact.objects.filter(pk=run.pk).update(**{name: columns[name] for name in differed})
    wanted = _carriers(run, known)
    moved = "created_on" in differed  # it stands in them as well
    if set(wanted) != carriers or moved:
        differed["carriers"] = (sorted(carriers, key=str), wanted)
        _write_parts(run.pk, wanted, carriers, columns["created_on"], moved)
    if differed:
        was = [] if fact is None else [fact.created_on]
        figures_changed([columns["created_on"], *was])
    return differed


def _write_parts(
    run_id: UUID, wanted: Sequence[CarrierRow], there: set[CarrierRow], day: date, anew: bool
) -> None:
    """The carriers' rows, in order. A part that is new is added; all are written anew where rows
    of another part changed, or all have to."""
    parts = {part for part, *_ in there}
    new = [row for row in wanted if row[0] not in parts]
    if anew or set(wanted) - set(new) != there:
        RunCarrier.objects.filter(run=run_id).delete()
        new = list(wanted)
    RunCarrier.objects.bulk_create(
        RunCarrier(run_id=run_id, part=part, name=name, carrier_id=carrier, created_on=day)
        for part, name, carrier in new
    )


def _columns(run: Run, known: _Known, first_quote_at: datetime | None) -> dict[str, Any]:
    """The columns of the run's fact, by attribute name."""
    solutions = known.solutions.get(run.pk, [])
    top = _top(solutions)
    entered = [known.entered[line] for line in run.offering_lines.values() if line in known.entered]
    if first_quote_at is not None:
        entered.append(first_quote_at)  # A quote deleted since was there all the same.
    first = min(entered, default=None)
    return {
        **facts_of_step(run, len(solutions)),
        "number": run.number,
        "insured_id": run.insured_id,
        "broker_id": getattr(run, "broker_id"),  # noqa: B009 - annotated
        "created_at": run.created_at,
        "created_on": timezone.localdate(run.created_at),
        "sandbox": run.sandbox,
        "lines": ",".join(line for line in LINES if line in run.coverage_types),
        "offerings": len(run.offering_lines),
        "packages": len(solutions),
        "top_label": top.cluster_label if top else "",
        "top_cost": _low(top),
        "top_cost_high": top.est_cost_high if top else None,
        "expires_at": _expires_at(run, known),
        "first_quote_at": first,
        "decision": run.decision,
        **_decision_columns(run, known, first),
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


def _expires_at(run: Run, known: _Known) -> datetime | None:
    """The first end of a price that stands in any package."""
    solutions = known.solutions.get(run.pk, [])
    if not solutions:
        return None
    sent = comparison.Sent.of(run.request, run.offering_lines)
    lines = [line for solution in solutions for line in known.lines.get(solution.pk, [])]
    offerings = [offering for line in lines if (offering := sent.offering_of(line)) is not None]
    ends = [end for each in offerings if (end := comparison.expiry_of(each)) is not None]
    return min(ends, default=None)


def _chosen(run: Run, known: _Known) -> Solution | None:
    of_run = known.solutions.get(run.pk, [])
    return next((each for each in of_run if each.pk == run.chosen_id), None)


def _decision_columns(run: Run, known: _Known, first: datetime | None) -> dict[str, Any]:
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


def _moved(run: Run, known: _Known, chosen: Solution) -> Decimal | None:
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


def _same_carrier(line: SolutionLine, incumbent: str, known: _Known) -> bool:
    carrier = known.carriers.get(carrier_key(incumbent))
    if carrier is not None and line.carrier_id is not None:
        return carrier.pk == line.carrier_id
    return carrier_key(incumbent) == carrier_key(line.provider_name)


def _carriers(run: Run, known: _Known) -> list[CarrierRow]:
    """Each carrier's parts in the run, once each, in the order of the lines."""
    rows: dict[tuple[str, str], CarrierRow] = {}

    def add(part: str, name: str, carrier: Carrier | None) -> None:
        name = carrier.name if carrier else name[:200]
        if name:
            rows.setdefault((part, name), (part, name, carrier.pk if carrier else None))

    for name in comparison.carriers_sent(run.request):
        add(CarrierPart.QUOTED.value, name, known.carriers.get(carrier_key(name)))
    chosen = _chosen(run, known)
    parts = [(CarrierPart.TOP.value, _top(known.solutions.get(run.pk, [])))]
    parts.append((CarrierPart.CHOSEN.value, chosen))
    parts.append((CarrierPart.BOUND.value, chosen if run.decision == Decision.BOUND else None))
    for part, solution in parts:
        for line in known.lines.get(solution.pk, []) if solution else []:
            add(part, line.provider_name, line.carrier)
    return list(rows.values())

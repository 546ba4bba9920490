"""Works out what lists and reports ask of runs, from the runs, their packages and decisions.

`refresh` is called in the same transaction wherever a run is made or is decided on, and `ended`
where runs get their packages; `Run.move` itself keeps the columns that follow from a step, and
`owner_changed` the broker's. Whatever wrote them, working a run out anew yields the same rows
(`rebuild_facts` does).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from quotes.models import Carrier, Insured, Run, RunCarrier, RunFact, many_rows
from quotes.models.figures import figures_changed
from quotes.services.fact_columns import (
    CarrierRow,
    Known,
    carriers_of,
    carriers_of_top,
    columns_of,
    columns_of_end,
)

BATCH = 100
READ = (
    "number", "insured_id", "state", "nexio_status", "nexio_run_id", "created_at",
    "submitted_at", "completed_at", "finished_at", "sandbox", "error", "error_code",
    "http_status", "coverage_types", "decision",
    "chosen_id", "request", "offering_lines",
)  # fmt: skip
"""The one document that is read is the request: it says what was quoted, and until when."""

Differences = dict[str, tuple[Any, Any]]
"""Column → what was written and what is; "carriers" for the carriers' rows."""


def refresh(run_id: UUID) -> Differences:
    """Work out one run's rows; what differed from those there were. Idempotent.

    Call it in the transaction that changed the run, after the change.
    """
    return dict(_refresh([run_id])).get(run_id, {})


def ended(runs: Sequence[Run], known: Known) -> None:
    """Write what an end changes in the rows of runs that have just ended; `known` has their
    packages. In the transaction that ended them. What an end does not change is not looked at."""
    written = many_rows.update(RunFact, {run.pk: columns_of_end(run, known) for run in runs})
    missing = [run.pk for run in runs if run.pk not in written]
    parts = [
        RunCarrier(
            run_id=run.pk, part=part, name=name, carrier_id=carrier,
            created_on=timezone.localdate(run.created_at),
        )
        for run in runs
        if run.pk in written
        for part, name, carrier in carriers_of_top(run, known)
    ]  # fmt: skip
    many_rows.insert(parts, ignore_conflicts=True)
    figures_changed({timezone.localdate(run.created_at) for run in runs})
    if missing:
        _refresh(missing)


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
    known = Known.of(runs)
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


def _write(run: Run, known: Known, fact: RunFact | None, carriers: set[CarrierRow]) -> Differences:
    columns = columns_of(run, known, None if fact is None else fact.first_quote_at)
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
    wanted = carriers_of(run, known)
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

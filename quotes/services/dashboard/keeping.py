"""Keeps the figures of months and days that are over, in the background: a page that is looked
at writes nothing.

A month's row is locked while its figures are counted, and so is a day's. Whoever changes a fact
of the month marks it after the change and in the same transaction (`figures_changed`): either that
has happened before the lock is had, and the change is counted, or it waits for the lock and then
makes the version another than the one that was kept. A transaction begun while the month went on
marks nothing; it is long over when the month is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Count, F, Q, Value, When
from django.utils import timezone

from quotes.models import (
    Decision,
    DecisionEvent,
    DecisionKind,
    KeptDay,
    KeptMonth,
    MonthFigures,
    RunCarrier,
    RunFact,
)
from quotes.services.dashboard.counts import COUNTED, KINDS, Counts
from quotes.services.dashboard.figures import Figures, Said
from quotes.services.dashboard.period import Period

AFTER = timedelta(days=2)
"""A month or a day is kept once it has been over for so long."""
MOST_AT_ONCE = 12
MOST_DAYS_AT_ONCE = 62
DAYS_BACK = 400
"""Days are kept for the periods that people look at, which begin a year ago at most; what is cut
further back is counted as it stands."""
Whose = tuple[int, bool]
"""A broker's id, or EVERYBODY or NOBODY; and whether the sandbox ranked."""


def keep_months(now: datetime, most: int | None = MOST_AT_ONCE) -> int:
    """Keep what is not kept as it stands, the latest months first; how many were written."""
    written = 0
    for month in _unkept(now):
        if most is not None and written >= most:
            break
        keep_month(month)
        written += 1
    return written


def keep_days(now: datetime, most: int | None = MOST_DAYS_AT_ONCE) -> int:
    """The same of days, and forget those of long ago."""
    last = timezone.localdate(now - AFTER) - timedelta(days=1)
    since = last - timedelta(days=DAYS_BACK - 1)
    KeptDay.objects.filter(day__lt=since).delete()
    first = _first_day()
    if first is None or first > last:
        return 0
    standing = KeptDay.objects.filter(kept_version=F("version"), kept_zone=settings.TIME_ZONE)
    kept = set(standing.values_list("day", flat=True))
    days = [each.since for each in Period(max(since, first), last).every_day()]
    unkept = [day for day in reversed(days) if day not in kept][:most]
    for day in unkept:
        keep_day(day)
    return len(unkept)


def _unkept(now: datetime) -> Iterator[date]:
    first = _first_day()
    if first is None:
        return
    last = timezone.localdate(now - AFTER).replace(day=1) - timedelta(days=1)
    since = first.replace(day=1)
    standing = KeptMonth.objects.filter(kept_version=F("version"), kept_zone=settings.TIME_ZONE)
    kept = set(standing.values_list("month", flat=True))
    months = Period(since, last).months() if since <= last else []
    yield from (month for month in reversed(months) if month not in kept)


def _first_day() -> date | None:
    first = RunFact.objects.order_by("created_at").values_list("created_at", flat=True).first()
    return None if first is None else timezone.localdate(first)


@transaction.atomic
def keep_month(month: date) -> None:
    """Count the month's runs and keep the figures of everybody and of each broker."""
    KeptMonth.objects.get_or_create(month=month)
    row = KeptMonth.objects.select_for_update().get(month=month)
    found = _count(Period.month_of(month))
    row.figures.all().delete()
    MonthFigures.objects.bulk_create(
        MonthFigures(month=row, of=of, sandbox=sandbox, data=figures.kept())
        for (of, sandbox), figures in found.items()
    )
    row.kept_version, row.kept_zone = row.version, settings.TIME_ZONE
    row.save(update_fields=["kept_version", "kept_zone"])


@transaction.atomic
def keep_day(day: date) -> None:
    """Count the day's runs and keep the figures of everybody."""
    KeptDay.objects.get_or_create(day=day)
    row = KeptDay.objects.select_for_update().get(day=day)
    found = _count(Period(day, day))
    nexio, sandbox = (found.get((MonthFigures.EVERYBODY, of)) for of in (False, True))
    row.nexio = nexio.kept() if nexio else ""
    row.sandbox = sandbox.kept() if sandbox else ""
    row.kept_version, row.kept_zone = row.version, settings.TIME_ZONE
    row.save(update_fields=["nexio", "sandbox", "kept_version", "kept_zone"])


def _count(period: Period) -> dict[Whose, Figures]:
    """One pass over the facts: a month's some thousand make some dozen brokers' figures."""
    facts = RunFact.objects.filter(created_at__gte=period.begins, created_at__lt=period.ends)
    found: dict[Whose, Figures] = {}
    runs: dict[Any, Whose] = {}
    rows = facts.order_by().annotate(
        **{f"is_{kind}": _flag(which) for kind, (which, _) in KINDS.items()}
    )
    columns = (
        "pk", "broker", "sandbox", "created_on", "failure", "waited", "to_decision",
        "decision", "chosen_cost", "moved", *(f"is_{kind}" for kind in COUNTED),
    )  # fmt: skip
    for (
        pk,
        broker,
        sandbox,
        day,
        why,
        waited,
        timed,
        decision,
        cost,
        moved,
        *flags,
    ) in rows.values_list(*columns).iterator():
        whose = broker or MonthFigures.NOBODY, sandbox
        runs[pk] = whose
        counts = Counts(*flags)
        if decision == Decision.BOUND and cost is not None:
            counts.premium = cost
        if moved is not None:
            counts.moved = moved
        for figures in _both(found, whose):
            figures.day(day).add(counts)
            of_broker = figures.broker(whose[0])
            of_broker.counts.add(counts)
            if timed is not None:
                of_broker.timed.new.append(timed)
                figures.timed.new.append(timed)
            if waited is not None:
                figures.waited.new.append(waited)
            if why:
                figures.failures[why] += 1
    _add_carriers(found, runs, period)
    _add_reasons(found, runs, facts.filter(overridden=True).values("pk"))
    return found


def _flag(which: Q) -> Any:
    return Case(When(which, then=Value(1)), default=Value(0)) if which else Value(1)


def _both(found: dict[Whose, Figures], whose: Whose) -> tuple[Figures, Figures]:
    """Where a run counts: its broker's figures and everybody's."""
    everybody = MonthFigures.EVERYBODY, whose[1]
    return found.setdefault(whose, Figures()), found.setdefault(everybody, Figures())


def _add_carriers(found: dict[Whose, Figures], runs: dict[Any, Whose], period: Period) -> None:
    """A run counts once for each carrier and part, and once for all names of no carrier."""
    rows = RunCarrier.objects.filter(created_on__range=(period.since, period.until)).order_by()
    once = rows.values("run", "carrier", "part").annotate(names=Count("pk"))
    for run, carrier, part in once.values_list("run", "carrier", "part").iterator():
        if run in runs:
            for figures in _both(found, runs[run]):
                figures.carrier(carrier)[part] += 1


def _add_reasons(found: dict[Whose, Figures], runs: dict[Any, Whose], overridden: Any) -> None:
    choices = DecisionEvent.objects.filter(run__in=overridden, kind=DecisionKind.CHOSEN)
    last: dict[Any, tuple[int, str, datetime]] = {}
    columns = ("run", "pk", "reason_mark", "at")
    for run, *step in choices.order_by("id").values_list(*columns).iterator():
        last[run] = step[0], step[1], step[2]
    for run, (pk, mark, at) in last.items():
        if run in runs:
            for figures in _both(found, runs[run]):
                figures.say(mark, Said(1, at, pk))

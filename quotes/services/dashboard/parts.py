"""The dashboard's tables beside the counts: why not, which carriers, who, and what ends soon."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from quotes.models import (
    Carrier,
    CarrierPart,
    Decision,
    DecisionEvent,
    DecisionKind,
    RunCarrier,
    User,
)
from quotes.models.failures import failure_words
from quotes.services import expiry
from quotes.services.dashboard.counts import Counts, Numbers, count_by
from quotes.services.dashboard.percentiles import percentiles
from quotes.services.dashboard.period import Period
from quotes.services.dashboard.scope import Number, Scope

MOST_REASONS = 10
MOST_CARRIERS = 15
DAYS_AHEAD = 7
NOBODY = 0
"""In place of a broker's id: an insured that is nobody's."""
UNKNOWN = "unknown"
"""In place of a carrier's id, as the list of runs says it: names that no carrier goes by."""


@dataclass(frozen=True)
class Failure:
    words: str
    runs: Number


def read_failures(scope: Scope) -> list[Failure]:
    """Why runs have no packages, the most frequent first."""
    # As an expression: see `count_by`.
    why = Coalesce("failure", Value(""))
    found = scope.rows().values(why=why).annotate(runs=Count("pk")).values_list("why", "runs")
    codes = sorted(((runs, code) for code, runs in found if code), key=lambda x: (-x[0], x[1]))
    return [Failure(failure_words(code), scope.number(runs, failure=code)) for runs, code in codes]


@dataclass(frozen=True)
class Timing:
    """Seconds: the middle, and what nineteen of twenty stay below; None without any runs."""

    median: float | None
    p95: float | None
    runs: Number


def read_timing(scope: Scope, column: str, runs: Number) -> Timing:
    found = percentiles(scope.rows(), column, (50, 95)).get(None, {})
    return Timing(found.get(50), found.get(95), runs)


@dataclass(frozen=True)
class Reason:
    """What was written with a choice that is not the first rank, in so many runs."""

    words: str
    runs: Number
    latest: datetime


def read_reasons(scope: Scope) -> list[Reason]:
    """The reasons written most often, as written. In the address stands the number of the last
    step that says so, never its words."""
    choices = DecisionEvent.objects.filter(run=OuterRef("pk"), kind=DecisionKind.CHOSEN)
    last = Subquery(choices.order_by("-id").values("pk")[:1])
    rows = scope.rows().filter(overridden=True).annotate(step=last)
    found = (
        DecisionEvent.objects.filter(pk__in=rows.values("step"))
        .order_by()
        .values("reason")
        .annotate(runs=Count("pk"), latest=Max("at"), by=Max("pk"))
        .order_by("-runs", "-latest", "-by")
    )
    return [
        Reason(
            row["reason"],
            scope.number(row["runs"], overridden="yes", reason=str(row["by"])),
            row["latest"],
        )
        for row in found[:MOST_REASONS]
    ]


@dataclass(frozen=True)
class CarrierRow:
    """In how many runs a carrier was quoted, in the first rank, chosen, bound."""

    name: str
    parts: dict[str, Number]

    @property
    def bars(self) -> list[tuple[str, int]]:
        return [(part, number.value) for part, number in self.parts.items()]


def read_carriers(scope: Scope) -> list[CarrierRow]:
    """Every carrier of the period's runs, those bound, chosen and quoted most first.

    Names that no carrier goes by are one row, the last: a run counts once in it.
    """
    counts = _known_parts(scope)
    if strange := _strange_parts(scope):
        counts[None] = strange
    names = Carrier.objects.in_bulk([pk for pk in counts if pk is not None])
    named = [
        CarrierRow(
            UNKNOWN_NAMES if pk is None else names[pk].name,
            {
                part.value: scope.number(
                    of[part.value], carrier=UNKNOWN if pk is None else str(pk), part=part.value
                )
                for part in CarrierPart
            },
        )
        for pk, of in counts.items()
        if pk is None or any(of.values())
    ]
    return sorted(named, key=_by_success)


Parts = dict[int | None, Counter[str]]


def _known_parts(scope: Scope) -> Parts:
    """Carrier → part → runs. A known carrier stands once in a run and part, by its one name."""
    known = _of_days(scope).filter(carrier__isnull=False)
    if not scope.is_everybodys:
        return _parts_of(known.filter(run__in=scope.rows().values("pk")))
    # Nearly every run of these days is meant: all of them are counted in an index, and those of
    # the other service taken away, which are few or none.
    counts = _parts_of(known)
    if scope.service:
        others = scope.rows_of_the_other_service().values("pk")
        for carrier, of in _parts_of(known.filter(run__in=others)).items():
            counts[carrier].subtract(of)
    return counts


def _parts_of(rows: QuerySet[RunCarrier]) -> Parts:
    counts: Parts = {}
    found = rows.values("carrier", "part").annotate(Count("pk"))
    for carrier, part, runs in found.values_list("carrier", "part", "pk__count"):
        counts.setdefault(carrier, Counter())[part] = runs
    return counts


def _strange_parts(scope: Scope) -> Counter[str]:
    """Part → runs with a name in it that no carrier goes by; there may be several in one."""
    # The parts are all there are: said so that the index on carrier, part and day answers.
    rows = _of_days(scope).filter(carrier__isnull=True, part__in=CarrierPart.values)
    rows = rows.filter(Exists(scope.rows().filter(pk=OuterRef("run"))))
    found = rows.values("part").annotate(Count("run", distinct=True))
    return Counter(dict(found.values_list("part", "run__count")))


def _of_days(scope: Scope) -> QuerySet[RunCarrier]:
    return RunCarrier.objects.filter(created_on__range=(scope.period.since, scope.period.until))


UNKNOWN_NAMES = "Names not among the carriers"


def _by_success(row: CarrierRow) -> tuple[Any, ...]:
    counts = [-row.parts[part.value].value for part in reversed(CarrierPart)]
    return (row.name == UNKNOWN_NAMES, *counts, row.name)


@dataclass(frozen=True)
class BrokerRow:
    """A broker's runs; `median` is seconds from the first quote to the choice."""

    name: str
    office: str
    counts: Counts
    numbers: Numbers
    median: float | None


def read_brokers(scope: Scope) -> list[BrokerRow]:
    """Those whose runs they are now, by office and name."""
    broker = Coalesce("broker", Value(NOBODY))
    found = count_by(scope.rows(), broker)
    medians = percentiles(scope.rows(), "to_decision", (50,), by=broker)
    people = User.objects.select_related("office").in_bulk([pk for pk, _ in found if pk])
    rows = [
        BrokerRow(
            people[pk].shown_name if pk else "No broker",
            office.name if pk and (office := people[pk].office) else "",
            counts,
            Numbers(counts, scope, codes=(("broker", str(pk) if pk else "none"),)),
            medians.get(pk, {}).get(50),
        )
        for pk, counts in found
    ]
    return sorted(rows, key=lambda row: (row.office, row.name))


@dataclass(frozen=True)
class Ending:
    """Undecided runs whose first price ends on a day."""

    day: date
    runs: Number


def read_endings(scope: Scope) -> list[Ending]:
    """The next seven days, today the first; of runs started at any time."""
    days = [scope.today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD)]
    ahead = Period(days[0], days[-1])
    # A price whose last day is the 3rd is gone from the 4th's first moment on.
    ends = scope.at_any_time().filter(
        decision=Decision.UNDECIDED, expires_at__gt=ahead.begins, expires_at__lte=ahead.ends
    )
    found = ends.values("expires_at").annotate(runs=Count("pk")).values_list("expires_at", "runs")
    counts: Counter[date] = Counter()
    for at, runs in found:
        if at is not None:
            counts[expiry.last_day(at)] += runs
    return [Ending(day, ending(scope, counts[day], day, day)) for day in days]


def ending(scope: Scope, runs: int, since: date, until: date) -> Number:
    codes = {"decision": "undecided", "expires_since": since.isoformat()}
    return scope.any_day(runs, **codes, expires_until=until.isoformat())

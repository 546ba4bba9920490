"""The dashboard's tables beside the counts: why not, which carriers, who, and what ends soon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from heapq import nlargest
from typing import Any

from django.db.models import Count, QuerySet

from quotes.models import Carrier, CarrierPart, Decision, DecisionEvent, RunFact, User
from quotes.models.failures import failure_words
from quotes.models.prepared import prepared
from quotes.models.user import name_of
from quotes.services import expiry
from quotes.services.dashboard.counts import Counts, Numbers
from quotes.services.dashboard.figures import Figures, Said
from quotes.services.dashboard.percentiles import Times
from quotes.services.dashboard.period import Period
from quotes.services.dashboard.scope import Number, Scope, and_codes, at_any_time

MOST_REASONS = 10
MOST_CARRIERS = 15
DAYS_AHEAD = 7
UNKNOWN = "unknown"
"""In place of a carrier's id, as the list of runs says it: names that no carrier goes by."""


@dataclass(frozen=True)
class Failure:
    words: str
    runs: Number


def failures_of(found: Figures, scope: Scope) -> list[Failure]:
    """Why runs have no packages, the most frequent first."""
    codes = sorted(found.failures.items(), key=lambda each: (-each[1], each[0]))
    return [Failure(failure_words(code), scope.number(runs, failure=code)) for code, runs in codes]


@dataclass(frozen=True)
class Timing:
    """Seconds: the middle, and what nineteen of twenty stay below; None without any runs."""

    median: float | None
    p95: float | None
    runs: Number


def timing_of(times: Times, runs: Number) -> Timing:
    median, p95 = times.percentiles(50, 95)
    return Timing(median, p95, runs)


@dataclass(frozen=True)
class Reason:
    """What was written with a choice that is not the first rank, in so many runs."""

    words: str
    runs: Number
    latest: datetime


def reasons_of(found: Figures, scope: Scope) -> list[Reason]:
    """The reasons written most often, as written. In the address stands the number of the last
    step that says so, never its words."""
    said_most = nlargest(MOST_REASONS, found.reasons.values(), key=_how_often)
    words = dict(_reasons([said.step for said in said_most]))
    return [
        Reason(
            words[said.step],
            scope.number(said.runs, overridden="yes", reason=str(said.step)),
            said.latest,
        )
        for said in said_most
        if said.step in words
    ]


def _how_often(said: Said) -> tuple[int, datetime, int]:
    return said.runs, said.latest, said.step


@prepared
def _reasons(steps: Collection[int]) -> QuerySet[DecisionEvent, Any]:
    return DecisionEvent.objects.filter(pk__in=steps).values_list("pk", "reason")


@dataclass(frozen=True)
class CarrierRow:
    """In how many runs a carrier was quoted, in the first rank, chosen, bound."""

    name: str
    parts: dict[str, Number]

    @property
    def bars(self) -> list[tuple[str, int]]:
        return [(part, number.value) for part, number in self.parts.items()]


def carriers_of(found: Figures, scope: Scope) -> list[CarrierRow]:
    """Every carrier of the period's runs, those bound, chosen and quoted most first.

    Names that no carrier goes by are one row, the last: a run counts once in it.
    """
    names = dict(_names([pk for pk in found.carriers if pk is not None]))
    named = [
        CarrierRow(
            UNKNOWN_NAMES if pk is None else names[pk],
            _parts(of, scope.codes(scope.period, carrier=UNKNOWN if pk is None else str(pk))),
        )
        for pk, of in found.carriers.items()
        if any(of.values()) and (pk is None or pk in names)
    ]
    return sorted(named, key=_by_success)


PART_CODES = {part: and_codes({"part": part}) for part in CarrierPart.values}


def _parts(runs: Mapping[str, int], codes: str) -> dict[str, Number]:
    return {part: Number(runs[part], codes + code) for part, code in PART_CODES.items()}


@prepared
def _names(carriers: Collection[int]) -> QuerySet[Carrier, Any]:
    return Carrier.objects.filter(pk__in=carriers).values_list("pk", "name")


UNKNOWN_NAMES = "Names not among the carriers"


def _by_success(row: CarrierRow) -> tuple[Any, ...]:
    counts = [-number.value for number in reversed(row.parts.values())]
    return (row.name == UNKNOWN_NAMES, *counts, row.name)


@dataclass(frozen=True)
class BrokerRow:
    """A broker's runs; `median` is seconds from the first quote to the choice."""

    name: str
    office: str
    counts: Counts
    numbers: Numbers
    median: float | None


def brokers_of(found: Figures, scope: Scope) -> list[BrokerRow]:
    """Those whose runs they are now, by office and name."""
    people = {pk: names for pk, *names in _people([pk for pk in found.brokers if pk])}
    rows = []
    for pk, of in found.brokers.items():
        *name, office = people[pk] if pk else ("No broker", "", "", None)
        (median,) = of.timed.percentiles(50)
        rows.append(
            BrokerRow(
                name_of(*name),
                office or "",
                of.counts,
                Numbers(of.counts, scope.codes(scope.period, broker=str(pk) if pk else "none")),
                median,
            )
        )
    return sorted(rows, key=lambda row: (row.office, row.name))


@prepared
def _people(brokers: Collection[int]) -> QuerySet[User, Any]:
    rows = User.objects.filter(pk__in=brokers).order_by()
    return rows.values_list("pk", "first_name", "last_name", "username", "office__name")


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
    counts: Counter[date] = Counter()
    for at, runs in _ends(ahead.begins, ahead.ends, *scope.whose):
        if at is not None:
            counts[expiry.last_day(at)] += runs
    return [Ending(day, ending(scope, counts[day], day, day)) for day in days]


@prepared
def _ends(after: datetime, until: datetime, *whose: Any) -> QuerySet[RunFact, Any]:
    rows = at_any_time(*whose).filter(decision=Decision.UNDECIDED)
    ends = rows.filter(expires_at__gt=after, expires_at__lte=until)
    return ends.values("expires_at").annotate(runs=Count("pk")).values_list("expires_at", "runs")


def ending(scope: Scope, runs: int, since: date, until: date) -> Number:
    codes = {"decision": "undecided", "expires_since": since.isoformat()}
    return scope.any_day(runs, **codes, expires_until=until.isoformat())

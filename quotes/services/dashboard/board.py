"""One dashboard, read in a number of queries that no period and no office changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from quotes.services.dashboard import live, parts
from quotes.services.dashboard.counts import Counts, Numbers, Piece, pieces_of
from quotes.services.dashboard.kept import add_kept, standing_days, standing_months
from quotes.services.dashboard.period import Period
from quotes.services.dashboard.scope import Number, Scope


@dataclass(frozen=True)
class Board:
    """`numbers` are the period's counts by the names of `counts.KINDS`."""

    scope: Scope
    counts: Counts
    numbers: Numbers
    pieces: Sequence[Piece]
    waiting: parts.Timing
    deciding: parts.Timing
    failures: Sequence[parts.Failure]
    reasons: Sequence[parts.Reason]
    carriers: Sequence[parts.CarrierRow]
    brokers: Sequence[parts.BrokerRow]
    endings: Sequence[parts.Ending]
    ending: Number

    @property
    def other_reasons(self) -> int:
        """Runs overridden for other reasons than those listed."""
        return self.counts.overridden - sum(each.runs.value for each in self.reasons)

    @cached_property
    def most_failures(self) -> int:
        return max((each.runs.value for each in self.failures), default=0)

    @cached_property
    def most_quoted(self) -> int:
        return max((n.value for row in self.carriers for n in row.parts.values()), default=0)

    @cached_property
    def most_ending(self) -> int:
        return max(each.runs.value for each in self.endings)

    @property
    def leading_carriers(self) -> Sequence[parts.CarrierRow]:
        return self.carriers[: parts.MOST_CARRIERS]

    @property
    def further_carriers(self) -> Sequence[parts.CarrierRow]:
        return self.carriers[parts.MOST_CARRIERS :]


def read_board(scope: Scope) -> Board:
    months = standing_months(scope)
    whole = tuple(Period.month_of(each.first) for each in months)
    days = standing_days(scope, whole)
    single = (Period(each.first, each.first) for each in days)
    found = live.count(scope, scope.period.without((*whole, *single)))
    add_kept(found, scope, months, days)
    counts, pieces = pieces_of(found.days, scope)
    numbers = Numbers(counts, scope.codes(scope.period))
    endings = parts.read_endings(scope)
    soon = sum(each.runs.value for each in endings)
    last = scope.today + timedelta(days=parts.DAYS_AHEAD - 1)
    return Board(
        scope=scope,
        counts=counts,
        numbers=numbers,
        pieces=pieces,
        waiting=parts.timing_of(found.waited, numbers["waited"]),
        deciding=parts.timing_of(found.timed, numbers["timed"]),
        failures=parts.failures_of(found, scope),
        reasons=parts.reasons_of(found, scope),
        carriers=parts.carriers_of(found, scope),
        brokers=parts.brokers_of(found, scope),
        endings=endings,
        ending=parts.ending(scope, soon, scope.today, last),
    )

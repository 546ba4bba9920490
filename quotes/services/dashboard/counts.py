"""How many runs of each kind there are, by day: what most of the dashboard is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, DecimalField, Q, QuerySet, Sum
from django.db.models.expressions import BaseExpression

from quotes.models import Decision, RunState
from quotes.models.failures import NO_PACKAGE
from quotes.models.run import IN_FLIGHT, NEEDS_PERSON
from quotes.services.dashboard.period import Period
from quotes.services.dashboard.scope import Number, Scope, and_codes

CENT = Decimal("0.01")
RANKED, UNDECIDED = Q(packages__gt=0), Q(decision=Decision.UNDECIDED)
BOUND = Q(decision=Decision.BOUND)
KINDS: dict[str, tuple[Q, dict[str, str]]] = {
    # figure: (which runs, how the list of runs says so)
    "runs": (Q(), {}),
    "ranked": (RANKED, {"state": "with_packages"}),
    "empty": (Q(failure=NO_PACKAGE), {"state": NO_PACKAGE}),
    "wrong": (Q(state__in=NEEDS_PERSON), {"state": "needs_person"}),
    "given_up": (Q(state=RunState.ABANDONED), {"state": RunState.ABANDONED.value}),
    "under_way": (Q(state__in=IN_FLIGHT), {"state": "under_way"}),
    "undecided": (RANKED & UNDECIDED, {"state": "with_packages", "decision": "undecided"}),
    "decided": (Q(decided_at__isnull=False), {"decision": "decided"}),
    "first": (Q(overridden=False), {"overridden": "no"}),
    "overridden": (Q(overridden=True), {"overridden": "yes"}),
    "bound": (BOUND, {"decision": Decision.BOUND.value}),
    "waited": (Q(waited__isnull=False), {"has": "waited"}),
    "timed": (Q(to_decision__isnull=False), {"has": "to_decision"}),
    "moving": (Q(moved__gt=0), {"has": "moved"}),
    "unknown_move": (BOUND & Q(moved__isnull=True), {"has": "moved_unknown"}),
}
MONEY = {"premium": ("chosen_cost", BOUND), "moved": ("moved", Q(moved__isnull=False))}


@dataclass
class Counts:
    """Runs of each of `KINDS`; dollars a year of what was bound, and of that what moved."""

    runs: int = 0
    ranked: int = 0
    empty: int = 0
    wrong: int = 0
    given_up: int = 0
    under_way: int = 0
    undecided: int = 0
    decided: int = 0
    first: int = 0
    overridden: int = 0
    bound: int = 0
    waited: int = 0
    timed: int = 0
    moving: int = 0
    unknown_move: int = 0
    premium: Decimal = field(default_factory=Decimal)
    moved: Decimal = field(default_factory=Decimal)

    def add(self, other: Counts) -> None:
        mine, theirs = self.__dict__, other.__dict__
        for name, value in theirs.items():
            if value:
                mine[name] += value


COUNTED = tuple(KINDS)
"""The counts of `Counts`, in its order."""


CODES = {kind: and_codes(codes) for kind, (_, codes) in KINDS.items()}


@dataclass(frozen=True)
class Numbers:
    """Counts by the names of `KINDS`, each with the codes of its runs, made when it is asked for:
    of the thousand that a dashboard might show, most pages show some hundred. `codes` are those
    of all the runs that were counted."""

    counts: Counts
    codes: str

    def __getitem__(self, kind: str) -> Number:
        return Number(getattr(self.counts, kind), self.codes + CODES[kind])


def counting(rows: QuerySet[Any], *by: str | BaseExpression) -> QuerySet[Any, Any]:
    """The query for the counts of each group of runs, of which `counts_of` makes `Counts`.

    A group is an expression where the bare column has an index of its own: SQLite would read the
    whole index to have the groups in order, and the period only then.
    """
    made = {f"group_{at}": each for at, each in enumerate(by) if not isinstance(each, str)}
    groups = [each if isinstance(each, str) else f"group_{at}" for at, each in enumerate(by)]
    counted = {
        kind: Count("pk", filter=which) if which else Count("pk")
        for kind, (which, _) in KINDS.items()
    }
    money = DecimalField(max_digits=20, decimal_places=2)
    summed = {
        kind: Sum(column, filter=which, output_field=money)
        for kind, (column, which) in MONEY.items()
    }
    # Under names of their own: some figures are called as the columns they are made of.
    aggregates = {f"n_{kind}": each for kind, each in {**counted, **summed}.items()}
    found = rows.annotate(**made).order_by().values(*groups).annotate(**aggregates)
    counts: QuerySet[Any, Any] = found.values_list(*groups, *aggregates)
    return counts


def counts_of(rows: Iterable[Any]) -> list[tuple[Any, ...]]:
    """What each group is grouped by, and at the end its counts."""
    answer, names = [], (*KINDS, *MONEY)
    for row in rows:
        values: dict[str, Any] = dict(zip(names, row[-len(names) :], strict=True))
        for kind in MONEY:
            values[kind] = (values[kind] or Decimal(0)).quantize(CENT)
        answer.append((*row[: -len(names)], Counts(**values)))
    return answer


@dataclass(frozen=True)
class Piece:
    """A bar of the chart: the days it stands for, and what became of their runs."""

    period: Period
    counts: Counts
    numbers: Numbers


def pieces_of(days: Mapping[date, Counts], scope: Scope) -> tuple[Counts, list[Piece]]:
    """The period's counts, and those of its pieces, from those of its days. A day may stand for
    the whole month that it begins, where pieces are months or longer."""
    periods = scope.period.pieces()
    counts = [Counts() for _ in periods]
    total = Counts()
    at = 0
    for day, counted in sorted(days.items()):
        at = _piece_of(day, periods, at)
        counts[at].add(counted)
        total.add(counted)
    pieces = [
        Piece(period, of, Numbers(of, scope.codes(period)))
        for period, of in zip(periods, counts, strict=True)
    ]
    return total, pieces


def _piece_of(day: date, periods: list[Period], at: int) -> int:
    while at + 1 < len(periods) and periods[at].until < day:
        at += 1
    return at

"""The list of runs over their facts: its orders, its pages, its export.

Nothing here reads a run's own row: the facts hold all that a list shows, and their indexes all
that it is ordered by (docs/decisions/0010).
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from quotes.models import (
    CarrierPart,
    Decision,
    DecisionEvent,
    DecisionKind,
    Line,
    RunCarrier,
    RunFact,
    RunState,
    User,
)
from quotes.models.failures import NO_PACKAGE, failure_words
from quotes.models.insured import UNNAMED
from quotes.models.prepared import Prepared, prepared
from quotes.models.run import (
    DECISION_WORDS,
    STATE_WORDS,
)
from quotes.models.run_fact import RunFactQuerySet
from quotes.models.user import name_of
from quotes.services.expiry import last_day
from quotes.services.exports.tables import Cell, Column
from quotes.services.keyset import Keys, Mark, Order, Stretch, all_in_order, page_of
from quotes.services.run_counts import late_at
from quotes.services.what_if.origin import Origin, origins_of

PAGE_ROWS = 50
EXPORT_CHUNK = 500
LATEST = "-started"
ORDERS = {
    "started": Order("created_at", datetime, descending=False, nullable=False),
    "cost": Order("top_cost", Decimal, descending=False),
    "waited": Order("waited", float, descending=False),
    "expires": Order("expires_at", datetime, descending=False),
    "decided": Order("decided_at", datetime, descending=False),
}
UNREAD = ("insured__document", "insured__body_document", "insured__origins", "broker__password")
SHOWN_PARTS = (CarrierPart.TOP.value, CarrierPart.CHOSEN.value)


class ShownFact(NamedTuple):
    """What a list shows of a run: read as a row of columns, of which fifty objects would be two
    hundred. A column is called as in the facts, those of other tables in `ELSEWHERE`."""

    pk: UUID
    number: int
    created_at: datetime
    submitted_at: datetime | None
    state: str
    sandbox: bool
    degraded: bool
    lines: str
    offerings: int
    failure: str
    waited: float | None
    packages: int
    top_label: str
    top_cost: Decimal | None
    top_cost_high: Decimal | None
    expires_at: datetime | None
    decision: str
    decided_at: datetime | None
    overridden: bool | None
    chosen_rank: int | None
    applicant_name: str
    first_name: str | None
    last_name: str | None
    username: str | None
    office: str | None

    @property
    def insured_name(self) -> str:
        return self.applicant_name or UNNAMED

    @property
    def broker_name(self) -> str:
        """ "" where nobody has the insured."""
        if self.username is None:
            return ""
        return name_of(self.first_name or "", self.last_name or "", self.username)


ELSEWHERE = {
    "applicant_name": "insured__applicant_name",
    "first_name": "broker__first_name",
    "last_name": "broker__last_name",
    "username": "broker__username",
    "office": "broker__office__name",
}


def order_of(code: str) -> Order:
    """The order of a code such as "cost" or "-cost"; the latest first for any other."""
    found = ORDERS.get(code.removeprefix("-"))
    if found is None or code.startswith("--"):
        return order_of(LATEST)
    return Order(found.column, found.of, code.startswith("-"), found.nullable)


F = TypeVar("F", ShownFact, RunFact)
"""The facts of a run as the page shows them, or whole for an export."""


class RunRow(NamedTuple, Generic[F]):
    """A run as the list shows it: its facts, and the carriers of its first and chosen package."""

    fact: F
    top: tuple[str, ...]
    chosen: tuple[str, ...]
    overdue: bool
    origin: Origin | None
    """Of a what-if; what is shown of it may rest on premiums that no carrier quoted."""

    @property
    def state_code(self) -> str:
        """The state by which a mark is coloured: the run's own, degraded, or no_package."""
        if self.fact.failure == NO_PACKAGE:
            return NO_PACKAGE
        return "degraded" if self.fact.degraded else self.fact.state

    @property
    def state_words(self) -> str:
        if self.fact.failure == NO_PACKAGE:
            return "no package"
        return (
            "degraded" if self.fact.degraded else STATE_WORDS.get(self.fact.state, self.fact.state)
        )

    @property
    def decision_words(self) -> str:
        return DECISION_WORDS.get(self.fact.decision, self.fact.decision)

    @property
    def why_not(self) -> str:
        """Why it ended badly, where the state does not say it already."""
        return failure_words(self.fact.failure) if ":" in self.fact.failure else ""

    @property
    def top_label(self) -> str:
        return self.fact.top_label.replace("_", " ")

    @property
    def lines(self) -> list[str]:
        return [line for line in self.fact.lines.split(",") if line]


@dataclass(frozen=True)
class Listed:
    """A page of rows, and the marks of its neighbours."""

    rows: list[RunRow[ShownFact]]
    previous: str | None
    next: str | None


def every_run(user: User, shared: Collection[UUID]) -> Keys:
    """The keys of all that the user sees: how the list begins in each order is prepared."""

    def keys(stretch: Stretch, count: int) -> Iterable[UUID]:
        begins = BEGINNINGS.get(stretch) if count == PAGE_ROWS + 1 else None
        if begins is None:
            return stretch.of(RunFact.objects.visible_to(user, shared), count)
        return begins(user, shared)

    return keys


def _beginning(stretch: Stretch) -> Prepared[[User, Collection[UUID]], UUID]:
    @prepared
    def first(user: User, shared: Collection[UUID]) -> QuerySet[RunFact, UUID]:
        return stretch.of(RunFact.objects.visible_to(user, shared), PAGE_ROWS + 1)

    return first


BEGINNINGS = {
    stretch: _beginning(stretch)
    for code in ORDERS
    for order in (order_of(code), order_of(f"-{code}"))
    for stretch in (Stretch(order, order.descending),)
}


def run_page(keys: Keys, sort: str, mark: str, now: datetime) -> Listed:
    """A page of the list; a mark that this order never gave begins at the beginning."""
    order = order_of(sort)
    from_there = Mark.decoded(mark, order) if mark else None
    page = page_of(keys, _shown_facts, order, from_there, PAGE_ROWS)
    return Listed(_rows(page.rows, now), page.previous, page.next)


def _shown_facts(keys: Collection[UUID]) -> list[ShownFact]:
    return [ShownFact._make(columns) for columns in _shown(keys)]


@prepared
def _shown(keys: Collection[UUID]) -> QuerySet[RunFact, Any]:
    """Of runs whose keys were found among those that somebody sees, what the list shows."""
    columns = [ELSEWHERE.get(name, name) for name in ShownFact._fields]
    return RunFact.objects.filter(pk__in=keys).order_by().values_list(*columns)


def _exported(keys: Collection[UUID]) -> QuerySet[RunFact]:
    rows = RunFact.objects.select_related("insured", "broker__office").defer(*UNREAD)
    return rows.filter(pk__in=keys).order_by()


def _rows(facts: Sequence[F], now: datetime) -> list[RunRow[F]]:
    names: dict[tuple[UUID, str], list[str]] = {}
    # As they stand in the run; in SQL a database with few rows would read them all in that order.
    for _, run, part, name in sorted(_carriers_of([fact.pk for fact in facts])):
        names.setdefault((run, part), []).append(name)
    origins = origins_of(fact.pk for fact in facts)
    late = late_at(now)
    return [
        RunRow(
            fact,
            tuple(names.get((fact.pk, CarrierPart.TOP.value), ())),
            tuple(names.get((fact.pk, CarrierPart.CHOSEN.value), ())),
            fact.state == RunState.WAITING
            and fact.submitted_at is not None
            and fact.submitted_at < late,
            origins.get(fact.pk),
        )
        for fact in facts
    ]


@prepared
def _carriers_of(runs: Collection[UUID]) -> QuerySet[RunCarrier, Any]:
    parts = RunCarrier.objects.filter(run__in=runs, part__in=SHOWN_PARTS)
    return parts.order_by().values_list("id", "run", "part", "name")


COLUMNS = (
    Column("Insured", "text", 26),
    Column("Run", "count", 6),
    Column("Broker", "text", 20),
    Column("Office", "text", 18),
    Column("Started", "day", 17),
    Column("State", "text", 16),
    Column("Nexio status", "text", 14),
    Column("Why no packages", "text", 26),
    Column("Ranked by", "text", 11),
    Column("What-if of run", "count", 8),
    Column("Premiums not quoted", "count", 10),
    Column("Lines", "text", 22),
    Column("Offerings", "count", 10),
    Column("Packages", "count", 10),
    Column("Rank 1, label", "text", 16),
    Column("Rank 1, carriers", "text", 30),
    Column("Rank 1, cost", "money", 13),
    Column("Rank 1, highest cost", "money", 13),
    Column("Seconds waited", "number", 10),
    Column("First price ends", "day", 13),
    Column("Decision", "text", 12),
    Column("Decided", "day", 17),
    Column("Chosen rank", "count", 9),
    Column("Overridden", "text", 11),
    Column("Reason of the choice", "long", 44),
    Column("Chosen, label", "text", 16),
    Column("Chosen, carriers", "text", 30),
    Column("Chosen, cost", "money", 13),
    Column("Bound", "day", 17),
    Column("Premium moved", "money", 13),
    Column("Nexio run id", "text", 28),
    Column("Run id", "text", 38),
)


def export_pieces(rows: RunFactQuerySet, sort: str) -> Generator[list[RunFact], None, None]:
    """Every run in the list's order, some hundreds at a time, read as they are taken."""
    return all_in_order(rows, _exported, order_of(sort), EXPORT_CHUNK)


def export_rows(
    pieces: Generator[list[RunFact], None, None], now: datetime
) -> Generator[list[Cell], None, None]:
    """A row of cells for each run of `pieces`, which are closed with it."""
    with closing(pieces):
        for facts in pieces:
            reasons = _reasons(facts)
            for row in _rows(facts, now):
                yield _cells(row, reasons.get(row.fact.pk, ""))


def _reasons(facts: Sequence[RunFact]) -> dict[UUID, str]:
    """Why the present choice was made, by run."""
    chosen = [fact.pk for fact in facts if fact.decided_at is not None]
    steps = DecisionEvent.objects.filter(run__in=chosen, kind=DecisionKind.CHOSEN).order_by("id")
    return dict(steps.values_list("run", "reason"))


def _cells(row: RunRow[RunFact], reason: str) -> list[Cell]:
    fact = row.fact
    broker, decided = fact.broker, fact.decision != Decision.UNDECIDED
    seconds = None if fact.waited is None else Decimal(f"{fact.waited:.1f}")
    return [
        fact.insured.shown_name,
        fact.number,
        broker.shown_name if broker else None,
        broker.office.name if broker and broker.office else None,
        fact.created_at,
        row.state_words.capitalize(),
        fact.nexio_status or None,
        failure_words(fact.failure) or None,
        "Sandbox" if fact.sandbox else "Nexio",
        row.origin.number if row.origin else None,
        row.origin.repriced if row.origin else None,
        ", ".join(str(Line(line).label) for line in row.lines) or None,
        fact.offerings,
        fact.packages if fact.state == RunState.COMPLETED else None,
        fact.top_label.replace("_", " ") or None,
        ", ".join(row.top) or None,
        fact.top_cost,
        fact.top_cost_high,
        seconds,
        last_day(fact.expires_at) if fact.expires_at else None,
        fact.get_decision_display(),
        fact.decided_at,
        fact.chosen_rank,
        {True: "Yes", False: "No", None: None}[fact.overridden],
        reason or None,
        fact.chosen_label.replace("_", " ") or None,
        (", ".join(row.chosen) or None) if decided else None,
        fact.chosen_cost,
        fact.bound_at,
        fact.moved,
        fact.nexio_run_id or None,
        str(fact.pk),
    ]

"""The dashboard's tables as sheets of a workbook."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from quotes.models import CarrierPart
from quotes.services.dashboard.board import Board
from quotes.services.dashboard.parts import Timing
from quotes.services.exports.tables import Cell, Column, Table

FIGURES = (
    ("runs", "Runs started"),
    ("ranked", "With packages"),
    ("empty", "Completed, no package"),
    ("wrong", "Went wrong"),
    ("given_up", "Given up"),
    ("under_way", "Under way"),
    ("undecided", "With packages, undecided"),
    ("decided", "Decided"),
    ("first", "First rank chosen"),
    ("overridden", "Another chosen"),
    ("bound", "Bound"),
)


def tables_of(board: Board) -> list[Table]:
    """A sheet for each table of the page; seconds are seconds, dollars dollars a year."""
    return [
        Table("Figures", (Column("Figure", "text", 40), Column("Value", "long", 34)), _all(board)),
        _over_time(board),
        _counted("Why no packages", "Reason", [(f.words, f.runs.value) for f in board.failures]),
        Table(
            "Why not rank 1",
            (
                Column("Reason, as written", "long", 70),
                Column("Runs", "count", 8),
                Column("Latest", "day", 17),
            ),
            [[each.words or None, each.runs.value, each.latest] for each in board.reasons],
        ),
        Table(
            "Carriers",
            (
                Column("Carrier", "text", 30),
                *(Column(str(part.label), "count", 12) for part in CarrierPart),
            ),
            [
                [row.name, *(row.parts[part.value].value for part in CarrierPart)]
                for row in board.carriers
            ],
        ),
        _brokers(board),
        Table(
            "Ending undecided",
            (Column("Last day of the first price", "day", 26), Column("Runs", "count", 8)),
            [[each.day, each.runs.value] for each in board.endings],
        ),
    ]


def _counted(name: str, title: str, rows: Sequence[tuple[str, int]]) -> Table:
    columns = (Column(title, "text", 44), Column("Runs", "count", 8))
    return Table(name, columns, [[words, runs] for words, runs in rows])


def _all(board: Board) -> list[list[Cell]]:
    scope, counts = board.scope, board.counts
    rows: list[list[Cell]] = [
        ["From", scope.period.since],
        ["To", scope.period.until],
        ["Broker", scope.broker.shown_name if scope.broker else "all"],
        ["Office", scope.office.name if scope.office else "all"],
        ["Ranked by", {"nexio": "Nexio", "sandbox": "Sandbox"}.get(scope.service, "both")],
        ["Read", scope.now],
    ]
    rows += [[words, getattr(counts, kind)] for kind, words in FIGURES]
    rows += _seconds("Nexio's waiting time", board.waiting)
    rows += _seconds("First quote to decision", board.deciding)
    rows += [
        ["Premium bound, dollars a year", counts.premium],
        ["Premium moved, dollars a year", counts.moved],
        ["Ending undecided in seven days", board.ending.value],
    ]
    return rows


def _seconds(what: str, timing: Timing) -> list[list[Cell]]:
    """Whole seconds."""
    return [
        [f"{what}, {name}, seconds", None if value is None else round(value)]
        for name, value in (("median", timing.median), ("p95", timing.p95))
    ]


def _over_time(board: Board) -> Table:
    columns = (
        Column("From", "day", 12),
        Column("To", "day", 12),
        *(Column(words, "count", 13) for _, words in FIGURES),
        Column("Premium bound", "money", 15),
        Column("Premium moved", "money", 15),
    )
    rows: list[list[Cell]] = [
        [
            piece.period.since,
            piece.period.until,
            *(getattr(piece.counts, kind) for kind, _ in FIGURES),
            piece.counts.premium,
            piece.counts.moved,
        ]
        for piece in board.pieces
    ]
    return Table("Over time", columns, rows)


def _brokers(board: Board) -> Table:
    columns = (
        Column("Broker", "text", 26),
        Column("Office", "text", 22),
        *(Column(words, "count", 13) for _, words in FIGURES),
        Column("First quote to decision, median, seconds", "number", 18),
        Column("Premium bound", "money", 15),
        Column("Premium moved", "money", 15),
    )
    rows: list[list[Cell]] = [
        [
            row.name,
            row.office or None,
            *(getattr(row.counts, kind) for kind, _ in FIGURES),
            None if row.median is None else Decimal(f"{row.median:.1f}"),
            row.counts.premium,
            row.counts.moved,
        ]
        for row in board.brokers
    ]
    return Table("Brokers", columns, rows)

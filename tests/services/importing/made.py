"""Tables made cell by cell, and what was told of them."""

from __future__ import annotations

from quotes.services.importing.cells import Cell, Row, Sheet
from quotes.services.importing.rows import read_table
from quotes.services.importing.stated import StatedQuote, StatedTable


def table(*rows: list[Cell], first: int = 1) -> StatedTable:
    return read_table(Sheet("Quotes", [Row(first + n, row) for n, row in enumerate(rows)]))


def one(headings: list[Cell], cells: list[Cell]) -> tuple[StatedQuote, list[str]]:
    """The quote of one row beside a carrier and a home premium, and what was told."""
    found = table(["Carrier", "Home", *headings], ["Harbor", 6480, *cells])
    (quote,) = found.quotes
    return quote, [str(problem) for problem in found.problems]


def told(found: StatedTable, blocking: bool) -> list[str]:
    return [str(problem) for problem in found.problems if problem.blocking is blocking]

"""A block pasted into the quote grid: which cell each of its values belongs to."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

from quotes.models import LINES
from quotes.services import expiry, reading
from quotes.services.grid import CARRIER, CELLS, LINE_CELLS, MOST_ROWS
from quotes.services.importing import columns, rows, sheets
from quotes.services.importing.cells import Row, Sheet, cell_text
from quotes.services.importing.stated import Problem, StatedQuote, StatedTable
from quotes.services.sheet import raw

TARGETS = {
    "carrier": CARRIER,
    "package_premium_annual": "package_premium_annual",
    "term_months": "term_months",
    "expires_at": "expires_on",
    **{f"{line}.{name}": f"{line}-{name}" for line in LINES for name in LINE_CELLS},
}
"""The grid's cell for each kind of column that it holds."""


@dataclass
class PastedBlock:
    """Per row of the block the text of each cell it fills; what is empty fills none.

    `notes` are sentences about what was left out.
    """

    rows: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    by_heading: bool = False


def pasted_block(text: str, cell: str) -> PastedBlock:
    """The cells a block fills: by its heading row where it has one, else to the right of `cell`
    in the grid's own order, and down."""
    try:
        sheet = sheets.pasted_sheet(text)
        by_heading = columns.is_table(sheet)
    except reading.Unreadable:
        by_heading = False
    block = _by_heading(sheet) if by_heading else _by_place(text, cell)
    if len(block.rows) > MOST_ROWS:
        block.notes.append(
            f"The first {MOST_ROWS} rows were taken; Paste or import takes longer tables."
        )
        del block.rows[MOST_ROWS:]
    return block


def _by_place(text: str, cell: str) -> PastedBlock:
    """Only tabs part cells here: "6,480" is a premium."""
    names = CELLS[CELLS.index(cell) :]
    block = PastedBlock()
    for values in _records(text.replace("\x00", "")):
        cells = [" ".join(value.split()) for value in values]
        block.rows.append({name: v for name, v in zip(names, cells, strict=False) if v})
    return block


def _records(text: str) -> list[list[str]]:
    """The lines of a block as lists of cells; a break inside quotes is within its cell."""
    try:
        return list(csv.reader(io.StringIO(text, newline=None), delimiter="\t"))
    except csv.Error:
        # A cell longer than any reader takes: the grid says at the cell that it is too long.
        return [line.split("\t") for line in text.splitlines()]


def _by_heading(sheet: Sheet) -> PastedBlock:
    table = rows.read_table(sheet)
    names = {h.index: TARGETS[h.target] for h in table.headings if h.target in TARGETS}
    if CARRIER not in names.values():
        return _under_headings(sheet, table, names)
    block = PastedBlock([_stated(quote) for quote in table.quotes], _left_out(table), True)
    place = {number: n for n, quote in enumerate(table.quotes) for number in quote.rows}
    by_number = {row.number: row for row in sheet.rows}
    for problem in table.problems:
        row = by_number.get(problem.row) if problem.row is not None else None
        if row is None or not problem.blocking:
            block.notes.append(_sentence(problem))
            continue
        # What cannot be read is filled in as it came, and the grid says at its cell why.
        if row.number not in place:
            place[row.number] = len(block.rows)
            block.rows.append({})
        at = place[row.number]
        block.rows[at] = _written(row, names) | block.rows[at]
    return block


def _under_headings(sheet: Sheet, table: StatedTable, names: dict[int, str]) -> PastedBlock:
    """Columns without their carriers: they fill rows that are there."""
    heading = columns.find_heading(sheet)
    below = sheet.rows[heading.position + 1 :] if heading else []
    return PastedBlock([_written(row, names) for row in below], _left_out(table))


def _written(row: Row, names: dict[int, str]) -> dict[str, str]:
    return {name: text for index, name in names.items() if (text := cell_text(row.cell(index)))}


def _stated(quote: StatedQuote) -> dict[str, str]:
    cells = {CARRIER: quote.carrier_name}
    for column in ("package_premium_annual", "term_months"):
        if column in quote.columns:
            cells[column] = raw(quote.columns[column])
    if expires := quote.columns.get("expires_at"):
        cells["expires_on"] = raw(expiry.last_day(expires))
    for line in quote.lines.values():
        for column, value in line.columns.items():
            cells[f"{line.line}-{column}"] = raw(value)
        if "term" in line.details:
            cells[f"{line.line}-premium_annual"] = line.details["term"]
    return {name: text for name, text in cells.items() if text and name in CELLS}


def _left_out(table: StatedTable) -> list[str]:
    """What of the block the grid has no cell for."""
    notes = []
    others = [h.text for h in table.headings if h.target not in TARGETS and h.target != "line"]
    if others:
        named = ", ".join(others[:6]) + (" and more" if len(others) > 6 else "")
        notes.append(f"The grid has no cell for {named}; Paste or import takes them.")
    if table.removed:
        notes.append(f"{', '.join(table.removed[:6])} was not read: it never leaves the office.")
    return notes


def _sentence(problem: Problem) -> str:
    text = str(problem)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")

"""What a spreadsheet is to us: sheets of rows of cells, whatever file they came in."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal

MOST_ROWS = 10_000
MOST_COLUMNS = 200
MOST_CELLS = 400_000
"""Ten thousand quotes of forty columns: more is no table of quotes, and slow to look at."""
TOO_MANY_CELLS = (
    f"has more than {MOST_CELLS:,} cells; at most {MOST_ROWS:,} rows and {MOST_COLUMNS} columns "
    "are taken: send fewer quotes at a time"
)


@dataclass(frozen=True)
class Unusable:
    """A cell that says nothing that could be taken: `shown` is what stands there, `why` is told."""

    shown: str
    why: str


Cell = str | int | Decimal | dt.date | dt.datetime | bool | Unusable | None
"""What a cell holds. Numbers are exact as the spreadsheet shows them, text is trimmed, and an
empty cell is None; a datetime is naive, in the office's time zone."""


@dataclass(frozen=True)
class Row:
    """A row and the number the spreadsheet gives it, from 1."""

    number: int
    cells: list[Cell]

    def cell(self, index: int) -> Cell:
        return self.cells[index] if index < len(self.cells) else None

    @property
    def is_blank(self) -> bool:
        return all(cell is None for cell in self.cells)


@dataclass
class Sheet:
    """One sheet: its rows in order, those that are blank left out.

    `merged` are ranges of merged cells as (row number, first column, last row number, last
    column), columns from 0; `notes` is what was noticed in reading it; `separator` is what
    divided the cells of a text, "" in a workbook.
    """

    name: str
    rows: list[Row] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    separator: str = ""

    @property
    def width(self) -> int:
        return max((len(row.cells) for row in self.rows), default=0)


FORMULA = re.compile(r"=|[+@](?=[^\W\d_])")
SPELLED_TEXT = re.compile(r'="([^"]*)"')
"""How spreadsheets are made to keep leading zeros in a CSV: ="02115"."""
FORMULA_TOLD = "holds a formula; paste its value instead"


def text_cell(text: str) -> Cell:
    """A cell of text as it is taken: trimmed, None when empty, never a formula."""
    plain = text.replace("\xa0", " ").strip()
    if not plain:
        return None
    if plain[0] in "=+@" and FORMULA.match(plain):
        spelled = SPELLED_TEXT.fullmatch(plain)
        return (spelled[1].strip() or None) if spelled else Unusable(plain[:80], FORMULA_TOLD)
    return plain


def cell_text(cell: Cell) -> str:
    """What a person sees in a cell; "" for an empty one."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, Unusable):
        return cell.shown
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ", "minutes")
    if isinstance(cell, dt.date):
        return cell.isoformat()
    return str(cell)

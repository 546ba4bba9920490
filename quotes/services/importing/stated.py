"""What a table states, row by row, before anything of it is compared with what is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Problem:
    """Something about one cell, row or column; `row` counts from 1 as the spreadsheet shows it."""

    message: str
    row: int | None = None
    column: str = ""
    blocking: bool = True

    def __str__(self) -> str:
        where = f"row {self.row}" if self.row is not None else ""
        place = ", ".join(part for part in (where, self.column) if part)
        return f"{place}: {self.message}" if place else self.message


@dataclass
class StatedLine:
    """One line of a stated quote. Only what the table states: an empty cell states nothing.

    `columns` holds QuoteLine columns (`premium_annual`, `quote_ref`, `product_name`), `details`
    the text typed for each detail code, `headings` for each of both the column it stood in.
    """

    line: str
    columns: dict[str, Any] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    headings: dict[str, str] = field(default_factory=dict)


@dataclass
class StatedQuote:
    """One carrier's package, from one row or from several (a row a line).

    `insured` holds Insured columns and, where stated, `insured_id`; `columns` Quote columns
    without the carrier's; `rows` are those it was read from.
    """

    rows: list[int]
    carrier_name: str
    insured: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, StatedLine] = field(default_factory=dict)
    headings: dict[str, str] = field(default_factory=dict)
    source: str = ""
    """The file, and its sheet where it has several: where its values came from."""

    @property
    def row(self) -> int:
        return self.rows[0]


@dataclass(frozen=True)
class Heading:
    """A column: its text (a merged group's name before its own), our guess and what holds.

    `target` is one of `columns.TARGETS`, or empty for a column that is left out.
    """

    index: int
    text: str
    guess: str
    target: str
    sample: str = ""


@dataclass
class StatedTable:
    """A table as read with one mapping of its columns."""

    name: str
    headings: list[Heading] = field(default_factory=list)
    quotes: list[StatedQuote] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    """Headings of columns that never leave the office (SSN, licence numbers): not even read."""

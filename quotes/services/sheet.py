"""The quote grid as it is shown: each cell as written and as read, and what is noted beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import simplejson
from django.utils import timezone

from quotes.models import LINES, Line, Quote
from quotes.models.carrier import carrier_key
from quotes.services import details, grid, matrix
from quotes.services.findings import AllStated
from quotes.services.grid import (
    CARRIER,
    CELLS,
    LINE_CELLS,
    PACKAGE_CELLS,
    Value,
    shown_clock,
    shown_day,
)
from quotes.services.origins import Origin

LABELS = {
    CARRIER: "Carrier",
    "premium_annual": "premium",
    "quote_ref": "quote id",
    "product_name": "product",
    "package_premium_annual": "Package premium",
    "term_months": "Term in months",
    "expires_on": "Last day",
}

UNDECIDED = ["\x00", "\x00"]
"""Equals nothing that anybody can type or store."""


def label(cell: str) -> str:
    """ "Home premium", "Package premium": what a cell is called."""
    line, column = grid.parts(cell)
    return f"{Line(line).label} {LABELS[column]}" if line else LABELS[column]


CELL_LABELS = {cell: label(cell) for cell in CELLS}
LINE_PREMIUMS = {cell for cell in CELLS if grid.parts(cell)[1] == "premium_annual"}


def raw(value: Value) -> str:
    """A value as one writes it: "6480.50", "3/28/2026"; "" where nothing is stated."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:.0f}" if value == value.to_integral_value() else f"{value:.2f}"
    if isinstance(value, dt.date):
        return f"{value.month}/{value.day}/{value.year}"
    return str(value)


def shown(value: Value) -> str:
    """A value as it is read: "$6,480.50", "Mar 28, 2026". The grid takes it as typed, too."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return f"${value:,.0f}" if value == value.to_integral_value() else f"${value:,.2f}"
    if isinstance(value, dt.date):
        return shown_day(value)
    if isinstance(value, int):
        return f"{value} mo"
    return raw(value)


def raw_cell(cell: str, value: Value) -> str:
    """As `raw`; a line's premium without what only makes it easier to read."""
    text = raw(value)
    return text.replace("$", "").replace(",", "") if cell in LINE_PREMIUMS else text


@dataclass
class Cell:
    """One cell: its name, what is stored as written and as read, and what the field holds.

    `theirs` is what somebody else stored in it meanwhile, as read; None without a conflict.
    """

    name: str
    id: str
    label: str
    raw: str = ""
    shown: str = ""
    text: str = ""
    error: str = ""
    theirs: str | None = None
    theirs_raw: str = ""
    who: str = ""

    @property
    def troubled(self) -> bool:
        return bool(self.error) or self.theirs is not None


@dataclass
class Notes:
    """What stands beside the cells: under the carrier, under each line, under the package."""

    carrier: str = ""
    package: str = ""
    expires: str = ""
    lines: dict[str, list[str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "carrier": self.carrier,
            "package": self.package,
            "expires": self.expires,
            **self.lines,
        }


@dataclass
class SheetRow:
    """A quote, or a row that is none yet. `error` is about the row as a whole."""

    pk: UUID
    stored: bool
    cells: dict[str, Cell]
    notes: Notes
    error: str = ""

    @property
    def carrier(self) -> Cell:
        return self.cells[CARRIER]

    @property
    def lines(self) -> list[tuple[str, list[Cell], list[str]]]:
        """Per line of business: its name, its cells, its terms in short."""
        return [
            (line, [self.cells[f"{line}-{name}"] for name in LINE_CELLS], self.notes.lines[line])
            for line in LINES
        ]

    @property
    def package(self) -> list[Cell]:
        return [self.cells[name] for name in PACKAGE_CELLS]

    @property
    def was(self) -> dict[str, list[str]]:
        """Per cell what is stored, as written and as read: what an edit starts from."""
        return {name: [cell.raw, cell.shown] for name, cell in self.cells.items() if cell.raw}

    @property
    def was_text(self) -> str:
        """`was` as the page carries it along. While two values stand against each other, a cell
        starts from neither."""
        undecided = {n: UNDECIDED for n, cell in self.cells.items() if cell.theirs is not None}
        return simplejson.dumps(self.was | undecided)


def sheet_rows(
    quotes: Iterable[Quote], now: dt.datetime, stated: AllStated | None = None
) -> list[SheetRow]:
    """A row for each quote; lines come prefetched and the carrier joined. `stated` spares reading
    the details of the lines in it again."""
    return [_row(quote, now, stated or {}) for quote in quotes]


def blank_row(pk: UUID) -> SheetRow:
    notes = Notes(lines={line: [] for line in LINES})
    return SheetRow(pk, False, _cells(pk, dict.fromkeys(CELLS)), notes)


def _row(quote: Quote, now: dt.datetime, stated: AllStated) -> SheetRow:
    cells = _cells(quote.pk, grid.row_values(quote, stated))
    for line in quote.held:
        # A premium stated for another term is written as stated, and read as what it is a year.
        cell = cells[f"{line.line}-premium_annual"]
        cell.shown = cell.text = shown(line.premium_annual)
    return SheetRow(quote.pk, True, cells, _notes(quote, now, stated))


def _cells(pk: UUID, values: Mapping[str, Value]) -> dict[str, Cell]:
    head = f"c-{pk}-"
    return {
        name: Cell(
            name,
            f"{head}{name}",
            CELL_LABELS[name],
            raw_cell(name, value),
            text := shown(value),
            text,
        )
        for name, value in values.items()
    }


def _notes(quote: Quote, now: dt.datetime, stated: AllStated) -> Notes:
    total, remark = matrix.package_remark(quote)
    if quote.package_premium_annual is None and total is not None:
        remark = f"lines: {shown(total)}"
    # A name that is spelled differently is worth a word; capitals and commas are not.
    known = carrier_key(quote.carrier.name) != carrier_key(quote.carrier_name)
    said = {line.line: details.summary(line, stated.get(line.pk)) for line in quote.held}
    return Notes(
        carrier=quote.carrier.name if known else "",
        package=remark,
        expires=matrix.expiry_warning(quote, now),
        lines={line: said.get(line, []) for line in LINES},
    )


def who_changed(origin: Origin | None) -> str:
    """ "by Dana Okafor at 1:56 PM", "by Dana Okafor on Mar 3, 2026", as far as it is known."""
    if origin is None:
        return ""
    words = [f"by {origin.by}"] if origin.by else []
    if origin.at is not None:
        moment = timezone.localtime(origin.at)
        today = moment.date() == timezone.localdate()
        words.append(f"at {shown_clock(moment)}" if today else f"on {shown_day(moment.date())}")
    return " ".join(words)

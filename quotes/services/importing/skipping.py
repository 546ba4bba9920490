"""Rows of a table that are no quotes: totals, repeated headings, footnotes."""

from __future__ import annotations

import itertools
import re
from decimal import Decimal

from quotes.services.importing.cells import Cell, Row, cell_text
from quotes.services.importing.layout import PREMIUMS, Column
from quotes.services.importing.values import MONEY
from quotes.services.importing.vocabulary import heading_key

TOTAL = re.compile(
    r"(grand |sub|sub |overall |column )?"
    r"(totals?|sum|averages?|avg|mean|median|min(imum)?|max(imum)?|lowest|highest|cheapest|"
    r"difference|diff|count)( annual)?( premiums?| costs?| price| quote)?\s*[:.]?",
    re.IGNORECASE,
)
FOOTNOTE = re.compile(r"\*|†|note\b|notes\b|disclaimer|source\b", re.IGNORECASE)
LONGEST_NAME = 60
THOUSANDS = re.compile(r"\$ ?[0-9]{1,3}")
FIGURES = re.compile(r"\$?[0-9.]+")
REST = re.compile(r"[0-9]{3}(\.[0-9]{1,2})?")


class Sums:
    """The money columns' sums as the rows go by, by which a row of totals shows itself."""

    def __init__(self, columns: list[Column]) -> None:
        self.money = [column.index for column in columns if column.code in PREMIUMS]
        self.sums = dict.fromkeys(self.money, Decimal(0))
        self.rows = 0

    def add(self, row: Row) -> None:
        self.rows += 1
        for index in self.money:
            self.sums[index] += _amount(row.cell(index)) or 0

    def are_stated_by(self, row: Row) -> bool:
        """Whether every amount of the row is the sum or the average of those above it."""
        stated = [
            (amount, self.sums[index])
            for index in self.money
            if (amount := _amount(row.cell(index))) is not None
        ]
        if not stated or self.rows < 2:
            return False
        cent = Decimal("0.01")
        return all(each == total for each, total in stated) or all(
            abs(each - total / self.rows) <= cent for each, total in stated
        )


def _amount(cell: Cell) -> Decimal | None:
    if isinstance(cell, str) and MONEY.fullmatch(cell):
        return Decimal(cell.lstrip("$ ").replace(",", ""))
    if isinstance(cell, bool) or not isinstance(cell, (int, Decimal)):
        return None
    return Decimal(cell)


def why_skipped(
    row: Row, carrier: Column | None, heading: Row, columns: list[Column], sums: Sums
) -> str:
    """Why a row is left out, in words for a note; "" for one that is to be read."""
    name = cell_text(row.cell(carrier.index)) if carrier else ""
    filled = [(index, cell) for index, cell in enumerate(row.cells) if cell is not None]
    first = cell_text(filled[0][1])
    if TOTAL.fullmatch(name) or (not name and TOTAL.fullmatch(first)):
        return f"“{name or first}” is no quote; the row was left out"
    above = cell_text(heading.cell(carrier.index)) if carrier else ""
    if name and heading_key(name) == heading_key(above) and _repeats(row, heading, columns):
        return "the headings stand again; the row was left out"
    if len(filled) == 1 and isinstance(filled[0][1], str):
        alone = not any(column.index == filled[0][0] for column in columns)
        if alone or FOOTNOTE.match(first) or len(first) > LONGEST_NAME:
            return f"“{first[:40]}” was taken for a remark; the row was left out"
    if not name and sums.are_stated_by(row):
        return "the amounts are the totals of the rows above; the row was left out"
    return ""


def _repeats(row: Row, heading: Row, columns: list[Column]) -> bool:
    texts = [(row.cell(each.index), heading.cell(each.index)) for each in columns]
    same = [
        heading_key(cell_text(cell)) == heading_key(cell_text(above))
        for cell, above in texts
        if cell is not None and above is not None
    ]
    return len(same) > 1 and all(same)


def cut_at_a_comma(row: Row, width: int) -> str:
    """What is wrong with a row of comma-separated text whose amounts were not quoted, else "".

    `width` is the number of headings. $6,480 without quotation marks is two cells, $6 and 480:
    every later cell would be read as what it is not.
    """
    texts = [cell if isinstance(cell, str) else "" for cell in row.cells]
    cut = any(
        THOUSANDS.fullmatch(left) and REST.fullmatch(right)
        for left, right in itertools.pairwise(texts)
    )
    if not cut and not any(FIGURES.fullmatch(text) for text in texts[width:]):
        return ""
    return (
        "has amounts cut at their commas, so that cells stand under the wrong headings; write "
        "$6,480 without the comma or in quotation marks"
    )

"""The columns of a table: its heading row found, each column's meaning guessed or chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from quotes.services.importing.catalogue import (
    AFTER_DETAILS,
    LINE_GROUPS,
    OF_EVERY_LINE,
    TARGETS,
    Target,
    guess,
)
from quotes.services.importing.cells import Cell, Row, Sheet, cell_text
from quotes.services.importing.stated import Heading
from quotes.services.importing.vocabulary import (
    NOT_A_QUOTE,
    canonical,
    heading_key,
    meaning,
    scope_of,
)
from quotes.services.sensitive import is_sensitive

__all__ = [
    "TARGETS",
    "HeadingRow",
    "Target",
    "find_heading",
    "guess",
    "heading_key",
    "headings_of",
    "is_table",
    "positional",
    "sensitive_headings",
]

WITHIN = 15
"""Title rows above a table are skipped; a heading further down is none."""
LONGEST_HEADING = 100
MOST_GROUP_WORDS = 4
SAMPLES = 3
SAMPLED_ROWS = 200
FIGURE = re.compile(r"\$? ?[0-9][0-9,]*(\.[0-9]+)?")
"""An amount or a count and nothing beside it, which names no column."""


@dataclass(frozen=True)
class HeadingRow:
    """The row of headings: its place among the sheet's rows, group and text of each column."""

    position: int
    columns: tuple[tuple[str, str], ...]

    def text(self, index: int) -> str:
        """The group's name before the column's own, as a person would say it."""
        group, own = self.columns[index] if index < len(self.columns) else ("", "")
        return " ".join(part for part in (group, own) if part)


def find_heading(sheet: Sheet, chosen: Mapping[str, str] | None = None) -> HeadingRow | None:
    """The heading row among the first rows: the one of which most columns are recognised.

    A quote of products called HO-3 and Auto is none, for all that they name lines: it holds as
    many figures. Where there is none, the first row that holds nothing but words, so that a person
    can say what they mean; None where there is no such row either.
    """
    best, most = None, 0
    for position, row in enumerate(sheet.rows[:WITHIN]):
        if len(_heading_cells(row)) < 1:
            continue
        above = sheet.rows[position - 1] if position else None
        found = HeadingRow(position, tuple(_columns(sheet, row, above)))
        recognised = len(_recognised(found, chosen or {}))
        if recognised > max(most, _figures(row, found)):
            best, most = found, recognised
    if best is not None:
        return best
    for position, row in enumerate(sheet.rows[:WITHIN]):
        filled = [cell for cell in row.cells if cell is not None]
        if len(filled) > 1 and all(_is_words(cell) for cell in filled):
            return HeadingRow(position, tuple(("", cell_text(cell)) for cell in row.cells))
    return None


def is_table(sheet: Sheet, chosen: Mapping[str, str] | None = None) -> bool:
    """Whether the sheet has a heading row of which at least two columns are recognised."""
    found = find_heading(sheet, chosen)
    return found is not None and len(_recognised(found, chosen or {})) > 1


def _recognised(row: HeadingRow, chosen: Mapping[str, str]) -> set[str]:
    return {
        target
        for index, (group, text) in enumerate(row.columns)
        if text and (target := chosen.get(heading_key(row.text(index))) or guess(text, group))
    }


def _figures(row: Row, found: HeadingRow) -> int:
    """How many cells of a row, or of that above it where they are headings, are figures."""
    written = sum(FIGURE.fullmatch(text) is not None for _, text in found.columns)
    return written + sum(isinstance(cell, int | Decimal) for cell in row.cells)


def _is_words(cell: Cell) -> bool:
    return isinstance(cell, str) and len(cell) <= LONGEST_HEADING and not cell[0].isdigit()


def _heading_cells(row: Row) -> list[int]:
    return [
        index
        for index, cell in enumerate(row.cells)
        if isinstance(cell, str) and len(cell) <= LONGEST_HEADING
    ]


def _columns(sheet: Sheet, row: Row, above: Row | None) -> list[tuple[str, str]]:
    """Group and text of each column of a heading row, with the merged cells above it."""
    groups = _groups(sheet, above) if above is not None else {}
    found = []
    for index in range(max(len(row.cells), len(above.cells) if above and groups else 0)):
        own = row.cell(index)
        text = own if isinstance(own, str) and len(own) <= LONGEST_HEADING else ""
        upper = above.cell(index) if above is not None and groups else None
        if not text and isinstance(upper, str):
            # A heading merged down over both rows stands in the upper one.
            found.append(("", upper))
        else:
            found.append((groups.get(index, "") if text else "", text))
    return found


def _groups(sheet: Sheet, row: Row) -> dict[int, str]:
    """The group's name over each column: a merged cell's, else one carried to the right."""
    spans = {left: right for top, left, _, right in sheet.merged if top == row.number}
    filled = [index for index, cell in enumerate(row.cells) if cell is not None]
    found: dict[int, str] = {}
    for place, index in enumerate(filled):
        cell = row.cells[index]
        if not isinstance(cell, str) or not _names_a_group(cell):
            continue
        following = filled[place + 1] if place + 1 < len(filled) else sheet.width
        last = spans.get(index, index) if spans else following - 1
        found.update(dict.fromkeys(range(index, last + 1), cell))
    return found


def _names_a_group(text: str) -> bool:
    if len(text) > LONGEST_HEADING:
        return False
    words = canonical(text)
    if NOT_A_QUOTE.intersection(words):
        return len(words) <= MOST_GROUP_WORDS
    return bool(scope_of(words)) and bool(meaning([*words, "premium"]) or words == ["insured"])


def headings_of(
    sheet: Sheet,
    chosen: Mapping[str, str] | None = None,
    mapping: Mapping[int, str] | None = None,
) -> list[Heading]:
    """The sheet's columns in order, without those that are sensitive and those without any cell.

    `chosen` maps a `heading_key` to a target ("" = leave out), `mapping` a column's index, which
    wins. Empty where the sheet has no heading row.
    """
    row = find_heading(sheet, chosen)
    if row is None:
        return []
    samples = _samples(sheet, row.position + 1)
    guessed: dict[int, str] = {}
    for index in range(sheet.width):
        group, own = row.columns[index] if index < len(row.columns) else ("", "")
        if _is_sensitive(row.text(index), own) or not (own or index in samples):
            continue
        guessed[index] = guess(own, group) if own else ""
    said = {index: _said(index, row.text(index), chosen or {}, mapping or {}) for index in guessed}
    _in_context(guessed, {index: target for index, target in said.items() if target is not None})
    return [
        Heading(
            index=index,
            text=row.text(index) or f"Column {column_letters(index)}",
            guess=target,
            target=target if said[index] is None else said[index] or "",
            sample=" · ".join(samples.get(index, [])),
        )
        for index, target in guessed.items()
    ]


def sensitive_headings(sheet: Sheet, chosen: Mapping[str, str] | None = None) -> list[str]:
    """Headings of columns that never leave the office, in order; their cells are not read."""
    row = find_heading(sheet, chosen)
    if row is None:
        return []
    return [
        row.text(index)
        for index, (_, own) in enumerate(row.columns)
        if _is_sensitive(row.text(index), own)
    ]


def _is_sensitive(text: str, own: str) -> bool:
    return any(is_sensitive(each.replace("#", " number ")) for each in {text, own} if each)


def _said(
    index: int, text: str, chosen: Mapping[str, str], mapping: Mapping[int, str]
) -> str | None:
    """What a person said a column is; None where nobody did."""
    said = mapping[index] if index in mapping else chosen.get(heading_key(text)) if text else None
    return said if said is None or said == "" or said in TARGETS else None


def _in_context(guessed: dict[int, str], said: dict[int, str]) -> None:
    """Mend guesses in place by what the other columns are.

    Without a column that names the line, "Quote #" is the package's and "Premium" beside the
    lines' premiums the package's too.
    """
    targets = {said.get(index, target) for index, target in guessed.items()}
    if "line" in targets:
        return
    lines_stated = any(f"{line}.premium_annual" in targets for line in LINE_GROUPS)
    instead = {f"line.{code}": "" for code in (*OF_EVERY_LINE, *AFTER_DETAILS)}
    del instead["line.effective_date"]
    if "package_id" not in targets:
        instead["line.quote_ref"] = "package_id"
    if not lines_stated:
        del instead["line.premium_annual"]
    elif "package_premium_annual" not in targets:
        instead["line.premium_annual"] = "package_premium_annual"
    for index, target in guessed.items():
        guessed[index] = instead.get(target, target)


def _samples(sheet: Sheet, start: int) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for place, row in enumerate(sheet.rows[start:]):
        for index, cell in enumerate(row.cells):
            if cell is None:
                continue
            held = found.setdefault(index, [])
            if len(held) < SAMPLES and place < SAMPLED_ROWS:
                shown = cell_text(cell)[:40]
                if shown and shown not in held:
                    held.append(shown)
    return found


def column_letters(index: int) -> str:
    """A column's letters by its index from 0: "A", "Z", "AA"."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def positional(sheet: Sheet, targets: Sequence[str]) -> Sheet:
    """The sheet with a heading row (number 0) that names `targets` in order put above it.

    For cells pasted without a heading; further columns than targets are left out.
    """
    labels: list[Cell] = [
        TARGETS[target].label if target in TARGETS else None for target in targets
    ]
    rows = [Row(row.number, row.cells[: len(targets)]) for row in sheet.rows]
    return Sheet(name=sheet.name, rows=[Row(0, labels), *rows], notes=list(sheet.notes))

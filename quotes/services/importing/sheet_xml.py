"""A sheet's XML before it is read: how large it would become, and the cells without a value.

Searched as bytes, as a million cells must not cost a million Python calls. Every search errs
towards counting too much: what escapes the pattern of a cell still counts by its address.
"""

from __future__ import annotations

import itertools
import re

from quotes.services.importing.cells import (
    FORMULA_TOLD,
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    TOO_MANY_CELLS,
    Unusable,
)
from quotes.services.reading import Mistake, Unreadable

MOST_TEXT = 64 * 1024 * 1024
EMPTY_CELL = re.compile(rb"<(?:\w++:)?+c(?:\s[^<>]*+|/)(?<=/)>")
EMPTY_ROW = re.compile(
    rb"<(?:\w++:)?+row(?:(?:\s[^<>]*+|/)(?<=/)>|(?:\s[^<>]*+)?+>\s*+</(?:\w++:)?+row\s*>)"
)
ADDRESS = re.compile(rb"""\br\s*=\s*["']([A-Za-z]+)0*([0-9]+)["']""")
CELL = re.compile(rb"[<:]c[\s/>]")
CELL_STARTS = [mark + b"c" + bytes([end]) for mark in (b"<", b":") for end in b" >/\n\t\r"]
ROW = re.compile(rb"[<:]row[\s/>]")
ROW_NUMBER = re.compile(rb"""[<:]row\s[^<>]*?\br\s*=\s*["']0*([0-9]+)["']""")
REFERS = re.compile(rb"""\bt\s*=\s*["']s["'](?:[^<>]*>\s*<(?:\w+:)?v[^<>]*>\s*([0-9]+))?""")
TEXT = re.compile(rb"<(?:\w+:)?si[\s/>]")
SPECIAL = (b"<f", b":f", b'"e"', b"'e'")
"""One of these stands wherever a cell has a formula or an error value."""
WHOLE_CELL = re.compile(rb"<(?:\w+:)?c(\s[^<>]*)?(?<!/)>(.*?)</(?:\w+:)?c\s*>", re.DOTALL)
VALUE = re.compile(rb"<(?:\w+:)?v(?:\s[^<>]*)?(?:/>|>([^<]*)<)")
IS_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
IS_ERROR = re.compile(rb"""\bt\s*=\s*["']e["']""")
IS_TEXT = re.compile(rb"""\bt\s*=\s*["']str["']""")


def stripped(xml: bytes) -> bytes:
    """The sheet without cells and rows that hold a format and nothing else."""
    return EMPTY_ROW.sub(b"", EMPTY_CELL.sub(b"", xml)) if b"/>" in xml else xml


def text_lengths(xml: bytes) -> list[int]:
    """How long each shared text is at most, in bytes."""
    starts = [match.start() for match in TEXT.finditer(xml)]
    return [end - start for start, end in itertools.pairwise([*starts, len(xml)])]


def measure(xml: bytes, name: str, lengths: list[int]) -> int:
    """The number of cells of a sheet, refused where it would grow beyond the limits.

    What the sheet says of its own dimensions is not asked.
    """
    cells = sum(map(xml.count, CELL_STARTS))
    if cells > MOST_CELLS:
        raise _refused(TOO_MANY_CELLS)
    addresses = ADDRESS.findall(xml)
    columns = max(map(_column, {letters for letters, _ in addresses}), default=0)
    rows = max((int(number[:9]) for number in {number for _, number in addresses}), default=0)
    if cells > len(addresses):
        # Cells without an address stand beside one another, rows below one another.
        by_row = [len(CELL.findall(each)) for each in ROW.split(xml)]
        columns = max(columns, *by_row) if len(by_row) > 1 else columns
        numbers = [int(number[:9]) for number in ROW_NUMBER.findall(xml)]
        rows = max([rows, *numbers]) + len(by_row) - 1 - len(numbers)
    if columns > MOST_COLUMNS:
        raise _refused(
            f'has {columns:,} columns on the sheet "{name[:60]}"; at most {MOST_COLUMNS} are '
            "taken: delete those to the right of the table"
        )
    if rows > MOST_ROWS:
        raise _refused(
            f'has cells down to row {rows:,} on the sheet "{name[:60]}"; at most {MOST_ROWS:,} '
            "rows are taken: delete those below the table"
        )
    longest = max(lengths, default=0)
    total = 0
    for index in REFERS.findall(xml):
        place = int(index[:9]) if index else -1
        total += lengths[place] if 0 <= place < len(lengths) else longest
    if total > MOST_TEXT:
        raise _refused("holds more text than a spreadsheet of 5 MB can; it was not opened")
    return cells


def _column(letters: bytes) -> int:
    """The number of a column by its letters, from 1: b"A" is 1, b"XFD" is 16,384."""
    number = 0
    for letter in letters[:7].upper():
        number = number * 26 + letter - 64
    return number


def special_cells(xml: bytes) -> dict[int, dict[int, Unusable]]:
    """Cells with a formula that has no value kept, and error values: by row number and column."""
    found: dict[int, dict[int, Unusable]] = {}
    if not any(mark in xml for mark in SPECIAL):
        return found
    for attributes, content in WHOLE_CELL.findall(xml):
        cell = _special(attributes, content)
        if cell is None:
            continue
        address = ADDRESS.search(attributes)
        if address is None:
            raise _refused("holds formulas in cells without an address; save it again")
        found.setdefault(int(address[2]), {})[_column(address[1]) - 1] = cell
    return found


def _special(attributes: bytes, content: bytes) -> Unusable | None:
    value = VALUE.search(content)
    if IS_ERROR.search(attributes):
        shown = (value[1] or b"").decode("utf-8", "replace")[:20] if value else ""
        return Unusable(shown, f"shows the error {shown or 'of a formula'}; mend it or empty it")
    if not IS_FORMULA.search(content):
        return None
    if value is None or (not value[1] and not IS_TEXT.search(attributes)):
        return Unusable("", FORMULA_TOLD)
    return None


def _refused(message: str) -> Unreadable:
    return Unreadable([Mistake("file", message)])

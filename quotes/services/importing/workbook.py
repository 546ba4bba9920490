"""XLSX workbooks as rows of cells: nothing inside is run, and none can be larger than it says.

A workbook is a zip of XML parts, and both may lie: sizes in the directory, dimensions in a sheet,
one long text referred to by a million cells. So the parts needed are unpacked here against their
stated sizes, measured, and handed to calamine in a zip of our own making.
"""

from __future__ import annotations

import datetime as dt
import io
import math
import zipfile
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import python_calamine

from quotes.services.importing.cells import (
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    TOO_MANY_CELLS,
    Cell,
    Row,
    Sheet,
    Unusable,
    text_cell,
)
from quotes.services.importing.delimited import CONTROL
from quotes.services.importing.package import DAMAGED, Part, unpacked
from quotes.services.importing.sheet_xml import measure, special_cells, stripped, text_lengths
from quotes.services.reading import Mistake, Unreadable

MOST_SHEETS = 30
ROOT = (
    b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    b'<Relationship Id="rId1" Target="xl/workbook.xml" Type="http://schemas.openxmlformats.org'
    b'/officeDocument/2006/relationships/officeDocument"/></Relationships>'
)
"""By this part calamine knows a workbook from any other zip."""


def read_workbook(raw: bytes) -> list[Sheet]:
    """The visible sheets of an XLSX file. Raises Unreadable in words.

    Numbers are what the spreadsheet keeps (15 significant digits); formulas give the value
    the spreadsheet last worked out, and are `Unusable` where it kept none.
    """
    package = unpacked(raw)
    visible = [part for part in package.sheets if part.visible]
    if len(visible) > MOST_SHEETS:
        raise _refused(f"has {len(visible)} sheets; at most {MOST_SHEETS} are taken")
    lengths = text_lengths(package.parts.get(package.texts, b""))
    slim = dict(package.parts)
    cells = 0
    for part in visible:
        slim[part.path] = stripped(slim[part.path])
        cells += measure(slim[part.path], part.name, lengths)
    if cells > MOST_CELLS:
        raise _refused(TOO_MANY_CELLS)
    try:
        book = python_calamine.load_workbook(io.BytesIO(_zipped(slim)))
        return [_sheet(book, part, slim[part.path]) for part in visible]
    except python_calamine.CalamineError:
        raise _refused(DAMAGED) from None
    except BaseException as error:
        # A panic inside calamine is no Exception, but a damaged file all the same.
        if type(error).__name__ == "PanicException":
            raise _refused(DAMAGED) from None
        raise


def _zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("_rels/.rels", ROOT)
        for path, content in parts.items():
            archive.writestr(path, content)
    return out.getvalue()


def _sheet(book: python_calamine.CalamineWorkbook, part: Part, xml: bytes) -> Sheet:
    table = book.get_sheet_by_name(part.name)
    sheet = Sheet(name=part.name)
    special = special_cells(xml)
    _add_rows(sheet, table.to_python(skip_empty_area=False), special)
    if sheet.rows and sheet.width > MOST_COLUMNS:
        raise _refused(f"has {sheet.width} columns; at most {MOST_COLUMNS} are taken")
    if len(sheet.rows) > MOST_ROWS:
        raise _refused(f"has more than {MOST_ROWS:,} rows; send fewer quotes at a time")
    sheet.merged = [
        (top + 1, left, bottom + 1, right)
        for (top, left), (bottom, right) in table.merged_cell_ranges or []
        if left < MOST_COLUMNS
    ]
    return sheet


def _add_rows(
    sheet: Sheet, values: list[list[Any]], special: dict[int, dict[int, Unusable]]
) -> None:
    last = max([len(values), *special], default=0)
    for number in range(1, last + 1):
        cells = _cells(values[number - 1]) if number <= len(values) else []
        for index, cell in special.get(number, {}).items():
            cells.extend([None] * (index + 1 - len(cells)))
            cells[index] = cell
        while cells and cells[-1] is None:
            cells.pop()
        if cells:
            sheet.rows.append(Row(number, cells))


def _cells(values: Iterable[Any]) -> list[Cell]:
    return [None if value == "" else _cell(value) for value in values]


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        if not value.isprintable() and CONTROL.search(value):
            return Unusable("", "holds characters that are not text; type it again")
        return text_cell(value)
    if isinstance(value, float):
        return number_cell(value)
    if isinstance(value, dt.datetime):
        return value.date() if value.time() == dt.time.min else value
    if isinstance(value, (bool, int, dt.date)):
        return value
    return text_cell(str(value))


def number_cell(value: float) -> int | Decimal | Unusable:
    """A number as the spreadsheet shows it: whole where it is whole, else to 15 digits."""
    if not math.isfinite(value):
        return Unusable(str(value), "is not a number; type its value")
    if value.is_integer() and abs(value) < 1e15:
        return int(value)
    return Decimal(f"{value:.15g}")


def _refused(message: str) -> Unreadable:
    return Unreadable([Mistake("file", message)])

"""The tables of an export as the bytes of a file in which no cell is a formula.

A spreadsheet takes a CSV cell that begins with =, +, - or @ for a formula, whoever wrote it: a
carrier's name as Nexio returns it is a stranger's text. Such text gets an apostrophe before it,
which spreadsheets read as "this is text". Numbers are written as numbers, minus signs and all.
In XLSX text is a type of its own: it is written as text and needs no apostrophe.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter
from django.utils import timezone

from quotes.services.exports.tables import Cell, Column, Table

STARTERS = frozenset("=+-@")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
MOST_TEXT = 32_000
"""A spreadsheet's cell holds 32,767 characters."""
FORMATS = {
    "money": "$#,##0.00;[Red]-$#,##0.00",
    "count": "0",
    "number": "General",
    "day": "yyyy-mm-dd",
}
NO_FORMULAS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}


def write_csv(table: Table) -> bytes:
    """UTF-8 with a byte order mark, by which spreadsheets know the encoding."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([column.title for column in table.columns])
    writer.writerows([csv_cell(cell) for cell in row] for row in table.rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def csv_cell(cell: Cell) -> str:
    """A cell as CSV holds it: numbers bare, text safe from being taken for a formula."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return as_text(cell)
    if isinstance(cell, Decimal):
        return f"{cell.normalize():f}"
    if isinstance(cell, datetime):
        return timezone.localtime(cell).isoformat(sep=" ", timespec="minutes")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def as_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe goes before what looks like one.

    Looked at as a spreadsheet might: without blanks in front, wide signs as their plain ones.
    """
    kept = _clean(text)
    plain = unicodedata.normalize("NFKC", kept).lstrip()
    risky = plain[:1] in STARTERS or kept[:1] in {"\t", "\r", "\n"}
    return f"'{kept}" if risky else kept


def _clean(text: str) -> str:
    return CONTROLS.sub("", text)[:MOST_TEXT].encode("utf-8", "replace").decode()


def write_xlsx(tables: Sequence[Table], title: str) -> bytes:
    """A sheet for each table; headings stay in sight, figures and days are typed."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, NO_FORMULAS) as book:
        book.set_properties({"title": title, "comments": "Exported from the broker portal."})
        looks = looks_of(book)
        for table in tables:
            _write_sheet(book.add_worksheet(table.name), table, looks)
    return out.getvalue()


def looks_of(book: Any) -> dict[str, Any]:
    """The formats of a workbook's cells, by the kind of their column, and that of headings."""
    looks = {kind: book.add_format({"num_format": code}) for kind, code in FORMATS.items()}
    looks["moment"] = book.add_format({"num_format": "yyyy-mm-dd hh:mm", "align": "left"})
    looks["long"] = book.add_format({"text_wrap": True, "valign": "top"})
    looks["head"] = book.add_format({"bold": True, "text_wrap": True, "bottom": 1})
    return looks


def _write_sheet(sheet: Any, table: Table, looks: dict[str, Any]) -> None:
    for at, column in enumerate(table.columns):
        sheet.set_column(at, at, column.width)
        sheet.write_string(0, at, column.title, looks["head"])
    for place, row in enumerate(table.rows, 1):
        for at, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
            write_cell(sheet, place, at, column, cell, looks)
    sheet.freeze_panes(1, 0)
    if len(table.columns) > 2:
        sheet.autofilter(0, 0, max(len(table.rows), 1), len(table.columns) - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def write_cell(
    sheet: Any, row: int, at: int, column: Column, cell: Cell, looks: dict[str, Any]
) -> None:
    """A cell as XLSX holds it: typed, and text as text whatever it begins with."""
    if isinstance(cell, str):
        sheet.write_string(row, at, _clean(cell), looks.get(column.kind))
    elif isinstance(cell, datetime):
        local = timezone.localtime(cell).replace(tzinfo=None, second=0, microsecond=0)
        sheet.write_datetime(row, at, local, looks["moment"])
    elif isinstance(cell, date):
        sheet.write_datetime(row, at, cell, looks["day"])
    elif isinstance(cell, Decimal) and column.kind == "long":
        sheet.write_number(row, at, cell, looks["money"])
    elif cell is not None:
        sheet.write_number(row, at, cell, looks.get(column.kind))

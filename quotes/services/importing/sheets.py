"""Spreadsheets as plain rows of cells, whatever they came as: XLSX, CSV or a pasted block.

Nothing of a workbook is run, and nothing is kept of what its cells do not say themselves:
a formula without a value and an error value become an `Unusable` cell, told by row and column.
"""

from __future__ import annotations

from quotes.services.importing.cells import (
    MOST_COLUMNS,
    MOST_ROWS,
    Cell,
    Row,
    Sheet,
    Unusable,
    cell_text,
)
from quotes.services.importing.delimited import decoded, read_delimited
from quotes.services.importing.workbook import read_workbook
from quotes.services.reading import MOST_BYTES, Mistake, Unreadable

__all__ = [
    "MOST_COLUMNS",
    "MOST_ROWS",
    "Cell",
    "Row",
    "Sheet",
    "Unusable",
    "cell_text",
    "pasted_sheet",
    "read_sheets",
]

SAVE_AS = "open it in the spreadsheet program and save it as XLSX or CSV"
ZIP = b"PK\x03\x04"
OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "is a PDF, not a table; attach it to the quote, and paste or type its figures"),
    (b"\x89PNG", "is a picture, not a table; paste the cells themselves"),
    (b"\xff\xd8\xff", "is a picture, not a table; paste the cells themselves"),
    (b"GIF8", "is a picture, not a table; paste the cells themselves"),
    (b"BM", "is a picture, not a table; paste the cells themselves"),
    (b"{\\rtf", "is a text document, not a table; copy its table and paste it"),
    (b"\x1f\x8b", "is compressed; unpack it first"),
    (b"PK\x05\x06", "is an empty archive, not a spreadsheet"),
)
MARKUP = (b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta")


def read_sheets(raw: bytes, name: str) -> list[Sheet]:
    """The sheets of a file, told by its content. Raises `reading.Unreadable` in words.

    `name` is the file's name; a CSV's sheet is called by it. Hidden sheets are not read.
    """
    if len(raw) > MOST_BYTES:
        raise _refused("is larger than 5 MB; send fewer quotes at a time")
    if not raw.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        raise _refused("is empty")
    if raw.startswith(ZIP):
        sheets = read_workbook(raw)
    else:
        _refuse_others(raw)
        text, encoding = decoded(raw)
        sheet = read_delimited(text, name or "table")
        if encoding == "cp1252":
            sheet.notes.append(
                "The file is not UTF-8; it was read as Windows-1252. Check names with accents."
            )
        sheets = [sheet]
    if not any(sheet.rows for sheet in sheets):
        raise _refused("holds no cells: every sheet is empty")
    return sheets


def pasted_sheet(text: str) -> Sheet:
    """Cells pasted from a spreadsheet (tabs), or lines with commas or semicolons.

    Raises `reading.Unreadable` in words.
    """
    if len(text) > MOST_BYTES:
        raise _refused("is larger than 5 MB; paste fewer quotes at a time")
    sheet = read_delimited(text, "pasted cells")
    if not sheet.rows:
        raise _refused("holds no cells")
    return sheet


def _refuse_others(raw: bytes) -> None:
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        # Both an .xls and a workbook with a password are stored in this container.
        if "EncryptedPackage".encode("utf-16-le") in raw:
            raise _refused("is protected by a password; save it without one")
        raise _refused(f"is in the old .xls format; {SAVE_AS}")
    for start, told in OTHERS:
        if raw.startswith(start):
            raise _refused(told)
    if raw[4:8] == b"ftyp":
        raise _refused("is a picture or a film, not a table; paste the cells themselves")
    if raw[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(MARKUP):
        raise _refused(f"is a web page or XML, whatever its name says; {SAVE_AS}")


def _refused(message: str) -> Unreadable:
    return Unreadable([Mistake("file", message)])

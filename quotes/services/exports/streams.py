"""A long table as a file that is made while its rows are read: memory stays flat.

CSV leaves row by row as it is made. XLSX is an archive whose end says what is in it, so that it
is written to a temporary file first; no row of it is kept in memory. Cells are as safe as those
of `files`.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import IO

import xlsxwriter

from quotes.services.exports.files import NO_FORMULAS, csv_cell, looks_of, write_cell
from quotes.services.exports.tables import Cell, Column

MOST_ROWS = 1_048_575
"""What a sheet holds below its headings."""
ROWS_AT_ONCE = 200


class _Line:
    """A file of one line, which is taken out as soon as it is written."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text = text


def csv_stream(
    columns: Sequence[Column], rows: Generator[Sequence[Cell], None, None]
) -> Iterator[bytes]:
    """UTF-8 with a byte order mark, in pieces of some rows; broken off, `rows` are closed."""
    line = _Line()
    writer = csv.writer(line)
    writer.writerow([column.title for column in columns])
    yield b"\xef\xbb\xbf" + line.text.encode()
    with closing(rows):
        while piece := list(islice(rows, ROWS_AT_ONCE)):
            said = []
            for row in piece:
                writer.writerow([csv_cell(cell) for cell in row])
                said.append(line.text)
            yield "".join(said).encode()


def xlsx_file(
    name: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], title: str
) -> IO[bytes]:
    """A workbook of one sheet, `name`, as an open temporary file at its beginning, which is gone
    when it is closed. More rows than a sheet holds are left out, and a last row says so."""
    file = tempfile.TemporaryFile(suffix=".xlsx")  # noqa: SIM115 - the answer closes it
    options = {**NO_FORMULAS, "in_memory": False, "constant_memory": True}
    try:
        with xlsxwriter.Workbook(file, options) as book:
            book.set_properties({"title": title, "comments": "Exported from the broker portal."})
            looks = looks_of(book)
            sheet = book.add_worksheet(name)
            for at, column in enumerate(columns):
                sheet.set_column(at, at, column.width)
                sheet.write_string(0, at, column.title, looks["head"])
            sheet.freeze_panes(1, 0)
            count = 0
            for count, row in enumerate(rows, 1):
                if count == MOST_ROWS:
                    sheet.write_string(count, 0, "More rows than a sheet holds: take the CSV.")
                    break
                for at, (column, cell) in enumerate(zip(columns, row, strict=True)):
                    write_cell(sheet, count, at, column, cell, looks)
            sheet.autofilter(0, 0, max(count, 1), len(columns) - 1)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file

"""Text with separators, as spreadsheets save and copy it: CSV in its encodings, pasted cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from quotes.services.importing.cells import (
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    TOO_MANY_CELLS,
    Row,
    Sheet,
    text_cell,
)
from quotes.services.reading import Mistake, Unreadable

SEPARATORS = "\t,;|"
LONGEST_CELL = 32_767
"""What a cell of a spreadsheet holds at most."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")
SEP_LINE = re.compile(r"sep=(.)\s*?\r?\n", re.IGNORECASE)
QUOTED = re.compile(r'"[^"]*"')


def decoded(raw: bytes) -> tuple[str, str]:
    """The text of a file and the encoding it turned out to be in. Raises Unreadable.

    UTF-8 and UTF-16 with or without their mark, else Windows-1252: what spreadsheets write.
    """
    encoding = _encoding(raw)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise _refused("is not text in any usual encoding; save it as CSV UTF-8") from None
    _refuse_rubbish(text)
    return text, encoding


def _encoding(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if raw.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    head = raw[:4096]
    if len(raw) % 2 == 0 and b"\x00" in head:
        # Without its mark UTF-16 shows by every other byte of plain letters being zero.
        half = len(head) // 2
        if head[1::2].count(0) > half * 0.6 and head[::2].count(0) < half * 0.1:
            return "utf-16-le"
        if head[::2].count(0) > half * 0.6 and head[1::2].count(0) < half * 0.1:
            return "utf-16-be"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _refuse_rubbish(text: str) -> None:
    found = CONTROL.search(text)
    if found:
        what = "NUL characters" if found[0] == "\x00" else "characters that are not text"
        raise _refused(f"holds {what}: it is not a CSV or has been damaged; save it again")


def read_delimited(text: str, name: str) -> Sheet:
    """The one sheet of a text with separators; rows count as a spreadsheet counts them.

    The separator is the one of Excel's "sep=" line, else the one that divides the first lines
    most alike. Raises Unreadable for an unclosed quotation mark, too many rows or columns.
    """
    _refuse_rubbish(text)
    text = text.removeprefix("\ufeff")
    said = SEP_LINE.match(text)
    separator = said[1] if said else _separator(text)
    first = 1
    if said:
        text, first = text[said.end() :], 2
    sheet = Sheet(name=name, separator=separator)
    cells = 0
    for number, values in enumerate(_records(text, separator), first):
        while values and not values[-1].strip():
            values.pop()
        if not values:
            continue
        if len(sheet.rows) >= MOST_ROWS:
            raise _refused(f"has more than {MOST_ROWS:,} rows; send fewer quotes at a time")
        cells += len(values)
        if cells > MOST_CELLS:
            raise _refused(TOO_MANY_CELLS)
        if len(values) > MOST_COLUMNS:
            raise _refused(
                f"has {len(values):,} columns in row {number}; at most {MOST_COLUMNS} are taken"
            )
        sheet.rows.append(Row(number, [text_cell(value) for value in values]))
    return sheet


def _records(text: str, separator: str) -> Iterator[list[str]]:
    """The records of the text, by the rules of CSV; pasted cells may hold a lone mark."""
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error:
        if separator != "\t":
            raise _refused(_broken(text, separator)) from None
        records = [line.split("\t") for line in text.splitlines()]
    for number, record in enumerate(records, 1):
        if any(len(value) > LONGEST_CELL for value in record):
            raise _refused(f"has a cell in row {number} that is longer than a cell can be")
        yield record


def _broken(text: str, separator: str) -> str:
    number = 0
    try:
        for _ in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            number += 1
    except csv.Error as error:
        if "field larger" in str(error):
            return f"has a cell in row {number + 1} that is longer than a cell can be"
    return (
        f"has a quotation mark in row {number + 1} that is not closed or not doubled; "
        "mend it there or save the table as XLSX"
    )


def _separator(text: str) -> str:
    lines = [line for line in QUOTED.sub("", text[:20_000]).splitlines() if line.strip()][:20]
    best, most = ",", 0.0
    for separator in SEPARATORS:
        counts = [line.count(separator) for line in lines]
        divided = sum(1 for count in counts if count)
        usual = max(set(counts), key=counts.count, default=0) if divided else 0
        # Thousands separators divide some lines by chance: what divides them alike counts first.
        score = divided + (len(lines) if usual and counts.count(usual) * 2 >= len(lines) else 0)
        if separator == "\t" and divided:
            score *= 2
        if score > most:
            best, most = separator, score
    return best


def _refused(message: str) -> Unreadable:
    return Unreadable([Mistake("file", message)])

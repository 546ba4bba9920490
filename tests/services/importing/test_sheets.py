"""Spreadsheets and pasted cells: what is read, and what is refused in words."""

from __future__ import annotations

import datetime as dt
import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from decimal import Decimal

import pytest
import xlsxwriter

from quotes.services.importing.sheets import (
    Sheet,
    Unusable,
    cell_text,
    pasted_sheet,
    read_sheets,
)
from quotes.services.reading import Unreadable

TABLE = "Carrier,Home premium\r\nHarbor Mutual,6480\r\n"
SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "{dimension}<sheetData>{rows}</sheetData></worksheet>"
)
BOOK = (
    '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
    '<sheet name="Quotes" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    "</Relationships>"
)


def workbook(write: Callable[[xlsxwriter.Workbook], None]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    write(book)
    book.close()
    return out.getvalue()


def raw_workbook(rows: str, *, dimension: str = "", texts: str = "", **more: str) -> bytes:
    """A workbook whose sheet is written by hand, so that it can lie."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", more.get("book", BOOK))
        archive.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        archive.writestr("xl/worksheets/sheet1.xml", SHEET.format(rows=rows, dimension=dimension))
        archive.writestr("xl/sharedStrings.xml", f"<sst>{texts}</sst>")
    return out.getvalue()


def cells(sheet: Sheet) -> list[list[object]]:
    return [list(row.cells) for row in sheet.rows]


def refusal(raw: bytes, name: str = "quotes.xlsx") -> str:
    with pytest.raises(Unreadable) as caught:
        read_sheets(raw, name)
    assert [mistake.field for mistake in caught.value.mistakes] == ["file"]
    return str(caught.value)


class TestWorkbook:
    def test_every_kind_of_cell(self) -> None:
        def write(book: xlsxwriter.Workbook) -> None:
            sheet = book.add_worksheet("Quotes")
            day = book.add_format({"num_format": "m/d/yyyy"})
            share = book.add_format({"num_format": "0%"})
            sheet.write_row(1, 0, ["Harbor ", 6480, 6480.5, 90584063.0, True, "  "])
            sheet.write_datetime(2, 0, dt.datetime(2026, 3, 28), day)
            sheet.write_datetime(2, 1, dt.datetime(2026, 3, 28, 17, 30), day)
            sheet.write_number(2, 2, 0.02, share)
            sheet.write_number(2, 3, 0.1 + 0.2)
            sheet.write_formula(4, 0, "=1+1", None, 7)
            sheet.write_formula(4, 1, "=1+1", None, "")
            sheet.write_formula(4, 2, "=NA()", None, "#N/A")
            sheet.write_formula(4, 3, '="a"', None, "a")
            sheet.write_string(4, 4, "=1+1")

        (sheet,) = read_sheets(workbook(write), "quotes.xlsx")
        assert sheet.name == "Quotes"
        assert [row.number for row in sheet.rows] == [2, 3, 5]
        first, second, third = cells(sheet)
        assert first == ["Harbor", 6480, Decimal("6480.5"), 90584063, True]
        assert second == [
            dt.date(2026, 3, 28),
            dt.datetime(2026, 3, 28, 17, 30),
            Decimal("0.02"),
            Decimal("0.3"),
        ]
        assert third[0] == 7
        assert third[3] == "a"
        for index, told in ((1, "formula"), (2, "#N/A"), (4, "formula")):
            cell = third[index]
            assert isinstance(cell, Unusable)
            assert told in cell.why

    def test_hidden_sheets_and_empty_formats_are_not_read(self) -> None:
        def write(book: xlsxwriter.Workbook) -> None:
            sheet = book.add_worksheet("Quotes")
            sheet.write(0, 0, "Carrier")
            sheet.write_blank(5000, 16000, None, book.add_format({"bold": True}))
            hidden = book.add_worksheet("Rates")
            hidden.write(0, 0, "secret")
            hidden.hide()

        (sheet,) = read_sheets(workbook(write), "quotes.xlsx")
        assert cells(sheet) == [["Carrier"]]

    def test_merged_cells_are_told(self) -> None:
        def write(book: xlsxwriter.Workbook) -> None:
            book.add_worksheet().merge_range(0, 1, 0, 3, "Home")

        (sheet,) = read_sheets(workbook(write), "quotes.xlsx")
        assert sheet.merged == [(1, 1, 1, 3)]

    def test_a_large_workbook_is_read_to_its_last_cell(self) -> None:
        def write(book: xlsxwriter.Workbook) -> None:
            sheet = book.add_worksheet()
            for number in range(1000):
                sheet.write_row(number, 0, [f"Carrier {number % 40}", *range(number, number + 19)])

        (sheet,) = read_sheets(workbook(write), "quotes.xlsx")
        assert len(sheet.rows) == 1000
        assert cells(sheet)[-1] == ["Carrier 39", *range(999, 1018)]


class TestRefusedWorkbooks:
    def test_larger_than_5_mb(self) -> None:
        raw = b"PK\x03\x04" + bytes(50 * 1024 * 1024)
        tracemalloc.start()
        try:
            assert "5 MB" in refusal(raw)
            assert tracemalloc.get_traced_memory()[1] < 1024 * 1024, "nothing of it is copied"
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize("honest", [True, False])
    def test_a_zip_bomb_is_not_unpacked(self, honest: bool) -> None:
        size = 300 * 1024 * 1024
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(300))
        packed += packer.flush()
        raw = _zip_of("xl/workbook.xml", packed, size if honest else 1000)
        tracemalloc.start()
        try:
            assert "unpacks to more" in refusal(raw)
            assert tracemalloc.get_traced_memory()[1] < 32 * 1024 * 1024
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize(
        ("rows", "told"),
        [
            ('<row r="1"><c r="BDWGN1"><v>1</v></c></row>', "columns"),
            ('<row r="1"><c r="A1048576"><v>1</v></c></row>', "rows"),
            ('<row r="1"><c foo="/&gt;" r="XFD1"><v>1</v></c></row>', "columns"),
            ("<row>" + "<c><v>1</v></c>" * 1000 + "</row>", "columns"),
            ("<row><c><v>1</v></c></row>" * 10_001, "rows"),
            ('<row r="20000"><c><v>1</v></c></row>', "rows"),
            ('<x:row r="1"><x:c r="XFD1"><x:v>1</x:v></x:c></x:row>', "columns"),
        ],
        ids=["address", "row", "attribute", "no addresses", "no rows", "row's own", "prefix"],
    )
    def test_more_cells_than_the_dimension_admits(self, rows: str, told: str) -> None:
        assert told in refusal(raw_workbook(rows, dimension='<dimension ref="A1:B2"/>'))

    def test_more_cells_than_a_table_of_quotes_has(self) -> None:
        cells = "".join(
            f'<c r="{letter}{{0}}"><v>1</v></c>' for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        )
        rows = "".join(f'<row r="{n}">{cells.format(n) * 2}</row>' for n in range(1, 8000))
        assert "400,000 cells" in refusal(raw_workbook(rows))

    def test_one_long_text_in_very_many_cells(self) -> None:
        texts = f"<si><t>{'x' * 30_000}</t></si>"
        row = "".join(f'<c r="{letter}{{0}}" t="s"><v>0</v></c>' for letter in "ABCDEFGH")
        rows = "".join(f'<row r="{n}">{row.format(n)}</row>' for n in range(1, 5000))
        assert "more text" in refusal(raw_workbook(rows, texts=texts))

    def test_entities_are_not_resolved(self) -> None:
        book = f'<!DOCTYPE x [<!ENTITY a "aaaa">]>{BOOK}'
        assert "entities" in refusal(raw_workbook("", book=book))

    def test_damaged_parts(self) -> None:
        whole = raw_workbook('<row r="1"><c r="A1"><v>1</v></c></row>')
        assert "damaged" in refusal(whole[: len(whole) // 2])
        assert "damaged" in refusal(b"PK\x03\x04 and then nothing")
        assert "damaged" in refusal(raw_workbook("<row><c r='A1'"))

    @pytest.mark.parametrize(
        ("raw", "told"),
        [
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ".xls"),
            (
                b"\xd0\xcf\x11\xe0" + bytes(100) + "EncryptedPackage".encode("utf-16-le"),
                "password",
            ),
            (b"%PDF-1.7 ...", "PDF"),
            (b"\x89PNG\r\n\x1a\n....", "picture"),
            (b"\xff\xd8\xff\xe0....", "picture"),
            (b"<html><table><tr><td>1</td></tr></table></html>", "web page"),
            (b"", "empty"),
            (b" \r\n\t ", "empty"),
            (b"\xef\xbb\xbf\r\n", "empty"),
            (b",,,\r\n,,,\r\n", "empty"),
        ],
    )
    def test_what_is_no_table(self, raw: bytes, told: str) -> None:
        assert told in refusal(raw)

    @pytest.mark.parametrize(
        ("part", "told"),
        [
            ("content.xml", "OpenDocument"),
            ("xl/workbook.bin", "XLSB"),
            ("Index/Document.iwa", "Numbers"),
            ("word/document.xml", "text document"),
            ("quotes.csv", "archive"),
        ],
    )
    def test_other_documents_say_what_to_do(self, part: str, told: str) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
            archive.writestr(part, "x")
        assert told in refusal(out.getvalue())

    def test_an_empty_workbook(self) -> None:
        assert "empty" in refusal(workbook(lambda book: book.add_worksheet() and None))


def _zip_of(name: str, packed: bytes, size: int) -> bytes:
    """A zip of one deflated part that says it is `size` long."""
    path, checksum = name.encode(), 0
    local = struct.pack(
        "<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, checksum, len(packed), size, len(path), 0
    )
    central = struct.pack(
        "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, checksum, len(packed), size,
        len(path), 0, 0, 0, 0, 0, 0,
    )  # fmt: skip
    body = local + path + packed
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(central) + len(path), len(body), 0)
    return body + central + path + end


class TestText:
    @pytest.mark.parametrize(
        "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
    )
    def test_encodings_that_spreadsheets_write(self, encoding: str) -> None:
        raw = "Carrier\tHome premium\r\nMüller & Söhne – Würde\t6480\r\n".encode(encoding)
        (sheet,) = read_sheets(raw, "quotes.txt")
        assert cells(sheet)[1] == ["Müller & Söhne – Würde", "6480"]
        assert bool(sheet.notes) == (encoding == "cp1252")

    def test_bytes_of_no_encoding(self) -> None:
        assert "not text" in refusal(b"Carrier,Home\r\n\x81\x8d,1\r\n", "quotes.csv")
        assert "NUL" in refusal(b"Carrier,Home\r\nA\x00B,1\r\n", "quotes.csv")
        assert "not text" in refusal(bytes(range(1, 256)) * 20, "quotes.csv")

    @pytest.mark.parametrize(
        "text",
        [
            'Carrier,Home premium\nHarbor,"6,480"',
            "Carrier;Home premium\nHarbor;6,480",
            "Carrier\tHome premium\nHarbor\t6,480",
            "Carrier|Home premium\nHarbor|6,480",
            "sep=;\nCarrier;Home premium\nHarbor;6,480",
            "Carrier\tHome premium\r\rHarbor\t6,480",
        ],
    )
    def test_separators(self, text: str) -> None:
        assert cells(pasted_sheet(text)) == [["Carrier", "Home premium"], ["Harbor", "6,480"]]
        (sheet,) = read_sheets(text.encode(), "quotes.csv")
        assert cells(sheet) == [["Carrier", "Home premium"], ["Harbor", "6,480"]]

    def test_rows_count_as_a_spreadsheet_counts_them(self) -> None:
        text = 'sep=,\n\nCarrier,Note\n"A\nB",x\n,\nC,y\n'
        sheet = pasted_sheet(text)
        assert [(row.number, row.cells[0]) for row in sheet.rows] == [
            (3, "Carrier"),
            (4, "A\nB"),
            (6, "C"),
        ]

    @pytest.mark.parametrize("text", ["=SUM(A1)", "=1+1", "@SUM(1)", "+A1", "=cmd|' /C calc'!A0"])
    def test_formulas_are_not_taken(self, text: str) -> None:
        cell = pasted_sheet(f"Carrier\t{text}").rows[0].cells[1]
        assert isinstance(cell, Unusable)
        assert "formula" in cell.why
        assert cell_text(cell) == text

    def test_what_only_looks_like_a_formula(self) -> None:
        row = pasted_sheet('="02115"\t+1 617\t-\t@').rows[0]
        assert row.cells == ["02115", "+1 617", "-", "@"]

    def test_a_mark_that_is_not_closed(self) -> None:
        assert "row 2" in refusal(b'Carrier,Home\r\n"Harbor,6480\r\nB,1\r\n', "quotes.csv")
        # Pasted cells hold their text as it is.
        assert cells(pasted_sheet('Carrier\tNote\nHarbor\t"6 ft fence')) == [
            ["Carrier", "Note"],
            ["Harbor", '"6 ft fence'],
        ]

    def test_too_much(self) -> None:
        assert "columns" in refusal(b"a," * 1_000_000, "quotes.csv")
        assert "rows" in refusal(b"a,b\n" * 10_001, "quotes.csv")
        assert "400,000 cells" in refusal((b"1," * 150 + b"1\n") * 3000, "quotes.csv")
        assert "longer" in refusal(b"a,b\n" + b"x" * 40_000 + b",y\n", "quotes.csv")
        with pytest.raises(Unreadable, match="5 MB"):
            pasted_sheet("a\t" * 3_000_000)
        with pytest.raises(Unreadable, match="no cells"):
            pasted_sheet(" \n\t\n")

    def test_a_name_does_not_tell_the_kind(self) -> None:
        (sheet,) = read_sheets(TABLE.encode(), "quotes.xlsx")
        assert cells(sheet)[1] == ["Harbor Mutual", "6480"]

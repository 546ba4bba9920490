"""The table to start from: a fictional household with four carriers' quotes, as CSV and XLSX."""

from __future__ import annotations

import csv
import io
from typing import Any

import xlsxwriter

Row = tuple[str | int, ...]
HOUSEHOLD: Row = ("Odalys & Bram Winterbourne", "7 Makebelieve Row", "Irvine", "CA", "92602")
HEADINGS: tuple[tuple[str, str, int], ...] = (
    ("Insured", "The household. Leave the address columns out when the name is known already.", 26),
    ("Street", "Optional.", 20),
    ("City", "Optional.", 12),
    ("State", "Two letters, such as CA, or the name.", 8),
    ("ZIP", "Five digits or ZIP+4; a leading zero may be missing.", 10),
    ("Carrier", "Required. Any spelling that was used before is recognized.", 20),
    ("Package id", "The carrier's own. With it, a later import updates the same quote.", 14),
    ("Package premium", "Dollars a year for all lines together, bundle discount included.", 17),
    ("Term (months)", "12, 6, annual, semi-annual.", 14),
    ("Expires", "The last day on which the price can be had.", 12),
    ("Home premium", 'Dollars a year, or a term\'s: "2155 / 6 mo".', 14),
    ("Home quote id", "The carrier's own.", 14),
    ("Home product", "As the carrier calls it.", 16),
    ("Home form", "HO-3, HO-5, HO-6 …", 11),
    ("Home coverage A", "Dwelling: 850k, 1.2M or dollars.", 16),
    ("Home deductibles", '"$2,500 AOP, 2% hurricane". Without a word: all other perils.', 24),
    ("Auto premium", 'Dollars a year, or a term\'s: "2155 / 6 mo".', 14),
    ("Auto quote id", "The carrier's own.", 14),
    ("Auto product", "As the carrier calls it.", 16),
    ("Auto limits", '"250/500/100" or "500 CSL".', 13),
    ("Umbrella premium", "Dollars a year.", 17),
    ("Umbrella quote id", "The carrier's own.", 17),
    ("Umbrella product", "As the carrier calls it.", 17),
    ("Umbrella limit", '"1M", "5M" or dollars.', 14),
)
QUOTES: tuple[Row, ...] = (
    ("Larkspur Mutual", "LM-20471", 9870, 12, "12/18/2026",
     5120, "LMH-20471", "Signature", "HO-5", "1.2M", "$2,500 AOP",
     4310, "LMA-20471", "Premier Auto", "250/500/100", 615, "LMU-20471", "Excess", "2M"),
    ("Tidewater Casualty", "TC-88-310", 9405, 12, "12/12/2026",
     4890, "TCH-310", "Harbor Home", "HO-3", "1.15M", "$5,000 AOP",
     4180, "TCA-310", "Road Select", "250/500/100", 570, "TCU-310", "Umbrella", "2M"),
    ("Copperfield Specialty", "CF-5512", 11240, 12, "12/20/2026",
     6030, "CFH-5512", "Estate", "HO-5", "1.3M", "$2,500 AOP",
     4520, "CFA-5512", "Collector", "500 CSL", 690, "CFU-5512", "Personal Excess", "5M"),
    ("Quillback National", "QN-7719", 8990, 12, "12/15/2026",
     4640, "QNH-7719", "Standard", "HO-3", "1.1M", "1% AOP",
     3985, "QNA-7719", "Standard Auto", "100/300/100", 540, "QNU-7719", "Umbrella", "1M"),
)  # fmt: skip
NAME = "quotes-template"
HOW_TO = (
    "One row a carrier. Columns may stand in any order, be called otherwise, or be left out.",
    "An empty cell states nothing: it changes nothing that is stored already.",
    "Several households fit into one table: name each in its own rows.",
    "Social Security numbers, driver's license numbers and the like are never read.",
)


def template_csv() -> bytes:
    """The example as CSV, which Excel opens as UTF-8 by its mark at the beginning."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([heading for heading, _, _ in HEADINGS])
    for row in QUOTES:
        writer.writerow([*HOUSEHOLD, *row])
    return out.getvalue().encode("utf-8-sig")


def template_xlsx() -> bytes:
    """The example as a workbook, with a second sheet that explains the columns."""
    out = io.BytesIO()
    options: dict[str, Any] = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        money = book.add_format({"num_format": "#,##0"})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet("Quotes")
        for column, (heading, _, width) in enumerate(HEADINGS):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, heading, bold)
        for number, row in enumerate(QUOTES, start=1):
            for column, value in enumerate((*HOUSEHOLD, *row)):
                premium = "premium" in HEADINGS[column][0]
                sheet.write(number, column, value, money if premium else None)
        sheet.freeze_panes(1, 1)
        notes = book.add_worksheet("How to fill it in")
        notes.set_column(0, 0, 22)
        notes.set_column(1, 1, 80)
        for number, line in enumerate(HOW_TO):
            notes.merge_range(number, 0, number, 1, line, wrapped)
        for number, (heading, words, _) in enumerate(HEADINGS, start=len(HOW_TO) + 1):
            notes.write_string(number, 0, heading, bold)
            notes.write_string(number, 1, words, wrapped)
    return out.getvalue()

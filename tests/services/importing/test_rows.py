"""Rows of a table as quotes: both layouts, rows that are none, every mistake in its place."""

from __future__ import annotations

from decimal import Decimal

import pytest

from quotes.services.documents import day_end
from quotes.services.importing.cells import Cell, Row, Sheet
from quotes.services.importing.columns import positional
from quotes.services.importing.rows import read_table
from quotes.services.importing.sheets import pasted_sheet
from quotes.services.importing.stated import StatedTable
from tests.services.importing.made import one, table, told


def test_one_bad_cell_hides_no_other() -> None:
    found = table(
        ["Carrier", "Home", "Auto", "Expires", "State"],
        ["Harbor", "abc", "def", "30/2/2026", "Atlantis"],
        [None, 1, None, None, None],
        ["Larkspur", None, None, "4/1/2026", None],
    )
    assert [(problem.row, problem.column) for problem in found.problems] == [
        (2, "Home"),
        (2, "Auto"),
        (2, "Expires"),
        (2, "State"),
        (3, "Carrier"),
        (4, ""),
    ]
    assert "no line has a premium" in found.problems[-1].message
    assert found.quotes == []


class TestRowALine:
    HEADINGS = "Insured\tCarrier\tLine\tPremium\tQuote #\tPkg premium\tExpires\tTerm\n"

    def read(self, *rows: str) -> StatedTable:
        return read_table(pasted_sheet(self.HEADINGS + "\n".join(rows)))

    def test_rows_of_one_package_are_joined(self) -> None:
        found = self.read(
            "Ana Fable\tHarbor\tHomeowners\t6,480\tH1\t8,900\t3/28/2026\t12",
            "\t\tPersonal Auto\t2155 / 6 mo\tA1\t\t3/20/2026\t6",
            "\tLarkspur\tHO3\t5900\tH2\t\t\t",
            "Bo Ray\tHarbor\tPUP\t400\tU1\t\t\t",
            "Ana Fable\tLarkspur\tUmbrella\t410\tU2\t\t\t",
        )
        assert [
            (quote.insured["applicant_name"], quote.carrier_name, quote.rows, sorted(quote.lines))
            for quote in found.quotes
        ] == [
            ("Ana Fable", "Harbor", [2, 3], ["auto", "home"]),
            ("Ana Fable", "Larkspur", [4, 6], ["home", "umbrella"]),
            ("Bo Ray", "Harbor", [5], ["umbrella"]),
        ]
        assert found.quotes[0].columns == {
            "package_premium_annual": Decimal("8900.00"),
            "expires_at": day_end("2026-03-20"),
        }
        assert told(found, blocking=True) == []
        assert len(told(found, blocking=False)) == 2

    def test_a_line_that_comes_again_begins_another_package(self) -> None:
        found = self.read(*(f"\tHarbor\t{line}\t100\t\t\t\t" for line in ("home", "auto") * 2))
        assert [quote.rows for quote in found.quotes] == [[2, 3], [4, 5]]
        assert "again" in told(found, blocking=False)[0]

    def test_package_ids_tell_packages_apart(self) -> None:
        rows = ("P1 home", "P2 home", "P1 auto", "P2 auto")
        text = "Carrier\tPackage id\tLine\tPremium\n" + "\n".join(
            f"Harbor\t{row.split()[0]}\t{row.split()[1]}\t100" for row in rows
        )
        found = read_table(pasted_sheet(text))
        assert [quote.rows for quote in found.quotes] == [[2, 4], [3, 5]]
        assert found.problems == []

    def test_a_carrier_does_not_hold_for_the_next_household(self) -> None:
        found = self.read("Ana Fable\tHarbor\thome\t1\t\t\t\t", "Bo Ray\t\tauto\t2\t\t\t\t")
        assert [quote.rows for quote in found.quotes] == [[2]]
        assert told(found, blocking=True) == ["row 3, Carrier: no carrier is named"]

    def test_contradictions_are_told(self) -> None:
        found = self.read(
            "\tHarbor\thome\t100\t\t900\t\t",
            "\tHarbor\tauto\t100\t\t901\t\t",
        )
        (problem,) = told(found, blocking=True)
        assert problem.startswith("row 3, Pkg premium: differs from row 2")

    def test_other_lines_are_left_out_and_a_package_row_is_the_package(self) -> None:
        found = self.read(
            "\tHarbor\thome\t100\t\t\t\t",
            "\tHarbor\tFlood\t50\t\t\t\t",
            "\tHarbor\tPackage\t95\t\t\t\t",
        )
        (quote,) = found.quotes
        assert set(quote.lines) == {"home"}
        assert quote.columns["package_premium_annual"] == 95
        assert told(found, blocking=True) == []
        assert "Flood" in told(found, blocking=False)[0]


def test_rows_that_are_no_quotes_are_left_out_with_a_note() -> None:
    found = table(
        ["Carrier", "Home", "Auto"],
        ["Harbor", 100, 10],
        ["Larkspur", 200, 20],
        ["Carrier", "Home", "Auto"],
        ["Total", 300, 30],
        ["Average premium:", 150, 15],
        [None, 300, 30],
        ["* Subject to underwriting", None, None],
    )
    assert [quote.row for quote in found.quotes] == [2, 3]
    assert [problem.row for problem in found.problems] == [4, 5, 6, 7, 8]
    assert told(found, blocking=True) == []


def test_totals_without_a_word_are_known_by_their_sums_in_text_too() -> None:
    found = read_table(pasted_sheet("Carrier\tHome\nHarbor\t$1,100\nLarkspur\t900\n\t$2,000\n"))
    assert [quote.row for quote in found.quotes] == [2, 3]
    assert [(problem.row, problem.blocking) for problem in found.problems] == [(4, False)]


@pytest.mark.parametrize("row", ["Harbor,$6,480,2155", "Harbor,$6,480", "Harbor,6,480,2155"])
def test_amounts_cut_at_their_commas_are_not_read(row: str) -> None:
    found = read_table(pasted_sheet(f"Carrier,Home,Auto\n{row}\nLarkspur,100,200\n"))
    assert [quote.carrier_name for quote in found.quotes] == ["Larkspur"]
    (problem,) = told(found, blocking=True)
    assert problem.startswith("row 2: has amounts cut at their commas")


def test_a_quote_that_expires_before_it_was_made_is_noted() -> None:
    _, problems = one(["Quoted on", "Expires"], ["3/28/2026", "3/1/2026"])
    assert problems == ["row 2, Expires: is before the day it was quoted"]


def test_a_household_named_once_holds_for_the_rows_below() -> None:
    found = table(
        ["Insured", "ZIP", "Carrier", "Home"],
        ["Ana Fable", 2115, "Harbor", 1],
        [None, None, "Larkspur", 2],
        ["Bo Ray", None, None, None],
        [None, None, "Harbor", 3],
    )
    assert [quote.insured for quote in found.quotes] == [
        {"applicant_name": "Ana Fable", "zip_code": "02115"},
        {"applicant_name": "Ana Fable", "zip_code": "02115"},
        {"applicant_name": "Bo Ray"},
    ]
    assert len(found.problems) == 1


def test_a_carrier_merged_over_two_rows_holds_for_both() -> None:
    sheet = Sheet(
        "Quotes",
        [Row(1, ["Carrier", "Home"]), Row(2, ["Harbor", 1]), Row(3, [None, 2])],
        merged=[(2, 0, 3, 0)],
    )
    found = read_table(sheet)
    assert [(quote.carrier_name, quote.row) for quote in found.quotes] == [
        ("Harbor", 2),
        ("Harbor", 3),
    ]


def test_two_columns_of_the_same_meaning() -> None:
    headings: list[Cell] = ["Carrier", "Home premium", "HO annual"]
    assert told(table(headings, ["Harbor", 1, "$1.00"], ["Larkspur", 2, None]), True) == []
    found = table(headings, ["Harbor", 1, 2], ["Larkspur", 3, 4])
    (problem,) = told(found, blocking=True)
    assert problem.startswith("row 2, HO annual: is taken for the same as “Home premium”")
    assert found.quotes[0].lines["home"].columns["premium_annual"] == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Harbor\t6480\nLarkspur\t5900", "No row names the columns"),
        ("Company\tPremium\nHarbor\t6480", "which line"),
        ("Home\tAuto\n1\t2", "the carrier"),
        ("Carrier\tTerm\nHarbor\t12", "a line's premium"),
        ("Carrier\tHome premium", "no quote below"),
        ("Who\tWhat\nHarbor\tx", "None of the columns"),
    ],
)
def test_tables_that_cannot_be_read(text: str, why: str) -> None:
    found = read_table(pasted_sheet(text))
    assert found.quotes == []
    (problem,) = told(found, blocking=True)
    assert why in problem


def test_sensitive_columns_are_not_read() -> None:
    found = read_table(pasted_sheet("Insured\tSSN\tCarrier\tHome\nAna\t123-45-6789\tHarbor\t1"))
    assert found.removed == ["SSN"]
    assert "123-45-6789" not in repr(found)


def test_cells_without_headings_by_position() -> None:
    sheet = positional(
        pasted_sheet("Harbor\t$6,480\t12\nLarkspur\t5900\t"),
        ["carrier", "home.premium_annual", "term_months"],
    )
    found = read_table(sheet)
    assert found.problems == []
    assert [(quote.row, quote.carrier_name) for quote in found.quotes] == [
        (1, "Harbor"),
        (2, "Larkspur"),
    ]


def test_a_thousand_rows_are_read_as_one_table() -> None:
    headings = (
        "Insured,Street,City,State,ZIP,Carrier,Home,Home quote id,Auto,Auto quote id,Term,Expires,"
        "BI limits,Dwelling\n"
    )
    row = (
        'Ana Fable,1 Elm,Boston,MA,02115,Carrier {n},"$6,{n:03}.50",Q{n},{n},A{n},12,3/28/2026,'
        "100/300/100,500k\n"
    )
    sheet = pasted_sheet(headings + "".join(row.format(n=n) for n in range(1000)))
    found = read_table(sheet)
    assert found.problems == []
    assert len(found.quotes) == 1000

"""What a cell states in every usual spelling, and what is refused of it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from quotes.services.documents import day_end, day_start
from quotes.services.importing.cells import Cell, Unusable
from tests.services.importing.made import one, table, told


@pytest.mark.parametrize(
    ("cell", "annual"),
    [
        (6480, "6480.00"),
        (Decimal("6480.5"), "6480.50"),
        (0, "0.00"),
        ("$6,480", "6480.00"),
        ("6,480.50", "6480.50"),
        ("$ 6480.5", "6480.50"),
        ("USD 1,200", "1200.00"),
        ("1,200 USD", "1200.00"),
        ("US$1,200", "1200.00"),
        ("$0", "0.00"),
        ("2155 / 6 mo", "4310.00"),
        ("2,155 x 2", "4310.00"),
        ("1.234,50", "1234.50"),
        (Decimal("6480.333333333"), "6480.33"),
    ],
)
def test_premiums(cell: Cell, annual: str) -> None:
    quote, _ = one(["Auto premium"], [cell])
    assert quote.lines["auto"].columns["premium_annual"] == Decimal(annual)
    assert str(quote.lines["auto"].columns["premium_annual"]) == annual


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("1.234", "two amounts"),
        ("4.310", "two amounts"),
        ("$ 4.310", "two amounts"),
        ("12,50", "two amounts"),
        ("1,23,456", "two amounts"),
        ("(1,200)", "negative"),
        ("-$1,200", "negative"),
        (-5, "negative"),
        (99_999_999, "more than"),
        ("99999999", "more than"),
        ("about 500", "not a premium"),
        ("NaN", "not a premium"),
        ("1e5", "not a premium"),
        (dt.date(2026, 1, 2), "not an amount"),
        (True, "not an amount"),
        (Unusable("#REF!", "shows the error #REF!"), "#REF!"),
    ],
)
def test_premiums_that_are_refused(cell: Cell, why: str) -> None:
    found = table(["Carrier", "Home", "PUP"], ["Harbor", 6480, cell], first=4)
    (problem,) = found.problems
    assert (problem.row, problem.column, problem.blocking) == (5, "PUP", True)
    assert why in problem.message
    assert "umbrella" not in found.quotes[0].lines


@pytest.mark.parametrize("cell", ["n/a", "-", "—", "TBD", "N/A", "none", None, "pending"])
def test_what_states_nothing(cell: Cell) -> None:
    quote, problems = one(
        ["PUP", "Pkg premium", "Term", "Expires", "State"], [cell] * 2 + ["-"] * 3
    )
    assert set(quote.lines) == {"home"}
    assert quote.columns == {}
    assert quote.insured == {}
    assert problems == []


def test_a_declined_line_is_noted() -> None:
    quote, problems = one(["Auto premium", "Auto product"], ["Declined", "Pro"])
    assert set(quote.lines) == {"home"}
    assert problems == ["row 2, Auto premium: Harbor: “Declined”; nothing was taken for it"]
    found = table(["Carrier", "Home", "PUP"], ["Harbor", "no quote", None], ["Larkspur", 5, None])
    assert [quote.carrier_name for quote in found.quotes] == ["Larkspur"]
    assert told(found, blocking=True) == []


@pytest.mark.parametrize(
    ("heading", "term", "annual", "details"),
    [
        ("Auto premium", 6, "2155.00", {}),
        ("Annual auto premium", 6, "2155.00", {}),
        ("Auto 6-month premium", 12, "4310.00", {"term": "2155.00 / 6 mo"}),
        ("Semi-annual auto premium", None, "4310.00", {"term": "2155.00 / 6 mo"}),
        ("Auto term premium", "6 mo", "4310.00", {"term": "2155.00 / 6 mo"}),
        ("Auto term premium", "annual", "2155.00", {}),
        ("Auto term premium", None, "2155.00", {}),
    ],
)
def test_a_premium_for_another_term_than_a_year(
    heading: str, term: Cell, annual: str, details: dict[str, str]
) -> None:
    quote, _ = one([heading, "Term"], [2155, term])
    assert quote.lines["auto"].columns["premium_annual"] == Decimal(annual)
    assert quote.lines["auto"].details == details


@pytest.mark.parametrize(
    ("heading", "term", "noted"),
    [
        ("Auto premium", 6, "though the term is 6 months"),
        ("Auto term premium", None, "no term is stated"),
        ("Auto premium", 12, ""),
        ("Auto premium", None, ""),
        ("Annual auto premium", 6, ""),
        ("Auto 6-month premium", 6, ""),
    ],
)
def test_a_premium_that_may_be_a_terms_is_told(heading: str, term: Cell, noted: str) -> None:
    _, problems = one([heading, "Term"], [2155, term])
    assert [noted in each for each in problems if heading in each] == ([True] if noted else [])


@pytest.mark.parametrize(
    ("heading", "cell", "attr", "value"),
    [
        ("Term", 12, "term_months", 12),
        ("Term", "12 months", "term_months", 12),
        ("Term", "6 mo", "term_months", 6),
        ("Term", "6m", "term_months", 6),
        ("Term", "Annual", "term_months", 12),
        ("Term", "semi-annual", "term_months", 6),
        ("Term", "1 yr", "term_months", 12),
        ("Package id", 90584063, "package_id", "90584063"),
        ("Package id", Decimal("90584063.0"), "package_id", "90584063"),
        ("Package id", "90584063.0", "package_id", "90584063"),
        ("Package id", " PK-007 ", "package_id", "PK-007"),
        ("Broker", "Robin  Vale", "broker", "Robin Vale"),
    ],
)
def test_quote_columns(heading: str, cell: Cell, attr: str, value: Any) -> None:
    quote, problems = one([heading], [cell])
    assert quote.columns == {attr: value}
    assert quote.headings[attr] == heading
    assert [each for each in problems if "a year's premium" not in each] == []


@pytest.mark.parametrize(
    ("heading", "cell", "attr", "value", "noted"),
    [
        ("State", "ca", "state", "CA", ""),
        ("State", "New York", "state", "NY", ""),
        ("State", "N.Y.", "state", "NY", ""),
        ("ZIP", "02115", "zip_code", "02115", ""),
        ("ZIP", 2115, "zip_code", "02115", "02115"),
        ("ZIP", 92648, "zip_code", "92648", ""),
        ("ZIP", "02115-1234", "zip_code", "02115-1234", ""),
        ("ZIP", 21151234, "zip_code", "02115-1234", "02115-1234"),
        ("Insured", "Ana Fable", "applicant_name", "Ana Fable", ""),
        ("Client id", 1042, "insured_id", "1042", ""),
    ],
)
def test_insured_columns(heading: str, cell: Cell, attr: str, value: str, noted: str) -> None:
    quote, problems = one([heading], [cell])
    assert quote.insured == {attr: value}
    assert [noted in problem for problem in problems] == ([True] if noted else [])


def test_first_and_last_names_make_one() -> None:
    quote, _ = one(["First name", "Last name"], ["Ana", "Fable"])
    assert quote.insured == {"applicant_name": "Ana Fable"}


@pytest.mark.parametrize(
    "cell",
    [
        dt.date(2026, 3, 28),
        "2026-03-28",
        "3/28/2026",
        "3/28/26",
        "03-28-2026",
        "28-Mar-2026",
        "Mar 28 2026",
        "March 28, 2026",
        "Sat, Mar 28, 2026",
        "2026/3/28",
        46109,
    ],
)
def test_dates_in_every_spelling(cell: Cell) -> None:
    quote, _ = one(["Quoted on", "Good through"], [cell, cell])
    assert quote.columns["generated_at"] == day_start("2026-03-28")
    assert quote.columns["expires_at"] == day_end("2026-03-28")
    assert quote.columns["expires_at"] - quote.columns["generated_at"] == dt.timedelta(days=1)


def test_moments_and_days_first() -> None:
    quote, problems = one(["Expires"], ["3/28/2026 5:00 PM"])
    assert quote.columns["expires_at"] == day_end("2026-03-28T17:00:00")
    assert one(["Expires"], [dt.datetime(2026, 3, 28, 17, 0)])[0].columns == quote.columns
    assert one(["Expires"], ["2026-03-28T17:00:00Z"])[0].columns["expires_at"].hour == 17
    quote, problems = one(["Expires"], ["13/01/2026"])
    assert quote.columns["expires_at"] == day_end("2026-01-13")
    assert problems == ["row 2, Expires: 13/01/2026 was read day first"]
    assert one(["Expires"], ["3/4/2026"])[0].columns["expires_at"] == day_end("2026-03-04")


@pytest.mark.parametrize(
    ("heading", "cell", "why"),
    [
        ("Expires", "30/2/2026", "not a day"),
        ("Expires", "2/30/2026", "not a day"),
        ("Expires", "3/28/1999", "2000"),
        ("Expires", dt.date(2126, 3, 28), "2000"),
        ("Expires", "3/28", "no date"),
        ("Expires", "soon", "no date"),
        ("Term", "weekly", "months"),
        ("Term", 40, "months"),
        ("State", "Atlantis", "two letters"),
        ("ZIP", "926481", "five digits"),
        ("ZIP", "ABCDE", "five digits"),
        ("Package id", dt.date(2026, 3, 1), "became the date"),
        ("Package id", "9.06E+07", "shortened"),
        ("Package id", "x" * 121, "120"),
        ("Home form", "HO-99", "HO-3"),
        ("BI limits", dt.date(2026, 3, 1), "became the date"),
    ],
)
def test_cells_that_are_refused(heading: str, cell: Cell, why: str) -> None:
    found = table(["Carrier", "Home", heading], ["Harbor", 6480, cell])
    (problem,) = found.problems
    assert problem.blocking
    assert (problem.row, problem.column) == (2, heading)
    assert why in problem.message


@pytest.mark.parametrize(
    ("headings", "cells", "line", "details"),
    [
        (["Dwelling"], [1_200_000], "home", {"coverage_a": "1200000"}),
        (["Cov B"], [Decimal("0.1")], "home", {"coverage_b": "10%"}),
        (
            ["Hurricane ded", "AOP"],
            [Decimal("0.02"), 2500],
            "home",
            {"deductibles": "$2500 AOP, 2% hurricane"},
        ),
        (["AOP ded"], ["$1,000 AOP"], "home", {"deductibles": "$1,000 AOP"}),
        (["BI limits", "PD"], ["100/300", 100], "auto", {"liability": "100/300/100"}),
        (
            ["BI per person", "BI per accident", "PD"],
            [250, 500, 100],
            "auto",
            {"liability": "250/500/100"},
        ),
        (["CSL"], [500], "auto", {"liability": "500 CSL"}),
        (["CSL", "PD"], [500, 100], "auto", {"liability": "500 CSL"}),
        (["BI limits", "PD"], ["100/300/50", "50k"], "auto", {"liability": "100/300/50"}),
        (["Umbrella limit", "SIR"], ["5M", 0], "umbrella", {"limit": "5M", "retention": "0"}),
        (["Umbrella excess UM"], [True], "umbrella", {"excess_um_uim": "yes"}),
        (["Comp ded", "Coll ded"], [500, "n/a"], "auto", {"comprehensive": "500"}),
    ],
)
def test_details(
    headings: list[Cell], cells: list[Cell], line: str, details: dict[str, str]
) -> None:
    quote, problems = one(headings, cells)
    assert problems == []
    assert quote.lines[line].details == details
    assert set(details) <= set(quote.lines[line].headings)


@pytest.mark.parametrize(
    ("headings", "cells"),
    [
        (["BI limits", "CSL"], ["250/500", 500]),
        (["BI per person", "BI per accident", "CSL"], [250, 500, 500]),
        (["BI limits", "PD"], ["100/300/50", 100]),
    ],
)
def test_limits_that_contradict_one_another_are_refused(
    headings: list[Cell], cells: list[Cell]
) -> None:
    found = table(["Carrier", "Home", "Auto", *headings], ["Harbor", 6480, 2155, *cells])
    assert found.quotes[0].lines["auto"].details == {}
    assert len(told(found, blocking=True)) == 1


def test_an_effective_date_without_a_line_holds_for_each_that_has_a_price() -> None:
    quote, _ = one(["Auto", "PUP", "Eff date"], [2155, None, dt.date(2027, 1, 1)])
    assert {line: stated.details for line, stated in quote.lines.items()} == {
        "home": {"effective_date": "2027-01-01"},
        "auto": {"effective_date": "2027-01-01"},
    }

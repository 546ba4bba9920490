"""Trade shorthand: what is accepted and what it means, what is refused and with which advice."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from quotes.services import shorthand as sh
from quotes.services.details import BY_CODE, DETAILS

D = Decimal


@pytest.mark.parametrize(
    ("text", "dollars", "full", "short"),
    [
        ("1M", "1000000", "$1,000,000", "$1M"),
        ("1.2m", "1200000", "$1,200,000", "$1.2M"),
        ("1.15 million", "1150000", "$1,150,000", "$1.15M"),
        ("500k", "500000", "$500,000", "$500k"),
        ("$1,250,000", "1250000", "$1,250,000", "$1.25M"),
        ("1,000", "1000", "$1,000", "$1,000"),
        ("48,500", "48500", "$48,500", "$48.5k"),
        ("1,234,567", "1234567", "$1,234,567", "$1,234,567"),
        ("$ 2500.50", "2500.50", "$2,500.50", "$2,500.50"),
        (".5m", "500000", "$500,000", "$500k"),
        ("0", "0", "$0", "$0"),
        ("５００k", "500000", "$500,000", "$500k"),
        ("1 000k".replace(" ", ""), "1000000", "$1,000,000", "$1M"),
    ],
)
def test_money(text: str, dollars: str, full: str, short: str) -> None:
    amount = sh.parse_money(text)
    assert (amount, sh.shown_dollars(amount), sh.short_dollars(amount)) == (D(dollars), full, short)


SPLIT = {"per_person": 250000, "per_accident": 500000}


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("250/500", SPLIT, "250/500"),
        ("250/500/100", {**SPLIT, "property_damage": 100000}, "250/500/100"),
        ("250/500 100", {**SPLIT, "property_damage": 100000}, "250/500/100"),
        ("250-500-100", {**SPLIT, "property_damage": 100000}, "250/500/100"),
        ("250/500 UM", SPLIT, "250/500"),
        ("250/500, 100", {**SPLIT, "property_damage": 100000}, "250/500/100"),
        ("BI 250/500 PD 100", {**SPLIT, "property_damage": 100000}, "250/500/100"),
        ("250,000/500,000/50,000", {**SPLIT, "property_damage": 50000}, "250/500/50"),
        ("$250k/$500k", SPLIT, "250/500"),
        ("25/50/10", {"per_person": 25000, "per_accident": 50000, "property_damage": 10000},
         "25/50/10"),
        ("1M/1M", {"per_person": 1000000, "per_accident": 1000000}, "1000/1000"),
        ("12.5/25", {"per_person": 12500, "per_accident": 25000}, "12,500/25"),
        ("500 CSL", {"combined": 500000}, "500 CSL"),
        ("500csl", {"combined": 500000}, "500 CSL"),
        ("CSL 500", {"combined": 500000}, "500 CSL"),
        ("$500k csl", {"combined": 500000}, "500 CSL"),
        ("1M CSL", {"combined": 1000000}, "1000 CSL"),
        ("500,000 combined single limit", {"combined": 500000}, "500 CSL"),
        ("333,333 csl", {"combined": 333333}, "333,333 CSL"),
    ],
)  # fmt: skip
def test_limits(text: str, value: Any, shown: str) -> None:
    assert sh.as_json(sh.parse_limits(text)) == value
    assert sh.shown_limits(value) == shown


def test_500_csl_is_not_250_500() -> None:
    combined, split = sh.parse_limits("500 CSL"), sh.parse_limits("250/500")
    assert isinstance(combined, sh.CombinedLimit)
    assert isinstance(split, sh.SplitLimits)
    assert sh.as_json(combined).keys().isdisjoint(sh.as_json(split))


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("$1,000 AOP", {"aop": 1000}, "$1,000 AOP"),
        ("2500 aop, 2% hurricane", {"aop": 2500, "hurricane": "2%"}, "$2,500 AOP, 2% hurricane"),
        ("2% wind/hail; 5% EQ", {"wind_hail": "2%", "earthquake": "5%"},
         "2% wind/hail, 5% earthquake"),
        ("1% named storm", {"named_storm": "1%"}, "1% named storm"),
        ("1,000", {"aop": 1000}, "$1,000 AOP"),
        ("5k", {"aop": 5000}, "$5,000 AOP"),
        ("All perils $1,000; Hurricane deductible 2%", {"aop": 1000, "hurricane": "2%"},
         "$1,000 AOP, 2% hurricane"),
        ("2.5% W/H and 1,000 aop", {"aop": 1000, "wind_hail": "2.5%"},
         "$1,000 AOP, 2.5% wind/hail"),
        ("AOP: $2,500 / 2% hurr", {"aop": 2500, "hurricane": "2%"}, "$2,500 AOP, 2% hurricane"),
        ("2500/2% NS", {"aop": 2500, "named_storm": "2%"}, "$2,500 AOP, 2% named storm"),
        ("1% of coverage A wind", {"wind_hail": "1%"}, "1% wind/hail"),
        ("$2,500 all other perils, EQ excluded", {"aop": 2500, "earthquake": "excluded"},
         "$2,500 AOP, earthquake excluded"),
        ("2,500 aop,5,000 wind", {"aop": 2500, "wind_hail": 5000},
         "$2,500 AOP, $5,000 wind/hail"),
        ("2500 AOP w/ 2% hurricane", {"aop": 2500, "hurricane": "2%"},
         "$2,500 AOP, 2% hurricane"),
        ("0", {"aop": 0}, "$0 AOP"),
    ],
)  # fmt: skip
def test_deductibles(text: str, value: Any, shown: str) -> None:
    assert sh.parse_deductibles(text) == value
    assert list(sh.parse_deductibles(text)) == list(value)
    assert sh.shown_deductibles(value) == shown


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("500", 500, "$500"),
        ("$1,000 each", 1000, "$1,000"),
        ("500, 1000, none", [500, 1000, "none"], "$500, $1,000, none"),
        ("500,500", [500, 500], "$500, $500"),
        ("500,1000", [500, 1000], "$500, $1,000"),
        ("1,000, 500", [1000, 500], "$1,000, $500"),
        ("1,000", 1000, "$1,000"),
        ("0, 500", [0, 500], "$0, $500"),
        ("0,500", [0, 500], "$0, $500"),
        ("none", "none", "none"),
    ],
)
def test_deductibles_of_vehicles(text: str, value: Any, shown: str) -> None:
    assert sh.parse_vehicles(text) == value
    assert sh.shown_vehicles(value) == shown


@pytest.mark.parametrize(
    ("text", "annual", "months", "shown"),
    [
        ("2155 / 6 mo", "4310.00", 6, "$2,155 / 6 mo"),
        ("2,155 x 2", "4310.00", 6, "$2,155 / 6 mo"),
        ("359 / mo", "4308.00", 1, "$359 / 1 mo"),
        ("2155×2", "4310.00", 6, "$2,155 / 6 mo"),
        ("2155 6m", "4310.00", 6, "$2,155 / 6 mo"),
        ("$2,155 per 6 months", "4310.00", 6, "$2,155 / 6 mo"),
        ("2155 6-month", "4310.00", 6, "$2,155 / 6 mo"),
        ("2155/6", "4310.00", 6, "$2,155 / 6 mo"),
        ("$2,155 (6 mo)", "4310.00", 6, "$2,155 / 6 mo"),
        ("2155 – 6 mo", "4310.00", 6, "$2,155 / 6 mo"),
        ("2155 semi-annual", "4310.00", 6, "$2,155 / 6 mo"),
        ("180 a month", "2160.00", 1, "$180 / 1 mo"),
        ("1000 / 9 mo", "1333.33", 9, "$1,000 / 9 mo"),
        ("1000.01 / 7 months", "1714.30", 7, "$1,000.01 / 7 mo"),
        ("5,240 / 12 mo", "5240.00", None, "$5,240"),
        ("5,240 annual", "5240.00", None, "$5,240"),
        ("$4,310", "4310.00", None, "$4,310"),
        ("6480.50", "6480.50", None, "$6,480.50"),
        ("0", "0.00", None, "$0"),
    ],
)
def test_premiums(text: str, annual: str, months: int | None, shown: str) -> None:
    stated = sh.parse_premium(text)
    assert (stated.annual, stated.months) == (D(annual), months)
    assert sh.shown_premium(stated) == shown


WORDS: list[tuple[Callable[[str], Any], str, Any]] = [
    (sh.parse_form, "ho3", "HO-3"),
    (sh.parse_form, "HO-5", "HO-5"),
    (sh.parse_form, "ho 6", "HO-6"),
    (sh.parse_form, "dp3", "DP-3"),
    (sh.parse_valuation, "RC", "RC"),
    (sh.parse_valuation, "replacement cost", "RC"),
    (sh.parse_valuation, "actual cash value", "ACV"),
    (sh.parse_valuation, "Guaranteed RC", "guaranteed RC"),
    (sh.parse_valuation, "extended RC 25%", "extended RC 25%"),
    (sh.parse_valuation, "extended 25%", "extended RC 25%"),
    (sh.parse_valuation, "ERC 25%", "extended RC 25%"),
    (sh.parse_valuation, "125% extended replacement cost", "extended RC 25%"),
    (sh.parse_valuation, "GRC", "guaranteed RC"),
    (sh.parse_valuation, "contents ACV", "contents ACV"),
    (sh.parse_valuation, "dwelling only", "RC, dwelling only"),
    (sh.parse_valuation, "100% RC", "RC"),
    (sh.parse_valuation, "extended RC 100%", "extended RC 100%"),
    (sh.parse_amount, "10%", "10%"),
    (sh.parse_amount, "10% of cov A", "10%"),
    (sh.parse_amount, "$120k", 120000),
    (sh.parse_amount, "incl", "included"),
    (sh.parse_amount, "excluded", "none"),
    (sh.parse_amount, "none", "none"),
    (sh.parse_amount, "0", 0),
    (sh.parse_amount, "ALS", "actual loss sustained"),
    (BY_CODE["home", "coverage_d"].kind.parse, "24 mo", "24 months"),
    (sh.parse_amount, "Unlimited", "unlimited"),
    (sh.parse_yes_no, "Y", True),
    (sh.parse_yes_no, "no", False),
    (sh.parse_rental, "50/1500", {"per_day": 50, "most": 1500}),
    (sh.parse_rental, "50/30 days", {"per_day": 50, "most": 1500}),
    (sh.parse_rental, "$50 a day, $1,500 max", {"per_day": 50, "most": 1500}),
    (sh.parse_rental, "no", "none"),
    (sh.parse_names, "Jo Fable, Al Fable", ["Jo Fable", "Al Fable"]),
    (sh.parse_names, "Fable, Jo; Fable, Al", ["Fable, Jo", "Fable, Al"]),
    (sh.parse_names, "none", []),
    (sh.parse_day, "3/28/2026", "2026-03-28"),
    (sh.parse_day, "28-Mar-2026", "2026-03-28"),
    (sh.parse_day, "March 28, 2026", "2026-03-28"),
    (sh.parse_status, "Firm", "final"),
    (sh.parse_status, "ballpark", "indicative"),
    (sh.parse_fees, "$150 a term, $35 once", {"per_term": 150, "once": 35}),
    (sh.parse_fees, "25 policy fee", {"per_term": 25}),
    (sh.parse_fees, "25 policy fee, 10 inspection fee", {"per_term": 25, "once": 10}),
    (sh.parse_fees, "none", "none"),
    (sh.parse_fees, "0", {"per_term": 0}),
    (sh.parse_standalone, "confirmed", {"confirmed": True}),
    (sh.parse_standalone, "not confirmed", {"confirmed": False}),
    (sh.parse_standalone, "confirmed 5,240", {"confirmed": True, "premium": 5240}),
    (sh.parse_required, "250/500/100 or 500 CSL",
     {**SPLIT, "property_damage": 100000, "combined": 500000}),
]  # fmt: skip


@pytest.mark.parametrize(("parse", "text", "value"), WORDS)
def test_words(parse: Callable[[str], Any], text: str, value: Any) -> None:
    assert parse(text) == value


REFUSED: list[tuple[Callable[[str], Any], str, str]] = [
    (sh.parse_money, "1,00", "Write dollars"),
    (sh.parse_money, "-5", "cannot be negative"),
    (sh.parse_money, "NaN", "Write dollars"),
    (sh.parse_money, "1e9", "Write dollars"),
    (sh.parse_money, "1234.567", "Round it to the cent"),
    (sh.parse_money, "1.234", "Write 1,234 or 1.23"),
    (sh.parse_money, "2,500¹", "raised or broken figure"),
    (sh.parse_money, "1½M", "raised or broken figure"),
    (sh.parse_money, "9" * 40, "cannot be right"),
    (sh.parse_money, "a\x00", "not text"),
    (sh.parse_limits, "500", "500 CSL, or 250/500"),
    (sh.parse_limits, "500/250", "per accident comes second"),
    (sh.parse_limits, "0/0", "250/500/100"),
    (sh.parse_limits, "100/300/100/50", "250/500/100"),
    (sh.parse_limits, "250/500 CSL", "one figure"),
    (sh.parse_limits, "plenty", "250/500/100"),
    (sh.parse_limits, "1 CSL", "Write 1M"),
    (sh.parse_limits, "1/1", "Write 1M"),
    (sh.parse_limits, "250/500/1", "Write 1M"),
    (sh.parse_limits, "1/15/2027", "is no limit"),
    (sh.parse_limits, "250.000/500.000", "two amounts"),
    (sh.parse_required, "250/500 or 100/300", "one split and one combined"),
    (sh.parse_deductibles, "2500 aop, 500 aop", "AOP deductible stands twice"),
    (sh.parse_deductibles, "30% wind", "up to 25"),
    (sh.parse_deductibles, "0% wind", "over 0"),
    (sh.parse_deductibles, "2 hurricane", "2% or $2"),
    (sh.parse_deductibles, "2.5 hurricane", "2.5% or $2.5"),
    (sh.parse_deductibles, "-500", "cannot be negative"),
    (sh.parse_deductibles, "2.500", "two amounts"),
    (sh.parse_deductibles, "500 flood", "no trigger known here"),
    (sh.parse_deductibles, "EQ none", "needs one amount"),
    (sh.parse_deductibles, "", "$2,500 AOP, 2% hurricane"),
    (sh.parse_vehicles, "500/1000", "a field each"),
    (sh.parse_vehicles, "500,,500", "one for each vehicle"),
    (sh.parse_vehicles, "100000", "no vehicle's deductible"),
    (sh.parse_vehicles, "500,1,000", "a space after each comma"),
    (sh.parse_vehicles, "1,000,1,000", "a space after each comma"),
    (sh.parse_vehicles, "25,500", "a space after each comma"),
    (sh.parse_premium, "-5", "cannot be negative"),
    (sh.parse_premium, "($500)", "cannot be negative"),
    (sh.parse_premium, "NaN", "Write dollars and cents"),
    (sh.parse_premium, "12,34,5", "Write dollars and cents"),
    (sh.parse_premium, "99999999", "More than $9,999,999"),
    (sh.parse_premium, "9999999 / 6 mo", "More than $9,999,999"),
    (sh.parse_premium, "2155 x 5", "no 5 equal terms"),
    (sh.parse_premium, "2155 / 99 mo", "1 to 36 months"),
    (sh.parse_premium, "0.001", "Round it to the cent"),
    (sh.parse_premium, "4.310", "Write 4,310 or 4.31"),
    (sh.parse_premium, "21556 mo", "Write dollars and cents"),
    (sh.parse_form, "HO-7", "HO-3"),
    (sh.parse_valuation, "225%", "up to 200"),
    (sh.parse_valuation, "fine", "guaranteed RC"),
    (sh.parse_amount, "10", "10% (of coverage A), or 10k"),
    (sh.parse_amount, ".1", "dollars or percent"),
    (sh.parse_amount, "1.5", "dollars or percent"),
    (BY_CODE["home", "coverage_d"].kind.parse, "24m", "24 months"),
    (BY_CODE["home", "coverage_b"].kind.parse, "120", "120k"),
    (sh.parse_amount, "lots", "10% (of coverage A)"),
    (sh.parse_yes_no, "perhaps", "yes or no"),
    (sh.parse_rental, "50/30", "50/30 days"),
    (sh.parse_rental, "50", "50/1500"),
    (sh.parse_day, "13/1/2026", "3/28/2026"),
    (sh.parse_day, "2/30/2026", "3/28/2026"),
    (sh.parse_day, "1/1/1999", "between 2000 and 2099"),
    (sh.parse_status, "soon", "indicative or final"),
    (sh.parse_fees, "5 a month", "come to in dollars a term"),
    (sh.parse_fees, "25 policy fee, 1% tax", "come to in dollars a term"),
    (sh.parse_vehicles, "waived", "one for each vehicle"),
    (sh.parse_fees, "some", "$150 a term"),
    (sh.parse_fees, "1.5k", "$150 a term"),
    (sh.parse_fees, "12 payments", "come to in dollars a term"),
    (sh.parse_fees, "50 quarterly", "come to in dollars a term"),
    (sh.parse_fees, "150 a year", "come to in dollars a term"),
    (sh.parse_fees, "-5", "cannot be negative"),
    (sh.parse_standalone, "5,240", "confirmed 5,240"),
    (sh.parse_names, ";", "separated by commas"),
    (sh.parse_names, "N/A", "separated by commas"),
    (sh.parse_names, "-", "separated by commas"),
    (sh.parse_names, "x" * 300, "200 characters"),
]


@pytest.mark.parametrize(("parse", "text", "advice"), REFUSED)
def test_what_cannot_be_read_says_what_to_write(
    parse: Callable[[str], Any], text: str, advice: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(advice)):
        parse(text)


@pytest.mark.parametrize(
    ("code", "text", "advice"),
    [
        ("coverage_a", "850", "850k"),
        ("coverage_a", "1.2", "1.2M"),
        ("coverage_e", "300", "300k"),
        ("coverage_f", "5", "5k"),
    ],
)
def test_a_sum_too_small_to_be_meant_is_asked_about(code: str, text: str, advice: str) -> None:
    with pytest.raises(ValueError, match="cannot be meant"):
        BY_CODE["home", code].kind.parse(text)


KINDS = [(line, detail.code) for line, details in DETAILS.items() for detail in details]


@pytest.mark.parametrize(("line", "code"), KINDS)
def test_every_placeholder_is_an_example_that_is_accepted(line: str, code: str) -> None:
    detail = BY_CODE[line, code]
    for text in detail.placeholder.split(" or "):
        detail.kind.parse(text)
    if code == "required_auto":
        detail.kind.parse(detail.placeholder)

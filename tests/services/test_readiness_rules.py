"""Each rule of what deserves a look: a household for which it fires, and one for which it just
does not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from quotes.models import LINES, Insured, Quote
from quotes.services.details import set_detail, set_premium
from quotes.services.findings import Finding, listed
from tests.services.households import NOON, add_quote, looked_over, make_household

pytestmark = pytest.mark.django_db
WHOLE: dict[str, Any] = {"home": "2000", "auto": "1500", "umbrella": "400"}


def said(insured: Insured, *lines: str) -> dict[str, str]:
    """The sentences found, by code."""
    found = looked_over(insured, *lines)
    return {each.code: each.message for each in (*found.warnings, *found.notes)}


def only(insured: Insured, code: str, *lines: str) -> Finding:
    found = looked_over(insured, *lines)
    (finding,) = [each for each in (*found.warnings, *found.notes) if each.code == code]
    return finding


# The profile ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("household", "lines", "expected"),
    [
        ({}, LINES, {}),
        ({"drivers": ()}, LINES, {"no_drivers": "no drivers are listed"}),
        ({"drivers": ()}, ("home", "umbrella"), {}),
        ({"garaged": ()}, LINES, {"no_vehicles": "no vehicles are listed"}),
        ({"garaged": ()}, ("home",), {}),
        ({"incumbents": ()}, LINES, {"no_incumbents": "no policies in force are stated"}),
        (
            {"incumbents": ("home", "auto")},
            LINES,
            {
                "incumbent_missing": "no umbrella policy in force is stated, "
                "though home and auto are"
            },
        ),
        ({"incumbents": ("home", "auto")}, ("home", "auto"), {}),
        (
            {"incumbents": ("home",)},
            LINES,
            {"incumbent_missing": "no auto or umbrella policy in force is stated, though home is"},
        ),
        (
            {"drivers": (20, None)},
            LINES,
            {"years_not_stated": "years licensed are not stated for Driver B"},
        ),
        ({"drivers": (20, 0)}, LINES, {}),
        ({"drivers": (20, None)}, ("home",), {}),
        (
            {"drivers": (None,) * 4},
            LINES,
            {"years_not_stated": "years licensed are not stated for Driver A, Driver B and 2 more"},
        ),
        (
            {"state": "NV"},
            LINES,
            {"zip_not_in_state": "ZIP 92648 is in California, but the state is Nevada"},
        ),
        ({"state": "NV", "zip_code": "89439", "garaged": ("89439",)}, LINES, {}),
        ({"state": "CA", "zip_code": "89439", "garaged": ("89439",)}, LINES, {}),
        (
            {"zip_code": "00012", "garaged": ("00012",)},
            LINES,
            {"zip_unknown": "no ZIP code begins with 000"},
        ),
        (
            {"garaged": ("92648", "92660")},
            LINES,
            {"garaged_elsewhere": "Fable B is garaged in 92660, not at the home's 92648"},
        ),
        (
            {"garaged": ("85007",)},
            LINES,
            {"garaged_elsewhere": "Fable A is garaged in 85007 (Arizona), not at the home's 92648"},
        ),
        (
            {"garaged": ("92660", "92661", "92648")},
            LINES,
            {"garaged_elsewhere": "2 vehicles are garaged away from the home's 92648"},
        ),
        ({"garaged": ("92648-1234", "")}, LINES, {}),
        ({"garaged": ("92660",)}, ("home",), {}),
    ],
)
def test_the_profile(
    household: dict[str, Any], lines: tuple[str, ...], expected: dict[str, str]
) -> None:
    insured = make_household(**household)
    add_quote(insured, "Larkspur", **{line: WHOLE[line] for line in lines})
    assert said(insured, *lines) == expected


def test_each_driver_and_vehicle_is_led_to() -> None:
    insured = make_household(drivers=(None, 3, None), garaged=("92648", "92660"))
    add_quote(insured, "Larkspur", **WHOLE)
    years, garage = only(insured, "years_not_stated"), only(insured, "garaged_elsewhere")
    assert [place.field for place in years.places] == [
        "drivers-0-years_licensed",
        "drivers-2-years_licensed",
    ]
    assert [place.field for place in garage.places] == ["vehicles-1-garaging_zip"]


# How long the quotes hold -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((None,), {}),
        ((8,), {}),
        ((7,), {"expires_soon": "Carrier 0's quote expires in 7 days"}),
        ((1,), {"expires_soon": "Carrier 0's quote expires in 1 day"}),
        ((0,), {"expires_today": "Carrier 0's quote expires today"}),
        ((-1,), {"expired": "Carrier 0's quote has expired"}),
        (
            (3, 8, 5),
            {"expires_soon": "the quotes of Carrier 0 and Carrier 2 expire within 7 days"},
        ),
        ((0, 0), {"expires_today": "the quotes of Carrier 0 and Carrier 1 expire today"}),
        (
            (-1, -9, 0, 4),
            {
                "expired": "the quotes of Carrier 1 and Carrier 0 have expired",
                "expires_today": "Carrier 2's quote expires today",
                "expires_soon": "Carrier 3's quote expires in 4 days",
            },
        ),
    ],
)
def test_the_last_day(days: tuple[int | None, ...], expected: dict[str, str]) -> None:
    insured = make_household()
    for number, left in enumerate(days):
        add_quote(insured, f"Carrier {number}", days=left, home="2000")
    assert said(insured, "home") == expected


def test_a_price_that_ends_within_the_day_has_expired_from_that_moment() -> None:
    insured = make_household()
    quote = add_quote(insured, "Larkspur", home="2000")
    for minutes, code in ((0, "expired"), (1, "expires_today")):
        insured.quotes.update(expires_at=NOON + dt.timedelta(minutes=minutes))
        assert list(said(insured, "home")) == [code]
    assert [place.quote for place in only(insured, "expires_today", "home").places] == [quote.pk]


def test_the_last_day_of_a_quote_without_a_wanted_line_is_nobodys_concern() -> None:
    insured = make_household()
    add_quote(insured, "Larkspur", home="2000")
    add_quote(insured, "Northgate", days=-3, auto="900")
    assert list(said(insured, "home")) == ["not_requested"]


# Ids and what is sent ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "fires"),
    [
        (("Larkspur", {"home": "Q-1"}), ("Northgate", {"home": "q-1 "}), True),
        (("Larkspur", {"home": "Q-1"}), ("Northgate", {"auto": "Q-1"}), True),
        (("Larkspur", {"home": "Q-1"}), ("Larkspur", {"home": "Q-1"}), True),
        (("Larkspur", {"home": "Q-1"}), ("Larkspur", {"auto": "Q-1"}), False),
        (("Larkspur", {"home": "Q-1", "auto": "Q-1"}), ("Northgate", {"home": "Q-2"}), False),
        (("Larkspur", {"home": ""}), ("Northgate", {"home": ""}), False),
    ],
)
def test_one_quote_id_twice(first: Any, second: Any, fires: bool) -> None:
    insured = make_household()
    for carrier, refs in (first, second):
        add_quote(insured, carrier, refs=refs, home="2000", auto="1500")
    assert ("same_quote_id" in said(insured, "home", "auto")) is fires


@pytest.mark.parametrize(
    ("lines", "premium", "expected"),
    [
        (("home",), "2000", {}),
        (
            ("home",),
            None,
            {"without_premium": "Northgate home has no premium and will not be sent"},
        ),
        (("auto",), None, {"not_requested": "1 home quote will not be sent: not requested"}),
        (("auto",), "2000", {"not_requested": "2 home quotes will not be sent: not requested"}),
    ],
)
def test_what_is_not_sent(
    lines: tuple[str, ...], premium: str | None, expected: dict[str, str]
) -> None:
    insured = make_household()
    add_quote(insured, "Larkspur", home="2000")
    add_quote(insured, "Northgate", home=premium)
    if "auto" in lines:
        add_quote(insured, "Alder", auto="1500")
    assert said(insured, *lines) == expected


@pytest.mark.parametrize(
    ("asked", "lines", "expected"),
    [
        (
            ["home", "umbrella"],
            ("home",),
            {
                "asked_not_quoted": "umbrella was asked for, but no carrier quotes it "
                "and packages come without it"
            },
        ),
        (["home"], ("home",), {}),
        (None, ("home",), {}),
        ("umbrella", ("home",), {}),
        (["home", "auto"], ("home",), {"not_requested": None}),
    ],
)
def test_a_line_asked_for_that_nobody_quotes(
    asked: Any, lines: tuple[str, ...], expected: dict[str, str | None]
) -> None:
    insured = make_household()
    Insured.objects.update(document={"coverage_types": asked} if asked else {})
    add_quote(insured, "Larkspur", home="2000")
    if "not_requested" in expected:
        add_quote(insured, "Northgate", auto="1500")
    found = said(insured, *lines)
    assert found.keys() == expected.keys()
    assert all(found[code] == words for code, words in expected.items() if words)


def test_a_line_without_any_premium_blocks_and_is_not_warned_of_as_well() -> None:
    insured = make_household()
    add_quote(insured, "Larkspur", home=None)
    found = looked_over(insured, "home")
    assert [each.code for each in found.blocking] == ["line_without_premium"]
    assert found.warnings == ()


def test_a_carrier_that_quotes_a_line_twice_offers_two_options() -> None:
    insured = make_household()
    add_quote(insured, "Larkspur", home="2000")
    add_quote(insured, "larkspur insurance", auto="900")
    assert "carrier_twice" not in said(insured, "home")
    add_quote(insured, "larkspur insurance", home="2400")
    finding = only(insured, "carrier_twice", "home")
    assert finding.message == "Larkspur quotes home twice: each is sent as an option"
    assert [place.words for place in finding.places] == [
        "Larkspur home (quote 1)",
        "larkspur insurance home (quote 3)",
    ]


# Premiums ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        (None, {}),
        ("3500", {}),
        ("3100", {"bundle_discount": "Larkspur's package has a $400 bundle discount"}),
        ("3499.50", {"bundle_discount": "Larkspur's package has a $0.50 bundle discount"}),
        ("3620", {"package_above_lines": "Larkspur's package is $120 more than its lines"}),
    ],
)
def test_the_package_beside_its_lines(package: str | None, expected: dict[str, str]) -> None:
    insured = make_household()
    add_quote(insured, "Larkspur", package=package, home="2000", auto="1500")
    assert said(insured, "home", "auto") == expected


def test_the_package_is_not_held_against_lines_that_are_not_all_stated() -> None:
    insured = make_household()
    add_quote(insured, "Larkspur", package="3100", home="2000", auto=None)
    add_quote(insured, "Northgate", home="2000", auto="1500")
    assert list(said(insured, "home", "auto")) == ["without_premium"]


def test_a_bundle_discount_is_a_note_and_no_warning() -> None:
    insured = make_household()
    for carrier, package in (("Larkspur", "3100"), ("Northgate", "3000")):
        add_quote(insured, carrier, package=package, home="2000", auto="1500")
    found = looked_over(insured, "home", "auto")
    assert found.warnings == ()
    (note,) = found.notes
    assert note.message == "the packages of Larkspur and Northgate have a bundle discount"
    assert [place.words for place in note.places] == ["Larkspur: $400", "Northgate: $500"]


@pytest.mark.parametrize(
    ("premium", "expected"),
    [
        ("2000", None),
        ("3200", None),
        ("3200.01", "Alder home at $3,200.01 is 60% above the other carriers' median of $2,000"),
        ("1250", None),
        ("1249.99", "Alder home at $1,249.99 is 38% below the other carriers' median of $2,000"),
        ("1000", "Alder home at $1,000 is 50% below the other carriers' median of $2,000"),
        ("20000", "Alder home at $20,000 is 10 times the other carriers' median of $2,000"),
        ("0", None),
    ],
)
def test_a_premium_far_from_the_other_carriers(premium: str, expected: str | None) -> None:
    insured = make_household()
    add_quote(insured, "Larkspur", home="1900")
    add_quote(insured, "Northgate", home="2100")
    add_quote(insured, "Alder", home=premium)
    assert said(insured, "home").get("premium_far") == expected


def test_two_carriers_say_nothing_about_one_another() -> None:
    insured = make_household()
    add_quote(insured, "Larkspur", home="1000")
    add_quote(insured, "Larkspur", home="1100")
    add_quote(insured, "Northgate", home="9000")
    assert "premium_far" not in said(insured, "home")


def test_a_premium_of_zero_is_stated_and_warned_of() -> None:
    insured = make_household()
    add_quote(insured, "Larkspur", home="0")
    assert said(insured, "home") == {"zero_premium": "Larkspur home premium is $0: check it"}
    add_quote(insured, "Northgate", home="0")
    add_quote(insured, "Alder", home="0.01")
    assert said(insured, "home")["zero_premium"] == (
        "Larkspur home and Northgate home premiums are $0: check them"
    )


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (None, None),
        (12, None),
        (6, "Larkspur's term is 6 months: the premiums are taken as annual figures"),
        (1, "Larkspur's term is 1 month: the premiums are taken as annual figures"),
    ],
)
def test_a_term_that_is_not_a_year(term: int | None, expected: str | None) -> None:
    insured = make_household()
    add_quote(insured, "Larkspur", term=term, auto="1500")
    assert said(insured, "auto").get("term_not_a_year") == expected


def told_premium(quote: Quote, line: str, text: str, **details: str) -> None:
    """Type a line's premium and details into `quote`."""
    row = quote.lines.get(line=line)
    set_premium(row, text)
    for code, typed in details.items():
        set_detail(row, code, typed)
    row.save()


@pytest.mark.parametrize(
    ("text", "term", "expected"),
    [
        ("4310", 12, {}),
        (
            "2155 / 6 mo",
            6,
            {
                "annualised": "Larkspur's auto is a six-month price: $2,155 × 2, "
                "sent as $4,310 a year"
            },
        ),
        (
            "1000 / 9 mo",
            12,
            {
                "annualised": "Larkspur's auto is a nine-month price: $1,000 × 12 / 9, "
                "sent as $1,333.33 a year"
            },
        ),
        ("4310", 6, {"term_not_a_year": None}),
    ],
)
def test_a_price_for_part_of_a_year(text: str, term: int, expected: dict[str, str | None]) -> None:
    insured = make_household()
    quote = add_quote(insured, "Larkspur", term=term, auto="1500")
    told_premium(quote, "auto", text)
    found = said(insured, "auto")
    assert found.keys() == expected.keys()
    assert {code: found[code] for code, words in expected.items() if words} == {
        code: words for code, words in expected.items() if words
    }


def test_umbrellas_are_held_against_those_of_the_same_limit() -> None:
    insured = make_household()
    for carrier, premium, limit in (
        ("Larkspur", "300", "1M"),
        ("Northgate", "310", "1M"),
        ("Alder", "1100", "5M"),
    ):
        told_premium(add_quote(insured, carrier, umbrella="1"), "umbrella", premium, limit=limit)
    assert "premium_far" not in said(insured, "umbrella")
    told_premium(insured.quotes.get(carrier_name="Alder"), "umbrella", "1100", limit="1M")
    assert "premium_far" in said(insured, "umbrella")


# Underneath an umbrella -------------------------------------------------------------------------

SHORT = {
    "short_underneath_auto": "Larkspur's umbrella requires auto limits of 250/500, "
    "which no quoted auto has"
}


@pytest.mark.parametrize(
    ("required", "autos", "expected"),
    [
        ("250/500", ("100/300/100",), SHORT),
        ("250/500", ("250/300/100", "100/500/100"), SHORT),
        ("250/500", ("250/500/100",), {}),
        ("250/500", ("100/300/100", "250/500/50"), {}),
        ("250/500", ("100/300/100", ""), {}),
        ("250/500", ("300 CSL",), {}),
        ("250/500 or 500 CSL", ("250/500/100",), {}),
        ("", ("25/50/25",), {}),
    ],
)
def test_auto_limits_under_an_umbrella(
    required: str, autos: tuple[str, ...], expected: dict[str, str]
) -> None:
    insured = make_household()
    umbrella = add_quote(insured, "Larkspur", umbrella="400")
    told_premium(umbrella, "umbrella", "400", required_auto=required)
    for number, limits in enumerate(autos):
        quote = add_quote(insured, f"Carrier {number}", auto="1500")
        told_premium(quote, "auto", "1500", liability=limits)
    assert said(insured, "auto", "umbrella") == expected


@pytest.mark.parametrize(
    ("required", "homes", "codes"),
    [
        ("300k", ("100k", "200k"), ["short_underneath_home"]),
        ("300k", ("100k", "300k"), []),
        ("300k", ("100k", ""), []),
        ("", ("100k",), []),
    ],
)
def test_coverage_e_under_an_umbrella(
    required: str, homes: tuple[str, ...], codes: list[str]
) -> None:
    insured = make_household()
    umbrella = add_quote(insured, "Larkspur", umbrella="400")
    told_premium(umbrella, "umbrella", "400", required_coverage_e=required)
    for number, liability in enumerate(homes):
        quote = add_quote(insured, f"Carrier {number}", home="2000")
        told_premium(quote, "home", "2000", coverage_e=liability)
    assert list(said(insured, "home", "umbrella")) == codes


# Words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["A"], "A"),
        (["A", "B"], "A and B"),
        (["A", "B", "C"], "A, B and C"),
        (["A", "B", "C", "D"], "A, B and 2 more"),
        (["A", "A", "B"], "A and B"),
    ],
)
def test_names_in_a_sentence(names: list[str], text: str) -> None:
    assert listed(names) == text

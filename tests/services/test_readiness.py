"""What blocks a comparison."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from quotes.models import LINES, Insured
from quotes.services.readiness import check_readiness
from quotes.services.runs import start_run
from tests.factories import import_example
from tests.services.households import add_quote, looked_over, make_household

pytestmark = pytest.mark.django_db


def whole() -> Insured:
    insured = make_household()
    add_quote(insured, "Larkspur", home="2000", auto="1500", umbrella="400")
    return insured


def test_a_whole_household_with_every_line_quoted_is_ready_and_nothing_is_said_of_it() -> None:
    found = looked_over(whole())
    assert found.ready
    assert (found.blocking, found.warnings, found.notes) == ((), (), ())


def without_state() -> Insured:
    return changed(state="")


def without_zip() -> Insured:
    return changed(zip_code="")


def changed(**columns: str) -> Insured:
    insured = whole()
    Insured.objects.update(**columns)
    return insured


def without_umbrella() -> Insured:
    insured = make_household()
    add_quote(insured, "Larkspur", home="2000", auto="1500")
    return insured


def umbrella_without_premium() -> Insured:
    insured = without_umbrella()
    add_quote(insured, "Northgate", umbrella=None)
    return insured


def umbrella_with_one_premium() -> Insured:
    insured = umbrella_without_premium()
    add_quote(insured, "Alder", umbrella="0")
    return insured


@pytest.mark.parametrize(
    ("made", "lines", "codes"),
    [
        (whole, LINES, []),
        (without_state, LINES, ["no_state"]),
        (without_zip, LINES, ["no_zip"]),
        (whole, (), ["no_line"]),
        (whole, ("home", "boat"), ["unknown_line"]),
        (without_umbrella, LINES, ["line_not_quoted"]),
        (without_umbrella, ("home", "auto"), []),
        (umbrella_without_premium, LINES, ["line_without_premium"]),
        (umbrella_with_one_premium, LINES, []),
        (make_household, ("home", "auto"), ["no_quotes"]),
    ],
)
def test_what_blocks(made: Callable[[], Insured], lines: tuple[str, ...], codes: list[str]) -> None:
    stored = Insured.objects.prefetch_related("drivers", "vehicles", "incumbents").get(pk=made().pk)
    found = check_readiness(insured=stored, quotes=list(stored.quotes.all()), coverage_types=lines)
    assert [each.code for each in found.blocking] == codes
    assert found.ready is (not codes)
    assert all(each.places for each in found.blocking if each.code != "unknown_line")


def test_a_missing_state_is_guessed_at_from_the_zip() -> None:
    (blocking,) = looked_over(without_state()).blocking
    assert blocking.small == "ZIP 92648 is in California"


def test_a_line_not_quoted_leads_to_the_quotes_cells_or_to_comparing_without_it() -> None:
    insured = without_umbrella()
    quote = insured.quotes.get()
    (blocking,) = looked_over(insured).blocking
    assert [(place.on, place.field, place.quote) for place in blocking.places] == [
        ("cell", "umbrella-premium_annual", quote.pk),
        ("choice", "umbrella", None),
    ]
    assert [place.words for place in blocking.places] == [
        "Add umbrella to Larkspur",
        "Untick umbrella",
    ]


def test_lines_kept_out_of_the_offerings_are_as_if_not_quoted() -> None:
    insured = whole()
    home = insured.quotes.get().lines.get(line="home")
    found = looked_over(insured, "home", "auto", offered={home.pk})
    assert [each.code for each in found.blocking] == ["line_not_quoted"]
    assert [each.code for each in found.warnings] == ["kept_back"]


def test_whoever_starts_a_run_is_told_the_warnings() -> None:
    insured = import_example("home_auto.json").insured
    insured.drivers.all().delete()
    told: list[str] = []
    start_run(
        insured=insured,
        coverage_types=["auto"],
        warn=lambda mistakes: told.extend(str(each) for each in mistakes),
        hint=False,
    )
    assert "input.drivers: no drivers are listed" in told

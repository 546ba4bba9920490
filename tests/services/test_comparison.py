"""What a package costs beside the incumbent, for the requested lines and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from quotes.services import comparison
from quotes.services.comparison import Difference

D = Decimal


def request(**current: Any) -> dict[str, Any]:
    return {
        "input": {"coverage_types": ["home", "auto"], "current_coverage": current},
        "offerings": [
            {"id": "h", "category": "home", "provider_name": "Harbor Mutual"},
            {"id": "a", "category": "auto", "provider_name": "Larkspur"},
            {"id": "b", "category": "auto", "provider_name": "Larkspur"},
        ],
    }


def policy(premium: Any) -> dict[str, Any]:
    return {"carrier": "Cobblestone Mutual", "annual_premium": premium}


def package(low: Any, high: Any, *categories: str) -> Any:
    lines = [SimpleNamespace(category=category) for category in categories]
    return SimpleNamespace(est_cost_low=low, est_cost_high=high, returned=lines)


BOTH = ["home", "auto"]


def test_only_requested_lines_count():
    sent = request(home=policy(5000), auto=policy(D("2000.50")), umbrella=policy(900))
    found = comparison.incumbent_of(sent, BOTH)
    assert found.total == D("7000.50")
    assert found.carriers == ("Cobblestone Mutual",)
    assert found.missing == ()


def test_zero_is_stated_and_nothing_is_not():
    assert comparison.incumbent_of(request(home=policy(0), auto=policy(0)), BOTH).total == 0
    found = comparison.incumbent_of(request(home=policy(5000), auto=policy(None)), BOTH)
    assert found.total is None
    assert found.missing_words == "auto"
    assert comparison.incumbent_of({}, BOTH).missing == ("home", "auto")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"input": None},
        {"input": {"current_coverage": []}},
        {"input": {"current_coverage": {"home": 5}}},
    ],
)
def test_odd_documents_are_not_stated(sent):
    assert comparison.incumbent_of(sent, ["home"]).total is None
    assert comparison.requested_lines(sent) == []
    assert comparison.carriers_sent({"offerings": 5}) == []


def test_difference_of_one_figure_and_of_a_range():
    known = comparison.incumbent_of(request(home=policy(5000), auto=policy(2000)), BOTH)
    one = comparison.price_difference(package(D(6500), D(6500), "home", "auto"), known, BOTH)
    assert one == Difference(D(-500), D(-500))
    assert not one.is_range
    spread = comparison.price_difference(package(D(6930), D(7505), "auto", "home"), known, BOTH)
    assert (spread.low, spread.high) == (D(-70), D(505))
    assert spread.is_range
    half = comparison.price_difference(package(None, D(7505), "auto", "home"), known, BOTH)
    assert (half.low, half.high) == (None, D(505))


@pytest.mark.parametrize(
    ("premium", "categories", "why"),
    [
        (None, ("home", "auto"), "incumbent auto not stated"),
        (2000, ("home",), "the package does not cover the requested lines"),
        (2000, ("home", "auto", "umbrella"), "the package does not cover the requested lines"),
        (2000, ("home", "home"), "the package does not cover the requested lines"),
    ],
)
def test_no_difference_unless_both_sides_cover_the_same_lines(premium, categories, why):
    known = comparison.incumbent_of(request(home=policy(5000), auto=policy(premium)), BOTH)
    found = comparison.price_difference(package(D(1), D(1), *categories), known, BOTH)
    assert found == Difference(why=why)
    assert not found.stated


def test_no_difference_without_a_cost():
    known = comparison.incumbent_of(request(home=policy(5000), auto=policy(2000)), BOTH)
    found = comparison.price_difference(package(None, None, "home", "auto"), known, BOTH)
    assert found.why == "cost not given"


def test_what_was_offered_for_each_line():
    offered = comparison.lines_offered(request(), ["home", "auto", "umbrella"])
    assert [(each.line, each.count, each.carriers) for each in offered] == [
        ("home", 1, ("Harbor Mutual",)),
        ("auto", 2, ("Larkspur",)),
        ("umbrella", 0, ()),
    ]


def test_the_offering_of_a_returned_line():
    sent = comparison.Sent.of(request(), {"h": "line-1", "a": "line-2"})
    by_id: Any = SimpleNamespace(offering_id="b", quote_line_id=None)
    by_line: Any = SimpleNamespace(offering_id="theirs", quote_line_id="line-2")
    neither: Any = SimpleNamespace(
        offering_id="theirs", quote_line_id=None, line_premium_annual=None
    )
    assert sent.offering_of(by_id) == sent.by_id["b"]
    assert sent.offering_of(by_line) == sent.by_id["a"]
    assert sent.offering_of(neither) is None


def test_first_expiry_ends_a_bare_date_with_its_day(settings):
    settings.TIME_ZONE = "America/New_York"
    stamped = {"attributes": {"quote_expires_at": "2026-03-14T12:00:00Z"}}
    dated = {"attributes": {"quote_expires_at": "2026-03-14"}}
    odd = {"attributes": {"quote_expires_at": ["soon"]}}
    first = comparison.first_expiry([stamped, dated, odd, {}])
    assert first is not None
    assert first.at == datetime(2026, 3, 14, 12, tzinfo=UTC)
    bare = comparison.first_expiry([dated])
    assert bare is not None
    assert bare.at == datetime(2026, 3, 15, 4, tzinfo=UTC)
    assert comparison.first_expiry([odd]) is None


def test_first_expiry_says_whose_it_is():
    def ending(carrier: str, line: str, day: str) -> dict[str, Any]:
        attributes = {"quote_expires_at": day}
        return {"provider_name": carrier, "category": line, "attributes": attributes}

    home, auto = (ending("Fable", line, "2026-03-14") for line in ("home", "auto"))
    other, later = ending("Harbor", "auto", "2026-03-14"), ending("Harbor", "home", "2026-04-01")
    for offerings, whose in (
        ([later, home], "Fable home"),
        ([home, auto, later], "Fable home and auto"),
        ([home, other], "Fable home + 1 more"),
    ):
        first = comparison.first_expiry(offerings)
        assert first is not None
        assert first.whose == whose


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ([], ""),
        (["home"], "home"),
        (["home", "auto"], "home and auto"),
        (["home", "auto", "umbrella"], "home, auto and umbrella"),
    ],
)
def test_in_words(given, read):
    assert comparison.in_words(given) == read

"""Checks of single lines: a term that is no year, a dwelling limit below what rebuilding costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from quotes.services.checks import Outcome
from quotes.services.details import parse_detail
from quotes.services.frozen import Frozen, Option, Policy
from quotes.services.policy_checks import check_dwelling, check_terms
from tests.services.packages import offering, run_of


def policy(
    line: str,
    texts: dict[str, str] | None = None,
    *,
    premium: str | None = "1200",
    term: int | None = None,
) -> Any:
    texts = texts or {}
    details = {code: parse_detail(line, code, text) for code, text in texts.items()}
    amount = None if premium is None else Decimal(premium)
    return Policy(line, "Quillfeather", amount, term_months=term, details=details)


def term_check(**lines: Any) -> Any:
    return next(iter(check_terms(Option("Rank 1", lines))), None)


@pytest.mark.parametrize("term", [None, 12])
def test_a_year_and_a_term_not_stated_need_no_check(term):
    assert term_check(auto=policy("auto", term=term)) is None


def test_a_half_years_term_asks_what_the_price_is_for():
    found = term_check(auto=policy("auto", premium="4756.24", term=6), home=policy("home", term=12))
    assert found.outcome is Outcome.WARNING
    assert found.words == "6-month term (auto): confirm the price of a year"
    assert found.details == [
        "Quillfeather's auto is written for 6 months; if $4,756.24 is the price of those and not "
        "of a year, a year comes to about $9,512.48"
    ]


def test_a_stated_term_price_makes_the_year_an_estimate():
    found = term_check(auto=policy("auto", {"term": "2155 / 6 mo"}, premium="4310", term=12))
    assert found.words == "6-month term (auto): a year is estimated"
    assert "$2,155 for 6 months" in found.details[0]
    assert "$4,310 a year holds only if it renews at the same price" in found.details[0]


def test_a_short_term_without_a_premium_is_told_too():
    found = term_check(auto=policy("auto", premium=None, term=6))
    assert "its premium is not stated" in found.details[0]


def test_two_short_terms_are_both_named():
    found = term_check(home=policy("home", term=3), auto=policy("auto", term=6))
    assert found.words == "3-month and 6-month term (home and auto): confirm the price of a year"
    assert len(found.details) == 2


def dwelling(cost: str | None, **texts: str) -> Any:
    option = Option("Rank 1", {"home": policy("home", texts)})
    return next(iter(check_dwelling(option, None if cost is None else Decimal(cost))), None)


@pytest.mark.parametrize(
    ("cost", "texts", "outcome", "words"),
    [
        ("1150000", {"coverage_a": "1050k"}, Outcome.WARNING,
         "Cov A $100,000 below replacement cost"),
        ("1150000", {"coverage_a": "1150k"}, Outcome.FINE, "Cov A covers replacement cost"),
        ("1150000", {"coverage_a": "2M"}, Outcome.FINE, "Cov A covers replacement cost"),
        ("1150000", {}, Outcome.UNKNOWN, "Cov A not stated"),
        (None, {"coverage_a": "1050k"}, None, ""),
        ("1150000", {"form": "HO-6", "coverage_a": "50k"}, None, ""),
        ("1150000", {"form": "HO-4"}, None, ""),
    ],
)  # fmt: skip
def test_dwelling_limit_against_replacement_cost(cost, texts, outcome, words):
    found = dwelling(cost, **texts)
    assert (found and (found.outcome, found.words)) == (outcome and (outcome, words))


def test_extended_replacement_is_named_where_the_limit_is_short():
    short = dwelling("1150000", coverage_a="1M", valuation="extended RC 25%")
    assert short.details == ["the quote states extended RC 25%: see whether that closes the gap"]
    assert dwelling("1150000", coverage_a="1M", valuation="RC").details == []


def test_the_replacement_cost_is_read_from_the_frozen_request():
    def cost(residence: Any) -> Any:
        run = run_of([offering("a", "Quillfeather", "home")], residence=residence)
        return Frozen(run.request, {}).replacement_cost

    assert cost({"replacement_cost": 1150000}) == Decimal(1150000)
    for odd in ({}, {"replacement_cost": "a lot"}, {"replacement_cost": -1}, "house", None):
        assert cost(odd) is None

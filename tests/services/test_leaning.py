"""More cover or less: told where limits and deductibles have an order, and nowhere else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotes.services.details import parse_detail
from quotes.services.frozen import Policy
from quotes.services.leaning import HIGHER_IS_MORE, LOWER_IS_MORE, Leaning, leaning
from quotes.services.like_for_like import Likeness, compare_policies
from quotes.services.points import Side, Verdict


def policy(line: str, **texts: str) -> Policy:
    details = {code: parse_detail(line, code, text) for code, text in texts.items()}
    return Policy(line, "Larkspur", Decimal(1000), details=details)


def told(line: str, code: str, left: str, right: str, **both: str) -> str | None:
    one, other = policy(line, **{code: left}, **both), policy(line, **{code: right}, **both)
    differ = (flag for flag in compare_policies(one, other) if flag.verdict is Verdict.DIFFERS)
    return next((flag.leans for flag in differ if flag.code == code), None)


@pytest.mark.parametrize(
    ("line", "code", "left", "right", "leans"),
    [
        ("home", "coverage_a", "1.2M", "1M", "more"),
        ("home", "coverage_e", "300k", "500k", "less"),
        ("home", "coverage_c", "70%", "50%", None),  # of a coverage A that nobody stated
        ("home", "coverage_f", "none", "5k", "less"),
        ("home", "form", "HO-5", "HO-3", None),
        ("home", "deductibles", "$1,000 AOP", "$2,500 AOP", "more"),
        ("home", "deductibles", "$10,000 AOP", "$2,500 AOP", "less"),
        ("home", "deductibles", "excluded AOP", "$2,500 AOP", None),
        ("auto", "liability", "250/500/100", "100/300/100", "more"),
        ("auto", "liability", "100/300/100", "250/500/100", "less"),
        ("auto", "liability", "100/500/100", "250/300/100", None),
        ("auto", "liability", "500 CSL", "250/500/100", None),
        ("auto", "collision", "500", "1000", "more"),
        ("auto", "collision", "500, 500", "1000", "more"),
        ("auto", "collision", "500, 1000", "1000, 500", None),
        ("auto", "collision", "none", "500", None),
        ("umbrella", "limit", "1M", "5M", "less"),
        ("umbrella", "retention", "0", "10,000", "more"),
        ("umbrella", "effective_date", "1/1/2027", "2/1/2027", None),
    ],
)
def test_which_way_a_difference_points(line, code, left, right, leans):
    assert told(line, code, left, right) == leans
    turned = {"more": "less", "less": "more", None: None}[leans]
    assert told(line, code, right, left) == turned


def test_a_share_of_coverage_a_is_told_in_dollars():
    assert told("home", "deductibles", "2% hurricane", "5% hurricane", coverage_a="1M") == "more"
    low = policy("home", coverage_a="1M", coverage_c="50%")
    high = policy("home", coverage_a="2M", coverage_c="50%")
    leans = {flag.code: flag.leans for flag in compare_policies(high, low)}
    assert leans["coverage_a"] == leans["coverage_c"] == "more"


def test_the_reasons_are_counted_by_where_they_point():
    one = policy("home", coverage_a="1.2M", coverage_e="300k", form="HO-5")
    other = policy("home", coverage_a="1M", coverage_e="500k", form="HO-3")
    likeness = Likeness([flag for flag in compare_policies(one, other) if flag.left != flag.right])
    assert likeness.leanings == "1 more cover, 1 less, 1 other"
    only = Likeness([flag for flag in likeness.differences if flag.leans is Leaning.MORE])
    assert only.words == "1 difference, more cover"
    assert Likeness([f for f in likeness.differences if f.leans is None]).leanings == ""


AMOUNTS = st.one_of(
    st.decimals(min_value=0, max_value=10**7, places=0),
    st.sampled_from(["none", "included", "2%", True, None]),
    st.lists(st.sampled_from([Decimal(500), Decimal(1000), "none"]), max_size=3),
    st.fixed_dictionaries({"per_person": st.just(Decimal(100))}),
)


@given(st.sampled_from(sorted(HIGHER_IS_MORE | LOWER_IS_MORE)), AMOUNTS, AMOUNTS)
def test_the_two_sides_never_both_have_more(code: str, left: Any, right: Any):
    one, other = Side(left, "one"), Side(right, "other")
    both = {leaning(code, one, other), leaning(code, other, one)}
    assert both in ({None}, {Leaning.MORE, Leaning.LESS})

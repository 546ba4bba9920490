"""How pages write money and by how much a package differs."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from django.utils.html import format_html_join

from quotes.services.comparison import Difference
from quotes.templatetags.portal import dollars
from quotes.templatetags.runs import signed


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "—"),
        ("", "—"),
        (0, "$0"),
        (D("-0"), "$0"),
        (D("12840.00"), "$12,840"),
        (D("12840.5"), "$12,840.50"),
        ("6480.5", "$6,480.50"),
        (D("-855"), "−$855"),
        (D("-0.5"), "−$0.50"),
        (D("1E+5"), "$100,000"),
        (D("99999999999.99"), "$99,999,999,999.99"),
    ],
)
def test_whole_dollars_are_written_without_cents(value: Any, words: str) -> None:
    assert dollars(value) == words


@pytest.mark.parametrize(
    ("low", "high", "amounts"),
    [
        (D(-855), D(-855), ["−$855"]),
        (D("780.50"), None, ["+$780.50"]),
        (None, D(0), ["$0"]),
        (D(-70), D(505), ["−$70", "+$505"]),
    ],
)
def test_each_end_of_a_difference_stands_in_a_mark_of_its_own(
    low: D | None, high: D | None, amounts: list[str]
) -> None:
    marked = ((amount,) for amount in amounts)
    words = format_html_join(" to ", '<span class="amount">{}</span>', marked)
    assert signed(Difference(low, high)) == words
    assert type(signed(Difference(low, high))) is type(words)


def test_no_difference_is_a_dash() -> None:
    assert signed(Difference(why="cost not given")) == "—"

"""A scorecard is shown exactly as it came, whatever came."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from quotes.services.scorecard import MOST_DIMENSIONS, Card, read_card, spans
from tests.documents import anything


def card(*cards: Any) -> Card:
    """The first of these cards, drawn among all of them."""
    return read_card(cards[0], spans(cards))


def values(found: Card) -> list[tuple[str, str]]:
    return [(each.name, each.value) for each in found.dimensions]


@pytest.mark.parametrize("nothing", [{}, None, [], [1], "high", 5])
def test_no_scorecard(nothing):
    assert card(nothing) == Card((), 0)


def test_names_and_values_are_kept_as_they_came_and_in_their_order():
    found = card(
        {
            "overall_level": D("3.50"), "CarrierQuality_x": 0, "text": "strong", "null": None,
            "yes": True, "list": [1, {"a": D("0.10")}], "empty": {}, "blank": "",
            "fit": {"home": 2, "deep": {"er": -1}},
        }
    )  # fmt: skip
    assert values(found) == [
        ("overall_level", "3.50"), ("CarrierQuality_x", "0"), ("text", "strong"), ("null", "—"),
        ("yes", "true"), ("list", '[1, {"a": 0.10}]'), ("empty", "{}"), ("blank", "“”"),
        ("fit › home", "2"), ("fit › deep › er", "-1"),
    ]  # fmt: skip


def test_forty_dimensions_are_all_shown():
    found = card({f"dimension {n}": n for n in range(40)})
    assert len(found.dimensions) == 40
    assert found.more == 0


def test_thousands_are_cut_and_counted():
    found = card({str(n): n for n in range(MOST_DIMENSIONS + 7)})
    assert (len(found.dimensions), found.more) == (MOST_DIMENSIONS, 7)


@pytest.mark.parametrize(
    ("own", "others", "bar"),
    [
        (4, [2], (0.0, 100.0, None)),
        (2, [4], (0.0, 50.0, None)),
        (0, [4], (0.0, 0.0, None)),
        (-1, [3], (0.0, 25.0, 25.0)),
        (3, [-1], (25.0, 75.0, 25.0)),
        (-4, [-2], (0.0, 100.0, 100.0)),
        (D("2.5"), [D("2.5")], (0.0, 100.0, None)),
    ],
)
def test_bars_are_scaled_from_zero_among_the_runs_values(own, others, bar):
    drawn = card({"a": own}, *({"a": each} for each in others)).dimensions[0].bar
    assert drawn is not None
    zero = None if drawn.zero is None else float(drawn.zero)
    assert (float(drawn.x), float(drawn.width), zero) == bar


@pytest.mark.parametrize("own", ["3", None, True, [3], 10**40, D("1E+999"), {}])
def test_what_is_no_number_has_no_bar(own):
    assert card({"a": own}, {"a": 3}, {"a": 5}).dimensions[0].bar is None


def test_a_number_alone_in_the_run_or_always_zero_has_no_bar():
    assert card({"a": 3}, {"b": 4}).dimensions[0].bar is None
    assert card({"a": 0}, {"a": 0}).dimensions[0].bar is None


def test_the_range_is_said():
    assert card({"a": D("2.10")}, {"a": D("4.00")}, {"a": "x"}).dimensions[0].among == (
        "2.10 to 4.00"
    )
    assert card({"a": 2}, {"a": 2}).dimensions[0].among == "all 2"
    assert card({"a": 2}).dimensions[0].among == ""
    assert card({"a": {"b": 1}}, {"a": {"b": 3}}).dimensions[0].among == "1 to 3"


@hypothesis_settings(deadline=None, max_examples=80)
@given(st.lists(st.dictionaries(st.text(max_size=5), anything, max_size=5), min_size=1, max_size=4))
def test_any_scorecard_is_shown_inside_its_box(cards):
    for each in cards:
        for dimension in read_card(each, spans(cards)).dimensions:
            assert dimension.name
            assert dimension.value
            if dimension.bar:
                x, width = float(dimension.bar.x), float(dimension.bar.width)
                assert -0.1 <= x <= 100.1
                assert width >= 0
                assert x + width <= 100.2

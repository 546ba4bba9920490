"""The chart's geometry: every mark inside its box, in the right order."""

from __future__ import annotations

from decimal import Decimal as D

from hypothesis import given, settings
from hypothesis import strategies as st

from quotes.models import Solution
from quotes.services.cost_chart import draw_costs

cents = st.decimals(min_value=0, max_value=D("99999999.99"), places=2)


def solution(low: D | None, high: D | None, rank: int = 1) -> Solution:
    each = Solution(pk=rank, rank=rank, est_cost_low=low, est_cost_high=high)
    each._prefetched_objects_cache = {"lines": Solution.objects.none()}  # type: ignore[attr-defined]
    return each


def test_dear_stands_right_of_cheap_and_a_range_has_two_ends():
    chart = draw_costs([solution(D(11985), D(11985)), solution(D(12770), D(13345))], D(12840))
    assert chart is not None
    first, second = chart.rows
    assert float(first.x1) < float(second.x1) < float(chart.reference or 0) < float(second.x2 or 0)
    assert first.x2 is None
    assert [tick.dollars for tick in chart.ticks] == [12000, 12500, 13000]


def test_no_chart_for_fewer_than_two_costs():
    assert draw_costs([solution(D(1), D(1)), solution(None, D(5))], D(7)) is None
    assert draw_costs([], None) is None


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(cents, cents), min_size=2, max_size=20), st.none() | cents)
def test_every_mark_is_inside_the_box(costs, incumbent):
    chart = draw_costs([solution(low, high) for low, high in costs], incumbent)
    assert chart is not None
    marks = [row.x1 for row in chart.rows] + [row.x2 for row in chart.rows if row.x2]
    marks += [tick.x for tick in chart.ticks] + ([chart.reference] if chart.reference else [])
    assert all(40 <= float(x) <= 326 for x in marks)
    assert len(chart.rows) <= 12
    assert len(chart.ticks) <= 5

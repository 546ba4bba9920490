"""The chart's geometry: every mark inside its box, in the right order."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal as D
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from quotes.services.cost_chart import draw_costs
from quotes.services.ranked import Placed
from tests.services.packages import line, ranking, solution

cents = st.decimals(min_value=0, max_value=D("99999999.99"), places=2)


def placed(*costs: tuple[D | None, D | None]) -> Sequence[Placed]:
    rows = [
        solution(rank, est_cost_low=low, est_cost_high=high)
        for rank, (low, high) in enumerate(costs, 1)
    ]
    return ranking(*rows).packages


def test_dear_stands_right_of_cheap_and_a_range_has_two_ends():
    chart = draw_costs(placed((D(11985), D(11985)), (D(12770), D(13345))), D(12840))
    assert chart is not None
    first, second = chart.rows
    assert float(first.x1) < float(second.x1) < float(chart.reference or 0) < float(second.x2 or 0)
    assert first.x2 is None
    assert [tick.dollars for tick in chart.ticks] == [12000, 12500, 13000]


def test_no_chart_for_fewer_than_two_costs():
    assert draw_costs(placed((D(1), D(1)), (None, None)), D(7)) is None
    assert draw_costs([], None) is None


def test_half_a_range_is_drawn_where_it_is_stated_and_no_cost_is_counted():
    chart = draw_costs(placed((D(900), None), (None, D(1100)), (None, None)), None)
    assert chart is not None
    assert [(row.rank, row.x2) for row in chart.rows] == [("1", None), ("2", None)]
    assert float(chart.rows[0].x1) < float(chart.rows[1].x1)
    assert chart.undrawn == 1
    assert chart.reference is None


def test_ends_given_the_wrong_way_round_are_drawn_the_right_way():
    chart = draw_costs(placed((D(1200), D(900)), (D(1000), D(1000))), None)
    assert chart is not None
    assert float(chart.rows[0].x1) < float(chart.rows[0].x2 or 0)


def test_a_mark_says_which_package_it_is_and_whether_it_is_mixed():
    mixed = [line("home", "Fable Mutual"), line("auto", "Larkspur")]
    single = [line("home", "Fable Mutual"), line("auto", "Fable Mutual")]
    rows = [solution(None, mixed, cost=5), solution(2, single, cost=6), solution(2, (), cost=7)]
    chart = draw_costs(ranking(*rows).packages, None)
    assert chart is not None
    assert [(row.place, row.rank, row.kind) for row in chart.rows] == [
        (0, "—", "mixed"), (1, "2", "single"), (2, "2", ""),
    ]  # fmt: skip


def test_five_hundred_packages_are_drawn_each_in_its_own_row():
    chart = draw_costs(placed(*((D(n), D(n)) for n in range(1, 501))), D(250))
    assert chart is not None
    assert len({row.y for row in chart.rows}) == 500
    assert all(0 < row.y < chart.foot for row in chart.rows)
    named = [row.y for row in chart.rows if row.named]
    assert all(below - above >= 12 for above, below in pairwise(named)), "ranks stay readable"


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(cents, cents), min_size=2, max_size=20), st.none() | cents)
def test_every_mark_is_inside_the_box(costs, incumbent):
    chart = draw_costs(placed(*costs), incumbent)
    assert chart is not None
    marks = [row.x1 for row in chart.rows] + [row.x2 for row in chart.rows if row.x2]
    marks += [tick.x for tick in chart.ticks] + ([chart.reference] if chart.reference else [])
    assert all(40 <= float(x) <= 326 for x in marks)
    assert len(chart.rows) == len(costs)
    assert len(chart.ticks) <= 5

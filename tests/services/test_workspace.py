"""Filters and orders of the ranked list: what an address asks for, and what it may not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from quotes.models import Carrier
from quotes.services.choice import SORTS, Choice
from quotes.services.ranked import Ranking
from quotes.services.workspace import PAGE_ROWS, arrange
from tests.services.packages import line, ranking, run_of, solution

IN_FORCE = {
    "home": {"carrier": "Cobblestone Mutual", "annual_premium": 7000},
    "auto": {"carrier": "Cobblestone Mutual", "annual_premium": 5000},
}


def package(rank: int | None, home: str, auto: str, **fields: Any) -> Any:
    return solution(rank, [line("home", home), line("auto", auto)], **fields)


@pytest.fixture
def four() -> Ranking:
    """Rank 1 to 4: Fable alone, Fable with Larkspur, Larkspur alone, and one with no lines."""
    return ranking(
        package(1, "Fable", "Fable", cost=12000, cluster_label="recommended", overall_level=4),
        package(
            2, "Fable", "Larkspur", est_cost_low=11000, est_cost_high=13000,
            cluster_label="best_value",
        ),
        package(
            3, "Larkspur", "Larkspur", cost=10000, cluster_label="sturdiest", overall_level=-2
        ),
        solution(4, est_cost_low=9000),
        run=run_of(current_coverage=IN_FORCE),
    )  # fmt: skip


def asked(rows: Ranking, address: str = "") -> list[int]:
    """The ranks an address's query shows."""
    return [each.solution.rank or 0 for each in arrange(rows, parse_qs(address)).shown]


def code(rows: Ranking, words: str) -> str:
    return next(each.code for each in [*rows.carriers, *rows.labels] if each.words == words)


@pytest.mark.parametrize(
    ("address", "ranks"),
    [
        ("", [1, 2, 3, 4]),
        ("kind=single", [1, 3]),
        ("kind=mixed", [2]),
        ("with={Fable}", [1, 2]),
        ("without={Fable}", [3, 4]),
        ("without={Fable}&without={Larkspur}", [4]),
        ("with={Fable}&without={Fable}", [1, 2]),
        ("budget=12000", [1, 3]),
        ("budget=%2413,000.00", [1, 2, 3]),
        ("budget=0", []),
        ("label=recommended", [1]),
        ("label={sturdiest}", [3]),
        ("label=none", [4]),
        ("kind=single&budget=11000", [3]),
        ("kind=single&kind=mixed", [2]),
    ],
)
def test_filters(four, address, ranks):
    codes = {words: code(four, words) for words in ("Fable", "Larkspur", "sturdiest")}
    assert asked(four, address.format(**codes)) == ranks


@pytest.mark.parametrize(
    ("sort", "ranks"),
    [
        ("cost", [4, 3, 2, 1]),
        ("-cost", [1, 2, 3, 4]),
        ("difference", [3, 2, 1, 4]),
        ("-difference", [1, 2, 3, 4]),
        ("carriers", [1, 3, 2, 4]),
        ("-carriers", [2, 1, 3, 4]),
        ("label", [2, 1, 3, 4]),
        ("level", [3, 1, 2, 4]),
        ("-level", [1, 3, 2, 4]),
    ],
)
def test_orders_keep_ties_in_nexios_order_and_put_the_unstated_last(four, sort, ranks):
    assert asked(four, f"sort={sort}") == ranks
    assert asked(four, f"sort={sort}&kind=single") == [rank for rank in ranks if rank in (1, 3)]


@pytest.mark.parametrize(
    "address",
    [
        "kind=other", "with=999", "with=%00", "without=n99", "budget=-5", "budget=1e9", "label=x",
        "budget=12.345", "budget=9999999999", "sort=rank", "sort=--cost", "page=0", "page=x",
        "page=-1", "page=99999", "budget=%D9%A1%D9%A2", "label=%3Cscript%3E",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_left_out_and_said(four, address):
    shown = arrange(four, parse_qs(address))
    assert len(shown.shown) == 4
    assert len(shown.ignored) == 1
    assert not shown.choice.narrowed


def test_blank_fields_of_the_form_ask_for_nothing(four):
    address = "kind=&with=&without=&budget=+&label=&sort=&page="
    shown = arrange(four, parse_qs(address, keep_blank_values=True))
    assert (shown.choice, shown.ignored) == (Choice(), [])


def test_a_page_beyond_the_last_is_the_last(four):
    assert asked(four, "page=7") == [1, 2, 3, 4]


def test_what_only_a_budget_hides_is_counted(four):
    shown = arrange(four, parse_qs("budget=11500"))
    assert asked(four, "budget=11500") == [3]
    assert (shown.matching, shown.total, shown.maybe, shown.costless) == (1, 4, 2, 0)
    beyond = arrange(four, parse_qs("budget=100"))
    assert (beyond.matching, beyond.maybe, beyond.costless) == (0, 0, 1)


def test_chips_count_what_they_would_show_beside_the_other_filters(four):
    def counts(address: str) -> dict[str, int | None]:
        return {chip.code: chip.count for chip in arrange(four, parse_qs(address)).chips}

    assert counts("") == {"all": 4, "single": 2, "mixed": 1, "today": 2}
    assert counts(f"without={code(four, 'Larkspur')}") == {
        "all": 4, "single": 1, "mixed": 0, "today": 1,
    }  # fmt: skip


def test_every_filter_in_force_has_a_chip_that_takes_it_away(four):
    fable = code(four, "Fable")
    address = f"kind=mixed&with={fable}&without=n2&budget=20000&label=best_value&sort=-cost"
    shown = arrange(four, parse_qs(address))
    for query in [chip.query for chip in shown.taken]:
        other = arrange(four, parse_qs(query.lstrip("?")))
        assert other.choice != shown.choice
        assert other.choice.sort == "-cost"
        assert other.matching >= shown.matching
    assert len(shown.taken) == 4
    reset = arrange(four, parse_qs(shown.unfiltered_query.lstrip("?")))
    assert (reset.matching, reset.choice.sort) == (4, "-cost")


def test_headings_go_up_down_and_back(four):
    def pressed(address: str, name: str) -> str:
        return arrange(four, parse_qs(address)).headings[name].query

    assert pressed("", "cost") == "?sort=cost"
    assert pressed("sort=cost", "cost") == "?sort=-cost"
    assert pressed("sort=-cost", "cost") == ""
    assert pressed("sort=label", "label") == "", "labels have one order"
    assert pressed("sort=cost&kind=mixed", "level") == "?kind=mixed&sort=level"


def test_five_hundred_packages_are_all_filtered_and_shown_page_by_page():
    rows = ranking(
        *(package(n, "Fable", "Fable" if n % 5 else "Larkspur", cost=n) for n in range(1, 501))
    )
    first = arrange(rows, {})
    assert (len(first.shown), first.pages, first.matching) == (PAGE_ROWS, 25, 500)
    assert (first.first_shown, first.last_shown) == (1, PAGE_ROWS)
    assert asked(rows, "kind=mixed&page=5") == [n for n in range(1, 501) if n % 5 == 0][80:]
    everything = arrange(rows, parse_qs("page=all"))
    assert (len(everything.shown), everything.page) == (500, 0)
    assert everything.last_shown == 500
    assert arrange(rows, parse_qs("page=3")).headings["cost"].query == "?sort=cost"


@pytest.mark.django_db
def test_a_known_carrier_goes_by_its_id_and_an_unknown_one_by_a_number():
    known = Carrier.objects.named("Fable Mutual")
    lines = [line("home", "FABLE"), line("auto", "Nobody & Sons"), line("umbrella", "")]
    lines[0].carrier = known
    rows = ranking(solution(1, lines), package(2, "Nobody & Sons", "Larkspur"))
    assert {each.words: (each.code, each.count) for each in rows.carriers} == {
        "Fable Mutual": (str(known.pk), 1),
        "Nobody & Sons": ("n1", 2),
        "Carrier not given": ("n2", 1),
        "Larkspur": ("n3", 1),
    }
    assert asked(rows, f"with={known.pk}") == [1]
    assert asked(rows, "without=n3") == [1]


codes = st.sampled_from(["", "single", "mixed", "n1", "n2", "recommended", "l1", "none", "x"])
queries = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.lists(codes, max_size=2),
        "with": st.lists(codes, max_size=2),
        "without": st.lists(codes, max_size=3),
        "label": st.lists(codes, max_size=2),
        "budget": st.lists(st.sampled_from(["", "9000", "12,000.50", "x"]), max_size=1),
        "sort": st.lists(st.sampled_from([*SORTS, "", "x"]), max_size=1),
        "page": st.lists(st.sampled_from(["", "1", "2", "all", "x"]), max_size=1),
    },
)


@hypothesis_settings(deadline=None, max_examples=80)
@given(queries)
def test_an_address_written_anew_asks_for_the_same(query: Mapping[str, Sequence[str]]):
    rows = ranking(
        package(1, "Fable", "Fable", cost=12000, cluster_label="recommended"),
        package(2, "Fable", "Larkspur", est_cost_low=11000, est_cost_high=13000),
        package(None, "Larkspur", "Larkspur", cost=Decimal("9000.50"), cluster_label="sturdiest"),
    )
    once = arrange(rows, query)
    page = once.choice.page
    again = arrange(rows, parse_qs(once.choice.query(page=page).lstrip("?")))
    assert again.choice == once.choice
    assert again.ignored == []
    assert [each.place for each in again.shown] == [each.place for each in once.shown]
    if not once.choice.narrowed:
        assert once.matching == once.total

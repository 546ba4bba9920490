"""Packages side by side: rows aligned, differences and gaps told apart, and what may be picked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotes.services.compared import compare_packages
from quotes.services.line_rows import Row
from quotes.services.picks import INCUMBENT, MOST, Picks, read_picks
from quotes.services.ranked import rank_packages
from quotes.services.side_by_side import SideBySide, lay_out
from tests.services.packages import line, offering, run_of, solution

NOW = datetime(2026, 11, 20, 18, tzinfo=UTC)
OFFERED = "2026-12-20T00:00:00Z"


def home(own_id: str, carrier: str, premium: int = 1000, **coverage: Any) -> dict[str, Any]:
    made = offering(own_id, carrier, "home", premium, attributes={"quote_expires_at": OFFERED})
    made["coverage"] |= coverage
    return made


def page_of(
    *offered: dict[str, Any], in_force: dict[str, Any] | None = None, query: str = ""
) -> SideBySide:
    """Every home offering a package of its own, all beside one another."""
    given = {"current_coverage": {"home": in_force}} if in_force is not None else {}
    run = run_of(offered, ["home"], **given)
    ranking = rank_packages(
        run,
        [
            solution(
                rank + 1,
                [
                    line(
                        "home",
                        each["provider_name"],
                        each["attributes"]["line_premium_annual"],
                        each["id"],
                    )
                ],
                cost=each["attributes"]["line_premium_annual"],
            )
            for rank, each in enumerate(offered)
        ],
    )
    compared = compare_packages(run, ranking)
    asked = query or "&".join(f"pick={place}" for place in range(len(offered)))
    picks, said = read_picks(parse_qs(asked), len(offered), in_force=compared.incumbent is not None)
    assert said == []
    return lay_out(ranking, compared, picks, NOW)


def row(page: SideBySide, label: str) -> Row:
    (found,) = [row for group in page.groups for row in group.rows if row.label == label]
    return found


def labels(page: SideBySide) -> list[str]:
    return [row.label for group in page.groups for row in group.rows]


@pytest.mark.parametrize(
    ("label", "key", "left", "right", "texts", "differs", "unknown"),
    [
        ("Form", "form", "HO-5", "HO-5", ("HO-5", "HO-5"), False, False),
        ("Form", "form", "HO-5", "HO-3", ("HO-5", "HO-3"), True, False),
        ("Form", "form", "HO-5", None, ("HO-5", "—"), False, True),
        ("Form", "form", None, None, ("—", "—"), False, True),
        ("Water backup", "water_backup", "none", 0, ("None", "$0"), True, False),
        ("Water backup", "water_backup", "none", None, ("None", "—"), False, True),
        ("Water backup", "water_backup", 0, None, ("$0", "—"), False, True),
        ("E, liability", "coverage_e_liability", 300000, 500000,
         ("$300,000", "$500,000"), True, False),
        ("Valuation", "valuation", "RC", "ACV", ("RC", "ACV"), True, False),
        ("Indicative or final", "quote_status", "final", "indicative",
         ("Final", "Indicative"), True, False),
    ],
)  # fmt: skip
def test_not_stated_none_and_zero_stand_apart(label, key, left, right, texts, differs, unknown):
    sides = [{} if value is None else {key: value} for value in (left, right)]
    found = row(page_of(home("a", "Fable", **sides[0]), home("b", "Larkspur", **sides[1])), label)
    assert tuple(cell.text for cell in found.cells) == texts
    assert (found.differs, found.unknown) == (differs, unknown)
    assert [cell.differs for cell in found.cells] == [False, differs]


def test_every_trigger_has_a_row_and_a_percentage_its_dollars():
    page = page_of(
        home("a", "Fable", coverage_a_dwelling=1_200_000,
             deductibles={"aop": 2500, "hurricane": "2%"}),
        home("b", "Larkspur", coverage_a_dwelling=1_000_000,
             deductibles={"aop": 2500, "wind_hail": "2%"}),
        home("c", "Copperline", deductibles={"hurricane": "2%"}),
    )  # fmt: skip
    assert [label for label in labels(page) if label.startswith("Deductible")] == [
        "Deductible, AOP", "Deductible, wind/hail", "Deductible, hurricane",
    ]  # fmt: skip
    hurricane = row(page, "Deductible, hurricane")
    assert [cell.text for cell in hurricane.cells] == ["2% ($24,000)", "—", "2%"]
    assert (hurricane.differs, hurricane.unknown) == (False, True)
    assert row(page, "Deductible, AOP").unknown, "one of three does not state it"


def test_the_same_percentage_of_another_coverage_a_is_marked():
    page = page_of(
        home("a", "Fable", coverage_a_dwelling=1_200_000, deductibles={"hurricane": "2%"}),
        home("b", "Larkspur", coverage_a_dwelling=1_000_000, deductibles={"hurricane": "2%"}),
        home("c", "Copperline", coverage_a_dwelling=1_200_000, deductibles={"hurricane": "2%"}),
    )
    hurricane = row(page, "Deductible, hurricane")
    assert [cell.text for cell in hurricane.cells] == [
        "2% ($24,000)",
        "2% ($20,000)",
        "2% ($24,000)",
    ]
    assert [cell.differs for cell in hurricane.cells] == [False, True, False]
    assert hurricane.differs
    assert not hurricane.unknown


def test_ways_to_pay_are_shown_and_compare_nothing():
    page = page_of(home("a", "Fable", paid_in_full=950), home("b", "Larkspur", paid_in_full=900))
    found = row(page, "Paid in full")
    assert [cell.text for cell in found.cells] == ["$950", "$900"]
    assert (found.differs, found.unknown, found.telling) == (False, False, True)


shares = st.sampled_from([None, "2%", "5%", 2500, "excluded"])
stated_terms = st.fixed_dictionaries(
    {},
    optional={
        "form": st.sampled_from(["HO-3", "HO-5"]),
        "coverage_a_dwelling": st.sampled_from([1_000_000, 1_200_000]),
        "coverage_c": st.sampled_from(["70%", "50%", 500_000]),
        "water_backup": st.sampled_from(["none", "included", 0, 25_000]),
        "fees": st.sampled_from(["$150 a term", "$35 once"]),
        "effective_date": st.sampled_from(["2027-01-01", "2027-02-01"]),
        "quote_status": st.sampled_from(["final", "indicative"]),
        "deductibles": st.fixed_dictionaries(
            {}, optional={"aop": shares, "hurricane": shares, "wind_hail": shares}
        ),
    },
)


@given(stated_terms, stated_terms, st.booleans())
def test_rows_and_reasons_never_say_otherwise(one, other, in_force):
    if in_force:
        page = page_of(home("b", "Larkspur", **other), in_force=one, query="pick=0&incumbent=1")
    else:
        page = page_of(home("a", "Fable", **one), home("b", "Larkspur", **other))
    rows = [row for group in page.groups for row in group.rows]
    saving = page.columns[1].saving
    assert saving is not None
    assert sum(row.differs for row in rows) == len(saving.likeness.differences)
    assert sum(row.unknown for row in rows) == len(saving.likeness.unknowns)
    marked = [row.cells[1].differs for row in rows]
    assert marked == [row.differs for row in rows]


def test_what_nobody_states_has_a_row_only_where_it_counts():
    page = page_of(home("a", "Fable"), home("b", "Larkspur"))
    shown = labels(page)
    assert {"Form", "Coverage A, dwelling", "E, liability", "Deductible, AOP", "Valuation"} <= (
        set(shown)
    )
    assert not {"Water backup", "Fees", "Deductible, hurricane", "Ordinance or law", "Term"} & (
        set(shown)
    )


def test_identity_is_no_difference():
    page = page_of(home("a", "Fable", 1000), home("b", "Larkspur", 900))
    for label in ("Carrier", "Premium a year", "Product", "Quote id"):
        found = row(page, label)
        assert (found.differs, found.unknown) == (False, False)
    assert [cell.text for cell in row(page, "Premium a year").cells] == ["$1,000", "$900"]


def test_the_incumbent_is_the_first_column_and_is_not_asked_for_price_and_term():
    page = page_of(
        home("a", "Fable", form="HO-5", coverage_e_liability=500000),
        in_force={"carrier": "Cobblestone", "annual_premium": 1100, "coverage_e": 300000},
        query="pick=0&incumbent=1",
    )
    assert [column.option.name for column in page.columns] == ["In force today", "Rank 1"]
    assert page.reference.option.in_force
    assert [cell.text for cell in row(page, "Form").cells] == ["—", "HO-5"]
    assert row(page, "E, liability").differs
    assert row(page, "Quote good until").cells[0].absent
    assert not row(page, "Quote good until").unknown
    saving = page.columns[1].saving
    assert saving is not None
    assert saving.difference.low == -100
    assert saving.likeness.words.startswith("1 difference, ")


def test_a_line_only_one_package_has():
    run = run_of([home("a", "Fable")], ["home", "auto"])
    both = solution(1, [line("home", "Fable", 1000, "a"), line("auto", "Fable", 500)], cost=1500)
    one = solution(2, [line("home", "Fable", 1000, "a"), line("home", "Odd", 7)], cost=1007)
    ranking = rank_packages(run, [both, one])
    picks, _ = read_picks({"pick": ["0", "1"]}, 2, in_force=False)
    page = lay_out(ranking, compare_packages(run, ranking), picks, NOW)
    assert [group.title for group in page.groups] == ["Home", "Home 2", "Auto"]
    carriers = [group.rows[0] for group in page.groups]
    assert [cell.text for cell in carriers[2].cells] == ["Fable", "Not in this package"]
    assert carriers[2].cells[0].note == "not among what we sent"
    assert [cell.text for cell in carriers[1].cells] == ["Not in this package", "Odd"]
    assert page.columns[1].saving is not None
    assert not page.columns[1].saving.difference.stated


def test_expiry_is_warned_of():
    soon = home("a", "Fable")
    soon["attributes"]["quote_expires_at"] = (NOW + timedelta(days=2)).isoformat()
    found = row(page_of(soon, home("b", "Larkspur")), "Quote good until")
    assert found.cells[0].warns
    assert not found.cells[1].warns
    assert found.differs


@pytest.mark.parametrize("reference", [0, 1, 2])
def test_any_column_may_be_the_reference(reference):
    page = page_of(
        home("a", "Fable", form="HO-5"),
        home("b", "Larkspur", form="HO-3"),
        home("c", "Copperline", form="HO-5"),
        query=f"pick=0&pick=1&pick=2&reference={reference}",
    )
    cells = row(page, "Form").cells
    assert [cell.differs for cell in cells] == [
        cell.text != cells[reference].text for cell in cells
    ]
    assert [column.is_reference for column in page.columns].index(True) == reference


@pytest.mark.parametrize(
    ("query", "codes", "reference", "said"),
    [
        ("pick=0&pick=2", ["0", "2"], "0", ""),
        ("pick=2&pick=0&pick=2", ["2", "0"], "2", ""),
        ("pick=0&incumbent=1", [INCUMBENT, "0"], INCUMBENT, ""),
        ("pick=0&incumbent=1&reference=0", [INCUMBENT, "0"], "0", ""),
        ("pick=0&pick=1&reference=4", ["0", "1"], "0", "none of these"),
        ("pick=0&pick=77", ["0"], "0", "this run does not have"),
        ("pick=0&pick=-1&pick=x&pick=1e3", ["0"], "0", "3 packages"),
        ("pick=%C2%B2&pick=1", ["1"], "1", "this run does not have"),
        ("&".join(f"pick={n}" for n in range(6)), ["0", "1", "2", "3"], "0", "6 packages"),
        ("", [], "", ""),
    ],
)
def test_what_an_address_picks(query, codes, reference, said):
    picks, words = read_picks(parse_qs(query), 10, in_force=True)
    assert (picks.codes, picks.reference) == (codes, reference)
    assert said in " ".join(words)
    assert bool(said) is bool(words)


def test_an_incumbent_that_is_not_stated_is_said():
    picks, said = read_picks(parse_qs("pick=0&incumbent=1"), 3, in_force=False)
    assert picks.codes == ["0"]
    assert "not stated" in said[0]


chosen = st.builds(
    Picks,
    places=st.lists(st.integers(0, 9), unique=True, min_size=2, max_size=MOST).map(tuple),
    incumbent=st.booleans(),
    only=st.booleans(),
)


@given(chosen, st.integers(0, 4))
def test_the_ways_of_a_page_read_the_same_again(picks, at):
    reference = picks.codes[at % len(picks.codes)]
    written = picks.query(reference=reference)
    read, said = read_picks(parse_qs(written.removeprefix("?")), 10, in_force=True)
    assert said == []
    assert (read.codes, read.reference, read.only) == (picks.codes, reference, picks.only)
    for code in picks.codes:
        way = read.without(code)
        if way:
            rest, said = read_picks(parse_qs(way.removeprefix("?")), 10, in_force=True)
            assert said == []
            assert rest.codes == [each for each in picks.codes if each != code]

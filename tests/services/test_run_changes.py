"""Two runs of one insured: which inputs changed, and how the packages moved."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from quotes.models import Run
from quotes.services.document_changes import changes_between
from quotes.services.run_changes import RunChanges, compare_runs
from tests.documents import anything
from tests.services.packages import line, offering, ranking, run_of, solution

NOBODY = ranking()
PROFILE = {
    "applicant": {"first_name": "Marigold", "last_name": "Fairweather"},
    "drivers": [
        {"driver_id": "d1", "name": "Marigold Fairweather", "violations_5yr": 0},
        {"driver_id": "d2", "name": "Thaddeus Fairweather", "violations_5yr": 1},
    ],
    "vehicles_detail": [{"vehicle_id": "v1", "year": 2020, "make": "Toyota", "model": "Prius"}],
    "current_coverage": {"home": {"carrier": "Cobblestone Mutual", "annual_premium": 5980}},
    "residence": {"roof_year": 2016, "pool": True},
}
OFFERINGS = [
    offering("h", "Fable", "home", 1000, attributes={"quote_expires_at": "2026-12-20"}),
    offering("a", "Larkspur", "auto", 2000),
]


def run(offerings: Any = None, lines: Any = ("home", "auto"), **given: Any) -> Run:
    return run_of(
        deepcopy(OFFERINGS if offerings is None else offerings),
        lines,
        **deepcopy({**PROFILE, **given}),
    )


def between(earlier: Run, later: Run, *rankings: Any) -> RunChanges:
    before, after = rankings or (NOBODY, NOBODY)
    return compare_runs(earlier, later, before, after)


def said(changes: Any) -> list[tuple[str, str, str]]:
    return [(each.where, each.before, each.after) for each in changes]


def test_the_same_request_is_the_same():
    found = between(run(), run())
    assert found.same_request
    assert found.same_offerings == 2


def test_numbers_that_say_the_same_and_nothing_said_two_ways_are_no_change():
    now = run(
        current_coverage={"home": {"carrier": "Cobblestone Mutual", "annual_premium": D("5980.00")}}
    )
    now.request["input"]["residence"] |= {"roof_material": None, "construction": ""}
    assert between(run(), now).same_request


def test_lines_and_appetite():
    found = between(run(), run(lines=["auto", "umbrella"], appetite_bucket="cost_sensitive"))
    assert (found.lines_added, found.lines_removed) == (("umbrella",), ("home",))
    assert found.appetite == ("", "Cost sensitive")
    assert found.profile == ()
    odd = between(run(appetite_bucket="bold"), run(appetite_bucket=["x"]))
    assert odd.appetite == ("bold", "")


def test_profile_in_words():
    drivers = [
        {"driver_id": "d2", "name": "Thaddeus Fairweather", "violations_5yr": 0},
        {"driver_id": "d1", "name": "Marigold Fairweather", "violations_5yr": 0},
        {"driver_id": "d3", "name": "Juniper Fairweather", "years_licensed": 1},
    ]
    coverage = {"home": {"carrier": "Cobblestone Mutual", "annual_premium": 6100}}
    found = between(
        run(),
        run(
            drivers=drivers, vehicles_detail=[], current_coverage=coverage,
            residence={"roof_year": 2024},
        ),
    )  # fmt: skip
    assert said(found.profile) == [
        ("Drivers › Thaddeus Fairweather › Violations, 5 years", "1", "None"),
        (
            "Drivers › Juniper Fairweather",
            "—",
            "driver id d3, name Juniper Fairweather, years licensed 1",
        ),
        (
            "Vehicles detail › 2020 Toyota Prius",
            "vehicle id v1, year 2020, make Toyota, model Prius",
            "—",
        ),
        ("Current coverage › Home › Annual premium", "$5,980", "$6,100"),
        ("Residence › Roof year", "2016", "2024"),
        ("Residence › Pool", "Yes", "—"),
    ]


def offering_changes(found: RunChanges) -> list[Any]:
    return [
        (each.kind, each.carrier, each.line, each.before, each.after, said(each.changes))
        for each in found.offerings
    ]


def test_offerings_added_removed_and_changed():
    now = deepcopy(OFFERINGS)
    now[0]["attributes"] |= {"line_premium_annual": D("950.5"), "quote_expires_at": "2027-01-10"}
    now[0]["coverage"]["deductible_aop"] = 2500
    now[1] = offering("b", "Quillfeather", "auto", 1800)
    found = between(run(), run(now))
    assert offering_changes(found) == [
        (
            "changed", "Fable", "home", D(1000), D("950.50"),
            [("Deductible aop", "—", "2500"), ("Quote expires at", "2026-12-20", "2027-01-10")],
        ),
        ("removed", "Larkspur", "auto", D(2000), None, []),
        ("added", "Quillfeather", "auto", None, D(1800), []),
    ]  # fmt: skip
    assert found.offerings[0].difference == D("-49.50")
    assert found.same_offerings == 0


def test_an_offering_is_known_by_our_quote_line_whatever_id_it_was_sent_under():
    earlier, later = run(), run([{**OFFERINGS[0], "id": "other"}, OFFERINGS[1]])
    earlier.offering_lines, later.offering_lines = {"h": "line-1"}, {"other": "line-1"}
    assert between(earlier, later).same_request


def test_a_quote_entered_anew_is_known_by_its_carrier_and_line():
    earlier, later = run(), run([offering("new", "Fable Insurance", "home", 900), OFFERINGS[1]])
    earlier.offering_lines, later.offering_lines = {"h": "line-1"}, {"new": "line-2"}
    found = between(earlier, later)
    assert [(each.kind, each.difference) for each in found.offerings] == [("changed", D(-100))]


def test_what_the_quotes_say_beyond_their_offerings():
    quote = {"carrier": "Fable", "package_premium_annual": 900, "home": {"premium_annual": 900}}
    more = {"carrier": "Fable", "home": {"premium_annual": 700, "coverage": {"form": "HO-5"}}}
    found = between(run(quotes=[quote, quote]), run(quotes=[more, quote]))
    assert said(found.quotes) == [("Fable › Home › Coverage › Form", "—", "HO-5")]


def test_a_line_only_one_side_quotes_is_one_change_and_none_where_its_offering_says_it():
    home = {"coverage_a": 650000, "aop": 2500, "form": "HO-5"}
    both = [{"carrier": "Fable", "home": home, "auto": {"um_uim": "250/500"}}]
    left = [{"carrier": "Fable", "home": home}]
    fable = [OFFERINGS[0], offering("fa", "Fable", "auto", 900)]
    dropped = between(run(fable, quotes=both), run(fable[:1], quotes=left))
    assert [(each.kind, each.carrier, each.line) for each in dropped.offerings] == [
        ("removed", "Fable", "auto")
    ]
    assert said(dropped.quotes) == []
    never_sent = between(run(fable[:1], quotes=both), run(fable[:1], quotes=left))
    assert said(never_sent.quotes) == [("Fable auto", "quoted", "not quoted")]
    back = between(run(fable[:1], quotes=left), run(fable[:1], quotes=both))
    assert said(back.quotes) == [("Fable auto", "not quoted", "quoted")]


def test_keys_nobody_knows_are_told():
    later = run()
    later.request["hint"] = "fast"
    found = between(run(), later)
    assert said(found.rest) == [("Hint", "—", "fast")]
    assert not found.same_request


def made(rank: int | None, *pairs: tuple[str, str], **fields: Any) -> Any:
    return solution(rank, [line(category, carrier) for category, carrier in pairs], **fields)


FABLE = (("home", "Fable"), ("auto", "Fable"))
MIXED = (("auto", "Larkspur"), ("home", "Fable"))


def moves(found: RunChanges) -> list[tuple[Any, ...]]:
    return [
        (
            each.kind,
            each.before.rank if each.before else None,
            each.after.rank if each.after else None,
            each.places,
            each.low,
            each.high,
        )
        for each in found.packages
    ]


def test_packages_are_matched_by_their_carriers_and_lines():
    before = ranking(
        made(1, *FABLE, cost=1000),
        made(2, *MIXED, est_cost_low=900, est_cost_high=950),
        made(3, ("home", "Quillfeather"), ("auto", "Fable"), cost=800),
    )
    after = ranking(
        made(1, *reversed(MIXED), est_cost_low=880, est_cost_high=960),
        made(2, ("home", "Fable Insurance"), ("auto", "Fable"), cost=1000),
        made(3, ("home", "Larkspur"), ("auto", "Fable")),
    )
    found = between(run(), run(), before, after)
    assert moves(found) == [
        ("both", 2, 1, 1, D(-20), D(10)),
        ("both", 1, 2, -1, D(0), D(0)),
        ("new", None, 3, None, None, None),
        ("gone", 3, None, None, None, None),
    ]
    assert (found.new, found.gone, found.moved) == (1, 1, 2)
    assert found.packages[1].fell == 1


def test_packages_alike_are_paired_in_rank_order_and_no_rank_is_no_move():
    before = ranking(made(1, *FABLE, cost=10), made(2, *FABLE, cost=20))
    after = ranking(made(None, *FABLE, cost=11), made(4, *FABLE), made(5, *FABLE))
    assert moves(between(run(), run(), before, after)) == [
        ("both", 1, None, None, D(1), D(1)),
        ("both", 2, 4, -2, None, None),
        ("new", None, 5, None, None, None),
    ]


@pytest.mark.parametrize("odd", [{}, {"input": []}, {"offerings": 5, "input": {"quotes": [3]}}])
def test_odd_requests_are_compared(odd):
    earlier = run()
    earlier.request = odd
    found = between(earlier, run())
    assert len(found.offerings) == 2


@hypothesis_settings(deadline=None, max_examples=60)
@given(anything, anything)
def test_any_two_documents_are_compared_and_equal_ones_differ_nowhere(was, now):
    assert changes_between({"a": was}, {"a": deepcopy(was)}) == ()
    for change in changes_between({"a": was}, {"a": now}):
        assert change.where
        assert isinstance(change.before, str)
        assert isinstance(change.after, str)

"""Every offering is accounted for: in k packages, or in none with what may be why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.formats import date_format

from quotes.services.reconciliation import NO_REASON, Reconciliation, likely_reasons, reconcile
from tests.services.packages import SENT_AT, line, offering, ranking, run_of, solution

STATE = "CA"
DAY = date_format(timezone.localtime(SENT_AT) - timedelta(days=3), "M j, Y")


def expiring(days: int) -> dict[str, Any]:
    day = timezone.localtime(SENT_AT).date() + timedelta(days=days)
    return {"attributes": {"quote_expires_at": day.isoformat()}}


def excluding(*states: Any) -> dict[str, Any]:
    return {"constraints": {"excluded_states": list(states)}}


CHEAP = offering("other", "Larkspur", "home", 500)
DEAR = offering("other", "Larkspur", "home", 5000)


@pytest.mark.parametrize(
    ("own", "other", "reasons"),
    [
        (offering("o", "Fable", "home", 900), DEAR, [NO_REASON]),
        (offering("o", "Fable", "home", 900), None, [NO_REASON]),
        (offering("o", "Fable", "home", 900), CHEAP, ["dearer than every other home offering"]),
        (offering("o", "Fable", "home", 500), CHEAP, [NO_REASON]),
        (offering("o", "Fable", "home", 900), offering("x", "L", "home", None), [NO_REASON]),
        (offering("o", "Fable", "home", 900), offering("x", "L", "auto", 5), [NO_REASON]),
        (offering("o", "Fable", "home", None), DEAR, ["it states no premium"]),
        (offering("o", "Fable", "home", "900"), DEAR, ["it states no premium"]),
        (offering("o", "Fable", "home", 0), DEAR, [NO_REASON]),
        (offering("o", "Fable", "umbrella", 9), DEAR, ["its line was not requested"]),
        (offering("o", "Fable", "home", 900, **excluding("NY", " ca ")), DEAR, ["it excludes CA"]),
        (offering("o", "Fable", "home", 900, **excluding("NY", 7, None)), DEAR, [NO_REASON]),
        (offering("o", "Fable", "home", 900, constraints=["CA"]), DEAR, [NO_REASON]),
        (
            offering("o", "Fable", "home", 900, **expiring(-3)),
            DEAR,
            [f"its quote expired {DAY}, before it was sent"],
        ),
        (offering("o", "Fable", "home", 900, **expiring(0)), DEAR, [NO_REASON]),
        (
            offering("o", "Fable", "home", 900, **expiring(-3), **excluding("CA")),
            CHEAP,
            [
                "it excludes CA",
                f"its quote expired {DAY}, before it was sent",
                "dearer than every other home offering",
            ],
        ),
    ],
)
def test_likely_reasons(own, other, reasons):
    sent = [own, *([other] if other else [])]
    found = likely_reasons(own, sent, ["home", "auto"], state=STATE, sent_at=SENT_AT)
    assert list(found) == reasons


def test_no_state_is_excluded_by_nobody():
    own = offering("o", "Fable", "home", 900, **excluding("", "CA"))
    assert likely_reasons(own, [own], ["home"], state="", sent_at=SENT_AT) == (NO_REASON,)


def account(sent: list[dict[str, Any]], *packages: Any, **given: Any) -> Reconciliation:
    run = run_of(sent, **given)
    return reconcile(run.request, ranking(*packages, run=run), SENT_AT)


def cells(found: Reconciliation) -> dict[str, dict[str, list[int]]]:
    return {
        row.carrier: {cell.line: [each.used for each in cell.offered] for cell in row.cells}
        for row in found.rows
    }


def test_every_offering_is_counted_by_the_packages_it_stands_in():
    sent = [
        offering("h1", "Fable", "home"),
        offering("h2", "Fable Insurance Company", "home", 1200),
        offering("a1", "Larkspur", "auto"),
        offering("a2", "Fable", "auto", 4000),
    ]
    both = [line("home", "Fable", offering="h1"), line("auto", "Larkspur", offering="a1")]
    twice = [*both, line("home", "Fable", offering="h1")]
    found = account(sent, solution(1, both), solution(2, twice), solution(3))
    assert cells(found) == {
        "Fable": {"home": [2, 0], "auto": [0]},
        "Larkspur": {"home": [], "auto": [2]},
    }
    assert (found.sent, found.used, found.unused) == (4, 2, 2)
    assert found.unsent == ()
    fable = found.rows[0]
    assert fable.cells[0].offered[1].reasons == ("dearer than every other home offering",)
    assert fable.cells[0].offered[0].reasons == ()


def test_a_line_known_by_carrier_and_premium_counts_even_if_its_quote_was_deleted_since():
    sent = [offering("h1", "Fable", "home", 1000), offering("h2", "Fable", "home", 1200)]
    returned = [line("home", "FABLE", "1200.00", offering="theirs-7")]
    found = account(sent, solution(1, returned), lines=["home"])
    assert cells(found) == {"Fable": {"home": [0, 1]}}
    assert found.unsent == ()


def test_two_offerings_alike_are_told_apart_by_nothing():
    sent = [offering("h1", "Fable", "home", 1000), offering("h2", "Fable", "home", 1000)]
    found = account(sent, solution(1, [line("home", "Fable", 1000)]), lines=["home"])
    assert found.used == 0
    assert [each.count for each in found.unsent] == [1]


def test_what_nexio_returned_and_we_did_not_send_is_flagged_once_with_its_count():
    sent = [offering("h1", "Fable", "home")]
    strange = line("boat", "Ghost Mutual", 12, offering="x")
    packages = [
        solution(1, [line("home", "Fable", offering="h1"), strange]),
        solution(2, [strange, strange]),
        solution(3, [line("home", "Fable", 999, offering="h9")]),
    ]
    found = account(sent, *packages, lines=["home"])
    assert [(each.carrier, each.line, each.count) for each in found.unsent] == [
        ("Ghost Mutual", "boat", 2),
        ("Fable", "home", 1),
    ]
    assert "boat" not in found.lines


@pytest.mark.parametrize("offerings", [None, {}, "none", [None, 5, {}]])
def test_odd_requests_are_accounted_for(offerings):
    run = run_of()
    run.request["offerings"] = offerings
    run.request["input"]["address"] = "CA"
    found = reconcile(run.request, ranking(solution(1), run=run), SENT_AT)
    assert found.used == 0
    assert found.sent == (1 if isinstance(offerings, list) else 0)

"""Our own checks of a package: umbrella attachment, expiry, split penalty, cost."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from quotes.services.checks import Outcome
from quotes.services.details import parse_detail
from quotes.services.frozen import Frozen, Option, Policy
from quotes.services.package_checks import check_package
from quotes.services.umbrella import Attaches, check_umbrella
from tests.services.packages import line as line_of
from tests.services.packages import offering, run_of, solution

NOW = dt.datetime(2026, 11, 20, 18, tzinfo=dt.UTC)


def policy(line: str, *, premium: int | None = 100, **fields: Any) -> Policy:
    texts = fields.pop("texts", {})
    details = {code: parse_detail(line, code, text) for code, text in texts.items()}
    amount = None if premium is None else Decimal(premium)
    return Policy(line, fields.pop("carrier", "PURE"), amount, details=details, **fields)


def umbrella_over(required: dict[str, str], auto: str | None, home: str | None) -> Option:
    lines = {"umbrella": policy("umbrella", texts=required)}
    if auto is not None:
        lines["auto"] = policy("auto", texts={"liability": auto} if auto else {})
    if home is not None:
        lines["home"] = policy("home", texts={"coverage_e": home} if home else {})
    return Option("Rank 1", lines)


NEEDS = {"required_auto": "250/500/100", "required_coverage_e": "500k"}


@pytest.mark.parametrize(
    ("required", "auto", "home", "verdict", "dollars"),
    [
        (NEEDS, "250/500/100", "500k", Attaches.YES, []),
        (NEEDS, "500/1000/250", "1M", Attaches.YES, []),
        (NEEDS, "250/500/100", "300k", Attaches.GAP, [200_000]),
        (NEEDS, "250/500/100", "none", Attaches.GAP, [500_000]),
        (NEEDS, "100/300/50", "500k", Attaches.GAP, [150_000, 200_000, 50_000]),
        (NEEDS, "250/500", "500k", Attaches.UNKNOWN, []),
        (NEEDS, "500 CSL", "500k", Attaches.UNKNOWN, []),
        (NEEDS | {"required_auto": "250/500/100 or 500 CSL"}, "500 CSL", "500k", Attaches.YES, []),
        (NEEDS | {"required_auto": "500 CSL"}, "300 CSL", "500k", Attaches.GAP, [200_000]),
        (NEEDS, "", "500k", Attaches.UNKNOWN, []),
        (NEEDS, "250/500/100", "", Attaches.UNKNOWN, []),
        (NEEDS, None, "500k", Attaches.UNKNOWN, []),
        (NEEDS, "250/500/100", None, Attaches.UNKNOWN, []),
        (NEEDS, "", "300k", Attaches.GAP, [200_000]),
        ({"required_coverage_e": "300k"}, "250/500/100", "300k", Attaches.UNKNOWN, []),
        ({}, "250/500/100", "300k", Attaches.UNKNOWN, []),
    ],
)
def test_umbrella_attachment(required, auto, home, verdict, dollars):
    found = check_umbrella(umbrella_over(required, auto, home))
    assert found.verdict is verdict
    assert [int(gap.dollars) for gap in found.gaps] == dollars
    assert bool(found.unknown) is (verdict is Attaches.UNKNOWN or auto == "")


def test_a_gap_is_told_in_dollars_with_what_was_compared():
    found = check_umbrella(umbrella_over(NEEDS, "250/500/100", "300k"))
    assert found.gaps[0].words == "Coverage E $300k, umbrella needs $500k: $200,000 short"
    assert "auto 250/500/100 against 250/500/100 required" in found.compared


def test_without_an_umbrella_there_is_nothing_to_check():
    assert check_umbrella(Option("x", {"home": policy("home")})).verdict is Attaches.NO_UMBRELLA


@pytest.mark.parametrize(
    ("auto", "home", "words"),
    [
        ("250/500/100", "300k", "Cov E $300k, umbrella needs $500k"),
        ("100/300/50", "500k", "Auto 100/300/50, umbrella needs 250/500/100"),
        ("100/300/50", "300k", "Auto and Cov E below what the umbrella needs"),
        ("250/500/100", "500k", "Umbrella attaches"),
        ("500 CSL", "500k", "Umbrella attachment not known"),
    ],
)
def test_the_umbrella_in_the_space_of_a_cell(auto, home, words):
    found = checked(umbrella_over(NEEDS, auto, home), "umbrella")
    assert found.words == words
    assert found.compared


EMPTY = Frozen({}, {})


def checked(option: Option, code: str, frozen: Frozen = EMPTY) -> Any:
    return next((c for c in check_package(option, frozen, NOW) if c.code == code), None)


@pytest.mark.parametrize(
    ("days", "outcome"),
    [
        ((30, 40), Outcome.FINE),
        ((5, 40), Outcome.WARNING),
        ((-1, 40), Outcome.WARNING),
        ((None, 40), Outcome.UNKNOWN),
        ((None, 5), Outcome.WARNING),
        ((None, None), Outcome.UNKNOWN),
    ],
)
def test_a_package_expires_with_its_earliest_line(days, outcome):
    ends = [None if d is None else NOW + dt.timedelta(days=d) for d in days]
    lines = {
        "home": policy("home", expires_at=ends[0]),
        "auto": policy("auto", expires_at=ends[1]),
    }
    found = checked(Option("x", lines), "expiry")
    assert found.outcome is outcome
    half = days[0] is None and days[1] is not None
    assert ("not stated for home: that may end earlier" in found.details) is half


def test_a_line_a_package_holds_twice_has_its_own_expiry():
    held = policy("home", expires_at=NOW + dt.timedelta(days=30))
    found = checked(Option("x", {"home": held, "home 2": held}), "expiry")
    assert (found.outcome, found.details) == (Outcome.FINE, [])
    silent = checked(Option("x", {"home": held, "home 2": policy("home")}), "expiry")
    assert silent.details == ["not stated for home 2: that may end earlier"]


def test_what_is_expired_goes_before_all_else():
    option = umbrella_over(NEEDS, "100/300/50", "300k")
    gone = dict(option.policies) | {"home": policy("home", expires_at=NOW - dt.timedelta(days=1))}
    assert [c.code for c in check_package(Option("x", gone), EMPTY, NOW)][:2] == [
        "expiry", "umbrella",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("home", "auto", "outcome"),
    [
        ("1/1/2027", "1/1/2027", None),
        ("1/1/2027", "2/1/2027", Outcome.WARNING),
        ("1/1/2027", None, Outcome.UNKNOWN),
    ],
)
def test_effective_dates_that_differ(home, auto, outcome):
    lines = {
        "home": policy("home", texts={"effective_date": home}),
        "auto": policy("auto", texts={"effective_date": auto} if auto else {}),
    }
    found = checked(Option("x", lines), "effective")
    assert (found.outcome if found else None) is outcome


def bundle(**fields: Any) -> dict[str, Any]:
    return {
        "package_id": "p1", "package_premium": Decimal(170), "package_lines": ("home", "auto"),
        **fields,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("home", "auto", "warned"),
    [
        (bundle(), bundle(), False),
        (bundle(), {"carrier": "Harbor"}, True),
        (bundle(texts={"standalone": "confirmed 110"}), {"carrier": "Harbor"}, False),
        (bundle(texts={"standalone": "not confirmed"}), {"carrier": "Harbor"}, True),
        ({"package_lines": ("home",)}, {"carrier": "Harbor"}, False),
        (bundle(), bundle(package_id="p2"), True),
    ],
)
def test_a_line_taken_out_of_its_bundle_is_unconfirmed(home, auto, warned):
    option = Option("x", {"home": policy("home", **home), "auto": policy("auto", **auto)})
    found = checked(option, "split")
    assert (found is not None and found.words == "Unconfirmed if split") is warned


def test_the_discount_at_stake_is_told():
    request = {
        "input": {"coverage_types": ["home", "auto"]},
        "offerings": [
            {
                "id": line, "provider_name": "PURE", "category": line, "coverage": {},
                "attributes": {
                    "line_premium_annual": premium, "package_id": "p1",
                    "package_premium_annual": 170, "quote_id": line,
                },
            }
            for line, premium in (("home", 100), ("auto", 100))
        ],
    }  # fmt: skip
    frozen = Frozen(request, {})
    option = Option(
        "x", {"home": frozen.policies["home"], "auto": policy("auto", carrier="Harbor")}
    )
    assert checked(option, "split", frozen).details == [
        "PURE's home was quoted with auto; $30 of bundle discount is at stake"
    ]


@pytest.mark.parametrize("sent", [True, False])
def test_a_line_that_was_quoted_and_never_sent_is_left_behind_as_well(sent):
    """A package's price was made with every line quoted in it, requested or not."""
    quote = {"carrier": "PURE", "package_id": "p1", "package_premium_annual": 170}
    lines = {line: {"premium_annual": 100, "quote_id": line} for line in ("home", "auto")}
    offered = [
        offering(line, "PURE", line, 100, attributes={
            "package_id": "p1", "package_premium_annual": 170, "quote_id": line,
        })
        for line in ("home", "auto")[: 2 if sent else 1]
    ]  # fmt: skip
    run = run_of(offered, ["home"], quotes=[quote | lines])
    frozen = Frozen(run.request, {})
    option = frozen.option(solution(1, [line_of("home", "PURE", 100, "home")], cost=100))
    details = checked(option, "split", frozen).details
    assert details == [
        "PURE's home was quoted with auto"
        + ("; $30 of bundle discount is at stake" if sent else "")
    ]


def test_a_second_option_of_a_line_is_of_the_same_package():
    shared = {"package_id": "p1", "package_premium_annual": 170}
    offered = [
        offering("h1", "PURE", "home", 100, attributes=shared),
        offering("h2", "PURE", "home", 120, attributes=shared),
        offering("a1", "PURE", "auto", 100, attributes=shared),
    ]
    frozen = Frozen(run_of(offered).request, {})
    lines = {"home": frozen.policies["h2"], "auto": policy("auto", carrier="Harbor")}
    found = checked(Option("x", lines), "split", frozen)
    assert found.details == ["PURE's home was quoted with auto"]
    whole = {"home": frozen.policies["h2"], "auto": frozen.policies["a1"]}
    assert checked(Option("x", whole), "split", frozen) is None


def test_lines_taken_out_of_one_bundle_are_told_together():
    lines = {"package_lines": ("home", "auto", "umbrella")}
    option = Option(
        "x",
        {
            "home": policy("home", carrier="Harbor"),
            "auto": policy("auto", **bundle(**lines)),
            "umbrella": policy("umbrella", **bundle(**lines)),
        },
    )
    assert checked(option, "split").details == ["PURE's auto and umbrella were quoted with home"]


@pytest.mark.parametrize(
    ("premiums", "low", "high", "outcome", "words"),
    [
        ((100, 100), 200, 200, Outcome.FINE, "Cost agrees with the lines"),
        ((100, 100), 180, 220, Outcome.FINE, "Cost agrees with the lines"),
        ((100, 100), 190, 190, Outcome.WARNING, "Lines sum to $10 above Nexio's cost"),
        ((100, 100), 210, None, Outcome.WARNING, "Lines sum to $10 below Nexio's cost"),
        ((100, None), 200, 200, Outcome.UNKNOWN, "Cost not checked"),
        ((100, 100), None, None, Outcome.UNKNOWN, "Cost not checked"),
    ],
)
def test_the_cost_beside_our_sum(premiums, low, high, outcome, words):
    lines = {
        "home": policy("home", premium=premiums[0]),
        "auto": policy("auto", premium=premiums[1]),
    }
    ends = [None if end is None else Decimal(end) for end in (low, high)]
    found = checked(Option("x", lines, None, *ends), "cost")
    assert (found.outcome, found.words) == (outcome, words)


def test_cents_are_told_and_never_rounded_away():
    lines = {"home": policy("home"), "auto": policy("auto")}
    found = checked(Option("x", lines, None, Decimal("199.60"), Decimal("199.60")), "cost")
    assert found.words == "Lines sum to $0.40 above Nexio's cost"
    assert found.compared == "our sum of line premiums $200 with Nexio's cost $199.60"


def test_a_whole_package_may_cost_less_than_its_lines():
    lines = {"home": policy("home", **bundle()), "auto": policy("auto", **bundle())}
    found = checked(Option("x", lines, None, Decimal(170), Decimal(170)), "cost")
    assert found.outcome is Outcome.FINE
    assert found.words == "Whole package, $30 bundle discount"
    assert found.details == ["the whole package is taken, at its package premium"]

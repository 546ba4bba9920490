"""Packages, costs, filters, scores and labels, as a consumer reads them."""

import itertools
import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.server import open_server

from .conftest import EXAMPLES, Consumer, offering, stop, submission

LINES = ("home", "auto", "umbrella")
APPETITES = ("coverage_first", "cost_sensitive", "balanced", "simplicity")


@pytest.fixture(scope="module")
def ranker() -> Iterator[Consumer]:
    """A consumer of a sandbox that completes runs at once."""
    server = open_server(seconds=0)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield Consumer(server.url)
    stop(server)


def ranked(consumer: Consumer, body: Any) -> dict[str, Any]:
    """The terminal reply, numbers as decimals so that a cent is a cent."""
    reply = consumer.poll(consumer.run_id(body))
    found: dict[str, Any] = json.loads(reply.text, parse_float=Decimal)
    assert found["status"] == "completed"
    return found


def by_ids(reply: dict[str, Any]) -> dict[tuple[str, ...], tuple[Decimal, Decimal]]:
    return {
        tuple(line["id"] for line in solution["offerings"]): (
            Decimal(solution["est_cost_low"]),
            Decimal(solution["est_cost_high"]),
        )
        for solution in reply["solutions"]
    }


def dollars(low: str, high: str | None = None) -> tuple[Decimal, Decimal]:
    return Decimal(low), Decimal(high or low)


def test_every_package_is_formed_and_costed(ranker: Consumer) -> None:
    # Alder's discount is 500.00, Birch's 300.10; Cedar quoted home alone.
    reply = ranked(
        ranker,
        submission(
            offering("Alder", "home", 3000.10, 4500.20),
            offering("Alder", "auto", 2000.10, 4500.20),
            offering("Birch", "home", 3100, 4799.90),
            offering("Birch", "auto", 2000, 4799.90),
            offering("Cedar", "home", 2900),
        ),
    )
    assert by_ids(reply) == {
        ("alder-home", "alder-auto"): dollars("4500.20"),
        ("birch-home", "birch-auto"): dollars("4799.90"),
        ("alder-home", "birch-auto"): dollars("5000.10", "5800.20"),
        ("birch-home", "alder-auto"): dollars("5100.10", "5900.20"),
        ("cedar-home", "alder-auto"): dollars("4900.10", "5400.10"),
        ("cedar-home", "birch-auto"): dollars("4900", "5200.10"),
    }
    counts = {len({o["provider_name"] for o in s["offerings"]}) == s["provider_count"]
              for s in reply["solutions"]}  # fmt: skip
    assert counts == {True}


def test_a_package_taken_whole_in_a_mix_loses_no_discount(ranker: Consumer) -> None:
    reply = ranked(
        ranker,
        submission(
            offering("Alder", "home", 3000, 4500),
            offering("Alder", "auto", 2000, 4500),
            offering("Cedar", "umbrella", 400),
            lines=LINES,
        ),
    )
    # All of Alder's package is bought, yet the package as a whole was quoted by nobody.
    assert by_ids(reply) == {("alder-home", "alder-auto", "cedar-umbrella"): dollars("5400")}


def test_two_packages_of_one_carrier_may_combine(ranker: Consumer) -> None:
    second = offering("Alder", "auto", 1900, 4700, attributes={"package_id": "two"})
    second["id"] = "alder-auto-two"
    reply = ranked(
        ranker,
        submission(
            offering("Alder", "home", 3000, 4500, attributes={"package_id": "one"}),
            offering("Alder", "auto", 2000, 4500, attributes={"package_id": "one"}),
            second,
        ),
    )
    costs = by_ids(reply)
    assert costs["alder-home", "alder-auto"] == dollars("4500")
    # The second package shows one line of a price far above it: its other lines were not sent.
    assert costs["alder-home", "alder-auto-two"] == dollars("4900", "5400")
    assert {solution["provider_count"] for solution in reply["solutions"]} == {1}


def test_a_fee_on_a_whole_package_is_part_of_its_price(ranker: Consumer) -> None:
    reply = ranked(
        ranker,
        submission(offering("Alder", "home", 3000, 5060), offering("Alder", "auto", 2000, 5060)),
    )
    assert by_ids(reply) == {("alder-home", "alder-auto"): dollars("5060")}


@pytest.mark.parametrize("send_all", [True, False])
def test_asking_for_a_part_of_a_package_is_a_split(ranker: Consumer, send_all: bool) -> None:
    quote = {
        "package_id": "p",
        "carrier": "Alder",
        "package_premium_annual": 4500,
        "home": {"quote_id": "h", "premium_annual": 3000},
        "auto": {"quote_id": "a", "premium_annual": 2000},
    }
    home = offering("Alder", "home", 3000, 4500, attributes={"package_id": "p"})
    auto = offering("Alder", "auto", 2000, 4500, attributes={"package_id": "p"})
    body = submission(*([home, auto] if send_all else [home]), lines=["home"])
    if not send_all:
        body["input"]["quotes"] = [quote]
    assert by_ids(ranked(ranker, body)) == {("alder-home",): dollars("3000", "3500")}


def test_a_line_of_an_unseen_package_never_costs_the_package(ranker: Consumer) -> None:
    body = submission(offering("Alder", "home", 3000, 9000), lines=["home"])
    assert by_ids(ranked(ranker, body)) == {("alder-home",): dollars("3000")}


def test_a_state_excluded_by_the_carrier_is_filtered_out(ranker: Consumer) -> None:
    reply = ranked(
        ranker,
        submission(
            offering("Alder", "home", 3000, constraints={"excluded_states": ["NV", "ca"]}),
            offering("Birch", "home", 3500, constraints={"excluded_states": ["NV"]}),
            lines=["home"],
        ),
    )
    assert list(by_ids(reply)) == [("birch-home",)]


@pytest.mark.parametrize(
    ("offerings", "said"),
    [
        ([], ["home: no offering", "auto: no offering"]),
        ([offering("Alder", "home", 1)], ["auto: no offering"]),
        (
            [offering("Alder", "home", 1), offering("Alder", "Auto", 1)],
            ["auto: no offering", "ignored, not requested: Auto"],
        ),
        (
            [
                offering("Alder", "home", 1),
                offering("Alder", "auto", 1, constraints={"excluded_states": ["CA"]}),
            ],
            ["auto: 1 offering was filtered out by state CA"],
        ),
    ],
)
def test_no_package_completes_with_the_reason(
    ranker: Consumer, offerings: list[Any], said: list[str]
) -> None:
    reply = ranked(ranker, submission(*offerings))
    assert reply["solutions"] == []
    assert reply["output"]["solutions_count"] == 0
    assert "top_label" not in reply["output"]
    for part in said:
        assert part in reply["output"]["diagnostic"]


def test_a_current_portfolio_switches_ranking_off(ranker: Consumer) -> None:
    body = submission(offering("Alder", "home", 1), lines=["home"], current_portfolio={})
    reply = ranked(ranker, body)
    assert reply["solutions"] == []
    assert "current_portfolio" in reply["output"]["diagnostic"]


def rich_and_cheap() -> list[dict[str, Any]]:
    """Alder covers most and costs most, Birch is cheap and bare, one line each is cheapest."""
    rich, bare = {"limit": "500/1,000", "deductible": "$500"}, {"limit": "50/100",
                                                                "deductible": 5000}  # fmt: skip
    return [
        offering("Alder", "home", 3400, 6300, coverage=rich, quality_rating="A++"),
        offering("Alder", "auto", 2900, 6300, coverage=rich, quality_rating="A++"),
        offering("Birch", "home", 2600, 5000, coverage=bare, quality_rating="B"),
        offering("Birch", "auto", 2400, 5000, coverage=bare, quality_rating="B"),
        offering("Cedar", "auto", 2000, coverage=bare),
    ]


def test_the_appetite_moves_the_ranking(ranker: Consumer) -> None:
    first = {}
    for appetite in APPETITES:
        body = submission(*rich_and_cheap(), appetite_bucket=appetite)
        reply = ranked(ranker, body)
        assert reply["output"]["tolerance_bucket"] == appetite
        first[appetite] = tuple(line["id"] for line in reply["solutions"][0]["offerings"])
    assert first["coverage_first"] == ("alder-home", "alder-auto")
    assert first["cost_sensitive"] == ("birch-home", "cedar-auto")
    assert first["simplicity"] == ("alder-home", "alder-auto")
    assert first["balanced"] == ("alder-home", "alder-auto")


def test_labels_are_given_once_and_are_true(ranker: Consumer) -> None:
    body = json.loads((EXAMPLES / "mixed_offerings.json").read_text())
    solutions = ranked(ranker, body)["solutions"]
    labelled = {s["cluster_label"]: s for s in solutions if s["cluster_label"] != "alternative"}
    assert solutions[0]["cluster_label"] == "recommended"
    assert set(labelled) == {"recommended", "best_value", "best_coverage", "simplest"}
    others = solutions[1:]
    cheapest = min(others, key=lambda s: s["est_cost_low"] + s["est_cost_high"])
    assert labelled["best_value"] == cheapest
    assert labelled["simplest"]["provider_count"] == 1


def test_no_package_is_best_at_what_nobody_stated(ranker: Consumer) -> None:
    offerings = [offering(name, "home", 1000) for name in ("Alder", "Birch", "Cedar", "Dover")]
    solutions = ranked(ranker, submission(*offerings, lines=["home"]))["solutions"]
    labels = [solution["cluster_label"] for solution in solutions]
    assert labels == ["recommended", "best_value", "simplest", "alternative"]


def test_terms_in_words_and_percentages_are_understood(ranker: Consumer) -> None:
    # 2 % of 500,000 is 10,000: worse than $5,000, better than $20,000.
    def coverage(deductible: Any) -> dict[str, Any]:
        return {"coverage_a": 500_000, "hurricane_deductible": deductible}

    reply = ranked(
        ranker,
        submission(
            offering("Alder", "home", 3000, coverage=coverage("$5,000")),
            offering("Birch", "home", 3000, coverage=coverage("2%")),
            offering("Cedar", "home", 3000, coverage=coverage("20k")),
            lines=["home"],
            appetite_bucket="coverage_first",
        ),
    )
    levels = [solution["scorecard"]["coverage"] for solution in reply["solutions"]]
    assert list(by_ids(reply)) == [("alder-home",), ("birch-home",), ("cedar-home",)]
    assert levels == [Decimal("5.00"), Decimal("3.33"), Decimal("0.00")]


def test_very_many_offerings_are_bounded_and_keep_whole_packages(ranker: Consumer) -> None:
    offerings = [
        offering(f"Carrier {number:02}", line, 1000 + number, 2000 + 2 * number)
        for number in range(40)
        for line in LINES
    ]
    dear = [offering("Dear", line, 9000, 1500) for line in LINES]
    reply = ranked(ranker, submission(*offerings, *dear, lines=LINES))
    assert reply["output"]["solutions_count"] == len(reply["solutions"]) == 12
    assert ("dear-home", "dear-auto", "dear-umbrella") in by_ids(reply)


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.json")))
def test_every_example_ranks(ranker: Consumer, name: str) -> None:
    body = json.loads((EXAMPLES / name).read_text())
    if "offerings" not in body:
        body = {"input": body, "offerings": list(offerings_of(body))}
    reply = ranked(ranker, body)
    assert reply["solutions"]
    check_reply(reply, body)


def offerings_of(given_: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The guide's conversion: one offering for each quoted line that is asked for."""
    for quote in given_["quotes"]:
        for line in given_["coverage_types"]:
            if line in quote:
                yield offering(
                    quote["carrier"],
                    line,
                    quote[line]["premium_annual"],
                    quote["package_premium_annual"],
                    attributes={"package_id": quote["package_id"]},
                )


def check_reply(reply: dict[str, Any], body: dict[str, Any]) -> None:
    """What holds for every completed reply, whatever was sent."""
    wanted = body["input"]["coverage_types"]
    solutions = reply["solutions"]
    assert reply["output"]["solutions_count"] == len(solutions) <= 12
    assert [s["rank"] for s in solutions] == list(range(1, len(solutions) + 1))
    levels = [s["scorecard"]["overall_level"] for s in solutions]
    assert levels == sorted(levels, reverse=True)
    labels = [s["cluster_label"] for s in solutions if s["cluster_label"] != "alternative"]
    assert len(labels) == len(set(labels))
    for solution in solutions:
        lines = solution["offerings"]
        assert sorted(line["category"] for line in lines) == sorted(wanted)
        premiums = [Decimal(str(o["attributes"]["line_premium_annual"])) for o in lines]
        low, high = solution["est_cost_low"], solution["est_cost_high"]
        if low != high:
            assert low == sum(premiums)
            assert high > low
        packages = {Decimal(str(o["attributes"]["package_premium_annual"])) for o in lines}
        assert low == sum(premiums) or {low} == packages
        assert len(solution["scorecard"]) == 7
        assert all(0 <= level <= 5 for level in solution["scorecard"].values())


CENTS = st.integers(0, 900_000).map(lambda cents: cents / 100)


@st.composite
def households(draw: st.DrawFn) -> dict[str, Any]:
    wanted = draw(st.lists(st.sampled_from(LINES), min_size=1, unique=True))
    offerings = []
    for number in range(draw(st.integers(1, 4))):
        lines = draw(st.lists(st.sampled_from(LINES), min_size=1, unique=True))
        premiums = [draw(CENTS) for _ in lines]
        package = max(0, round(sum(premiums) - draw(st.sampled_from([0, 0, 12.34, 250])), 2))
        excluded = draw(st.sampled_from([[], [], ["CA"], ["NV"]]))
        offerings += [
            offering(f"Carrier {number}", line, premium, package,
                     attributes={"package_id": f"p{number}"},
                     constraints={"excluded_states": excluded})
            for line, premium in zip(lines, premiums, strict=True)
        ]  # fmt: skip
    appetite = draw(st.sampled_from(APPETITES))
    return submission(*offerings, lines=wanted, appetite_bucket=appetite)


def expected(body: dict[str, Any]) -> dict[tuple[str, ...], tuple[Decimal, Decimal]]:
    """The cost rule once more, as simply as it can be put: id set of a package → low, high."""
    everything = body["offerings"]
    wanted = [line for line in LINES if line in body["input"]["coverage_types"]]
    members: dict[str, list[Any]] = {}
    for sent in everything:
        members.setdefault(sent["attributes"]["package_id"], []).append(sent)

    def money(sent: Any, name: str) -> Decimal:
        return Decimal(str(sent["attributes"][name]))

    usable = [
        [o for o in everything
         if o["category"] == line and "CA" not in o["constraints"]["excluded_states"]]
        for line in wanted
    ]  # fmt: skip
    found = {}
    for lines in itertools.product(*usable):
        low = sum((money(o, "line_premium_annual") for o in lines), Decimal(0))
        high = low
        for package in members.values():
            price = money(package[0], "package_premium_annual")
            apart = sum((money(o, "line_premium_annual") for o in package), Decimal(0))
            taken = [o for o in package if o in lines]
            if len(taken) == len(package) == len(lines):
                low = high = price
            elif taken and len(taken) < len(package):
                high += max(Decimal(0), apart - price)
        found[tuple(o["id"] for o in lines)] = (low, high)
    return found


@given(body=households())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_costs_follow_the_rule_for_any_household(ranker: Consumer, body: dict[str, Any]) -> None:
    reply = ranked(ranker, body)
    check_reply(reply, body)
    oracle, found = expected(body), by_ids(reply)
    assert found.items() <= oracle.items()
    assert len(found) == min(12, len(oracle))
    if oracle:
        cheapest = min(low + high for low, high in oracle.values())
        assert cheapest in {low + high for low, high in found.values()}
    assert ranked(ranker, body)["solutions"] == reply["solutions"]

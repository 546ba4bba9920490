"""What-if: choices in an address, the cheapest choice of offerings, Nexio's packages judged."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import product
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quotes.services.frozen import Frozen
from quotes.services.ranked import rank_packages
from quotes.services.what_if.changes import Changes, read_changes
from quotes.services.what_if.cheapest import cheapest
from quotes.services.what_if.judged import Outcome, work_out
from quotes.services.what_if.offers import Offer, Offers, read_offers
from tests.services.packages import SENT_AT, line, offering, run_of, solution

LINES = ("home", "auto", "umbrella")
D = Decimal


def quoted(
    own_id: str, carrier: str, category: str, premium: Any, package: str = "", price: Any = None
) -> dict[str, Any]:
    attributes = {"package_id": package} if package else {}
    if price is not None:
        attributes["package_premium_annual"] = price
    return offering(own_id, carrier, category, premium, attributes=attributes)


def offers_of(
    offerings: Sequence[dict[str, Any]], lines: Sequence[str] = LINES, **given_input: Any
) -> Offers:
    run = run_of(offerings, lines, **given_input)
    return read_offers(run.request, Frozen(run.request, {}), lines, {})


def outcome(
    offerings: Sequence[dict[str, Any]],
    changes: Changes = Changes(),  # noqa: B008 (frozen)
    solutions: Sequence[Any] = (),
    lines: Sequence[str] = ("home", "auto"),
) -> Outcome:
    run = run_of(offerings, lines)
    frozen = Frozen(run.request, {})
    offers = read_offers(run.request, frozen, lines, {})
    return work_out(offers, changes, rank_packages(run, solutions), frozen, SENT_AT)


BUNDLED = [
    quoted("a-home", "Alder Mutual", "home", 1000, "pkg-a", 1500),
    quoted("a-auto", "Alder Mutual", "auto", 900, "pkg-a", 1500),
    quoted("b-home", "Birch Casualty", "home", 800),
    quoted("b-auto", "Birch Casualty", "auto", 850),
]
"""Alder: 1,500 together, 1,900 apart. Birch: 1,650, each price its own."""


# The cheapest -------------------------------------------------------------------------------


def totals(offers: Offers, changes: Changes = Changes(), count: int = 9) -> list[Decimal]:  # noqa: B008
    return [each.total for each in cheapest(offers, changes, count)]


def test_a_package_price_counts_when_all_its_lines_are_taken_and_only_then():
    found = cheapest(offers_of(BUNDLED, ("home", "auto")), Changes(), 9)
    assert [each.total for each in found] == [1500, 1650, 1700, 1850]
    assert [[o.words for o in each.cost.unconfirmed] for each in found] == [
        [],
        [],
        ["Alder Mutual auto"],
        ["Alder Mutual home"],
    ]


def test_a_package_that_is_dearer_together_is_not_taken_apart_without_saying():
    dearer = [{**each, "attributes": dict(each["attributes"])} for each in BUNDLED]
    for each in dearer[:2]:
        each["attributes"]["package_premium_annual"] = 2500
    assert totals(offers_of(dearer, ("home", "auto"))) == [1650, 1700, 1850, 2500]


def test_a_package_whose_third_line_was_not_sent_has_no_price_for_two():
    quote = {
        "carrier": "Alder Mutual",
        "package_id": "pkg-a",
        "package_premium_annual": 1500,
        **{name: {"premium_annual": 500} for name in LINES},
    }
    sent = [quoted(f"a-{n}", "Alder Mutual", n, 500, "pkg-a", 1500) for n in ("home", "auto")]
    (only,) = cheapest(offers_of(sent, ("home", "auto"), quotes=[quote]), Changes(), 9)
    assert only.total == 1000
    assert len(only.cost.unconfirmed) == 2


@pytest.mark.parametrize(
    ("standalone", "total", "unconfirmed"),
    [
        ({}, 1000, 1),
        ({"standalone_confirmed": True}, 1000, 0),
        ({"standalone_confirmed": True, "standalone_premium_annual": 1100}, 1100, 0),
        ({"standalone_confirmed": False, "standalone_premium_annual": 1100}, 1000, 1),
    ],
)
def test_a_line_alone_costs_its_confirmed_price_if_split(standalone, total, unconfirmed):
    offerings = [{**each, "attributes": dict(each["attributes"])} for each in BUNDLED[:2]]
    offerings[0]["attributes"] |= standalone
    (only,) = cheapest(offers_of(offerings, ("home",)), Changes(), 9)
    assert (only.total, len(only.cost.unconfirmed)) == (total, unconfirmed)


def test_a_second_option_under_the_same_package_id_has_no_package_price():
    more = [*BUNDLED[:2], quoted("a-home-2", "Alder Mutual", "home", 1200, "pkg-a", 1500)]
    found = cheapest(offers_of(more, ("home", "auto")), Changes(), 9)
    assert [each.total for each in found] == [1500, 2100]
    assert len(found[1].cost.unconfirmed) == 2


def test_what_states_no_premium_stands_in_no_sum_but_in_its_package():
    offerings = [*BUNDLED, quoted("c-home", "Cedar", "home", None)]
    offerings[0] = quoted("a-home", "Alder Mutual", "home", None, "pkg-a", 1500)
    assert totals(offers_of(offerings, ("home", "auto"))) == [1500, 1650, 1700]
    priced = Changes(premiums={5: D(100)})
    assert totals(offers_of(offerings, ("home", "auto")), priced)[0] == 950


def test_a_changed_premium_moves_its_package_by_the_same_dollars_and_never_below_zero():
    offers = offers_of(BUNDLED, ("home", "auto"))
    assert totals(offers, Changes(premiums={1: D("1100.50")}))[0] == D("1600.50")
    assert totals(offers, Changes(premiums={1: D(0), 2: D(0)}))[0] == 0


def test_zero_is_a_price():
    assert totals(offers_of([quoted("a", "Alder", "home", 0)], ("home",))) == [0]


def brute_force(offers: Offers, changes: Changes, confirmed: bool) -> list[Decimal]:
    """Every choice there is, priced line by line as the rules are written."""
    found = []
    for chosen in product(*(offers.of_line(name) for name in offers.lines)):
        if all(changes.allows(each) for each in chosen):
            price = _priced(chosen, changes, confirmed)
            if price is not None:
                found.append(price)
    return sorted(found)


def _priced(chosen: Sequence[Offer], changes: Changes, confirmed: bool) -> Decimal | None:
    total, left = Decimal(0), list(chosen)
    for package in {each.package for each in chosen}:
        own = [each for each in chosen if each.package == package]
        policy = own[0].policy
        if len(own) == len(policy.package_lines) > 1 and policy.package_premium is not None:
            price = policy.package_premium
            for each in own:
                new = changes.premiums.get(each.number)
                if new is not None and each.sent is not None:
                    price += new - each.sent
            total += max(price, Decimal(0))
            left = [each for each in left if each not in own]
    for each in left:
        price_alone = changes.premiums.get(each.number, each.sent)
        if price_alone is None or (confirmed and each.bundled):
            return None
        total += price_alone
    return total


thorough = settings(max_examples=250, deadline=None, derandomize=True, database=None)
SETS = [LINES, ("home", "auto"), ("auto", "umbrella"), ("home",), ("auto",), ("umbrella",)]


@st.composite
def worlds(draw: Any) -> tuple[Offers, Changes]:
    """A few quotes, many of them packages, some lines without a premium; few changes."""
    lines = draw(st.sampled_from([LINES, LINES, ("home", "auto")]))
    premium = st.sampled_from([*range(5, 30), None])
    offerings = []
    for number in range(draw(st.integers(2, 7))):
        package = f"pkg-{number}" if draw(st.integers(0, 3)) else ""
        price = draw(st.sampled_from([*range(60), None])) if package else None
        for name in draw(st.sampled_from(SETS)):
            if name in lines:
                carrier = f"Carrier {number % 4}"
                offerings.append(
                    quoted(f"{number}-{name}", carrier, name, draw(premium), package, price)
                )
    offers = offers_of(offerings, lines)
    numbers = [*sorted(offers.by_number), 0]
    codes = [each.code for each in offers.carriers]
    seldom = st.integers(0, 9).map(lambda n: n == 0)
    changes = Changes(
        everywhere=draw(st.sampled_from(codes)) if codes and draw(seldom) else "",
        locks={
            name: f"o{draw(st.sampled_from(numbers))}" if draw(seldom) else codes[0]
            for name in lines
            if codes and draw(seldom)
        },
        without=(codes[-1],) if codes and draw(seldom) else (),
        left_out=tuple(sorted(draw(st.sets(st.sampled_from(numbers), max_size=2)))),
        premiums=draw(
            st.dictionaries(st.sampled_from(numbers), st.integers(0, 40).map(Decimal), max_size=2)
        ),
    )
    return offers, changes


@thorough
@given(worlds(), st.integers(1, 6), st.booleans())
def test_the_cheapest_are_those_that_trying_everything_finds(world, count, confirmed):
    offers, changes = world
    found = cheapest(offers, changes, count, confirmed=confirmed)
    assert [each.total for each in found] == brute_force(offers, changes, confirmed)[:count]
    assert len({each.numbers for each in found}) == len(found), "no choice twice"
    for each in found:
        assert [offer.line for offer in each.offers] == list(offers.lines)
        assert all(changes.allows(offer) for offer in each.offers)


@thorough
@given(worlds())
def test_an_address_says_the_same_changes_again(world):
    offers, changes = world
    once, _ = read_changes(parse_qs(changes.query.removeprefix("?")), offers)
    again, ignored = read_changes(parse_qs(once.query.removeprefix("?")), offers)
    assert again == once
    assert not ignored
    assert [each.total for each in cheapest(offers, again, 3)] == [
        each.total for each in cheapest(offers, once, 3)
    ]


def test_two_hundred_offerings_a_line_are_no_eight_million_choices():
    """All in packages whose discount makes the plain sums misleading: the worst case."""
    offerings = [
        quoted(f"{n}-{name}", f"Carrier {n}", name, 1000 + n, f"pkg-{n}", 2990 + 2 * n)
        for name in LINES
        for n in range(200)
    ]
    quotes = [
        {
            "carrier": f"Carrier {n}",
            "package_id": f"pkg-{n}",
            "package_premium_annual": 2990 + 2 * n,
            **{name: {"premium_annual": 1000 + n} for name in LINES},
        }
        for n in range(200)
    ]
    ranked = [
        solution(n, [line(name, f"Carrier {n % 200}", 1000, f"{n % 200}-{name}") for name in LINES])
        for n in range(500)
    ]
    run = run_of(offerings, LINES, quotes=quotes)
    calls: Counter[str] = Counter()
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, _: calls.update([event]))
    try:
        frozen = Frozen(run.request, {})
        offers = read_offers(run.request, frozen, LINES, {})
        ranks = rank_packages(run, ranked)
        found = work_out(offers, Changes(left_out=(1,)), ranks, frozen, SENT_AT)
    finally:
        sys.setprofile(before)
    assert calls["call"] < 1_000_000, "of functions, of which each choice would take some"
    assert [each.package.total for each in found.cheapest] == [2992, 2994, 2996, 2998, 3000]
    assert len(found.dropped) == 3


# Nexio's packages ---------------------------------------------------------------------------

RANKED = [
    solution(1, [line("home", "Alder Mutual", 1000, "a-home"),
                 line("auto", "Alder Mutual", 900, "a-auto")], cost=1500),
    solution(2, [line("home", "Birch Casualty", 800, "b-home"),
                 line("auto", "Alder Mutual", 900, "a-auto")], cost=1700),
    solution(3, [line("home", "Birch Casualty", 800, "b-home"),
                 line("auto", "Dogwood", 700, "strange")], cost=1500),
]  # fmt: skip


def codes() -> dict[str, str]:
    return {each.words: each.code for each in offers_of(BUNDLED, ("home", "auto")).carriers}


def remaining(found: Outcome) -> list[int | None]:
    return [each.solution.rank for each in found.remaining]


def reasons(found: Outcome) -> dict[int | None, tuple[str, ...]]:
    return {each.solution.rank: each.reasons for each in found.dropped}


def test_without_changes_every_package_remains_with_our_sum_beside():
    found = outcome(BUNDLED, solutions=RANKED)
    assert remaining(found) == [1, 2, 3]
    assert [each.cost.total for each in found.remaining] == [1500, 1700, 1500]
    assert [each.moved for each in found.remaining] == [0, 0, 0]
    assert [len(each.unsent) for each in found.remaining] == [0, 0, 1]
    assert found.cheapest[0].solution is RANKED[0]
    assert found.cheapest[0].saving is None, "it is rank 1 itself"
    second = found.cheapest[1].saving
    assert second is not None
    assert second.difference.low == 150
    assert not second.likeness.alike, "no figure without why the two are not like for like"


@pytest.mark.parametrize(
    ("changes", "left", "dropped"),
    [
        (
            lambda c: Changes(everywhere=c["Alder Mutual"]),
            [1],
            {2: ("home is locked to Alder Mutual, not Birch Casualty",),
             3: ("home is locked to Alder Mutual, not Birch Casualty",
                 "auto is locked to Alder Mutual, not Dogwood")},
        ),
        (
            lambda c: Changes(everywhere=c["Alder Mutual"], locks={"home": c["Birch Casualty"]}),
            [2],
            {1: ("home is locked to Birch Casualty, not Alder Mutual",),
             3: ("auto is locked to Alder Mutual, not Dogwood",)},
        ),
        (
            lambda c: Changes(locks={"auto": "o2"}),
            [1, 2],
            {3: ("auto is locked to one offering of Alder Mutual, not Dogwood",)},
        ),
        (
            lambda c: Changes(without=(c["Alder Mutual"],)),
            [3],
            {1: ("Alder Mutual is left out",), 2: ("Alder Mutual is left out",)},
        ),
        (
            lambda c: Changes(left_out=(1,)),
            [2, 3],
            {1: ("Alder Mutual home is left out",)},
        ),
    ],
)  # fmt: skip
def test_what_drops_out_says_why(changes, left, dropped):
    found = outcome(BUNDLED, changes(codes()), RANKED)
    assert remaining(found) == left
    assert reasons(found) == dropped


def test_a_premium_moves_every_package_that_holds_it():
    found = outcome(BUNDLED, Changes(premiums={2: D(950)}), RANKED)
    assert [each.moved for each in found.remaining] == [50, 50, 0]
    assert [each.cost.total for each in found.remaining] == [1550, 1750, 1500]


def test_nothing_left_of_a_line_is_said():
    found = outcome(BUNDLED, Changes(left_out=(1, 3)), RANKED)
    assert found.empty == ["home"]
    assert not found.cheapest


def test_beside_an_unconfirmed_cheapest_stands_the_cheapest_that_holds():
    offerings = [*BUNDLED[:2], quoted("b-home", "Birch Casualty", "home", 400), BUNDLED[3]]
    found = outcome(offerings)
    assert [each.package.total for each in found.cheapest[:2]] == [1250, 1300]
    assert found.held is None
    dearer = [*offerings[:3], quoted("b-auto", "Birch Casualty", "auto", 1200)]
    found = outcome(dearer)
    assert found.cheapest[0].package.total == 1300
    assert found.cheapest[0].taken[1].unconfirmed
    assert found.held is not None
    assert found.held.package.total == 1500


@pytest.mark.parametrize(
    "solutions",
    [
        [],
        [solution(None, [])],
        [solution(1, [line("boat", "Nobody", None)]), solution(1, [line("home", "", 1)])],
        [solution(1, [line("home", "A", 1, "b-home"), line("home", "A", 1, "b-home")])],
    ],
)
def test_odd_packages_are_judged_too(solutions):
    for changes in (Changes(), Changes(locks={"home": "o1"}), Changes(everywhere="n1")):
        found = outcome(BUNDLED, changes, solutions)
        assert len(found.remaining) + len(found.dropped) == len(solutions)


# The address --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected", "ignored"),
    [
        ({}, "", 0),
        ({"p1": [""], "all": [""], "without": [""], "out": [""]}, "", 0),
        ({"p1": ["$1,234.50"]}, "?p1=1234.50", 0),
        ({"p1": ["0"]}, "?p1=0", 0),
        ({"p1": ["1000"]}, "", 0),  # as sent
        ({"p1": ["1000.00"], "home": ["o1"]}, "?home=o1", 0),
        ({"p1": ["-5"]}, "", 1),
        ({"p1": ["=1+1"]}, "", 1),
        ({"p1": ["99999999"]}, "", 1),
        ({"p99": ["5"]}, "", 1),
        ({"premium": ["5"], "page": ["2"], "p0": ["1"], "p": ["1"]}, "", 0),
        ({"all": ["n9"]}, "", 1),
        ({"home": ["o2"]}, "", 1),  # an auto offering
        ({"home": ["n2"], "all": ["n1"]}, "?all=n1&home=n2", 0),
        ({"without": ["n1", "n1", "x"]}, "?without=n1", 1),
        ({"out": ["1", "99", "<b>"]}, "?out=1", 1),
    ],
)
def test_what_makes_no_sense_in_an_address_is_left_out_and_said(query, expected, ignored):
    changes, said = read_changes(query, offers_of(BUNDLED, ("home", "auto")))
    assert changes.query == expected
    assert len(said) == ignored

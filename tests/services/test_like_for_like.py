"""When two options are not like for like, rule by rule; what is not stated is never the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotes.services.details import DETAILS, parse_detail
from quotes.services.frozen import Option, Policy
from quotes.services.like_for_like import compare_options, compare_policies, saving
from quotes.services.points import CORE, Verdict, verdict_on
from tests.services.packages import solution

FULL = {
    "home": {
        "form": "HO-5", "coverage_a": "1.2M", "coverage_e": "500k",
        "deductibles": "$2,500 AOP, 2% hurricane", "valuation": "RC",
    },
    "auto": {
        "liability": "250/500/100", "um_uim": "250/500", "comprehensive": "500",
        "collision": "1000",
    },
    "umbrella": {"limit": "5M", "retention": "0"},
}  # fmt: skip


def stating(line: str, changes: dict[str, str], **fields: Any) -> Policy:
    """A policy that states all that counts, but for these details; an empty one not at all."""
    texts = FULL[line] | changes
    details = {code: parse_detail(line, code, text) for code, text in texts.items() if text}
    return Policy(line, "PURE", Decimal(100), details=details, **fields)


def policy(line: str, **changes: str) -> Policy:
    return stating(line, changes)


def flags(one: Policy, other: Policy) -> list[tuple[str, str]]:
    return [(flag.verdict.value, flag.code) for flag in compare_policies(one, other)]


@pytest.mark.parametrize("line", ["home", "auto", "umbrella"])
def test_the_same_terms_are_like_for_like(line):
    assert flags(policy(line), policy(line)) == []


@pytest.mark.parametrize(
    ("line", "code", "left", "right"),
    [
        ("home", "form", "HO-5", "HO-3"),
        ("home", "coverage_b", "10%", "$120,000"),  # another type, whatever it comes to
        ("home", "coverage_b", "10%", "20%"),
        ("home", "coverage_e", "500k", "300k"),
        ("home", "valuation", "RC", "ACV"),
        ("home", "deductibles", "$2,500 AOP, 2% hurricane", "$1,000 AOP, 2% hurricane"),
        ("home", "deductibles", "2% AOP, 2% hurricane", "$24,000 AOP, 2% hurricane"),
        ("home", "deductibles", "$2,500 AOP, 2% hurricane", "$2,500 AOP, 5% hurricane"),
        ("home", "deductibles", "$2,500 AOP, 2% hurricane", "$2,500 AOP, hurricane excluded"),
        ("home", "water_backup", "25k", "none"),
        ("home", "ordinance_or_law", "25%", "10%"),
        ("auto", "liability", "250/500/100", "500 CSL"),
        ("auto", "liability", "250/500/100", "250/500/50"),
        ("auto", "um_uim", "250/500", "none"),
        ("auto", "comprehensive", "500", "500, 1000"),
        ("auto", "collision", "1000", "none"),
        ("auto", "rental", "50/1500", "30/900"),
        ("auto", "excluded_drivers", "none", "Pat Example"),
        ("umbrella", "limit", "5M", "2M"),
        ("umbrella", "retention", "0", "1,000"),
        ("umbrella", "excess_um_uim", "yes", "no"),
        ("auto", "effective_date", "1/1/2027", "2/1/2027"),
        ("auto", "fees", "$150 a term", "$35 once"),
        ("home", "status", "indicative", "final"),
    ],
)
def test_a_difference_is_told(line, code, left, right):
    found = flags(policy(line, **{code: left}), policy(line, **{code: right}))
    assert found == [("differs", code)]


@pytest.mark.parametrize(("line", "code"), [(ln, code) for ln in FULL for code in sorted(CORE[ln])])
def test_what_counts_and_is_stated_nowhere_or_on_one_side_is_unknown(line, code):
    fixed = {"deductibles": "$2,500 AOP"} if line == "home" else {}
    full, bare = stating(line, fixed), stating(line, fixed | {code: ""})
    assert flags(bare, bare) == [("unknown", code)]
    assert flags(full, bare) == [("unknown", code)]
    assert flags(bare, full) == [("unknown", code)]


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        (
            "$2,500 AOP, 2% hurricane", "$2,500 AOP",
            ["hurricane deductible: 2% ($24,000) against not stated"],
        ),
        (
            "$2,500 AOP, 2% hurricane", "$2,500 AOP, 2% wind/hail",
            ["wind/hail deductible: not stated against 2% ($24,000)",
             "hurricane deductible: 2% ($24,000) against not stated"],
        ),
        ("2% hurricane", "2% hurricane", ["AOP deductible: not stated on either side"]),
        ("", "", ["AOP deductible: not stated on either side"]),
        (
            "", "$2,500 AOP, earthquake excluded",
            ["AOP deductible: not stated against $2,500",
             "earthquake deductible: not stated against excluded"],
        ),
    ],
)  # fmt: skip
def test_a_trigger_that_one_side_leaves_out_cannot_be_compared(left, right, found):
    one, other = policy("home", deductibles=left), policy("home", deductibles=right)
    told = list(compare_policies(one, other))
    assert [flag.words for flag in told] == [f"home {each}" for each in found]
    assert {flag.verdict for flag in told} == {Verdict.UNKNOWN}


def test_the_same_percentage_of_another_coverage_a_differs_in_dollars():
    terms = {"deductibles": "$2,500 AOP, 2% hurricane", "coverage_c": "70%"}
    one, other = stating("home", terms), stating("home", terms | {"coverage_a": "1M"})
    assert [(flag.verdict.value, flag.words) for flag in compare_policies(one, other)] == [
        ("differs", "home coverage A, dwelling: $1,200,000 against $1,000,000"),
        ("differs", "home C, contents: 70% ($840,000) against 70% ($700,000)"),
        ("differs", "home hurricane deductible: 2% ($24,000) against 2% ($20,000)"),
    ]


def test_a_percentage_of_what_is_not_stated_cannot_be_compared():
    full, bare = policy("home"), policy("home", coverage_a="")
    (_, flag) = compare_policies(full, bare)
    assert (flag.verdict, flag.left, flag.right) == (Verdict.UNKNOWN, "2% ($24,000)", "2%")
    likeness = compare_options(option(home=full), option(home=bare), ["home"])
    assert dict(likeness.silences)["Stated in part, cannot be compared"] == [
        "home hurricane deductible: 2% ($24,000) against 2%"
    ]
    assert flags(bare, bare) == [("unknown", "coverage_a"), ("unknown", "deductibles")]


def test_not_stated_is_neither_none_nor_zero():
    assert flags(policy("umbrella", retention="0"), policy("umbrella", retention="")) == [
        ("unknown", "retention")
    ]
    stated, silent = policy("home", water_backup="none"), policy("home")
    assert flags(stated, silent) == [("unknown", "water_backup")]


def test_terms_of_six_and_twelve_months_differ():
    assert flags(stating("auto", {}, term_months=12), stating("auto", {}, term_months=6)) == [
        ("differs", "term")
    ]


@pytest.mark.parametrize(("in_force", "found"), [(False, [("unknown", "term")]), (True, [])])
def test_a_term_that_one_side_does_not_state_is_unknown_unless_it_is_in_force(in_force, found):
    twelve, silent = stating("auto", {}, term_months=12), stating("auto", {}, in_force=in_force)
    assert flags(twelve, silent) == found
    assert flags(silent, twelve) == found


def test_how_one_pays_is_no_difference_in_cover():
    assert flags(policy("auto", paid_in_full="4,950"), policy("auto", paid_in_full="4,000")) == []


def test_percentages_are_shown_in_dollars_of_coverage_a():
    (flag,) = compare_policies(
        policy("home"), policy("home", deductibles="$2,500 AOP, 5% hurricane")
    )
    assert (flag.left, flag.right) == ("2% ($24,000)", "5% ($60,000)")


def option(cost: Any = 1000, **lines: Policy) -> Option:
    """A package; `cost` one figure, a range, or None."""
    low, high = cost if isinstance(cost, tuple) else (cost, cost)
    ends = [None if end is None else Decimal(end) for end in (low, high)]
    return Option("Rank 1", lines, solution(1), *ends)


def held(**lines: Policy) -> Option:
    return Option("In force today", lines, None, Decimal(1000), Decimal(1000))


def test_a_line_in_one_option_only_is_a_difference():
    whole = option(home=policy("home"), auto=policy("auto"))
    part = option(home=policy("home"))
    likeness = compare_options(whole, part, ["home", "auto"])
    assert [(f.verdict, f.line, f.code) for f in likeness.flags] == [
        (Verdict.DIFFERS, "auto", "line")
    ]


def test_a_line_nobody_states_of_what_is_in_force_is_unknown_and_no_difference():
    whole = option(home=policy("home"), auto=policy("auto"))
    found = compare_options(whole, held(home=policy("home")), ["home", "auto"])
    assert [(f.verdict, f.line, f.right) for f in found.flags] == [(Verdict.UNKNOWN, "auto", "—")]


@pytest.mark.parametrize(
    ("line", "code", "left", "right"),
    [
        ("auto", "liability", "250/500/100", "250/500"),  # property damage is not stated
        ("umbrella", "excess_um_uim", "yes", "1M"),
        ("home", "water_backup", "included", "25k"),
        ("home", "ordinance_or_law", "included", "25%"),
    ],
)
def test_what_agrees_as_far_as_both_state_it_is_unknown(line, code, left, right):
    found = flags(policy(line, **{code: left}), policy(line, **{code: right}))
    assert found == [("unknown", code)]
    assert flags(policy(line, **{code: right}), policy(line, **{code: left})) == found


@pytest.mark.parametrize(
    ("code", "left", "right", "verdict"),
    [
        ("collision", 500, [500, 500], None),
        ("collision", [500, 500], [500, 1000], Verdict.DIFFERS),
        ("collision", 500, "none", Verdict.DIFFERS),
        ("retention", 0, "none", Verdict.DIFFERS),
        ("excess_um_uim", False, 0, Verdict.DIFFERS),
        ("excess_um_uim", True, True, None),
    ],
)
def test_values_that_say_the_same_in_other_words(code, left, right, verdict):
    assert verdict_on(code, left, right) is verdict


def test_a_saving_comes_with_its_differences():
    cheap = option(900, home=policy("home", form="HO-3"))
    found = saving(cheap, held(home=policy("home")), ["home"])
    assert (found.difference.low, found.difference.high) == (Decimal(-100), Decimal(-100))
    assert found.likeness.words == "1 difference"
    assert found.likeness.gist == "home form"


@pytest.mark.parametrize(
    ("of", "than", "low", "high"),
    [
        ((900, 950), (1000, 1000), -100, -50),
        ((900, 950), (920, 1000), -100, 30),
        ((None, 950), (1000, 1000), None, -50),
        ((900, None), (1000, 1000), -100, None),
    ],
)
def test_of_ranges_the_furthest_ends_are_told(of, than, low, high):
    lines = {"home": policy("home")}
    found = saving(option(of, **lines), option(than, **lines), ["home"]).difference
    assert (found.low, found.high) == (low, high)


@pytest.mark.parametrize(
    ("than", "lines", "why"),
    [
        (option(None, home=policy("home")), ["home"], "Rank 1 states no cost"),
        (option(1000, home=policy("home")), ["home", "auto"], "does not cover the requested lines"),
        (
            Option("In force today", {}, None, None, None), ["home"], "home in force not stated",
        ),
    ],
)  # fmt: skip
def test_no_saving_where_a_side_states_no_price_or_not_all_lines(than, lines, why):
    found = saving(option(900, home=policy("home")), than, lines).difference
    assert (found.low, found.high) == (None, None)
    assert why in found.why


def test_who_leaves_what_open_is_told():
    ours = option(home=policy("home", water_backup="25k", valuation=""))
    theirs = held(home=policy("home", form="", valuation=""))
    found = compare_options(ours, theirs, ["home"])
    assert dict(found.silences) == {
        "Not stated by today's policies": ["home form", "home water backup"],
        "Stated on neither side": ["home valuation"],
    }
    assert found.words == "3 not stated"


def test_coverage_that_is_not_stated_at_all_is_said_so():
    bare = held(home=Policy("home", "Cobblestone", Decimal(100), in_force=True))
    assert compare_options(option(home=policy("home")), bare, ["home"]).words == (
        "coverage not stated"
    )


codes = st.sampled_from([(ln, d.code) for ln in DETAILS for d in DETAILS[ln] if d.code in FULL[ln]])


@given(st.lists(codes, unique=True, max_size=6), st.booleans())
def test_taking_away_what_is_stated_never_makes_options_alike(gone, both):
    def made(emptied: bool) -> Option:
        lines = {
            line: policy(line, **{c: "" for ln, c in gone if emptied and ln == line})
            for line in FULL
        }
        return option(1000, **lines)

    likeness = compare_options(made(True), made(both), list(FULL))
    assert likeness.alike is (not gone)
    unknown = {(f.line, f.code) for f in likeness.unknowns}
    # A percentage of a coverage A that is not stated is no known amount either.
    share = {("home", "deductibles")} if ("home", "coverage_a") in gone else set()
    assert unknown == set(gone) | share
    assert likeness.differences == []

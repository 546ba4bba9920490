"""Trade shorthand: whatever is accepted reads the same again from what is shown of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quotes.services import shorthand as sh
from quotes.services.details import BY_CODE, DETAILS

thorough = settings(max_examples=100, deadline=None, derandomize=True, database=None)
KINDS = [(line, detail.code) for line, details in DETAILS.items() for detail in details]

figures = st.one_of(
    st.integers(0, 3_000_000).map(str),
    st.integers(0, 3_000_000).map("{:,}".format),
    st.integers(1, 9999).map("{}k".format),
    st.decimals(0, 9, places=2).map("{}M".format),
    st.decimals(0, 9999, places=2).map("${:,}".format),
)
WORDS_TYPED = """
aop hurricane wind/hail W/H ns eq csl CSL or once confirmed not yes no none included 6 mo x 2 / , ;
% a term per day days RC ACV extended guaranteed contents HO-5 dp3 25% 2.5% 1/1/2027 Jan 5 2027
excluded final indicative Fable Jo PD BI and + & annual month
"""
words = st.sampled_from(WORDS_TYPED.split())
shorthand_text = st.one_of(
    st.lists(st.one_of(figures, words), min_size=1, max_size=6).flatmap(
        lambda parts: st.sampled_from(["", " ", "/", ", "]).map(lambda joint: joint.join(parts))
    ),
    st.text("0123456789$,./%kKmMaopcslxX -hurEQwnd;", max_size=24),
    st.text(max_size=24),
)


@pytest.mark.parametrize(("line", "code"), KINDS)
@thorough
@given(text=shorthand_text)
def test_whatever_is_accepted_reads_the_same_from_what_is_shown(
    line: str, code: str, text: str
) -> None:
    kind = BY_CODE[line, code].kind
    try:
        value = kind.parse(text)
    except ValueError:
        return
    shown = kind.shown(value)
    assert kind.parse(shown) == value
    assert kind.shown(kind.parse(shown)) == shown


@thorough
@given(
    st.decimals(0, 800_000, places=2),
    st.one_of(st.none(), st.integers(1, 36).filter(lambda m: m - 12)),
)
def test_every_premium_and_term_reads_the_same_again(amount: Decimal, months: int | None) -> None:
    stated = sh.parse_premium(str(amount) if months is None else f"{amount} / {months} mo")
    assert sh.parse_premium(sh.shown_premium(stated)) == stated
    if months is not None:
        assert abs(stated.annual - amount * 12 / months) <= Decimal("0.005")


@thorough
@given(st.integers(10, 9_999), st.integers(10, 9_999), st.one_of(st.none(), st.integers(5, 9_999)))
def test_every_split_of_thousands_reads_back(one: int, two: int, damage: int | None) -> None:
    person, accident = sorted((one, two))
    text = f"{person}/{accident}" + ("" if damage is None else f"/{damage}")
    limits = sh.parse_limits(text)
    assert sh.shown_limits(sh.as_json(limits)) == text
    assert sh.parse_limits(sh.shown_limits(sh.as_json(limits))) == limits


shares = st.decimals(Decimal("0.01"), 25, places=2).map("{}%".format)
sums = st.one_of(st.integers(26, 999_999).map("{:,}".format), st.integers(1, 99).map("${}k".format))
TYPED_TRIGGERS = [
    "aop",
    "all perils",
    "W/H",
    "wind",
    "NS",
    "named storm",
    "hurr",
    "EQ",
    "Quake",
    "",
]


@thorough
@given(
    st.lists(
        st.tuples(st.one_of(shares, sums), st.sampled_from(TYPED_TRIGGERS), st.booleans()),
        min_size=1, max_size=4,
    ),
    st.sampled_from([", ", "; ", " and ", " + "]),
)  # fmt: skip
def test_deductibles_are_read_in_any_order_and_once_each(
    items: list[tuple[str, str, bool]], joint: str
) -> None:
    triggers = {sh.deductibles.SYNONYMS[name.casefold().replace("/", " ")] for _, name, _ in items}
    text = joint.join(f"{a} {name}" if first else f"{name} {a}" for a, name, first in items)
    if len(triggers) < len(items):
        with pytest.raises(ValueError, match="stands twice"):
            sh.parse_deductibles(text)
        return
    value = sh.parse_deductibles(text)
    assert value.keys() == triggers
    assert sh.parse_deductibles(sh.shown_deductibles(value)) == value


def outcome(text: str, damage: bool) -> object:
    try:
        return sh.parse_limits(text, damage=damage)
    except ValueError as error:
        return str(error)


@thorough
@given(st.lists(st.integers(0, 11_000), min_size=2, max_size=3), st.booleans())
def test_limits_written_plainly_say_what_they_say_with_spaces_about_them(figures, damage):
    """Those are read at a glance, all others piece by piece."""
    plain = "/".join(map(str, figures))
    assert outcome(plain, damage) == outcome(f" {plain} ", damage)


@thorough
@given(st.tuples(st.integers(10, 99), st.integers(10, 9999), st.integers(0, 99)), st.booleans())
def test_limits_written_plainly_may_start_with_a_zero(figures, damage):
    person, accident, property_damage = figures
    plain = f"0{person}/{accident}/{property_damage:02}"
    assert outcome(plain, damage) == outcome(f" {plain} ", damage)

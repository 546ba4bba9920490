"""What policies of one line are compared by: a point for each thing that they may state.

Pure. The rows of a comparison and the reasons why two options are not like for like are made of
the same points, so that neither can say what the other does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from quotes.services.details import DETAILS, Detail, reading, shown_detail
from quotes.services.details.catalogue import PRICE_GROUP
from quotes.services.frozen import Policy
from quotes.services.shorthand import TRIGGERS
from quotes.services.shorthand.amounts import INCLUDED, percentage

Json = Any
NOT_STATED = "—"
CORE: Mapping[str, frozenset[str]] = {
    "home": frozenset({"form", "coverage_a", "coverage_e", "deductibles", "valuation"}),
    "auto": frozenset({"liability", "um_uim", "comprehensive", "collision"}),
    "umbrella": frozenset({"limit", "retention"}),
}
"""What must be stated on both sides before a line can be called like for like; of a home's
deductibles the one for all other perils."""
PRICE_ONLY = frozenset({"paid_in_full", "standalone"})
"""Ways to pay, no part of what is covered."""
IN_PARTS = frozenset({"liability", "um_uim", "required_auto"})
"""Stated part by part: a part that one side leaves out is not known, and no difference."""


class Verdict(StrEnum):
    """How two sides compare where they do not say the same: they differ, or nobody can tell."""

    DIFFERS = "differs"
    UNKNOWN = "unknown"


class Side(NamedTuple):
    """What one policy says at a point. `value` is None and `text` "—" where it states nothing.

    `asked` is False where that leaves no gap; `base` is its coverage A in dollars where `value`
    is a percentage of that.
    """

    value: Json
    text: str
    asked: bool = True
    base: Json = None


class Point(NamedTuple):
    """One thing in every policy, None for one that is missing. `label` heads a row, `said` stands
    inside a sentence; `core` is what must be stated before anything is called like for like."""

    code: str
    label: str
    said: str
    core: bool
    sides: tuple[Side | None, ...]

    def verdict(self, one: int, other: int) -> Verdict | None:
        """How two of the sides compare; None where they say the same, or neither needs to."""
        left, right = self.sides[one], self.sides[other]
        if left is None or right is None:
            return None
        if left.value is None and right.value is None:
            return Verdict.UNKNOWN if self.core else None
        if left.value is None or right.value is None:
            asked = left.asked if left.value is None else right.asked
            return Verdict.UNKNOWN if asked else None
        found = verdict_on(self.code, left.value, right.value)
        return _shares_verdict(left, right) if found is None else found


def points_of(line: str, held: Sequence[Policy | None]) -> list[Point]:
    """All that policies of `line` are compared by, in the order of the catalogue.

    Left out is what none of them states, unless it must be stated, and how one may pay.
    """
    stated = {code for policy in held if policy is not None for code in policy.details}
    # Most of what might be said of a line is said of none.
    asked = stated | CORE.get(line, frozenset()) | {"term"}
    return [
        point
        for detail in DETAILS.get(line, ())
        if detail.code in asked and detail.code not in PRICE_ONLY
        for point in _points(detail, line, held)
    ]


def _points(detail: Detail, line: str, held: Sequence[Policy | None]) -> Iterator[Point]:
    core = detail.code in CORE.get(line, ())
    if detail.code == "deductibles":
        yield from _deductibles(held)
        return
    side = _term if detail.code == "term" else _side
    sides = tuple(None if policy is None else side(policy, detail) for policy in held)
    if core or any(each is not None and each.value is not None for each in sides):
        label = "Term" if detail.code == "term" else detail.label
        yield Point(detail.code, label, _inside(label), core, sides)


def _side(policy: Policy, detail: Detail) -> Side:
    value = policy.details.get(detail.code)
    asked = not (policy.in_force and detail.group == PRICE_GROUP)
    return Side(value, shown_of(policy, detail.code), asked, _base(policy, value))


def _term(policy: Policy, _: Detail) -> Side:
    """A policy in force is seldom told its own term: it is not asked for it."""
    months = term_of(policy)
    if months is None:
        return Side(None, NOT_STATED, not policy.in_force)
    said = f"{months} month{'' if months == 1 else 's'}"
    stated = policy.details.get("term")
    if stated is not None:
        said += f", {shown_detail(policy.line, 'term', stated).split(' / ')[0]} each"
    return Side(months, said)


def _deductibles(held: Sequence[Policy | None]) -> Iterator[Point]:
    """A point for every trigger that any of them names: a hurricane deductible is not one for
    wind and hail, and a trigger that one leaves out is not known to be without one."""
    for trigger, word in TRIGGERS.items():
        sides = tuple(None if p is None else _deductible(p, trigger) for p in held)
        core = trigger == "aop"
        if core or any(each is not None and each.value is not None for each in sides):
            label = f"Deductible, {word}"
            yield Point("deductibles", label, f"{word} deductible", core, sides)


def _deductible(policy: Policy, trigger: str) -> Side:
    """ "$2,500", "2% ($24,000)", "excluded": which trigger it is, the point says."""
    value = (policy.details.get("deductibles") or {}).get(trigger)
    if value is None:
        return Side(None, NOT_STATED)
    base = policy.details.get("coverage_a")
    text = reading(policy.line, "deductibles", {trigger: value}, base)
    text = text.removeprefix(f"{TRIGGERS[trigger]} ").replace(f" {TRIGGERS[trigger]}", "")
    return Side(value, text, base=_base(policy, value))


def _base(policy: Policy, value: Json) -> Json:
    home = policy.line == "home" and percentage(value) is not None
    return policy.details.get("coverage_a") if home else None


def _shares_verdict(left: Side, right: Side) -> Verdict | None:
    """How two equal values compare in dollars: the same percentage of another coverage A is
    another amount, and of one that is not stated nobody knows which."""
    if percentage(left.value) is None:
        return None
    if left.base is None or right.base is None:
        return Verdict.UNKNOWN
    return Verdict.DIFFERS if left.base != right.base else None


def term_of(policy: Policy) -> int | None:
    """The policy's term in months: its line's own before its package's."""
    term = policy.details.get("term")
    return int(term["months"]) if isinstance(term, dict) else policy.term_months


def verdict_on(code: str, left: Json, right: Json) -> Verdict | None:
    """How two stated values of a detail compare; None where they say the same.

    A percentage and the dollars it comes to do not: a deductible's type counts, since coverage A
    moves. Nor do a combined limit and a split one. Of a limit whose parts agree as far as both
    state them the rest is unknown, and so is "yes" or "included" beside an amount.
    """
    left, right = _plain(left), _plain(right)
    if left == right and isinstance(left, bool) == isinstance(right, bool):
        return None
    if isinstance(left, dict) and isinstance(right, dict) and code in IN_PARTS:
        both = left.keys() & right.keys()
        if both and all(left[key] == right[key] for key in both):
            return Verdict.UNKNOWN
    for one, other in ((left, right), (right, left)):
        if (one is True or one == INCLUDED) and _is_amount(other):
            return Verdict.UNKNOWN
    return Verdict.DIFFERS


def _is_amount(value: Json) -> bool:
    """Whether it is an amount of cover: dollars other than none, or a share of coverage A."""
    dollars = isinstance(value, (int, Decimal)) and not isinstance(value, bool) and value != 0
    return dollars or percentage(value) is not None


def _plain(value: Json) -> Json:
    """One deductible for all vehicles, whether said once or for each."""
    if isinstance(value, (list, tuple)) and value and all(each == value[0] for each in value):
        return value[0]
    return value


def shown_of(policy: Policy, code: str) -> str:
    """A detail as text, percentages of coverage A in dollars as well; "—" where not stated."""
    value = policy.details.get(code)
    if value is None:
        return NOT_STATED
    return reading(policy.line, code, value, policy.details.get("coverage_a"))


def _inside(label: str) -> str:
    """A label inside a sentence: acronyms such as UM/UIM stay."""
    return label if label[:2].isupper() or label[1:2] == "," else label[:1].lower() + label[1:]

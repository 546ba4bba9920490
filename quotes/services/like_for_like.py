"""Whether two options are like for like, and if not, why: apples to apples, rule by rule.

Two options are not like for like where limits or their structure, a deductible's amount, type or
trigger, form, valuation, coverage A, endorsements, UM/UIM, term, fees, effective date, or
indicative-versus-final differ. What one side does not state is unknown: never taken for none,
for zero or for the same. Drivers and vehicles are the household's own and the same in every
offering of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from quotes.models import LINES
from quotes.services.comparison import line_word
from quotes.services.details import DETAILS, Detail, reading
from quotes.services.frozen import Option, Policy

Json = Any
NOT_STATED = "—"
CORE: Mapping[str, frozenset[str]] = {
    "home": frozenset({"form", "coverage_a", "coverage_e", "deductibles", "valuation"}),
    "auto": frozenset({"liability", "um_uim", "comprehensive", "collision"}),
    "umbrella": frozenset({"limit", "retention"}),
}
"""What must be stated on both sides before a line can be called like for like."""
PRICE_ONLY = frozenset({"paid_in_full", "standalone"})
"""Ways to pay, no part of what is covered."""


class Verdict(StrEnum):
    DIFFERS = "differs"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Flag:
    """One reason why two options are not like for like, or cannot be called so.

    `left` and `right` are shown texts, "—" for what is not stated.
    """

    verdict: Verdict
    line: str
    code: str
    label: str
    left: str
    right: str

    @property
    def words(self) -> str:
        """ "home form: HO-5 against HO-3", "auto UM/UIM: 250/500 against not stated"."""
        sides = (each if each != NOT_STATED else "not stated" for each in (self.left, self.right))
        return f"{line_word(self.line)} {_lower(self.label)}: {' against '.join(sides)}"


@dataclass(frozen=True)
class Likeness:
    """How two options compare: differences first, then what is not known."""

    flags: Sequence[Flag]

    @property
    def differences(self) -> list[Flag]:
        return [flag for flag in self.flags if flag.verdict is Verdict.DIFFERS]

    @property
    def unknowns(self) -> list[Flag]:
        return [flag for flag in self.flags if flag.verdict is Verdict.UNKNOWN]

    @property
    def alike(self) -> bool:
        """Whether they are like for like: everything that counts is stated, and the same."""
        return not self.flags

    @property
    def words(self) -> str:
        """ "like for like", "3 differences, 2 not stated", "2 not stated"."""
        if self.alike:
            return "like for like"
        parts = []
        if count := len(self.differences):
            parts.append(f"{count} difference{'' if count == 1 else 's'}")
        if count := len(self.unknowns):
            parts.append(f"{count} not stated")
        return ", ".join(parts)


def compare_options(left: Option, right: Option, lines: Sequence[str]) -> Likeness:
    """Every reason why `left` and `right` are not like for like over `lines`."""
    flags = [flag for line in lines for flag in _compare_line(line, left, right)]
    return Likeness(sorted(flags, key=lambda flag: flag.verdict is Verdict.UNKNOWN))


def _compare_line(line: str, left: Option, right: Option) -> Iterable[Flag]:
    one, other = left.policies.get(line), right.policies.get(line)
    if one is None or other is None:
        if one is not other:
            here = tuple("included" if each else "not in it" for each in (one, other))
            yield Flag(Verdict.DIFFERS, line, "line", "Line", *here)
        return
    if line in LINES:
        yield from compare_policies(one, other)
    else:
        yield Flag(Verdict.UNKNOWN, line, "line", "Terms", NOT_STATED, NOT_STATED)


def compare_policies(one: Policy, other: Policy) -> Iterable[Flag]:
    """Every difference and every gap in what is known between two policies of the same line."""
    for detail in DETAILS[one.line]:
        if detail.code in PRICE_ONLY or detail.code == "term":
            continue
        yield from _compare_detail(detail, one, other)
    yield from _compare_terms(one, other)


def _compare_detail(detail: Detail, one: Policy, other: Policy) -> Iterable[Flag]:
    left, right = one.details.get(detail.code), other.details.get(detail.code)
    core = detail.code in CORE[one.line]
    if left is None and right is None:
        if core:
            yield _flag(Verdict.UNKNOWN, detail, one, other)
        return
    if left is None or right is None:
        # Who carries a policy in force is seldom told its status or fees: nothing to compare.
        if core or not (one.in_force or other.in_force) or detail.group != "Price and term":
            yield _flag(Verdict.UNKNOWN, detail, one, other)
        return
    if not _same(detail.code, left, right):
        yield _flag(Verdict.DIFFERS, detail, one, other)


def _compare_terms(one: Policy, other: Policy) -> Iterable[Flag]:
    left, right = term_of(one), term_of(other)
    if left is not None and right is not None and left != right:
        shown = tuple(f"{months} months" for months in (left, right))
        yield Flag(Verdict.DIFFERS, one.line, "term", "Term", *shown)


def term_of(policy: Policy) -> int | None:
    """The policy's term in months: its line's own before its package's."""
    term = policy.details.get("term")
    return int(term["months"]) if isinstance(term, dict) else policy.term_months


def _same(code: str, left: Json, right: Json) -> bool:
    """Whether two stated values say the same. A percentage and the dollars it comes to do not:
    a deductible's type counts, since coverage A moves."""
    if isinstance(left, dict) and isinstance(right, dict):
        keys = left.keys() | right.keys()
        return all(key in left and key in right and left[key] == right[key] for key in keys)
    return bool(left == right)


def _flag(verdict: Verdict, detail: Detail, one: Policy, other: Policy) -> Flag:
    shown = (shown_of(one, detail.code), shown_of(other, detail.code))
    return Flag(verdict, one.line, detail.code, detail.label, *shown)


def shown_of(policy: Policy, code: str) -> str:
    """A detail as text, percentages of coverage A in dollars as well; "—" where not stated."""
    value = policy.details.get(code)
    if value is None:
        return NOT_STATED
    return reading(policy.line, code, value, policy.details.get("coverage_a"))


@dataclass(frozen=True)
class Saving:
    """Dollars a year that `of` costs less (+) or more (−) than `than`, never without `likeness`.

    Either end is None where the cost does not state it; both where there is nothing to compare.
    """

    low: Decimal | None
    high: Decimal | None
    likeness: Likeness


def saving(of: Option, than: Option, lines: Sequence[str]) -> Saving:
    """What `of` saves against `than`, together with why the two are not like for like."""
    likeness = compare_options(of, than, lines)
    base = than.cost_low if than.cost_low == than.cost_high else None
    if base is None or set(of.policies) != set(lines):
        return Saving(None, None, likeness)
    ends = [None if end is None else base - end for end in (of.cost_high, of.cost_low)]
    return Saving(ends[0], ends[1], likeness)


def _lower(label: str) -> str:
    """A label inside a sentence: acronyms such as UM/UIM stay."""
    return label if label[:2].isupper() or label[1:2] == "," else label[:1].lower() + label[1:]

"""Whether two options are like for like, and if not, why: apples to apples, rule by rule.

Two options are not like for like where limits or their structure, a deductible's amount, type or
trigger, form, valuation, coverage A, endorsements, UM/UIM, term, fees, effective date, or
indicative-versus-final differ. What one side does not state is unknown: never taken for none,
for zero or for the same. Drivers and vehicles are the household's own and the same in every
offering of a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from quotes.models import LINES
from quotes.services.comparison import Difference, in_words, line_word
from quotes.services.frozen import Option, Policy
from quotes.services.leaning import Leaning, leaning
from quotes.services.points import NOT_STATED, Verdict, points_of

GIST = 3
"""Reasons named at once."""


@dataclass(frozen=True)
class Flag:
    """One reason why two options are not like for like, or cannot be called so.

    `left` and `right` are shown texts, "—" for what is not stated; `leans` says whether `left` is
    more cover or less, where that can be told.
    """

    verdict: Verdict
    line: str
    code: str
    label: str
    left: str
    right: str
    leans: Leaning | None = None

    @cached_property
    def named(self) -> str:
        """ "home form", "auto UM/UIM"."""
        return f"{line_word(self.line)} {self.label}"

    @cached_property
    def words(self) -> str:
        """ "home form: HO-5 against HO-3", "auto UM/UIM: 250/500 against not stated"."""
        if self.left == self.right == NOT_STATED:
            return f"{self.named}: not stated on either side"
        sides = (each if each != NOT_STATED else "not stated" for each in (self.left, self.right))
        return f"{self.named}: {' against '.join(sides)}"


@dataclass(frozen=True)
class Likeness:
    """How two options compare: differences first, then what is not known.

    `stated` is False where either of them states nothing of its coverage.
    """

    flags: Sequence[Flag]
    left: str = ""
    right: str = ""
    stated: bool = True

    @cached_property
    def differences(self) -> list[Flag]:
        return [flag for flag in self.flags if flag.verdict is Verdict.DIFFERS]

    @cached_property
    def unknowns(self) -> list[Flag]:
        return [flag for flag in self.flags if flag.verdict is Verdict.UNKNOWN]

    @property
    def _one_way(self) -> str:
        """ ", all more cover" where every difference points the same way."""
        ways = {flag.leans for flag in self.differences}
        if len(ways) != 1 or None in ways:
            return ""
        every = "all " if len(self.differences) > 1 else ""
        return f", {every}{ways.pop()} cover"

    @cached_property
    def leanings(self) -> str:
        """What the differences come to: "2 more cover, 1 less, 1 other"; "" without any."""
        counts = Counter(flag.leans for flag in self.differences)
        said = [
            f"{counts[each]} {word}"
            for each, word in ((Leaning.MORE, "more"), (Leaning.LESS, "less"), (None, "other"))
            if counts[each]
        ]
        if said and counts[None] < len(self.differences):
            said[0] += " cover"
        return ", ".join(said) if counts[None] < len(self.differences) else ""

    @property
    def alike(self) -> bool:
        """Whether they are like for like: everything that counts is stated, and the same."""
        return not self.flags

    @cached_property
    def words(self) -> str:
        """ "like for like", "3 differences, 2 not stated", "coverage not stated"."""
        if self.alike:
            return "like for like"
        parts = []
        if count := len(self.differences):
            parts.append(f"{count} difference{'' if count == 1 else 's'}{self._one_way}")
        if not self.stated:
            parts.append("coverage not stated")
        elif count := len(self.unknowns):
            parts.append(f"{count} not stated")
        return ", ".join(parts)

    @property
    def gist(self) -> str:
        """The first few reasons: "home form; auto term and 4 more", "not stated: home form"."""
        named = [flag.named for flag in self.differences]
        rest = len(self.flags) - len(named[:GIST])
        if not named:
            named = [flag.named for flag in self.unknowns]
            rest = len(named) - len(named[:GIST])
            return f"not stated: {_some(named, rest)}" if named else ""
        return _some(named, rest)

    @property
    def silences(self) -> list[tuple[str, list[str]]]:
        """What is not known, by who leaves it open: ("Not stated by Rank 1", ["home form"])."""
        found: dict[str, list[str]] = {}
        for flag in self.unknowns:
            if flag.left == flag.right == NOT_STATED:
                found.setdefault("Stated on neither side", []).append(flag.named)
            elif flag.left == NOT_STATED:
                found.setdefault(f"Not stated by {self.left}", []).append(flag.named)
            elif flag.right == NOT_STATED:
                found.setdefault(f"Not stated by {self.right}", []).append(flag.named)
            else:
                found.setdefault("Stated in part, cannot be compared", []).append(flag.words)
        return list(found.items())


Known = dict[tuple[str, str], list[Flag]]
"""Flags against one and the same option, by line and offering id: a run's packages share them."""


def compare_options(
    left: Option, right: Option, lines: Sequence[str], known: Known | None = None
) -> Likeness:
    """Every reason why `left` and `right` are not like for like over `lines`.

    `known` spares comparing the same offering with the same `right` again.
    """
    flags: list[Flag] = []
    for line in lines:
        one = left.policies.get(line)
        key = (line, one.offering_id if one else "-")
        found = None if known is None else known.get(key)
        if found is None:
            found = list(_compare_line(line, left, right))
            if known is not None:
                known[key] = found
        flags += found
    ordered = sorted(flags, key=lambda flag: flag.verdict is Verdict.UNKNOWN)
    stated = all(any(p.details for p in each.policies.values()) for each in (left, right))
    return Likeness(ordered, left.said, right.said, stated)


def _compare_line(line: str, left: Option, right: Option) -> Iterable[Flag]:
    one, other = left.policies.get(line), right.policies.get(line)
    if one is None or other is None:
        yield from _one_sided(line, left, right)
    elif line in LINES:
        yield from compare_policies(one, other)
    else:
        yield Flag(Verdict.UNKNOWN, line, "line", "terms", NOT_STATED, NOT_STATED)


def _one_sided(line: str, left: Option, right: Option) -> Iterable[Flag]:
    """A line that is not in both: a package is complete, what is in force may go unsaid."""
    without = [each for each in (left, right) if line not in each.policies]
    if len(without) == 2 and not any(each.in_force for each in without):
        return
    open_end = any(each.in_force for each in without)
    absent = {id(each): NOT_STATED if each.in_force else "not in it" for each in without}
    here = [absent.get(id(each), "included") for each in (left, right)]
    verdict = Verdict.UNKNOWN if open_end else Verdict.DIFFERS
    yield Flag(verdict, line, "line", "line", here[0], here[1])


def compare_policies(one: Policy, other: Policy) -> Iterable[Flag]:
    """Every difference and every gap in what is known between two policies of the same line."""
    for point in points_of(one.line, (one, other)):
        verdict, (left, right) = point.verdict(0, 1), point.sides
        if verdict is not None and left is not None and right is not None:
            leans = leaning(point.code, left, right) if verdict is Verdict.DIFFERS else None
            yield Flag(verdict, one.line, point.code, point.said, left.text, right.text, leans)


@dataclass(frozen=True)
class Saving:
    """Dollars a year an option costs more (+) or less (−) than another, never without why the two
    are not like for like."""

    difference: Difference
    likeness: Likeness


def saving(of: Option, than: Option, lines: Sequence[str]) -> Saving:
    """What `of` costs beside `than`, together with why the two are not like for like.

    No figure unless both hold exactly `lines`, and state a cost. Of two ranges the furthest ends.
    """
    return Saving(_price_difference(of, than, lines), compare_options(of, than, lines))


def _price_difference(of: Option, than: Option, lines: Sequence[str]) -> Difference:
    for each in (of, than):
        if set(each.policies) != set(lines):
            missing = [line_word(line) for line in lines if line not in each.policies]
            if each.in_force and missing:
                return Difference(why=f"{in_words(missing)} in force not stated")
            return Difference(why=f"{each.name} does not cover the requested lines")
        if each.cost_low is None and each.cost_high is None:
            return Difference(why=f"{each.name} states no cost")
    low = None if of.cost_low is None or than.cost_high is None else of.cost_low - than.cost_high
    high = None if of.cost_high is None or than.cost_low is None else of.cost_high - than.cost_low
    if low is None and high is None:
        return Difference(why="cost stated in part only")
    return Difference(low, high)


def _some(named: Sequence[str], rest: int) -> str:
    more = f" and {rest} more" if rest else ""
    return f"{'; '.join(named[:GIST])}{more}"

"""Which of Nexio's packages remain under a what-if, which drop out and why, at what cost.

Pure. The rank stays Nexio's own; the sums are ours, by the rules of `cheapest`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from quotes.models import Solution, SolutionLine
from quotes.models.carrier import loose_key
from quotes.services.checks import Check
from quotes.services.checks import Outcome as Checked
from quotes.services.comparison import line_word
from quotes.services.frozen import Frozen, Option
from quotes.services.like_for_like import Saving, saving
from quotes.services.package_checks import check_package
from quotes.services.ranked import Ranking
from quotes.services.what_if.changes import Changes
from quotes.services.what_if.cheapest import Cost, Package, cheapest, cost_of
from quotes.services.what_if.offers import Offer, Offers

SHOWN = 5
"""How many of the cheapest choices are told."""


@dataclass(frozen=True)
class Judged:
    """One of Nexio's packages under the changes: it remains, or `reasons` say why not.

    `cost` is our sum under the changes, `before` our sum as sent; `unsent` are lines Nexio
    returned that were not among what was sent, taken at the premium it gave.
    """

    solution: Solution
    reasons: tuple[str, ...]
    cost: Cost
    before: Cost
    unsent: tuple[SolutionLine, ...]

    @property
    def moved(self) -> Decimal | None:
        """By how many dollars a year the changed premiums move it."""
        if self.cost.total is None or self.before.total is None:
            return None
        return self.cost.total - self.before.total


@dataclass(frozen=True)
class Taken:
    """A line of a choice: its own premium, dollars a year, whatever a package price makes of it."""

    offer: Offer
    premium: Decimal | None
    changed: bool
    unconfirmed: bool


@dataclass(frozen=True)
class Cheap:
    """One of the cheapest choices: Nexio's package of the very same lines where there is one,
    how it compares with Nexio's first package as that was ranked, and which checks of it need a
    look: the cheapest is not cheap when its umbrella does not attach."""

    package: Package
    taken: Sequence[Taken]
    solution: Solution | None
    saving: Saving | None
    checks: Sequence[Check]


@dataclass(frozen=True)
class Outcome:
    """What a what-if comes to. `empty` are requested lines with nothing left to take, `unpriced`
    counts what may be taken but states no premium; `held` is the cheapest choice whose every
    price holds, where the cheapest of all has an unconfirmed one."""

    remaining: Sequence[Judged]
    dropped: Sequence[Judged]
    cheapest: Sequence[Cheap]
    held: Cheap | None
    empty: Sequence[str]
    unpriced: int
    allowed: Sequence[Offer]


def work_out(
    offers: Offers, changes: Changes, ranking: Ranking, frozen: Frozen, now: datetime
) -> Outcome:
    """Everything the page of a what-if shows."""
    judge = _Judge(offers, changes)
    judged = [judge.judge(placed.solution, placed.offerings) for placed in ranking.packages]
    same = judge.made_of
    first = frozen.option(ranking.first) if ranking.first is not None else None

    def told(package: Package) -> Cheap:
        solution = same.get(package.numbers)
        compared = None
        if first is not None and solution is not ranking.first:
            compared = saving(_option(package), first, offers.lines)
        checks = [
            check
            for check in check_package(_option(package), frozen, now)
            # The sum is ours; a split is said with the line and with the total.
            if check.code not in {"cost", "split"} and check.outcome is not Checked.FINE
        ]
        return Cheap(package, _taken(package, changes), solution, compared, checks)

    found = cheapest(offers, changes, SHOWN)
    held = []
    if found and found[0].cost.unconfirmed:
        held = cheapest(offers, changes, 1, confirmed=True)
    allowed = [each for each in offers.by_number.values() if changes.allows(each)]
    left = {each.line for each in allowed}
    return Outcome(
        remaining=[each for each in judged if not each.reasons],
        dropped=[each for each in judged if each.reasons],
        cheapest=[told(each) for each in found],
        held=told(held[0]) if held else None,
        empty=[line for line in offers.lines if line not in left],
        unpriced=sum(changes.alone(each) is None for each in allowed),
        allowed=allowed,
    )


def _taken(package: Package, changes: Changes) -> list[Taken]:
    bundle = package.cost.bundle
    inside = {each.number for each in bundle.offers} if bundle else set()
    return [
        Taken(
            offer=each,
            premium=changes.premiums.get(each.number, each.sent)
            if each.number in inside
            else changes.alone(each),
            changed=each.number in changes.premiums,
            unconfirmed=each in package.cost.unconfirmed,
        )
        for each in package.offers
    ]


def _option(package: Package) -> Option:
    policies = {each.line: each.policy for each in package.offers}
    return Option("This package", policies, None, package.total, package.total)


class _Judge:
    """Judges package after package; knows which choices of offerings are whose."""

    def __init__(self, offers: Offers, changes: Changes) -> None:
        self.offers, self.changes = offers, changes
        self.names = {each.code: each.words for each in offers.carriers}
        self.made_of: dict[frozenset[int], Solution] = {}

    def judge(self, solution: Solution, sent: Sequence[Mapping[str, object] | None]) -> Judged:
        lines = solution.returned
        found = [
            None if each is None else self.offers.by_id.get(str(each.get("id"))) for each in sent
        ]
        own = [each for each in found if each is not None]
        unsent = [line for line, each in zip(lines, found, strict=True) if each is None]
        if not unsent and own:
            self.made_of.setdefault(frozenset(each.number for each in own), solution)
        reasons = [*self._of_sent(own), *self._of_unsent(unsent), *self._missing(lines)]
        return Judged(
            solution=solution,
            reasons=tuple(dict.fromkeys(reasons)),
            cost=self._cost(own, unsent, self.changes),
            before=self._cost(own, unsent, Changes()),
            unsent=tuple(unsent),
        )

    def _cost(self, own: Sequence[Offer], unsent: Sequence[SolutionLine], given: Changes) -> Cost:
        extra = [line.line_premium_annual for line in unsent]
        cost = cost_of(own, self.offers, given)
        if cost.total is None or None in extra or not (own or unsent):
            return Cost(None, cost.bundle, cost.bundle_price, cost.unconfirmed)
        total = cost.total + sum((each for each in extra if each is not None), Decimal(0))
        return Cost(total, cost.bundle, cost.bundle_price, cost.unconfirmed)

    def _of_sent(self, own: Sequence[Offer]) -> list[str]:
        reasons = []
        for each in own:
            if each.carrier_code in self.changes.without:
                reasons.append(f"{each.carrier} is left out")
            elif each.number in self.changes.left_out:
                reasons.append(f"{each.words} is left out")
            elif not self.changes.allows(each):
                reasons.append(self._locked(each.line, f"not {each.carrier}", each.carrier_code))
        return reasons

    def _of_unsent(self, unsent: Sequence[SolutionLine]) -> list[str]:
        """A line that was not sent is held against carriers; no lock on an offering is it."""
        reasons = []
        for line in unsent:
            code = self._code(line)
            lock = self.changes.lock_of(line.category)
            if code and code in self.changes.without:
                reasons.append(f"{line.shown_carrier} is left out")
            elif lock and lock != code:
                reasons.append(self._locked(line.category, f"not {line.shown_carrier}", code))
        return reasons

    def _missing(self, lines: Sequence[SolutionLine]) -> list[str]:
        named = {line.category for line in lines}
        return [
            f"it has no {line_word(line)}, which is locked"
            for line in self.offers.lines
            if self.changes.lock_of(line) and line not in named
        ]

    def _locked(self, line: str, other: str, code: str) -> str:
        """ "home is locked to Larkspur Mutual, not Copperfield"."""
        lock = self.changes.lock_of(line)
        if lock in self.names:
            return f"{line_word(line)} is locked to {self.names[lock]}, {other}"
        offer = self.offers.by_number[int(lock.removeprefix("o"))]
        another = f"not this {offer.carrier} offering" if code == offer.carrier_code else other
        return f"{line_word(line)} is locked to one offering of {offer.carrier}, {another}"

    def _code(self, line: SolutionLine) -> str:
        if line.carrier_id and str(line.carrier_id) in self.names:
            return str(line.carrier_id)
        key = loose_key(line.provider_name)
        return next((code for code, name in self.names.items() if loose_key(name) == key), "")

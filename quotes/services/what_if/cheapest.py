"""What a choice of offerings costs, and the cheapest choices there are, exactly.

A package's price holds when every line of that package is taken; a line taken without the rest
costs its premium alone, "unconfirmed if split". So a choice either completes a package, and then
the lines left over (one at most: there are three lines, and a package has two) are each the
cheapest; or it completes none, and its cost is a plain sum, whose smallest are walked in order
without ever listing all: 200 offerings a line are eight million choices, and some dozens are
looked at.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from quotes.services.what_if.changes import Changes
from quotes.services.what_if.offers import Bundle, Offer, Offers

Priced = tuple[Decimal, Offer]


@dataclass(frozen=True)
class Cost:
    """What offerings cost together, dollars a year; `total` is None where a premium is missing.

    `bundle` is the package whose price counts, at `bundle_price`; `unconfirmed` are the lines
    taken out of a package whose price alone nobody confirmed.
    """

    total: Decimal | None
    bundle: Bundle | None = None
    bundle_price: Decimal | None = None
    unconfirmed: tuple[Offer, ...] = ()


@dataclass(frozen=True)
class Package:
    """One offering for each requested line, in the lines' order, and what they cost."""

    offers: tuple[Offer, ...]
    total: Decimal
    cost: Cost

    @property
    def numbers(self) -> frozenset[int]:
        return frozenset(each.number for each in self.offers)


def cost_of(taken: Sequence[Offer], offers: Offers, changes: Changes) -> Cost:
    """What `taken` of these offerings cost together under `changes`."""
    bundle = _completed(taken, offers)
    inside = {each.number for each in bundle.offers} if bundle else set()
    rest = [each for each in taken if each.number not in inside]
    price = bundle_price(bundle, changes) if bundle else None
    amounts = [price or Decimal(0), *(changes.alone(each) for each in rest)]
    stated = [each for each in amounts if each is not None]
    total = sum(stated, Decimal(0)) if len(stated) == len(amounts) else None
    return Cost(total, bundle, price, tuple(each for each in rest if each.bundled))


def _completed(taken: Sequence[Offer], offers: Offers) -> Bundle | None:
    """The package that is taken whole; of three lines no two can be."""
    numbers = {each.number for each in taken}
    for number in numbers:
        bundle = offers.bundle_of.get(number)
        if bundle and numbers.issuperset(each.number for each in bundle.offers):
            return bundle
    return None


def bundle_price(bundle: Bundle, changes: Changes) -> Decimal:
    """The package's price, moved by as many dollars as its lines' premiums were; never negative."""
    return max(bundle.price + changes.moved(bundle.offers), Decimal(0))


def cheapest(
    offers: Offers, changes: Changes, count: int, *, confirmed: bool = False
) -> list[Package]:
    """The `count` cheapest choices of one offering for each requested line, cheapest first.

    `confirmed` takes only prices that hold: no line out of a package whose price alone is
    unconfirmed. Empty where a line has nothing left to take.
    """
    alone = [_alone(offers, changes, line, confirmed) for line in offers.lines]
    found = [
        *_with_a_bundle(offers, changes, alone, count),
        *islice(_without(offers, alone), count),
    ]
    packages = []
    for chosen in found:
        cost = cost_of(chosen, offers, changes)
        if cost.total is not None:
            packages.append(Package(chosen, cost.total, cost))
    return sorted(packages, key=_order)[:count]


def _order(package: Package) -> tuple[Decimal, int, list[int]]:
    """By cost; of equals the one with fewer open questions, then as they were sent."""
    numbers = [each.number for each in package.offers]
    return package.total, len(package.cost.unconfirmed), numbers


def _alone(offers: Offers, changes: Changes, line: str, confirmed: bool) -> list[Priced]:
    """What may be taken of a line outside its package, cheapest first."""
    own = [
        (price, each)
        for each in offers.of_line(line)
        if changes.allows(each)
        and not (confirmed and each.bundled)
        and (price := changes.alone(each)) is not None
    ]
    return sorted(own, key=lambda row: (row[0], row[1].bundled, row[1].number))


def _with_a_bundle(
    offers: Offers, changes: Changes, alone: Sequence[Sequence[Priced]], count: int
) -> Iterator[tuple[Offer, ...]]:
    """For every package that may be taken whole: the cheapest for the line it leaves open."""
    for bundle in offers.bundles:
        inside = {each.line: each for each in bundle.offers}
        if not inside.keys() <= set(offers.lines):
            continue
        if not all(changes.allows(each) for each in bundle.offers):
            continue
        left = [place for place, line in enumerate(offers.lines) if line not in inside]
        if not left:
            yield tuple(inside[line] for line in offers.lines)
            continue
        for _, each in alone[left[0]][:count]:
            yield tuple(inside.get(line, each) for line in offers.lines)


def _without(offers: Offers, alone: Sequence[Sequence[Priced]]) -> Iterator[tuple[Offer, ...]]:
    """Choices that complete no package, in the order of their plain sums.

    A step takes the next dearer offering of one line, so the smallest sum that was not seen is
    always at the edge of those that were.
    """
    if not alone or not all(alone):
        return

    def total(at: tuple[int, ...]) -> Decimal:
        return sum((own[place][0] for own, place in zip(alone, at, strict=True)), Decimal(0))

    start = (0,) * len(alone)
    edge, seen = [(total(start), start)], {start}
    while edge:
        _, at = heapq.heappop(edge)
        chosen = tuple(own[place][1] for own, place in zip(alone, at, strict=True))
        if _completed(chosen, offers) is None:
            yield chosen
        for line, own in enumerate(alone):
            step = (*at[:line], at[line] + 1, *at[line + 1 :])
            if step[line] < len(own) and step not in seen:
                seen.add(step)
                heapq.heappush(edge, (total(step), step))

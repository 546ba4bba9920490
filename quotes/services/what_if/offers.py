"""The offerings of a frozen request as a what-if takes them: numbered, and in their packages.

Pure: the request is read as it was sent. An offering is known by its number, from 1 in the
request's order, so that an address holds no id of anybody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from quotes.models import Carrier
from quotes.models.carrier import carrier_key, loose_key
from quotes.services import comparison
from quotes.services.frozen import Frozen, Policy
from quotes.services.grouping import QuotedPackage, quoted_packages
from quotes.services.reading import Document


@dataclass(frozen=True)
class Offer:
    """One offering. `package` is the place of its quoted package among all, `bundled` whether
    its price was quoted together with other lines' and nobody confirmed it alone.

    `alone` is what it costs outside its package, dollars a year, None where nothing is stated:
    the confirmed price if split, else the line's premium.
    """

    number: int
    line: str
    carrier: str
    carrier_code: str
    policy: Policy
    package: int
    bundled: bool
    alone: Decimal | None

    @property
    def sent(self) -> Decimal | None:
        """The line's premium as it was sent, dollars a year."""
        return self.policy.premium

    @property
    def words(self) -> str:
        """ "Larkspur Mutual home"."""
        return f"{self.carrier} {comparison.line_word(self.line)}"


@dataclass(frozen=True)
class Bundle:
    """A quoted package all of whose lines were sent: `price` holds when all are taken."""

    offers: tuple[Offer, ...]
    price: Decimal

    @property
    def words(self) -> str:
        """ "home, auto and umbrella"."""
        return comparison.in_words([comparison.line_word(each.line) for each in self.offers])


@dataclass(frozen=True)
class OfferCarrier:
    """A carrier of the offerings: its code for an address, its name, how many it offers."""

    code: str
    words: str
    count: int


@dataclass(frozen=True)
class Offers:
    """Everything a what-if chooses from. `lines` are the requested ones."""

    lines: tuple[str, ...]
    by_number: Mapping[int, Offer]
    by_id: Mapping[str, Offer]
    bundles: Sequence[Bundle]
    carriers: Sequence[OfferCarrier]

    @cached_property
    def bundle_of(self) -> Mapping[int, Bundle]:
        """By an offering's number; it stands in one package at most."""
        return {each.number: bundle for bundle in self.bundles for each in bundle.offers}

    def of_line(self, line: str) -> list[Offer]:
        return [each for each in self.by_number.values() if each.line == line]


def read_offers(
    request: Mapping[str, Any],
    frozen: Frozen,
    lines: Sequence[str],
    carriers: Mapping[str, Carrier],
) -> Offers:
    """The offerings of `request`; `carriers` are those known by `carrier_key` of their names."""
    listed = comparison.offerings_sent(request)
    codes = _Codes(carriers)
    found: dict[int, Offer] = {}
    bundles: list[Bundle] = []
    packages = packages_of(request)
    shared = _shared_ids(packages)
    for place, package in enumerate(packages):
        own = []
        for line in package.lines:
            if line.offering is None:
                continue
            policy = frozen.policies[str(line.offering.get("id"))]
            code, name = codes.of(policy.carrier)
            bundled, alone = _alone(policy, len(package.lines) > 1, shared)
            number = line.position + 1
            own.append(Offer(number, policy.line, name, code, policy, place, bundled, alone))
        found.update({each.number: each for each in own})
        bundles += _bundle(package, own)
    by_number = dict(sorted(found.items()))
    return Offers(
        lines=tuple(lines),
        by_number=by_number,
        by_id={str(listed[number - 1].get("id")): each for number, each in by_number.items()},
        bundles=bundles,
        carriers=_carriers(by_number.values()),
    )


def packages_of(request: Mapping[str, Any]) -> list[QuotedPackage]:
    """The request's quoted packages, those of `input.quotes` first and in their order."""
    value = request.get("input")
    return quoted_packages(
        Document(
            input=dict(value) if isinstance(value, dict) else {},
            offerings=[dict(each) for each in comparison.offerings_sent(request)],
        )
    )


def _bundle(package: QuotedPackage, own: Sequence[Offer]) -> Iterator[Bundle]:
    """A single line's package price says nothing its premium does not; and where a line of the
    package was not sent, its price is for more than what can be taken."""
    price = own[0].policy.package_premium if own else None
    if len(own) > 1 and len(own) == len(package.lines) and price is not None:
        yield Bundle(tuple(own), price)


def _alone(
    policy: Policy, beside: bool, shared: set[tuple[str, str]]
) -> tuple[bool, Decimal | None]:
    """Whether the price outside the package is unconfirmed, and what it is.

    `beside` says that the package has other lines; a further option of a line under the same
    package id is one of the package all the same.
    """
    quoted = bool(policy.package_id) or policy.package_premium is not None
    in_shared = (carrier_key(policy.carrier), policy.package_id) in shared
    if not (beside and quoted) and not in_shared:
        return False, policy.premium
    stated = policy.details.get("standalone")
    if not isinstance(stated, dict) or stated.get("confirmed") is not True:
        return True, policy.premium
    price = stated.get("premium")
    return False, policy.premium if price is None else Decimal(price)


def _shared_ids(packages: Sequence[QuotedPackage]) -> set[tuple[str, str]]:
    """Carriers with the package ids under which they quote more than one line."""
    lines: dict[tuple[str, str], set[str]] = {}
    for package in packages:
        package_id = package.columns()["package_id"]
        if package_id:
            key = (carrier_key(package.carrier), package_id)
            lines.setdefault(key, set()).update(line.line for line in package.lines)
    return {key for key, named in lines.items() if len(named) > 1}


class _Codes:
    """Carriers' codes: their id, or a number as met for names nobody knows."""

    def __init__(self, carriers: Mapping[str, Carrier]) -> None:
        self.carriers = carriers
        self.unknown: dict[str, tuple[str, str]] = {}

    def of(self, name: str) -> tuple[str, str]:
        known = self.carriers.get(carrier_key(name))
        if known is not None:
            return str(known.pk), known.name
        key = loose_key(name)
        if key not in self.unknown:
            self.unknown[key] = (f"n{len(self.unknown) + 1}", name or "Carrier not stated")
        return self.unknown[key]


def _carriers(offers: Iterable[Offer]) -> list[OfferCarrier]:
    counted: dict[str, tuple[str, int]] = {}
    for each in offers:
        name, count = counted.get(each.carrier_code, (each.carrier, 0))
        counted[each.carrier_code] = (name, count + 1)
    found = [OfferCarrier(code, name, count) for code, (name, count) in counted.items()]
    return sorted(found, key=lambda each: each.words.casefold())

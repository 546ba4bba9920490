"""Packages out of offerings: which are valid, what each costs, and in which order they come.

The cost rule is the trade's: a quoted package has a price of its own, and a line taken out of it
may lose the discount it was quoted with. So a whole quoted package costs its package premium and
any other package costs a range, from the sum of its lines to that sum plus every discount lost.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice, product
from typing import Any

from sandbox import scoring
from sandbox.validation import LINES

MAX_SOLUTIONS = 12
MAX_PACKAGES = 8_000
FEES_SHARE = Decimal("0.05")
"""A package premium above its lines' sum by more than this means lines were left out."""

CENT = Decimal("0.01")
PackageKey = tuple[str, Decimal]


@dataclass(frozen=True, eq=False)
class Line:
    """One usable offering. ``sent`` is the offering exactly as it was sent."""

    id: str
    provider: str
    category: str
    premium: Decimal
    package: PackageKey
    sent: Mapping[str, Any]


@dataclass(frozen=True)
class QuotedPackage:
    """What one carrier quoted together.

    ``whole`` is the set of offering ids that are exactly its lines, or ``None`` when that cannot
    be bought here: a line of it was not sent, or it holds alternatives for one line of business.
    ``discount`` is what its lines cost more apart than together, in dollars a year.
    """

    premium: Decimal
    whole: frozenset[str] | None
    discount: Decimal


@dataclass(frozen=True)
class Package:
    """One offering for each requested line, with its cost in dollars a year."""

    lines: tuple[Line, ...]
    low: Decimal
    high: Decimal
    split: int
    """How many quoted packages it takes apart."""

    @property
    def provider_count(self) -> int:
        return len({line.provider.strip().casefold() for line in self.lines})

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(line.id for line in self.lines)


@dataclass(frozen=True)
class Ranking:
    """``solutions`` as they go on the wire, best first, or why there are none."""

    solutions: list[dict[str, Any]]
    diagnostic: str | None


def rank(body: Mapping[str, Any]) -> Ranking:
    """Rank a body that ``check_submission`` accepted. Pure: the same body, the same ranking."""
    given = body["input"]
    wanted = [line for line in LINES if line in given["coverage_types"]]
    if "current_portfolio" in given:
        return Ranking([], "input.current_portfolio was sent: nothing was ranked")
    everything = [_line(offering) for offering in body["offerings"]]
    state = given["address"]["state"].upper()
    choices: dict[str, list[Line]] = {name: [] for name in wanted}
    for line in everything:
        if line.category in choices and not _excluded(line, state):
            choices[line.category].append(line)
    if not all(choices.values()):
        return Ranking([], _diagnose(everything, choices, state))
    quoted = quoted_packages(everything, given.get("quotes") or [])
    packages = [price(lines, quoted) for lines in _combinations(choices, quoted)]
    return Ranking(_solutions(packages, everything, given), None)


def quoted_packages(
    lines: Sequence[Line], quotes: Iterable[Any] = ()
) -> dict[PackageKey, QuotedPackage]:
    """What was quoted together, from the offerings sent and, where given, ``input.quotes``.

    A consumer need not send lines that were not asked for, so the offerings alone may show a part
    of a package; the quote it came from tells its other lines and so the discount it carries.
    """
    members: dict[PackageKey, list[Line]] = {}
    for line in lines:
        members.setdefault(line.package, []).append(line)
    contexts = _quote_contexts(quotes)
    found = {}
    for key, own in members.items():
        cheapest: dict[str, Decimal] = {}
        for line in own:
            cheapest[line.category] = min(line.premium, cheapest.get(line.category, line.premium))
        unsent = {
            category: premium
            for category, premium in contexts.get(key, {}).items()
            if category not in cheapest
        }
        premium = key[1]
        offered = sum(cheapest.values(), Decimal(0))
        partial = bool(unsent) or (key not in contexts and premium > offered * (1 + FEES_SHARE))
        buyable = not partial and len(cheapest) == len(own)
        apart = offered + sum(unsent.values(), Decimal(0))
        found[key] = QuotedPackage(
            premium=premium,
            whole=frozenset(line.id for line in own) if buyable else None,
            discount=max(Decimal(0), apart - premium),
        )
    return found


def price(lines: tuple[Line, ...], quoted: Mapping[PackageKey, QuotedPackage]) -> Package:
    """Cost of buying exactly ``lines``: the package premium of a whole quote, else a range."""
    ids = frozenset(line.id for line in lines)
    keys = {line.package for line in lines}
    if len(keys) == 1:
        only = quoted[lines[0].package]
        if only.whole == ids:
            cost = only.premium.quantize(CENT, ROUND_HALF_UP)
            return Package(lines, cost, cost, 0)
    split = [quoted[key] for key in keys if not _taken_whole(quoted[key], ids)]
    low = sum((line.premium for line in lines), Decimal(0))
    high = low + sum((package.discount for package in split), Decimal(0))
    return Package(
        lines, low.quantize(CENT, ROUND_HALF_UP), high.quantize(CENT, ROUND_HALF_UP), len(split)
    )


def _taken_whole(package: QuotedPackage, ids: frozenset[str]) -> bool:
    return package.whole is not None and package.whole <= ids


def _line(offering: Mapping[str, Any]) -> Line:
    attributes = offering["attributes"]
    package_premium = Decimal(attributes["package_premium_annual"])
    return Line(
        id=offering["id"],
        provider=offering["provider_name"],
        category=offering["category"],
        premium=Decimal(attributes["line_premium_annual"]),
        package=_package_key(
            attributes.get("package_id"), offering["provider_name"], package_premium
        ),
        sent=offering,
    )


def _package_key(package_id: Any, provider: str, premium: Decimal) -> PackageKey:
    """A package is known by its id, and lacking one by its carrier and price."""
    if package_id not in (None, ""):
        return f"id {package_id}", premium
    return f"carrier {provider}", premium


def _quote_contexts(quotes: Iterable[Any]) -> dict[PackageKey, dict[str, Decimal]]:
    """Line premiums by category of every readable quote in ``input.quotes``; others are skipped."""
    contexts: dict[PackageKey, dict[str, Decimal]] = {}
    for quote in quotes:
        if not isinstance(quote, dict):
            continue
        premium = _number(quote.get("package_premium_annual"))
        if premium is None:
            continue
        found = {
            name: line_premium
            for name in LINES
            if isinstance(quote.get(name), dict)
            and (line_premium := _number(quote[name].get("premium_annual"))) is not None
        }
        for package_id in (quote.get("package_id"), None):
            key = _package_key(package_id, str(quote.get("carrier")), premium)
            contexts.setdefault(key, found)
    return contexts


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    return Decimal(value)


def _excluded(line: Line, state: str) -> bool:
    constraints = line.sent.get("constraints") or {}
    return state in {name.strip().upper() for name in constraints.get("excluded_states") or []}


def _diagnose(everything: Sequence[Line], choices: Mapping[str, Sequence[Line]], state: str) -> str:
    sentences = []
    for name, usable in choices.items():
        if usable:
            continue
        sent = sum(line.category == name for line in everything)
        if sent:
            noun = "offering was" if sent == 1 else "offerings were"
            sentences.append(f"{name}: {sent} {noun} filtered out by state {state}")
        else:
            sentences.append(f"{name}: no offering for this requested line")
    ignored = sorted({line.category for line in everything} - set(choices))
    if ignored:
        sentences.append(f"ignored, not requested: {', '.join(ignored)}")
    return "No valid package. " + ". ".join(sentences) + "."


def _combinations(
    choices: Mapping[str, list[Line]], quoted: Mapping[PackageKey, QuotedPackage]
) -> list[tuple[Line, ...]]:
    """Every valid package; past ``MAX_PACKAGES`` the cheapest of each line and all whole quotes."""
    if math.prod(len(lines) for lines in choices.values()) <= MAX_PACKAGES:
        return list(product(*choices.values()))
    most = int(MAX_PACKAGES ** (1 / len(choices)))
    cheapest = [
        sorted(lines, key=lambda line: (line.premium, line.id))[:most] for lines in choices.values()
    ]
    found = dict.fromkeys(product(*cheapest))
    for package in quoted.values():
        if package.whole is None:
            continue
        members = [
            [line for line in lines if line.id in package.whole] for lines in choices.values()
        ]
        if all(members):
            found.update(dict.fromkeys(islice(product(*members), 1)))
    return list(found)


def _solutions(
    packages: Sequence[Package], everything: Sequence[Line], given: Mapping[str, Any]
) -> list[dict[str, Any]]:
    cards = scoring.score(packages, everything, given)
    ranked = sorted(
        zip(packages, cards, strict=True),
        key=lambda pair: (-pair[1]["overall_level"], pair[0].low, pair[0].high, pair[0].ids),
    )
    labels = _labels(ranked)
    kept = set(labels)
    kept.update(
        islice((i for i in range(len(ranked)) if i not in labels), MAX_SOLUTIONS - len(labels))
    )
    solutions = []
    for position, index in enumerate(sorted(kept), start=1):
        package, card = ranked[index]
        solutions.append(
            {
                "rank": position,
                "cluster_label": labels.get(index, "alternative"),
                "provider_count": package.provider_count,
                "est_cost_low": _dollars(package.low),
                "est_cost_high": _dollars(package.high),
                "scorecard": card,
                "offerings": [line.sent for line in package.lines],
            }
        )
    return solutions


def _dollars(amount: Decimal) -> Decimal | int:
    """As the guide writes costs: whole dollars without decimals."""
    return int(amount) if amount == int(amount) else amount


def _labels(ranked: Sequence[tuple[Package, Mapping[str, Decimal]]]) -> dict[int, str]:
    """Index in ``ranked`` → label. A label is given once, and only where it is true."""
    labels = {0: "recommended"}

    def rest() -> list[int]:
        return [index for index in range(len(ranked)) if index not in labels]

    if rest():
        cheapest = min(rest(), key=lambda i: (ranked[i][0].low + ranked[i][0].high, i))
        labels[cheapest] = "best_value"
    if rest():
        best = max(rest(), key=lambda i: (ranked[i][1]["coverage"], -i))
        if ranked[best][1]["coverage"] > scoring.NEUTRAL:
            labels[best] = "best_coverage"
    fewest = min(package.provider_count for package, _ in ranked)
    simple = [index for index in rest() if ranked[index][0].provider_count == fewest]
    if simple:
        labels[simple[0]] = "simplest"
    return labels

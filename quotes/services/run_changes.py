"""Two runs of one insured: what was asked differently, and how the answer moved.

Pure, from the frozen requests and the stored packages: what was edited since plays no part.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from quotes.models import LINES, Run, Solution
from quotes.models.carrier import loose_key
from quotes.services import comparison
from quotes.services.account import appetite_sent
from quotes.services.comparison import line_word
from quotes.services.document_changes import Change, changes_between
from quotes.services.ranked import Placed, Ranking

ASKED_APART = frozenset({"coverage_types", "appetite_bucket", "quotes"})
"""Keys of an input that are compared in words of their own."""
SAID_BY_OFFERINGS = frozenset(
    {
        "quote_id", "premium_annual", "package_premium_annual", "product_name", "package_id",
        "term_months", "quote_generated_at", "quote_expires_at", "broker",
    }
)  # fmt: skip
"""Keys of `input.quotes` that the offerings made of them say as well."""


@dataclass(frozen=True)
class OfferingChange:
    """One quoted line: added, removed, or changed in what `changes` list. Dollars a year."""

    kind: str
    carrier: str
    line: str
    before: Decimal | None
    after: Decimal | None
    changes: tuple[Change, ...]

    @property
    def premium_moved(self) -> bool:
        return self.kind == "changed" and self.before != self.after

    @property
    def difference(self) -> Decimal | None:
        both = self.before is not None and self.after is not None
        return self.after - self.before if both else None  # type: ignore[operator]


@dataclass(frozen=True)
class Moved:
    """A package matched by its carriers and lines; None on the side that does not have it."""

    before: Solution | None
    after: Solution | None

    @property
    def either(self) -> Solution:
        found = self.after or self.before
        assert found is not None  # noqa: S101 - made so by `_match`
        return found

    @property
    def kind(self) -> str:
        return "new" if self.before is None else "gone" if self.after is None else "both"

    @property
    def places(self) -> int | None:
        """How many ranks it rose (+) or fell (−); None where either run gives no rank."""
        before, after = (each.rank if each else None for each in (self.before, self.after))
        return None if before is None or after is None else before - after

    @property
    def fell(self) -> int:
        return -(self.places or 0)

    @property
    def low(self) -> Decimal | None:
        """Dollars a year its lowest cost moved by; None where either run states none."""
        return self._moved("est_cost_low")

    @property
    def high(self) -> Decimal | None:
        return self._moved("est_cost_high")

    def _moved(self, name: str) -> Decimal | None:
        before, after = (getattr(each, name, None) for each in (self.before, self.after))
        return None if before is None or after is None else after - before


@dataclass(frozen=True)
class RunChanges:
    """Everything the page of two runs shows, from the earlier one to the later one."""

    lines_added: tuple[str, ...]
    lines_removed: tuple[str, ...]
    appetite: tuple[str, str] | None
    profile: tuple[Change, ...]
    offerings: tuple[OfferingChange, ...]
    same_offerings: int
    quotes: tuple[Change, ...]
    rest: tuple[Change, ...]
    packages: tuple[Moved, ...]

    @property
    def same_request(self) -> bool:
        return not (
            self.lines_added or self.lines_removed or self.appetite or self.profile
            or self.offerings or self.quotes or self.rest
        )  # fmt: skip

    @property
    def new(self) -> int:
        return sum(each.kind == "new" for each in self.packages)

    @property
    def gone(self) -> int:
        return sum(each.kind == "gone" for each in self.packages)

    @property
    def moved(self) -> int:
        return sum(bool(each.places) for each in self.packages)


def compare_runs(earlier: Run, later: Run, before: Ranking, after: Ranking) -> RunChanges:
    """What changed from `earlier` to `later`; rankings are empty for runs without packages."""
    was, now = _object(earlier.request.get("input")), _object(later.request.get("input"))
    lines_was = comparison.requested_lines(earlier.request) or list(earlier.coverage_types)
    lines_now = comparison.requested_lines(later.request) or list(later.coverage_types)
    appetites = appetite_sent(earlier.request), appetite_sent(later.request)
    offerings, same = _offerings(earlier, later)
    return RunChanges(
        lines_added=tuple(line for line in lines_now if line not in lines_was),
        lines_removed=tuple(line for line in lines_was if line not in lines_now),
        appetite=appetites if appetites[0] != appetites[1] else None,
        profile=changes_between(_without(was, ASKED_APART), _without(now, ASKED_APART)),
        offerings=offerings,
        same_offerings=same,
        quotes=_quote_changes(was, now, offerings),
        rest=changes_between(
            _without(earlier.request, {"input", "offerings"}),
            _without(later.request, {"input", "offerings"}),
        ),
        packages=tuple(_match(before.packages, after.packages)),
    )


def _offerings(earlier: Run, later: Run) -> tuple[tuple[OfferingChange, ...], int]:
    """The offerings that differ, and how many do not."""
    was, now = _by_line(earlier), _by_line(later)
    pairs = [(was.pop(key), now.pop(key)) for key in list(was) if key in now]
    # A quote entered anew is another row of ours; it is known by its carrier and line, once.
    pairs += _alike(was, now)
    found = [change for pair in pairs if (change := _changed(*pair)) is not None]
    found += [_one_sided("removed", each) for each in was.values()]
    found += [_one_sided("added", each) for each in now.values()]
    order = {line: index for index, line in enumerate(LINES)}
    found.sort(key=lambda each: (each.carrier.casefold(), order.get(each.line, len(order))))
    return tuple(found), len(pairs) - sum(each.kind == "changed" for each in found)


def _by_line(run: Run) -> dict[str, Mapping[str, Any]]:
    """A request's offerings by our quote line, else by their own id or place."""
    found: dict[str, Mapping[str, Any]] = {}
    for index, each in enumerate(comparison.offerings_sent(run.request)):
        own = str(each.get("id") or f"place {index}")
        found[str(run.offering_lines.get(own, f"id {own}"))] = each
    return found


def _alike(
    was: dict[str, Mapping[str, Any]], now: dict[str, Mapping[str, Any]]
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Pairs of the same carrier and line where each side has one; taken out of both."""
    sides = []
    for side in (was, now):
        counted = Counter(_words(each) for each in side.values())
        sides.append(
            {_words(each): key for key, each in side.items() if counted[_words(each)] == 1}
        )
    return [
        (was.pop(key), now.pop(sides[1][words]))
        for words, key in sides[0].items()
        if words in sides[1]
    ]


def _words(offering: Mapping[str, Any]) -> tuple[str, str]:
    return loose_key(str(offering.get("provider_name") or "")), str(offering.get("category") or "")


def _changed(was: Mapping[str, Any], now: Mapping[str, Any]) -> OfferingChange | None:
    found = changes_between(_without(was, {"id"}), _without(now, {"id"}))
    if not found:
        return None
    rest = tuple(
        # What an offering groups its values by says nothing to a broker.
        replace(each, where=each.where.removeprefix("Attributes › ").removeprefix("Coverage › "))
        for each in found
        if each.path != ("attributes", "line_premium_annual")
    )
    before, after = comparison.line_premium(was), comparison.line_premium(now)
    return OfferingChange("changed", *_named(now), before, after, rest)


def _one_sided(kind: str, offering: Mapping[str, Any]) -> OfferingChange:
    premium = comparison.line_premium(offering)
    before, after = (premium, None) if kind == "removed" else (None, premium)
    return OfferingChange(kind, *_named(offering), before, after, ())


def _named(offering: Mapping[str, Any]) -> tuple[str, str]:
    carrier = str(offering.get("provider_name") or "Carrier not given")[:200]
    return carrier, str(offering.get("category") or "")


def _quote_changes(
    was: Mapping[str, Any], now: Mapping[str, Any], offerings: Sequence[OfferingChange]
) -> tuple[Change, ...]:
    """What `input.quotes` say beyond the offerings: line details, quotes without an offering.

    A line that only one side quotes is one change, not one for each thing it states; none where
    its offering says it already.
    """
    before, after = _quotes_of(was), _quotes_of(now)
    said = {(loose_key(each.carrier), each.line) for each in offerings if each.kind != "changed"}
    found: list[Change] = []
    for name in [*after, *(name for name in before if name not in after)]:
        old, new = before.get(name, {}), after.get(name, {})
        one_sided = [line for line in LINES if _has(old, line) != _has(new, line)]
        for line in one_sided:
            if (loose_key(name), line) in said:
                continue
            quoted = ("quoted", "not quoted") if _has(old, line) else ("not quoted", "quoted")
            found.append(Change((name, line), f"{name} {line_word(line)}", *quoted))
        rest = (_without(each, one_sided) for each in (old, new))
        found += changes_between(*({name: each} for each in rest))
    return tuple(found)


def _quotes_of(value: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A request's quotes by their carrier, without what the offerings made of them say."""
    listed = value.get("quotes")
    found: dict[str, dict[str, Any]] = {}
    for quote in listed if isinstance(listed, list) else []:
        if not isinstance(quote, dict):
            continue
        name = str(quote.get("carrier") or "A quote")
        key = next(k for k in _numbered(name) if k not in found)
        found[key] = {k: _plain(v) for k, v in quote.items() if k not in SAID_BY_OFFERINGS}
    return found


def _has(quote: Mapping[str, Any], line: str) -> bool:
    return isinstance(quote.get(line), Mapping)


def _numbered(name: str) -> Any:
    yield name
    number = 2
    while True:
        yield f"{name} ({number})"
        number += 1


def _plain(value: Any) -> Any:
    return _without(value, SAID_BY_OFFERINGS) if isinstance(value, Mapping) else value


def _match(before: Sequence[Placed], after: Sequence[Placed]) -> list[Moved]:
    """Packages of both runs by their set of carrier and line; alike ones in rank order.

    The later run's order, then what only the earlier one had.
    """
    waiting: defaultdict[Any, list[Placed]] = defaultdict(list)
    for package in before:
        waiting[_made_of(package)].append(package)
    found = []
    for package in after:
        alike = waiting[_made_of(package)]
        found.append(Moved(alike.pop(0).solution if alike else None, package.solution))
    left = {id(package) for packages in waiting.values() for package in packages}
    return found + [Moved(each.solution, None) for each in before if id(each) in left]


def _made_of(package: Placed) -> tuple[tuple[str, str], ...]:
    return tuple(
        sorted(
            (
                f"id {line.carrier_id}" if line.carrier_id else loose_key(line.provider_name),
                line.category,
            )
            for line in package.solution.returned
        )
    )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _without(value: Mapping[str, Any], keys: Any) -> dict[str, Any]:
    return {key: each for key, each in value.items() if key not in keys}

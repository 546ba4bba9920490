"""A package's scorecard exactly as it arrived: no dimension of it is documented.

Neither names, number, scale nor direction are known, so nothing is renamed, rounded or judged.
A bar shows a number among the same dimension's numbers in one run, from zero: longer is a larger
number, which need not be better.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import simplejson

BETWEEN = " › "
MOST_DIMENSIONS = 200
MOST_DEPTH = 6
MOST_NAME, MOST_VALUE = 120, 200
MOST_DRAWN = Decimal(10) ** 15
"""A number this large is written and not drawn."""
NOTHING = "—"


@dataclass(frozen=True)
class Span:
    """The least and the greatest number of a dimension in a run, and how many packages gave one."""

    low: Decimal
    high: Decimal
    count: int


@dataclass(frozen=True)
class Drawn:
    """A bar in a box 100 wide; `zero` is where nought stands, None at the left edge."""

    x: str
    width: str
    zero: str | None


@dataclass(frozen=True)
class Dimension:
    """One entry: its name as it came (nested ones joined by "›"), its value, and perhaps a bar.

    `among` says the dimension's range in the run, "" where this package alone gave a number.
    """

    name: str
    value: str
    bar: Drawn | None
    among: str


@dataclass(frozen=True)
class Card:
    """The entries in their own order; `more` counts those beyond `MOST_DIMENSIONS`."""

    dimensions: tuple[Dimension, ...]
    more: int

    @property
    def drawn(self) -> bool:
        return any(each.bar for each in self.dimensions)


def spans(cards: Iterable[Any]) -> dict[str, Span]:
    """The range of every dimension that is a number somewhere in these scorecards, by name."""
    found: dict[str, list[Decimal]] = {}
    for card in cards:
        for name, value in _entries(card):
            number = _number(value)
            if number is not None:
                found.setdefault(name, []).append(number)
    return {name: Span(min(each), max(each), len(each)) for name, each in found.items()}


def read_card(card: Any, among: Mapping[str, Span]) -> Card:
    """A scorecard as rows of a table; none where it is no object or an empty one."""
    entries = list(_entries(card))
    rows = tuple(
        Dimension(
            name=name[:MOST_NAME] or "(no name)",
            value=_written(value),
            bar=_draw(_number(value), among.get(name)),
            among=_range(_number(value), among.get(name)),
        )
        for name, value in entries[:MOST_DIMENSIONS]
    )
    return Card(rows, max(len(entries) - MOST_DIMENSIONS, 0))


def _entries(card: Any, before: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    if not isinstance(card, dict):
        return
    for key, value in card.items():
        name = f"{before}{BETWEEN}{key}" if before else str(key)
        if isinstance(value, dict) and value and depth < MOST_DEPTH:
            yield from _entries(value, name, depth + 1)
        else:
            yield name, value


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    number = Decimal(value)
    return number if number.is_finite() and number.copy_abs() < MOST_DRAWN else None


def _written(value: Any) -> str:
    """As it came; null is "—", and a list or an empty object its JSON."""
    if value is None:
        return NOTHING
    if isinstance(value, (bool, list, dict)):
        return str(simplejson.dumps(value, use_decimal=True, ensure_ascii=False))[:MOST_VALUE]
    return str(value)[:MOST_VALUE] or "“”"


def _draw(number: Decimal | None, span: Span | None) -> Drawn | None:
    # One number alone has nothing to be long or short beside.
    if number is None or span is None or span.count < 2:
        return None
    low, high = min(span.low, Decimal(0)), max(span.high, Decimal(0))
    if low == high:
        return None
    zero = -low * 100 / (high - low)
    end = (number - low) * 100 / (high - low)
    x, width = min(zero, end), abs(end - zero)
    return Drawn(f"{x:.1f}", f"{width:.1f}", f"{zero:.1f}" if low < 0 else None)


def _range(number: Decimal | None, span: Span | None) -> str:
    if number is None or span is None or span.count < 2:
        return ""
    return f"all {span.low}" if span.low == span.high else f"{span.low} to {span.high}"

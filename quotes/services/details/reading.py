"""Read details out of imported documents, leniently: what cannot be read is not stated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

from quotes.services.details.catalogue import BY_CODE, Kind, dollars_of
from quotes.services.shorthand.amounts import number, parse_money

Json = Any
Path = tuple[str, ...]
Part = Mapping[str, Any]
"""An object of a document in which a detail may stand: the line itself, its coverage …"""


@dataclass(frozen=True)
class Source:
    """How a detail is read out of a document's parts, and every path that states it there.

    `texts` are paths that state it only where a text stands there: an object holds others too.
    """

    read: Callable[[Sequence[Part]], Json]
    paths: tuple[Path, ...]
    texts: tuple[Path, ...] = ()

    @cached_property
    def keys(self) -> frozenset[str]:
        """A part that has none of these states nothing of it, and need not be read."""
        return frozenset(path[0] for path in (*self.paths, *self.texts))


WITHIN = ("coverage", "attributes", "limits")
"""Objects of a line's document, or of an offering, in which it may state its details."""


def line_parts(document: Any) -> list[dict[str, Any]]:
    """Where a line of `input.quotes` may state its details."""
    return [document, *_within(document)] if isinstance(document, dict) else []


def offering_parts(offering: Any) -> list[dict[str, Any]]:
    """Where an offering may state its details."""
    return [*_within(offering), offering] if isinstance(offering, dict) else []


def _within(document: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [document[key] for key in WITHIN if key in document]
    return [part for part in inner if isinstance(part, dict)]


MOST_TEXTS = 4000
MOST_OF_A_TEXT = 100


def parsed(kind: Kind, text: str) -> Json:
    """What a text says as `kind`; raises ValueError where it cannot be read.

    Kept, where it was read and can hold no words of anybody's: the market's limits and deductibles
    are a few hundred, and a page that compares 20 packages reads each of them many times.
    """
    if kind.free_words or "(" in text or len(text) > MOST_OF_A_TEXT:
        return kind.parse(text)
    value = _parsed(kind, text)
    return copy(value) if isinstance(value, (dict, list)) else value


@lru_cache(MOST_TEXTS)
def _parsed(kind: Kind, text: str) -> Json:
    return kind.parse(text)


def lenient(kind: Kind, value: Any) -> Json:
    """What a document's value says as `kind`; None where it cannot be read."""
    try:
        if isinstance(value, bool):
            return kind.of_flag(value) if kind.of_flag else None
        if isinstance(value, (int, Decimal)):
            return kind.of_number(Decimal(value)) if kind.of_number else None
        return parsed(kind, value) if isinstance(value, str) else None
    except (ValueError, ArithmeticError):
        return None


def values_at(parts: Sequence[Part], *paths: Path) -> Iterator[Any]:
    """Every stated value at any of the paths, the likeliest path first."""
    for path in paths:
        first, further = path[0], path[1:]
        for part in parts:
            value: Any = part.get(first)
            for key in further:
                value = value.get(key) if isinstance(value, dict) else None
            if value is not None:
                yield value


def paths_of(*keys: str) -> tuple[Path, ...]:
    return tuple(tuple(key.split(".")) for key in keys)


def simple(line: str, code: str, *keys: str) -> Source:
    kind, paths = BY_CODE[line, code].kind, paths_of(*keys)

    def read(parts: Sequence[Part]) -> Json:
        for value in values_at(parts, *paths):
            stated = lenient(kind, value)
            if stated is not None:
                return stated
        return None

    return Source(read, paths)


def _figure(value: Any) -> int | Decimal | None:
    """Dollars of a limit, from a number or from text such as "100,000"."""
    try:
        if isinstance(value, str):
            return number(parse_money(value, least=1000))
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            return dollars_of(Decimal(value)) or None
    except (ValueError, ArithmeticError):
        pass
    return None


def _first_figure(parts: Sequence[Part], paths: Sequence[Path]) -> int | Decimal | None:
    for value in values_at(parts, *paths):
        figure = _figure(value)
        if figure is not None:
            return figure
    return None


@dataclass(frozen=True)
class LimitKeys:
    """The keys by which a document may state limits, whole or in pieces."""

    whole: tuple[Path, ...]
    split: tuple[Path, ...]
    per_person: tuple[Path, ...]
    per_accident: tuple[Path, ...]
    damage: tuple[Path, ...]
    combined: tuple[Path, ...]

    def source(self, kind: Kind) -> Source:
        paths = (
            *self.whole, *self.split, *self.per_person, *self.per_accident, *self.damage,
            *self.combined,
        )  # fmt: skip
        return Source(lambda parts: self.read(parts, kind), paths)

    def read(self, parts: Sequence[Part], kind: Kind) -> Json:
        for value in values_at(parts, *self.whole):
            stated = lenient(kind, value)
            if stated is not None:
                return stated
        split, combined = self._split(parts), self._combined(parts)
        required = kind is BY_CODE["umbrella", "required_auto"].kind
        if split and combined and not required:
            # Two structures at once: nobody can say which holds.
            return None
        return {**(split or {}), **(combined or {})} or None

    def _split(self, parts: Sequence[Part]) -> dict[str, Any] | None:
        value: dict[str, Any] | None = None
        for stated in values_at(parts, *self.split):
            if isinstance(stated, Mapping):
                stated = f"{stated.get('per_person')}/{stated.get('per_accident')}"
            value = value or lenient(BY_CODE["auto", "liability"].kind, stated)
        if value is None:
            person = _first_figure(parts, self.per_person)
            accident = _first_figure(parts, self.per_accident)
            if person is None or accident is None or person > accident:
                return None
            value = {"per_person": person, "per_accident": accident}
        damage = _first_figure(parts, self.damage)
        if damage is not None and "per_person" in value:
            value = {**value, "property_damage": damage}
        return value

    def _combined(self, parts: Sequence[Part]) -> dict[str, Any] | None:
        for stated in values_at(parts, *self.combined):
            figure = _figure(stated)
            if figure is not None:
                return {"combined": figure}
            value = lenient(BY_CODE["auto", "liability"].kind, stated)
            if isinstance(value, dict) and "combined" in value:
                return value
        return None

"""What is found when an insured's quotes are looked over: the finding, its place, the case.

A finding is a `Mistake` too, so that whoever refuses or reports by path and message (the command
line, `NotReady`) needs to know nothing more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Literal
from uuid import UUID

from quotes.models import Insured, Line, Quote, QuoteLine
from quotes.services.details import LineDetails, StatedDetail
from quotes.services.reading import Mistake

On = Literal["profile", "section", "cell", "quote", "choice", "new_quote"]
MOST_NAMES = 3


@dataclass(frozen=True)
class Place:
    """Where a finding is mended, and the words of the link that leads there.

    `field` names a field of the insured's profile ("zip_code", "drivers-0-years_licensed"), a
    section of it ("drivers"), a cell of the quote `quote` ("home-premium_annual", "expires_on"),
    a field of that quote's own form ("lines-umbrella-limit"), or a line of the choice ("home"); a
    new quote has none.
    """

    words: str
    on: On
    field: str = ""
    quote: UUID | None = None


@dataclass(frozen=True)
class Finding(Mistake):
    """One thing found. `code` says which rule, and never changes; `message` is a sentence
    without its full stop, small at the start; `small` adds what it means or what to do."""

    code: str = ""
    small: str = ""
    places: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Quoted:
    """A quote's line together with its quote."""

    quote: Quote
    line: QuoteLine

    @property
    def noun(self) -> str:
        """ "home", "auto" or "umbrella"."""
        return line_noun(self.line.line)

    def place(self, words: str, column: str = "premium_annual") -> Place:
        return Place(words, "cell", f"{self.line.line}-{column}", self.quote.pk)


AllStated = dict[UUID, Mapping[str, StatedDetail]]
"""What lines state in their details, by the line's key and the detail's code."""


@dataclass(frozen=True)
class Case:
    """What is looked over: `insured` with drivers, vehicles and incumbents prefetched, `quotes`
    with lines, the requested lines, and `now`.

    `quoted` are the lines that count; `kept_back` those the document did not list as offerings.
    """

    insured: Insured
    quotes: tuple[Quote, ...]
    requested: tuple[str, ...]
    quoted: tuple[Quoted, ...]
    kept_back: tuple[Quoted, ...]
    now: datetime
    _stated: AllStated = field(default_factory=dict, compare=False)

    def stated(self, each: Quoted) -> Mapping[str, StatedDetail]:
        """What the line states in its details, by code; its documents are read once."""
        if each.line.pk not in self._stated:
            self._stated[each.line.pk] = LineDetails(each.line)
        return self._stated[each.line.pk]

    @cached_property
    def sent(self) -> tuple[Quoted, ...]:
        """The lines that become offerings: requested, with a premium."""
        return tuple(
            each
            for each in self.quoted
            if each.line.line in self.requested and each.line.premium_annual is not None
        )

    @cached_property
    def wanted_quotes(self) -> tuple[Quote, ...]:
        """The quotes that hold a requested line, with or without a premium."""
        wanted = {each.quote.pk for each in self.quoted if each.line.line in self.requested}
        return tuple(quote for quote in self.quotes if quote.pk in wanted)

    @cached_property
    def _which(self) -> dict[UUID, str]:
        return {
            pk: f" ({words})" if words else "" for pk, words in which_quote(self.quotes).items()
        }

    def name(self, quote: Quote) -> str:
        """The carrier as the quote writes it; where it quotes more than once, with which one."""
        return f"{quote.carrier_name}{self._which[quote.pk]}"

    def whose(self, quote: Quote, thing: str) -> str:
        """ "Larkspur Mutual's package", "Larkspur Mutual's package (quote 2)"."""
        return f"{quote.carrier_name}'s {thing}{self._which[quote.pk]}"

    def line_name(self, each: Quoted) -> str:
        """ "Larkspur Mutual home", "Larkspur Mutual home (quote 2)"."""
        return f"{each.quote.carrier_name} {each.noun}{self._which[each.quote.pk]}"


def which_quote(quotes: Sequence[Quote]) -> dict[UUID, str]:
    """What tells quotes of one carrier apart, by their ids: the package id, else "quote 2", its
    place among them; empty for a carrier with one quote."""
    by_carrier = defaultdict[int, list[Quote]](list)
    for quote in quotes:
        by_carrier[quote.carrier_id].append(quote)
    return {
        quote.pk: (quote.package_id or f"quote {number}") if len(same) > 1 else ""
        for same in by_carrier.values()
        for number, quote in enumerate(same, start=1)
    }


def line_noun(line: str) -> str:
    return str(Line(line).label).lower()


def listed(names: Sequence[str]) -> str:
    """ "A", "A and B", "A, B and C", "A, B and 4 more"."""
    shown = list(dict.fromkeys(names))
    if len(shown) > MOST_NAMES:
        shown = [*shown[: MOST_NAMES - 1], f"{len(shown) - MOST_NAMES + 1} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def alternatives(names: Sequence[str]) -> str:
    """ "A", "A or B", "A, B or C"."""
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def day(value: date) -> str:
    """ "Nov 3, 2026"."""
    return f"{value:%b} {value.day}, {value.year}"

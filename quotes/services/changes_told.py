"""What an edit changed, in words for the access log: what was there before and what is there now.

Figures and terms of quotes are told with both values. Of what is about a person (the profile, a
named driver) only what it is called: an entry outlives the purge of its household.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from quotes.models import Line, Quote
from quotes.services.profile import label
from quotes.services.profile_origins import HEAD_LABELS, IN_DOCUMENT
from quotes.services.quote_origins import quote_origins

UNSTATED = "—"
NAMING = "excluded drivers"
"""The one value of a quote that names people of the household."""
MOST_TOLD = 60
"""Changes an entry lists; a longer list says how many more there were."""
MOST_CHARACTERS = 200


def values_of(quote: Quote) -> dict[str, str]:
    """Every stated value of a quote by what it is called: "Home annual premium" → "$4,310".

    Lines come prefetched as they are now.
    """
    return {
        (value.label if group.title == "Package" else _of_line(group.title, value.label)): (
            value.value
        )
        for group in quote_origins(quote)
        for value in group.values
    }


def _of_line(title: str, named: str) -> str:
    return f"{title} {named[0].lower()}{named[1:]}" if named[1:2].islower() else f"{title} {named}"


def told(carrier: str, before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """ "Alder & Pine: Home annual premium: $4,310 → $4,400", one for each value that differs."""
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return shortened(
        _step(carrier, name, before.get(name, UNSTATED), now.get(name, UNSTATED)) for name in names
    )


def told_cells(carrier: str, steps: Iterable[tuple[str, str, str]]) -> list[str]:
    """The same for cells of the grid: name, what stood there, what stands there now."""
    return [
        _step(carrier, name, before or UNSTATED, now or UNSTATED) for name, before, now in steps
    ]


def told_parts(names: Sequence[str]) -> list[str]:
    """Parts of a profile that changed, by the names under which their origins are kept:
    "street" → "Street", "incumbents.auto" → "Auto in force"."""
    return [_part(name) for name in names]


def shortened(changes: Iterable[str]) -> list[str]:
    """At most `MOST_TOLD` of them, and how many more."""
    every = list(changes)
    more = len(every) - MOST_TOLD
    return every if more <= 0 else [*every[:MOST_TOLD], f"and {more} more"]


def _step(carrier: str, name: str, before: str, now: str) -> str:
    if name.lower().endswith(NAMING):
        return f"{carrier}: {name}"
    return f"{carrier}: {name}: {before[:MOST_CHARACTERS]} → {now[:MOST_CHARACTERS]}"


def _part(name: str) -> str:
    known = HEAD_LABELS | IN_DOCUMENT
    if name in known:
        return known[name]
    part, _, line = name.partition(".")
    return f"{Line(line).label} in force" if line else label(part)

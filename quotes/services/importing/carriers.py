"""The carriers a table names: known ones by every spelling, new ones, and likely misspellings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from quotes.models import Carrier, CarrierAlias
from quotes.models.carrier import carrier_key, loose_key
from quotes.services.importing.stated import Problem, StatedQuote

ALIKE = 0.84
"""The likeness from which a new name may be a slip: one letter in about six."""
MOST_COMPARED = 50
"""More new carriers in one table than this are no slips of the keyboard."""


@dataclass
class CarrierPlan:
    """A carrier of the import; `pk` is None until a new one is made."""

    name: str
    pk: int | None = None


def planned_carriers(
    stated: Sequence[StatedQuote],
) -> tuple[dict[int, CarrierPlan], list[CarrierPlan], list[Problem]]:
    """The carrier of each stated quote by its id(), those to be made, and warnings of both.

    A name is found as `Carrier.objects.named` finds it: two spellings of one new carrier are one.
    """
    names = {quote.carrier_name for quote in stated}
    known = Carrier.objects.by_key(names)
    by_name: dict[str, CarrierPlan] = {}
    new: dict[str, CarrierPlan] = {}
    for quote in stated:
        name = quote.carrier_name
        if name in by_name:
            continue
        carrier = known.get(carrier_key(name))
        if carrier is not None:
            by_name[name] = CarrierPlan(carrier.name, carrier.pk)
        else:
            by_name[name] = new.setdefault(loose_key(name), CarrierPlan(name.strip()[:120]))
    first = {id(by_name[quote.carrier_name]): quote for quote in reversed(stated)}
    warnings = _likely_slips([(each, first[id(each)]) for each in new.values()])
    return (
        {id(quote): by_name[quote.carrier_name] for quote in stated},
        list(new.values()),
        warnings,
    )


def _likely_slips(new: Sequence[tuple[CarrierPlan, StatedQuote]]) -> list[Problem]:
    found = close_carriers([carrier.name for carrier, _ in new])
    return [
        Problem(
            new_carrier_words(carrier.name, found.get(carrier.name)),
            row=quote.row,
            column=quote.headings.get("carrier_name", ""),
            blocking=False,
        )
        for carrier, quote in new
    ]


def new_carrier_words(name: str, alike: str | None) -> str:
    if alike is None:
        return f"{name} is a new carrier"
    return (
        f"{name} is a new carrier. Did you mean {alike}? Then correct the name first: importing "
        f"adds {name} beside it"
    )


def close_carriers(names: Iterable[str]) -> dict[str, str]:
    """For names no carrier goes by: the known carrier, or the earlier name, it may be a slip of."""
    names = list(names)[:MOST_COMPARED]
    if not names:
        return {}
    choices = dict(
        CarrierAlias.objects.values_list("loose_key", "carrier__name")
        .order_by("-pk")
        .exclude(loose_key="")
    )
    found = {}
    for name in names:
        key = loose_key(name)
        close = get_close_matches(key, choices, n=1, cutoff=ALIKE)
        if close:
            found[name] = choices[close[0]]
        choices.setdefault(key, name)
    return found

"""Which stored quote a stated one is, so that importing again updates and never doubles."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from quotes.models import Quote
from quotes.services.importing.stated import Problem, StatedQuote

Pairs = dict[int, Quote]
Carriers = dict[int, int | None]
"""By the id() of a stated quote: its carrier's key, None for a carrier that is new."""


def matched(
    stated: Sequence[StatedQuote], stored: Sequence[Quote], carriers: Carriers
) -> tuple[Pairs, list[Problem]]:
    """The stored quote of each stated one of a household, by the stated quote's id().

    The surest sign first: the package id; then carrier and quote ids; then carrier and all that
    is stated; then the only quote left of a carrier. `stored` come with their lines.
    """
    pairs: Pairs = {}
    packages = {quote.package_id: quote for quote in stored if quote.package_id}
    for quote in stated:
        known = packages.pop(_package(quote), None)
        if known is not None:
            pairs[id(quote)] = known
    free: dict[int, dict[UUID, Quote]] = {}
    taken = {quote.pk for quote in pairs.values()}
    for each in stored:
        if each.pk not in taken:
            free.setdefault(each.carrier_id, {})[each.pk] = each
    for sign in (_same_ids, _says_already):
        for quote in stated:
            left = free.get(carriers[id(quote)] or 0, {})
            if id(quote) not in pairs and left:
                found = next(
                    (e for e in left.values() if _may_be(quote, e) and sign(quote, e)), None
                )
                if found is not None:
                    pairs[id(quote)] = left.pop(found.pk)
    warnings = []
    for carrier, left in free.items():
        asked = [q for q in stated if id(q) not in pairs and carriers[id(q)] == carrier]
        fitting = [e for e in left.values() if any(_may_be(q, e) for q in asked)]
        if len(asked) == 1 and len(fitting) == 1:
            pairs[id(asked[0])] = fitting[0]
        elif asked and fitting:
            warnings.append(_unclear(asked[0], fitting))
    return pairs, warnings


def _unclear(quote: StatedQuote, left: Sequence[Quote]) -> Problem:
    count = "a quote" if len(left) == 1 else f"{len(left)} quotes"
    return Problem(
        f"the insured has {count} of {left[0].carrier_name} already, and nothing here says which "
        "it is: it is added as another. State a package id or quote ids to update one",
        row=quote.row,
        column=quote.headings.get("carrier_name", ""),
        blocking=False,
    )


def _package(quote: StatedQuote) -> str:
    return str(quote.columns.get("package_id") or "")


def _may_be(quote: StatedQuote, stored: Quote) -> bool:
    """Two package ids that differ are two packages."""
    return not (_package(quote) and stored.package_id and _package(quote) != stored.package_id)


def _same_ids(quote: StatedQuote, stored: Quote) -> bool:
    """Whether every quote id that the table states is one of the stored quote's lines."""
    stated = {
        (name, line.columns["quote_ref"])
        for name, line in quote.lines.items()
        if line.columns.get("quote_ref")
    }
    return bool(stated) and stated <= {(line.line, line.quote_ref) for line in stored.lines.all()}


def _says_already(quote: StatedQuote, stored: Quote) -> bool:
    """Whether the stored quote states every value that the table does.

    A line of which the table states no value, only its terms, was never stored.
    """
    lines = {line.line: line for line in stored.lines.all()}
    return all(
        name in lines
        and all(getattr(lines[name], column) == value for column, value in line.columns.items())
        for name, line in quote.lines.items()
        if line.columns
    ) and all(getattr(stored, column) == value for column, value in quote.columns.items())

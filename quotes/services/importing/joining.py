"""Rows that state a line each, put together into packages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quotes.models.carrier import carrier_key
from quotes.services.importing.row_reading import Part

Tell = Callable[..., None]


def joined(parts: list[Part], tell: Tell) -> list[Part]:
    """Parts of the same household, carrier and package as one, in the order they began.

    Without package ids a package goes on until one of its lines comes again.
    """
    open_quotes: dict[tuple[Any, ...], list[Part]] = {}
    found: list[Part] = []
    for part in parts:
        if not part.quote.carrier_name:
            continue
        key = (_household(part), carrier_key(part.quote.carrier_name))
        candidates = open_quotes.setdefault(key, [])
        into = _package_for(part, candidates, tell)
        if into is None:
            candidates.append(part)
            found.append(part)
        else:
            _merge(part, into, tell)
    return found


def _household(part: Part) -> tuple[str, ...]:
    insured = part.quote.insured
    known = str(insured.get("insured_id", ""))
    if known:
        return (known,)
    return tuple(str(insured.get(each, "")).casefold() for each in ("applicant_name", "zip_code"))


def _package_for(part: Part, candidates: list[Part], tell: Tell) -> Part | None:
    """The package a part belongs to; None where it begins one."""
    package = part.quote.columns.get("package_id")
    of_same = [each for each in candidates if each.quote.columns.get("package_id") == package]
    if package and of_same:
        if set(part.quote.lines) & set(of_same[0].quote.lines):
            tell(
                f"{part.line} stands twice in package {package}; give one of them another "
                "package id, or take it out",
                part.quote.row,
            )
        return of_same[0]
    if not candidates:
        return None
    last = candidates[-1]
    other = last.quote.columns.get("package_id")
    if package and other:
        return None
    if set(part.quote.lines) & set(last.quote.lines):
        tell(
            f"{part.quote.carrier_name} states {part.line} again; a second package was begun. "
            "Package ids would tell them apart",
            part.quote.row,
            blocking=False,
        )
        return None
    return last


def _merge(part: Part, into: Part, tell: Tell) -> None:
    quote, row = into.quote, part.quote
    quote.rows += row.rows
    for line, stated in row.lines.items():
        quote.lines.setdefault(line, stated)
    for column, value in row.columns.items():
        if column in into.unsettled:
            continue
        if column not in quote.columns:
            quote.columns[column] = value
            quote.headings.setdefault(column, row.headings.get(column, ""))
        elif quote.columns[column] != value:
            _settle(column, value, into, part, tell)
    for column, value in row.insured.items():
        quote.insured.setdefault(column, value)
        quote.headings.setdefault(column, row.headings.get(column, ""))
    into.declined |= part.declined
    into.premium_amiss = into.premium_amiss or part.premium_amiss


def _settle(column: str, value: Any, into: Part, part: Part, tell: Tell) -> None:
    """Lines of one package that say different things of it."""
    columns, heading = into.quote.columns, part.quote.headings.get(column, "")
    number = part.quote.row
    if column == "package_premium_annual":
        tell(
            f"differs from row {into.quote.row} of the same package; a package has one premium",
            number,
            heading,
        )
    elif column == "expires_at":
        # A package expires with its earliest line.
        columns[column] = min(columns[column], value)
        tell("the lines expire apart; the earliest day holds", number, heading, blocking=False)
    elif column == "term_months":
        # Six months of auto beside a year of home: each line keeps its own, the package none.
        del columns[column]
        into.unsettled.add(column)
        tell("the lines have different terms; none was taken", number, heading, blocking=False)
    else:
        told = f"differs from row {into.quote.row} of the same package, which holds"
        tell(told, number, heading, blocking=False)

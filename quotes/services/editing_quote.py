"""Save what a broker typed of a quote, with its lines and their details; all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Max

from quotes.models import LINES, Carrier, Insured, Quote, QuoteLine
from quotes.services import details
from quotes.services.changes_told import told, values_of
from quotes.services.editing import ChangedMeanwhile, digest, shown_columns
from quotes.services.origins import How, Origin, mark

QUOTE_COLUMNS = (
    "carrier_name", "package_id", "package_premium_annual", "term_months", "generated_at",
    "expires_at", "broker",
)  # fmt: skip
LINE_COLUMNS = ("premium_annual", "product_name", "quote_ref")
YEAR = 12


class PackageIdTaken(Exception):
    """Another quote of the insured has this package id; nothing was written."""


class SavedQuote(NamedTuple):
    """A quote as stored, and what was changed to make it so, in words for the access log."""

    quote: Quote
    changes: list[str]


@dataclass(frozen=True)
class TypedLine:
    """A line as typed: the premium and each detail, by code, in shorthand; empty is not stated.

    A detail that is not among `details` stays as it is.
    """

    premium: str = ""
    quote_ref: str = ""
    product_name: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


def quote_version(quote: Quote) -> str:
    """Changes whenever anything that the quote's form shows was changed by anyone."""
    lines = sorted(quote.lines.all(), key=lambda line: line.line)
    return digest([shown_columns(quote, QUOTE_COLUMNS), [_shown_line(line) for line in lines]])


def _shown_line(line: QuoteLine) -> list[Any]:
    texts = {code: stated.text for code, stated in details.details_of(line).items()}
    return [line.line, shown_columns(line, LINE_COLUMNS), texts]


@transaction.atomic
def save_quote(
    *,
    insured: Insured,
    columns: Mapping[str, Any],
    lines: Mapping[str, TypedLine],
    quote: Quote | None = None,
    version: str = "",
    overwrite: bool = False,
    origin: Origin | None = None,
) -> SavedQuote:
    """Store a quote with exactly these lines (by line of business), new or edited.

    `version` is `quote_version` as it was when the form was opened. `origin` marks what changes.
    Raises PackageIdTaken, ChangedMeanwhile unless `overwrite`, and ValueError for shorthand
    that cannot be read: check it first.
    """
    insured = Insured.objects.select_for_update(of=("self",)).get(pk=insured.pk)
    if quote is None:
        last = insured.quotes.aggregate(last=Max("position"))["last"]
        quote = Quote(insured=insured, position=0 if last is None else last + 1)
    else:
        # None when somebody deleted it since: then there is nothing to lay the form over.
        stored = insured.quotes.filter(pk=quote.pk).prefetch_related("lines").first()
        if stored is None or (quote_version(stored) != version and not overwrite):
            raise ChangedMeanwhile
        quote = stored
    before = {} if quote._state.adding else values_of(quote)
    package = columns["package_id"]
    if package and insured.quotes.filter(package_id=package).exclude(pk=quote.pk).exists():
        raise PackageIdTaken
    if quote._state.adding or quote.carrier_name != columns["carrier_name"]:
        quote.carrier = Carrier.objects.named(columns["carrier_name"])
    changed = _set_columns(quote, {name: columns[name] for name in QUOTE_COLUMNS})
    _mark(quote, changed, origin)
    quote.save()
    _store_quote_lines(quote, lines, origin)
    insured.save(update_fields=["updated_at"])
    saved = Quote.objects.prefetch_related("lines").get(pk=quote.pk)
    return SavedQuote(saved, told(saved.carrier_name, before, values_of(saved)))


def _set_columns(row: Quote | QuoteLine, columns: Mapping[str, Any]) -> list[str]:
    """Set the columns, and name those that say something else now."""
    changed = [name for name, value in columns.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, columns[name])
    return changed


def _mark(row: Quote | QuoteLine, changed: list[str], origin: Origin | None) -> None:
    if origin is None or not changed:
        return
    mark(row, changed, origin)
    if row._state.adding and "term_months" in changed and getattr(row, "term_months", 0) == YEAR:
        # The form of a new quote holds it from the start.
        mark(row, ["term_months"], Origin(How.ASSUMED, where="a year", by=origin.by))


def _store_quote_lines(quote: Quote, lines: Mapping[str, TypedLine], origin: Origin | None) -> None:
    present = {line.line: line for line in quote.lines.all()}
    for index, name in enumerate(LINES):
        line, typed = present.get(name), lines.get(name)
        if typed is None:
            if line:
                line.delete()
            continue
        if line is None:
            line = QuoteLine(quote=quote, line=name, position=quote.position * 10 + index)
        changed = _lay_over(line, typed)
        if changed or line._state.adding:
            _mark(line, changed, origin)
            line.save()


def _lay_over(line: QuoteLine, typed: TypedLine) -> list[str]:
    """Lay a typed line over a stored one, unsaved; the columns and detail codes that changed."""
    words = {"quote_ref": typed.quote_ref, "product_name": typed.product_name}
    changed = _set_columns(line, words)
    if details.set_premium(line, typed.premium):
        changed += ["premium_annual", "term"] if "term" in line.details else ["premium_annual"]
    stated = details.details_of(line)
    for code, text in typed.details.items():
        before = stated[code].text if code in stated else ""
        if text != before and details.set_detail(line, code, text):
            changed.append(code)
    return changed


@transaction.atomic
def delete_quote(*, quote: Quote) -> list[str]:
    """Delete a quote with its lines; returns what it said, for the access log.

    Runs that used it keep their request and their packages.
    """
    insured = Insured.objects.select_for_update(of=("self",)).get(pk=quote.insured_id)
    gone = told(quote.carrier_name, values_of(quote), {})
    quote.delete()
    insured.save(update_fields=["updated_at"])
    return gone

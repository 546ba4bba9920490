"""An insured with its quotes as a person would read it, to say what an import changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from quotes.models import Insured, Quote, QuoteLine
from quotes.services import details
from quotes.services import documents as doc
from quotes.services.importing.preview import (
    DASH,
    LABELS,
    Change,
    label,
    shown,
)
from quotes.services.importing.terms import detail_label

HEAD = ("applicant_name", "street", "city", "state", "zip_code")
HIDDEN = "_"
"""Begins the keys of what is compared and has no words: whole documents."""
Words = dict[str, str]


@dataclass
class Snapshot:
    """Values in words by label; those of quotes by the quote's id."""

    profile: Words = field(default_factory=dict)
    quotes: dict[UUID, Words] = field(default_factory=dict)
    premiums: dict[UUID, dict[str, Decimal | None]] = field(default_factory=dict)


def snapshot(insured: Insured | None) -> Snapshot:
    """As the insured and its quotes are stored now; empty for one that is not there yet."""
    taken = Snapshot()
    if insured is None:
        return taken
    stored = Insured.objects.prefetch_related("drivers", "vehicles", "incumbents").get(
        pk=insured.pk
    )
    taken.profile = _profile(stored)
    for quote in Quote.objects.filter(insured=insured).prefetch_related("lines"):
        taken.quotes[quote.pk] = _quote(quote)
        taken.premiums[quote.pk] = {line.line: line.premium_annual for line in quote.lines.all()}
    return taken


def _profile(insured: Insured) -> Words:
    words = {label(name): shown(name, getattr(insured, name)) for name in HEAD}
    words["Drivers"] = ", ".join(str(each) for each in insured.drivers.all()) or DASH
    words["Vehicles"] = ", ".join(str(each) for each in insured.vehicles.all()) or DASH
    for policy in insured.incumbents.all():
        premium = shown("annual_premium", policy.annual_premium)
        words[f"Incumbent {policy.line}"] = f"{policy.carrier_name or DASH} {premium}"
    words[f"{HIDDEN}documents"] = repr(
        [insured.document, insured.body_document]
        + [each.document for each in insured.drivers.all()]
        + [each.document for each in insured.vehicles.all()]
        + [each.document for each in insured.incumbents.all()]
    )
    return words


def _quote(quote: Quote) -> Words:
    names = [each.attr for each in doc.QUOTE if each.attr in LABELS]
    words = {label(name): shown(name, getattr(quote, name)) for name in names}
    words[f"{HIDDEN}document"] = repr([quote.document, quote.in_input_quotes])
    for line in quote.lines.all():
        words |= _line(line)
    return words


def _line(line: QuoteLine) -> Words:
    words = {
        label(each.attr, line.line): shown(each.attr, getattr(line, each.attr))
        for each in doc.QUOTE_LINE
    }
    for code, stated in details.details_of(line).items():
        words[detail_label(line.line, code)] = stated.shown
    words[f"{HIDDEN}{line.line}"] = repr(
        [line.document, line.offering_document, line.offering_id, line.position]
    )
    return words


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[list[Change], bool]:
    """What differs in words, in the order of `after`; and whether anything without words does."""
    keys = [*after, *(key for key in before if key not in after)]
    differing = [key for key in keys if before.get(key, DASH) != after.get(key, DASH)]
    changes = [
        Change(key, before.get(key, DASH), after.get(key, DASH))
        for key in differing
        if not key.startswith(HIDDEN)
    ]
    return changes, len(changes) != len(differing)

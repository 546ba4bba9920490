"""Store an imported document: which insured it is, which quotes it changes, all or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import simplejson
from django.db import IntegrityError, transaction

from quotes.models import (
    LINES,
    Carrier,
    Driver,
    IncumbentPolicy,
    Insured,
    Quote,
    QuoteLine,
    User,
    Vehicle,
)
from quotes.services import details
from quotes.services import documents as doc
from quotes.services.grouping import QuotedLine, QuotedPackage, quoted_packages, restate
from quotes.services.origins import Origin, Traced, mark
from quotes.services.profile_origins import IN_DOCUMENT
from quotes.services.reading import Document

SHOWN = tuple(each.attr for each in (*doc.QUOTE, *doc.QUOTE_LINE))
"""Columns of a quote and of its lines that a person sees; the others hold documents."""
OWN_IDS = ("id", "insured_id", "household_id")
"""Where an `input` may carry its own id; the API documents none, these are the usual names.

Not those of an account or of whoever sends it: one such id stands on many households.
"""


@dataclass
class Intake:
    """What an import did. `quotes` are the document's quotes, in its order."""

    insured: Insured
    created: bool
    quotes: list[Quote] = field(default_factory=list)
    quotes_created: int = 0
    quotes_changed: int = 0
    quotes_unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    offered: set[UUID] | None = None
    """The quote lines the document lists as offerings; None where it lists none: then all are."""
    origin: Origin | None = None


@transaction.atomic
def import_document(
    *,
    document: Document,
    owner: User | None,
    origin: Origin | None = None,
    insured: Insured | None = None,
    profile: bool = True,
) -> Intake:
    """Store a checked document for `owner`, or for nobody; importing it again changes nothing.

    `origin` marks where the values came from; those that do not change keep theirs. `insured` is
    whose document it is where that is known otherwise than by the document; without `profile`
    only its quotes are taken.
    """
    created = False
    if insured is None:
        insured, created = _known_or_new(owner, identity_key(document))
    else:
        insured = Insured.objects.select_for_update(of=("self",)).get(pk=insured.pk)
    if profile:
        _store_profile(insured, document, origin)
    intake = Intake(insured=insured, created=created, removed=document.removed, origin=origin)
    if document.offerings:
        intake.offered = set()
    for package in quoted_packages(document):
        _store_quote(intake, package)
    return intake


def _known_or_new(owner: User | None, key: str) -> tuple[Insured, bool]:
    """The household of this key, locked, and whether it was made just now for `owner`."""
    insured = known_insured(owner, key, lock=True)
    if insured is not None:
        return insured, False
    try:
        with transaction.atomic():
            return Insured.objects.create(owner=owner, identity_key=key), True
    except IntegrityError:
        # Somebody imported the same household between the look and the write.
        own = Insured.objects.select_for_update().filter(owner=owner, identity_key=key)
        return own.get(), False


def known_insured(owner: User | None, key: str, *, lock: bool = False) -> Insured | None:
    """The stored household of this key: the owner's own, else one that is shared with them."""
    rows = Insured.objects.select_for_update(of=("self",)) if lock else Insured.objects.all()
    found = list(rows.recognised_for(owner).filter(identity_key=key).order_by("created_at", "pk"))
    own = [each for each in found if each.owner_id == (owner.pk if owner else None)]
    return next(iter(own or found), None)


def identity_key(document: Document) -> str:
    """By what the same household is known again.

    Its own id; else the applicant's name with state and ZIP; else its content without quotes.
    """
    source = document.input
    for name in OWN_IDS:
        own = source.get(name)
        if isinstance(own, (str, int)) and not isinstance(own, bool) and str(own).strip():
            return own_key(str(own))
    columns = doc.read_fields(source, doc.ADDRESS)
    return name_key(
        doc.read_name(source.get("applicant")), columns["state"], columns["zip_code"]
    ) or "content:" + _digest(
        {key: value for key, value in source.items() if key not in {"quotes", "coverage_types"}}
    )


def own_key(own_id: str) -> str:
    """The identity of a household that has an id of its own."""
    return f"id:{_short(own_id.strip())}"


def name_key(name: str, state: str, zip_code: str) -> str:
    """The identity of a named household at a place; empty unless all three are stated."""
    plain = " ".join(name.casefold().split())
    return (
        f"name:{_short(f'{plain}|{state}|{zip_code[:5]}')}" if plain and state and zip_code else ""
    )


def _short(value: str) -> str:
    return value if len(value) <= 200 else hashlib.sha256(value.encode()).hexdigest()


def _digest(value: Any) -> str:
    text = simplejson.dumps(value, use_decimal=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _mark(row: Traced, columns: Mapping[str, Any], origin: Origin | None) -> None:
    """Mark the stated ones of `columns` that differ from the row's, before they are set."""
    if origin is None:
        return
    names = [
        name
        for name, value in columns.items()
        if value not in (None, "") and getattr(row, name) != value
    ]
    if names:
        mark(row, names, origin)


def _store_profile(insured: Insured, document: Document, origin: Origin | None) -> None:
    source = deepcopy(document.input)
    if source.get("quotes"):
        del source["quotes"]
    drivers, vehicles = source.get("drivers") or [], source.get("vehicles_detail") or []
    # An empty list stays in the document, so that it is sent back as one.
    if drivers:
        del source["drivers"]
    if vehicles:
        del source["vehicles_detail"]
    incumbents = _take_incumbents(source)
    columns = doc.read_fields(source, doc.ADDRESS)
    columns["applicant_name"] = doc.read_name(source.get("applicant"))
    changed = (
        insured.document != source
        or insured.body_document != document.body
        or any(getattr(insured, name) != value for name, value in columns.items())
    )
    if changed:
        _mark(insured, columns, origin)
        if origin is not None:
            parts = [name for name in IN_DOCUMENT if source.get(name)]
            mark(insured, [n for n in parts if source[n] != insured.document.get(n)], origin)
        for name, value in columns.items():
            setattr(insured, name, value)
        insured.document, insured.body_document = source, document.body
        insured.save()
    rows = {
        Driver: [_driver(item) for item in drivers],
        Vehicle: [doc.read_fields(item, doc.VEHICLE) | {"document": item} for item in vehicles],
        IncumbentPolicy: incumbents,
    }
    replaced = [_replace(insured, model, rows[model]) for model in ROWS]
    if any(names is not None for names in replaced):
        if origin is not None:
            mark(insured, [name for names in replaced for name in names or ()], origin)
        insured.save(update_fields=["updated_at", "origins"])


def _driver(item: dict[str, Any]) -> dict[str, Any]:
    return doc.read_fields(item, doc.DRIVER) | {"name": doc.read_name(item), "document": item}


def _take_incumbents(source: dict[str, Any]) -> list[dict[str, Any]]:
    coverage = source.get("current_coverage")
    if not isinstance(coverage, dict):
        return []
    found = []
    for line in LINES:
        policy = coverage.get(line)
        if isinstance(policy, dict):
            columns = doc.read_fields(policy, doc.INCUMBENT)
            found.append(columns | {"line": line, "document": coverage.pop(line)})
    return found


ROWS: dict[type[Driver] | type[Vehicle] | type[IncumbentPolicy], str] = {
    Driver: "drivers",
    Vehicle: "vehicles",
    IncumbentPolicy: "incumbents",
}
"""What a household has rows of, as its origins call them."""


def _replace(
    insured: Insured,
    model: type[Driver] | type[Vehicle] | type[IncumbentPolicy],
    rows: list[dict[str, Any]],
) -> list[str] | None:
    """Make the insured's rows of `model` say `rows`, touching nothing where they already do.

    What was changed, as the insured's origins call it; None when nothing was.
    """
    if model is not IncumbentPolicy:
        rows = [row | {"position": index} for index, row in enumerate(rows)]
    present = list(model.objects.filter(insured=insured))
    if len(present) == len(rows) and all(
        all(getattr(old, name) == value for name, value in row.items())
        for old, row in zip(present, rows, strict=True)
    ):
        return None
    model.objects.filter(insured=insured).delete()
    for row in rows:
        extra: dict[str, Any] = {}
        if model is IncumbentPolicy and row["carrier_name"]:
            extra["carrier"] = Carrier.objects.named(row["carrier_name"])
        model.objects.create(insured=insured, **row, **extra)
    if model is IncumbentPolicy:
        return [f"incumbents.{row['line']}" for row in rows]
    return [ROWS[model]] if rows else []


def _store_quote(intake: Intake, package: QuotedPackage) -> None:
    used = {quote.pk for quote in intake.quotes}
    others = intake.insured.quotes.exclude(pk__in=used).prefetch_related("lines")
    columns = package.columns() | {"document": package.document}
    columns["in_input_quotes"] = package.listed
    columns["carrier_name"] = columns["carrier_name"] or package.carrier.strip()
    columns["carrier"] = Carrier.objects.named(package.carrier)
    if any(quote.package_id == columns["package_id"] for quote in intake.quotes):
        columns["package_id"] = ""  # the second package under one id keeps it in its document only
    quote = _same_quote(list(others), package, columns)
    created = quote is None
    if quote is None:
        last = intake.insured.quotes.order_by("-position").first()
        quote = Quote(insured=intake.insured, position=last.position + 1 if last else 0)
    changed = created or any(getattr(quote, name) != value for name, value in columns.items())
    before = quote.document
    if changed:
        _mark(quote, {name: columns[name] for name in SHOWN if name in columns}, intake.origin)
        for name, value in columns.items():
            setattr(quote, name, value)
        quote.save()
    changed = _store_lines(intake, quote, package, before) or changed
    intake.quotes.append(quote)
    if created:
        intake.quotes_created += 1
    elif changed:
        intake.quotes_changed += 1
    else:
        intake.quotes_unchanged += 1


def _same_quote(
    others: list[Quote], package: QuotedPackage, columns: Mapping[str, Any]
) -> Quote | None:
    """The stored quote this package is: by package id, else by carrier and its lines' ids."""
    by_id = [q for q in others if q.package_id and q.package_id == columns["package_id"]]
    if by_id:
        return by_id[0]
    refs = package.refs()
    alike = [
        quote
        for quote in others
        if quote.carrier_id == columns["carrier"].pk
        and not (quote.package_id and columns["package_id"])
        and {(line.line, line.quote_ref) for line in quote.lines.all()} == refs
    ]
    if not any(ref for _, ref in refs):
        # Without a single id only the same price is the same quote.
        premiums = {line.line: line.columns()["premium_annual"] for line in package.lines}
        alike = [
            q for q in alike if {ln.line: ln.premium_annual for ln in q.lines.all()} == premiums
        ]
    return alike[0] if alike else None


def _store_lines(
    intake: Intake, quote: Quote, package: QuotedPackage, before: Mapping[str, Any]
) -> bool:
    """Make the quote's lines say the package's; True when anything changed.

    `before` is the quote's document as it was until now.
    """
    present = {line.line: line for line in quote.lines.all()} if not quote._state.adding else {}
    changed = False
    base = _next_position(quote)
    for item in package.lines:
        columns = item.columns()
        line = present.pop(item.line, None)
        if item.offering is None:
            columns["position"] = line.position if line else base + item.position
            if line:
                # The offering it once came with stays, since it may hold what the quote does not
                # say; but what the quote says otherwise now holds for it too.
                kept = _restated(line, item, before, package.document)
                merged = QuotedLine(line.line, item.document, kept or None, line.position)
                columns = merged.columns()
        stored = line is not None
        line = line or QuoteLine(quote=quote, line=item.line)
        if item.offering is not None and intake.offered is not None:
            intake.offered.add(line.pk)
        if stored and all(getattr(line, name) == value for name, value in columns.items()):
            continue
        _mark(line, {name: columns[name] for name in SHOWN if name in columns}, intake.origin)
        was = details.imported_details(line)
        for name, value in columns.items():
            setattr(line, name, value)
        restated = details.take_restated(line, was)
        if intake.origin is not None and restated:
            mark(line, restated, intake.origin)
        line.save()
        changed = True
    for gone in present.values():
        gone.delete()
        changed = True
    return changed


def _restated(
    line: QuoteLine, item: QuotedLine, before: Mapping[str, Any], now: Mapping[str, Any]
) -> dict[str, Any]:
    """A stored line's offering after an import that gives its quote anew, and no offering."""
    offering = deepcopy(dict(line.offering_document))
    if offering:
        was = QuotedLine(line.line, line.document, line.offering_document).columns()
        words = QuotedLine(line.line, item.document, line.offering_document).columns()
        restate(offering, doc.QUOTE_LINE, was, words)
        restate(
            offering, doc.QUOTE, doc.read_fields(before, doc.QUOTE), doc.read_fields(now, doc.QUOTE)
        )
    return offering


def _next_position(quote: Quote) -> int:
    """Where a new line of this quote stands among the offerings: after the quotes before it."""
    return quote.position * 10

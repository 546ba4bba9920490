"""Models → the request body. Pure: reads what it is given, writes nothing.

Guide, "Converting Quotes to Offerings": one offering for each quoted line, never one for a
package; an offering's category is among `input.coverage_types`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, count
from typing import Any
from uuid import UUID

from quotes.models import LINES, Insured, Line, Quote, QuoteLine
from quotes.services import details
from quotes.services import documents as doc
from quotes.services.grouping import QuotedLine, restate
from quotes.services.origins import How, origin_of

PASSED_THROUGH = ("term_months", "quote_generated_at", "quote_expires_at", "broker")


@dataclass(frozen=True)
class Request:
    """A body ready to send, and which of our quote lines each offering is."""

    body: dict[str, Any]
    offering_lines: dict[str, str]
    left_out: tuple[QuoteLine, ...]


def build_request(
    *,
    insured: Insured,
    quotes: Sequence[Quote],
    coverage_types: Sequence[str],
    appetite: str | None = None,
    offered: Collection[UUID] | None = None,
) -> Request:
    """The submit body for these quotes.

    `insured` comes with drivers, vehicles and incumbents, `quotes` with lines prefetched.
    No `appetite` leaves what the document says. Lines that were not requested, or have no
    premium yet, are left out and listed, and so are all but the `offered` where that is given.
    """
    lines = sorted(
        ((quote, line) for quote in quotes for line in quote.lines.all()),
        key=lambda pair: (pair[1].position, pair[0].position, LINES.index(pair[1].line)),
    )
    offerings, index, left_out = [], dict[str, str](), []
    for quote, line in lines:
        stated = offered is None or line.pk in offered
        if line.line not in coverage_types or line.premium_annual is None or not stated:
            left_out.append(line)
            continue
        offering = build_offering(quote, line, free_id(line, index))
        index[str(offering["id"])] = str(line.pk)
        offerings.append(offering)
    body = deepcopy(dict(insured.body_document))
    body["input"] = build_input(insured, quotes, coverage_types, appetite)
    body["offerings"] = offerings
    return Request(body=body, offering_lines=index, left_out=tuple(left_out))


def build_input(
    insured: Insured,
    quotes: Iterable[Quote],
    coverage_types: Sequence[str],
    appetite: str | None = None,
) -> dict[str, Any]:
    """The `input` value: the imported document with every edited column laid over it."""
    value = doc.write_fields(insured.document, doc.ADDRESS, insured)
    if insured.applicant_name != doc.read_name(value.get("applicant")):
        if not isinstance(value.get("applicant"), dict):
            value["applicant"] = {}
        doc.write_name(value["applicant"], insured.applicant_name)
    stated = value.get("coverage_types")
    if not isinstance(stated, list) or set(stated) != set(coverage_types):
        value["coverage_types"] = list(coverage_types)
    if appetite:
        value["appetite_bucket"] = appetite
    drivers = [build_person(driver) for driver in insured.drivers.all()]
    if drivers:
        value["drivers"] = drivers
    vehicles = [doc.write_fields(v.document, doc.VEHICLE, v) for v in insured.vehicles.all()]
    if vehicles:
        value["vehicles_detail"] = vehicles
    for policy in insured.incumbents.all():
        if not isinstance(value.get("current_coverage"), dict):
            value["current_coverage"] = {}
        value["current_coverage"][policy.line] = doc.write_fields(
            policy.document, doc.INCUMBENT, policy
        )
    listed = [build_quote(quote) for quote in quotes if quote.in_input_quotes]
    if listed:
        value["quotes"] = listed
    return value


def build_person(driver: Any) -> dict[str, Any]:
    """A driver as sent: the imported object with the edited columns over it."""
    value = doc.write_fields(driver.document, doc.DRIVER, driver)
    doc.write_name(value, driver.name)
    return value


def build_quote(quote: Quote) -> dict[str, Any]:
    """One element of `input.quotes`."""
    value = doc.write_fields(quote.document, doc.QUOTE, quote)
    for line in quote.lines.all():
        value[line.line] = _build_line(line)
    return value


def _build_line(line: QuoteLine) -> dict[str, Any]:
    """A line inside `input.quotes`: as it came, with what was edited since."""
    value = deepcopy(dict(line.document))
    was = _imported(line)
    for field in doc.QUOTE_LINE:
        # What only the offering said stays out of the quote.
        if getattr(line, field.attr) != was[field.attr]:
            doc.write_field(value, field, getattr(line, field.attr))
    details.lay_over_line(value, line)
    return value


def _imported(line: QuoteLine) -> dict[str, Any]:
    """The line's columns as it was imported: the quote's own words before the offering's."""
    return QuotedLine(line.line, line.document, line.offering_document).columns()


def free_id(line: QuoteLine, taken: Collection[str]) -> str:
    """The line's offering id, unless another offering of the same request has it.

    An id is its document's own: two files imported for one household may both say
    "offering_1". The later line is then sent under an id made of its UUID.
    """
    made = f"line_{line.pk}"
    ids = chain([line.wire_id, made], (f"{made}_{number}" for number in count(2)))
    return next(each for each in ids if each not in taken)


def build_offering(quote: Quote, line: QuoteLine, wire_id: str) -> dict[str, Any]:
    """The offering of one quoted line; one that came as an offering keeps all it came with."""
    if line.offering_document:
        return _kept_offering(quote, line, wire_id)
    source = build_quote(quote)
    stated = source[line.line]
    coverage = _object(stated.get("coverage")) | {
        "product_name": line.product_name or f"{quote.carrier_name} {Line(line.line).label}",
        "program_type": "quoted_line",
    }
    attributes = _object(stated.get("attributes")) | {
        "quote_id": stated.get("quote_id") or wire_id,
        "line_premium_annual": stated.get("premium_annual"),
        "package_premium_annual": doc.write_money(package_premium(quote)),
    }
    if source.get("package_id"):
        attributes["package_id"] = source["package_id"]
    for key in PASSED_THROUGH:
        if source.get(key) is not None:
            attributes[key] = source[key]
    offering = {
        "id": wire_id,
        "provider_name": quote.carrier_name,
        "category": line.line,
        "coverage": coverage,
        "attributes": attributes,
    }
    details.add_to_offering(offering, line)
    return offering


def package_premium(quote: Quote) -> Decimal:
    """Dollars a year for the whole package; the sum of its lines where none was stated."""
    if quote.package_premium_annual is not None:
        return Decimal(quote.package_premium_annual)
    return sum((ln.premium_annual or Decimal(0) for ln in quote.lines.all()), Decimal(0))


def _kept_offering(quote: Quote, line: QuoteLine, wire_id: str) -> dict[str, Any]:
    """An imported offering, changed only where the quote was edited since."""
    value = deepcopy(dict(line.offering_document))
    if wire_id != line.offering_id:
        value["id"] = wire_id
    coverage, attributes = _part(value, "coverage"), _part(value, "attributes")
    restate(value, doc.QUOTE_LINE, _imported(line), _columns(line, doc.QUOTE_LINE))
    package_was = doc.read_fields(quote.document, doc.QUOTE)
    restate(value, doc.QUOTE, package_was, _columns(quote, doc.QUOTE))
    if package_was["package_id"] and _emptied_package_id(quote):
        attributes.pop("package_id", None)
    coverage.setdefault("product_name", line.product_name or f"{quote.carrier_name} {line.line}")
    coverage.setdefault("program_type", "quoted_line")
    attributes.setdefault("quote_id", wire_id)
    attributes.setdefault("package_premium_annual", doc.write_money(package_premium(quote)))
    details.lay_over_offering(value, line)
    return value


def _emptied_package_id(quote: Quote) -> bool:
    """Whether a person emptied it; an import leaves it blank for a second offering under one id,
    which is never listed."""
    origin = origin_of(quote, "package_id")
    typed = origin is not None and origin.how in (How.TYPED, How.PASTED)
    return not quote.package_id and (quote.in_input_quotes or typed)


def _columns(row: object, fields: tuple[doc.Field, ...]) -> dict[str, Any]:
    return {field.attr: getattr(row, field.attr) for field in fields}


def _part(value: dict[str, Any], key: str) -> dict[str, Any]:
    if not isinstance(value.get(key), dict):
        value[key] = {}
    part: dict[str, Any] = value[key]
    return part


def _object(value: Any) -> dict[str, Any]:
    return deepcopy(value) if isinstance(value, dict) else {}

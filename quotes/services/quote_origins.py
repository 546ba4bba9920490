"""Where the values of a quote came from, for whoever asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime

from quotes.models import LINES, Quote, QuoteLine
from quotes.services import documents as doc
from quotes.services import expiry
from quotes.services.details import StatedDetail, details_of, premium_text
from quotes.services.grouping import QuotedLine
from quotes.services.origins import How, Origin, origin_of
from quotes.services.profile_origins import ValueOrigin
from quotes.services.shorthand import shown_dollars

DAY = "M j, Y"


@dataclass(frozen=True)
class OriginGroup:
    """The stated values of the package, or of one of its lines."""

    title: str
    values: list[ValueOrigin]


def quote_origins(quote: Quote) -> list[OriginGroup]:
    """Every stated value of a quote, whose lines come prefetched, the package first."""
    groups = [OriginGroup("Package", list(_package(quote)))]
    for name in LINES:
        line = quote.line(name)
        if line is not None:
            groups.append(OriginGroup(line.get_line_display(), list(_line(line))))
    return [group for group in groups if group.values]


def _package(quote: Quote) -> Iterator[ValueOrigin]:
    was = doc.read_fields(quote.document, doc.QUOTE)
    premium, months = quote.package_premium_annual, quote.term_months
    quoted, expires = quote.generated_at, quote.expires_at
    shown = {
        "carrier_name": ("Carrier", quote.carrier_name),
        "package_id": ("Package id", quote.package_id),
        "package_premium_annual": (
            "Package premium", "" if premium is None else shown_dollars(premium),
        ),
        "term_months": ("Term", "" if months is None else f"{months} months"),
        "generated_at": ("Quoted on", date_format(localtime(quoted), DAY) if quoted else ""),
        "expires_at": (
            "Expires on", date_format(expiry.last_day(expires), DAY) if expires else "",
        ),
        "broker": ("Broker", quote.broker),
    }  # fmt: skip
    for name, (label, value) in shown.items():
        if value:
            yield ValueOrigin(label, value, origin_of(quote, name) or _imported(quote, was, name))


def _line(line: QuoteLine) -> Iterator[ValueOrigin]:
    was = QuotedLine(line.line, line.document, line.offering_document).columns()
    premium = line.premium_annual
    shown = {
        "premium_annual": (
            "Annual premium", "" if premium is None else _premium(line),
        ),
        "quote_ref": ("Quote id", line.quote_ref),
        "product_name": ("Product", line.product_name),
    }  # fmt: skip
    for name, (label, value) in shown.items():
        if value:
            yield ValueOrigin(label, value, origin_of(line, name) or _imported(line, was, name))
    for code, stated in details_of(line).items():
        if code != "term":
            typed = f" (as typed: {stated.typed})" if stated.text != stated.shown else ""
            words = f"{stated.shown}{typed}"
            yield ValueOrigin(stated.label, words, _detail_origin(line, code, stated))


def _premium(line: QuoteLine) -> str:
    text = premium_text(line)
    shown = shown_dollars(line.premium_annual or 0)
    return f"{shown} ({text})" if "/" in text else shown


def _imported(row: Quote | QuoteLine, was: Mapping[str, Any], name: str) -> Origin | None:
    """What a document states has come by an import, even where nobody noted which."""
    return Origin(How.IMPORTED) if was[name] == getattr(row, name) else None


def _detail_origin(line: QuoteLine, code: str, stated: StatedDetail) -> Origin | None:
    origin = origin_of(line, code)
    return Origin(How.IMPORTED) if origin is None and stated.from_document else origin

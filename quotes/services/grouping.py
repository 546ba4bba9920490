"""Turn a document's quotes and offerings into quoted packages, before anything is stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from quotes.models import LINES
from quotes.models.carrier import carrier_key
from quotes.services import documents as doc
from quotes.services.reading import Document


@dataclass
class QuotedLine:
    """One line of a package: as `input.quotes` gave it, as an offering gave it, or both."""

    line: str
    document: dict[str, Any]
    offering: dict[str, Any] | None = None
    position: int = 0

    def columns(self) -> dict[str, Any]:
        """The columns of a QuoteLine; the quote's own words before the offering's."""
        offering = self.offering or {}
        own = doc.read_fields(self.document, doc.QUOTE_LINE)
        sent = doc.read_fields(line_words(offering), doc.QUOTE_LINE)
        return {
            **{name: sent[name] if own[name] in (None, "") else own[name] for name in own},
            "offering_id": doc.word(200)(offering.get("id")),
            "position": self.position,
            "document": self.document,
            "offering_document": offering,
        }


@dataclass
class QuotedPackage:
    """One carrier's package; `listed` when it stood in `input.quotes`.

    One that did not is documented by its first offering, in the words of `input.quotes`.
    """

    carrier: str
    document: dict[str, Any]
    listed: bool
    lines: list[QuotedLine] = field(default_factory=list)

    def columns(self) -> dict[str, Any]:
        """The columns of a Quote, from its document."""
        return doc.read_fields(self.document, doc.QUOTE)

    def refs(self) -> set[tuple[str, str]]:
        """Its lines with their quote ids: by these it is known where it has no package id."""
        return {(line.line, line.columns()["quote_ref"]) for line in self.lines}


def line_words(offering: dict[str, Any]) -> dict[str, Any]:
    """An offering said in the words of a line of `input.quotes` (guide, "Converting Quotes")."""
    attributes = _object(offering.get("attributes"))
    return {
        "quote_id": attributes.get("quote_id"),
        "premium_annual": attributes.get("line_premium_annual"),
        "product_name": _object(offering.get("coverage")).get("product_name"),
    }


def package_words(offering: dict[str, Any]) -> dict[str, Any]:
    """An offering's package said in the words of `input.quotes`."""
    return {**_object(offering.get("attributes")), "carrier": offering.get("provider_name")}


def quoted_packages(document: Document) -> list[QuotedPackage]:
    """Every package of a document, `input.quotes` first, then what came as offerings alone."""
    packages = [_listed(quote) for quote in document.input.get("quotes") or []]
    loose = list(enumerate(document.offerings or []))
    waiting = [(package, line) for package in packages for line in package.lines]
    # The surest sign first for all offerings: a second home option under one package id must not
    # take the line that the first option was made of.
    for of_line, of_offering in SIGNS:
        showing: dict[Sign, deque[tuple[QuotedPackage, QuotedLine]]] = {}
        for package, line in waiting:
            if line.offering is None and (sign := of_line(package, line)) is not None:
                showing.setdefault(sign, deque()).append((package, line))
        for position, offering in loose:
            own = of_offering(offering)
            if own is not None and showing.get(own):
                line = showing[own].popleft()[1]
                line.offering, line.position = deepcopy(offering), position
        taken = {line.position for _, line in waiting if line.offering is not None}
        loose = [each for each in loose if each[0] not in taken]
    waiting = [each for each in waiting if each[1].offering is None]
    after = len(document.offerings or [])
    for index, (_, line) in enumerate(waiting):
        line.position = after + index
    return [*packages, *_from_offerings(loose)]


def _listed(quote: dict[str, Any]) -> QuotedPackage:
    rest = deepcopy(quote)
    lines = []
    for line in LINES:
        if isinstance(rest.get(line), dict):
            lines.append(QuotedLine(line, rest.pop(line)))
    return QuotedPackage(quote["carrier"], rest, listed=True, lines=lines)


Sign = tuple[Any, ...]


def _line_package(package: QuotedPackage, line: QuotedLine) -> Sign | None:
    own = package.columns()["package_id"]
    return (line.line, own) if own else None


def _offering_package(offering: dict[str, Any]) -> Sign | None:
    own = doc.read_fields(package_words(offering), doc.QUOTE)["package_id"]
    return (offering["category"], own) if own else None


def _line_ref(package: QuotedPackage, line: QuotedLine) -> Sign | None:
    own = line.columns()["quote_ref"]
    return (line.line, own) if own else None


def _offering_ref(offering: dict[str, Any]) -> Sign | None:
    own = doc.read_fields(line_words(offering), doc.QUOTE_LINE)["quote_ref"]
    return (offering["category"], own) if own else None


def _line_price(package: QuotedPackage, line: QuotedLine) -> Sign:
    return line.line, carrier_key(package.carrier), line.columns()["premium_annual"]


def _offering_price(offering: dict[str, Any]) -> Sign:
    own = doc.read_fields(line_words(offering), doc.QUOTE_LINE)["premium_annual"]
    return offering["category"], carrier_key(offering["provider_name"]), own


def _both(one: Sign | None, other: Sign | None) -> Sign | None:
    return None if one is None or other is None else (*one, *other)


OfLine = Callable[[QuotedPackage, QuotedLine], Sign | None]
OfOffering = Callable[[dict[str, Any]], Sign | None]
SIGNS: tuple[tuple[OfLine, OfOffering], ...] = (
    (
        lambda package, line: _both(_line_package(package, line), _line_ref(package, line)),
        lambda offering: _both(_offering_package(offering), _offering_ref(offering)),
    ),
    (_line_ref, _offering_ref),
    (_line_package, _offering_package),
    (_line_price, _offering_price),
)
"""By what an offering is known to have been made of a line of `input.quotes`, surest first: the
two show the same. Looked up, never searched: 600 offerings are no 360,000 pairs."""


def _from_offerings(offerings: list[tuple[int, dict[str, Any]]]) -> Iterator[QuotedPackage]:
    """Group offerings by package id, else by carrier and package premium."""
    groups: list[tuple[tuple[Any, ...], QuotedPackage]] = []
    for position, offering in offerings:
        columns = doc.read_fields(package_words(offering), doc.QUOTE)
        carrier = carrier_key(offering["provider_name"])
        key = (carrier, columns["package_id"] or columns["package_premium_annual"])
        line = QuotedLine(offering["category"], {}, deepcopy(offering), position)
        home = next(
            (
                package
                for known, package in groups
                # A package holds a line once; a second home option is a package of its own.
                if known == key and line.line not in {each.line for each in package.lines}
            ),
            None,
        )
        if home is None:
            keys = {path[0] for each in doc.QUOTE for path in each.paths}
            words = {k: v for k, v in package_words(offering).items() if k in keys}
            home = QuotedPackage(offering["provider_name"], words, listed=False)
            groups.append((key, home))
        home.lines.append(line)
    for _, package in groups:
        yield package


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


LINE_KEYS = {
    "quote_ref": ("attributes", "quote_id"),
    "premium_annual": ("attributes", "line_premium_annual"),
    "product_name": ("coverage", "product_name"),
}
QUOTE_KEYS = {field.attr: ("attributes", field.paths[0][0]) for field in doc.QUOTE} | {
    "carrier_name": ("", "provider_name")
}


def restate(
    offering: dict[str, Any],
    fields: tuple[doc.Field, ...],
    was: Mapping[str, Any],
    now: Mapping[str, Any],
) -> None:
    """Lay over an offering, in place, the columns that say something else now than they did.

    `fields` are those of a quote or of a quote line. What did not change stays as it came.
    """
    keys = LINE_KEYS if fields is doc.QUOTE_LINE else QUOTE_KEYS
    for each in fields:
        value = now[each.attr]
        if value == was[each.attr]:
            continue
        part, key = keys[each.attr]
        inner = offering
        if part:
            if not isinstance(offering.get(part), dict):
                offering[part] = {}
            inner = offering[part]
        if value in (None, ""):
            # A package id is blank for a second quote under the same one, too.
            if each.attr != "package_id":
                inner.pop(key, None)
        else:
            inner[key] = each.write(value)

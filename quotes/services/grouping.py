"""Turn a document's quotes and offerings into quoted packages, before anything is stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

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


PACKAGE_ID = doc.some_of(doc.QUOTE, "package_id")
KNOWN_BY = doc.some_of(doc.QUOTE_LINE, "quote_ref", "premium_annual")
"""What of a line says which it is."""


def package_words(offering: dict[str, Any]) -> dict[str, Any]:
    """An offering's package said in the words of `input.quotes`."""
    return {**_object(offering.get("attributes")), "carrier": offering.get("provider_name")}


def quoted_packages(document: Document, *, to_keep: bool = True) -> list[QuotedPackage]:
    """Every package of a document, `input.quotes` first, then what came as offerings alone.

    What they hold of the document is theirs `to_keep` and to write in; otherwise it is the
    document's own, to be read alone.
    """
    held = _apart if to_keep else _same
    packages = [_listed(held(quote)) for quote in document.input.get("quotes") or []]
    loose = [(n, each, _of_offering(each)) for n, each in enumerate(document.offerings or [])]
    waiting = [
        (_of_line(package.carrier, package_id, line), line)
        for package in packages
        for package_id in [doc.read_fields(package.document, PACKAGE_ID)["package_id"]]
        for line in package.lines
    ]
    # The surest sign first for all offerings: a second home option under one package id must not
    # take the line that the first option was made of.
    for sign in SIGNS:
        showing: dict[Sign, deque[QuotedLine]] = {}
        for said, line in waiting:
            if line.offering is None and (own := sign(said)) is not None:
                showing.setdefault(own, deque()).append(line)
        left = []
        for position, offering, said in loose:
            own = sign(said)
            if own is not None and showing.get(own):
                line = showing[own].popleft()
                line.offering, line.position = held(offering), position
            else:
                left.append((position, offering, said))
        loose = left
    unsent = [line for _, line in waiting if line.offering is None]
    after = len(document.offerings or [])
    for index, line in enumerate(unsent):
        line.position = after + index
    return [*packages, *_from_offerings([(n, held(each)) for n, each, _ in loose])]


def _listed(quote: dict[str, Any]) -> QuotedPackage:
    rest, lines = dict(quote), []
    for line in LINES:
        if isinstance(rest.get(line), dict):
            lines.append(QuotedLine(line, rest.pop(line)))
    return QuotedPackage(quote["carrier"], rest, listed=True, lines=lines)


class Said(NamedTuple):
    """What a line of `input.quotes`, or an offering, says that it may be known by."""

    line: str
    package_id: str
    quote_ref: str
    carrier: str
    premium: Decimal | None


def _of_line(carrier: str, package_id: str, line: QuotedLine) -> Said:
    """Of a line that has no offering yet."""
    own = doc.read_fields(line.document, KNOWN_BY)
    return Said(
        line.line,
        package_id,
        own["quote_ref"],
        carrier_key(carrier),
        own["premium_annual"],
    )


def _of_offering(offering: dict[str, Any]) -> Said:
    own = doc.read_fields(line_words(offering), KNOWN_BY)
    package = doc.read_fields(_object(offering.get("attributes")), PACKAGE_ID)
    return Said(
        offering["category"],
        package["package_id"],
        own["quote_ref"],
        carrier_key(offering["provider_name"]),
        own["premium_annual"],
    )


Sign = tuple[Any, ...]


def _package_and_ref(said: Said) -> Sign | None:
    known = said.package_id and said.quote_ref
    return (said.line, said.package_id, said.quote_ref) if known else None


def _ref(said: Said) -> Sign | None:
    return (said.line, said.quote_ref) if said.quote_ref else None


def _package(said: Said) -> Sign | None:
    return (said.line, said.package_id) if said.package_id else None


def _price(said: Said) -> Sign:
    return said.line, said.carrier, said.premium


SIGNS: tuple[Callable[[Said], Sign | None], ...] = (_package_and_ref, _ref, _package, _price)
"""By what an offering is known to have been made of a line of `input.quotes`, surest first: the
two show the same. Looked up, never searched: 600 offerings are no 360,000 pairs."""


def _apart(value: Any) -> Any:
    """A copy of a JSON value, as `deepcopy` makes it of anything and takes five times as long."""
    if isinstance(value, dict):
        return {key: _apart(each) for key, each in value.items()}
    return [_apart(each) for each in value] if isinstance(value, list) else value


def _same(value: Any) -> Any:
    return value


def _from_offerings(offerings: list[tuple[int, dict[str, Any]]]) -> Iterator[QuotedPackage]:
    """Group offerings by package id, else by carrier and package premium."""
    groups: list[tuple[tuple[Any, ...], QuotedPackage]] = []
    for position, offering in offerings:
        columns = doc.read_fields(package_words(offering), doc.QUOTE)
        carrier = carrier_key(offering["provider_name"])
        key = (carrier, columns["package_id"] or columns["package_premium_annual"])
        line = QuotedLine(offering["category"], {}, offering, position)
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

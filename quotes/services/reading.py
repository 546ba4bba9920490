"""Read an imported document: bytes in, a checked document out, every mistake named at once.

Nothing here touches the database, so a refused document has left no trace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal

import simplejson
from localflavor.us.us_states import STATE_CHOICES
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from quotes.models.fields import MOST_MONEY
from quotes.services.sensitive import is_sensitive

MOST_BYTES = 5 * 1024 * 1024
"""The largest file taken: 5 MB is some thousand quotes."""
MOST_DEPTH = 60
STATES = frozenset(code for code, _ in STATE_CHOICES)


@dataclass(frozen=True)
class Mistake:
    """One thing wrong with an input: where, and what to do about it."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class Unreadable(Exception):
    """The document cannot be taken. `mistakes` names every reason; nothing was saved."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(str(mistake) for mistake in mistakes))


@dataclass
class Document:
    """A checked document: the `input` value, the offerings if it came with any, and the rest."""

    input: dict[str, Any]
    offerings: list[dict[str, Any]] | None = None
    body: dict[str, Any] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)


def _money(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError("must be a number of dollars a year, such as 6480 or 6480.50")
    amount = Decimal(value)
    if not amount.is_finite():
        raise ValueError("must be a finite number of dollars")
    if amount < 0:
        raise ValueError("must not be negative")
    if amount > MOST_MONEY:
        raise ValueError(f"is more than ${MOST_MONEY:,}, which cannot be right")
    if amount != amount.quantize(Decimal("0.01")):
        raise ValueError("must be exact to the cent")
    return value


def _text(value: Any) -> Any:
    if value is not None and not isinstance(value, str):
        raise ValueError("must be text in quotation marks")
    return value


def _name(value: Any) -> Any:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be the carrier's name")
    if len(value) > 120:
        raise ValueError("is longer than 120 characters")
    return value


def _identifier(value: Any) -> Any:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if not isinstance(value, str):
        raise ValueError("must be text")
    if len(value) > 120:
        raise ValueError("is longer than 120 characters")
    return value


def _state(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str) or value.strip().upper() not in STATES:
        raise ValueError('must be a two-letter state code such as "CA"')
    return value


def _zip(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError('must be text such as "02115": a number would lose a leading zero')
    if not re.fullmatch(r"[0-9]{5}(-[0-9]{4})?", value.strip()):
        raise ValueError("must be five digits, or five and four (ZIP+4)")
    return value


def _term(value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and not (whole and 1 <= value <= 36):
        raise ValueError("must be a whole number of months from 1 to 36")
    return value


def _required_money(value: Any) -> Any:
    if value is None:
        raise ValueError("is required: the premium in dollars a year")
    return _money(value)


Money = Annotated[Any, BeforeValidator(_money)]
RequiredMoney = Annotated[Any, BeforeValidator(_required_money)]
Text = Annotated[Any, BeforeValidator(_text)]
Identifier = Annotated[Any, BeforeValidator(_identifier)]
CarrierName = Annotated[Any, BeforeValidator(_name)]
LineName = Literal["home", "auto", "umbrella"]


class Shape(BaseModel):
    """Only checks: the document itself is what is kept, unknown keys and all."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)


class AddressShape(Shape):
    state: Annotated[Any, BeforeValidator(_state)] = None
    zip_code: Annotated[Any, BeforeValidator(_zip)] = None
    city: Text = None


class LineShape(Shape):
    quote_id: Identifier = None
    premium_annual: Money = None
    product_name: Text = None


class QuoteShape(Shape):
    carrier: CarrierName
    package_id: Identifier = None
    package_premium_annual: Money = None
    term_months: Annotated[Any, BeforeValidator(_term)] = None
    home: LineShape | None = None
    auto: LineShape | None = None
    umbrella: LineShape | None = None


class IncumbentShape(Shape):
    carrier: Text = None
    annual_premium: Money = None


class CurrentCoverageShape(Shape):
    home: IncumbentShape | None = None
    auto: IncumbentShape | None = None
    umbrella: IncumbentShape | None = None


class InputShape(Shape):
    coverage_types: list[LineName] | None = None
    address: AddressShape | None = None
    drivers: list[dict[str, Any]] | None = None
    vehicles_detail: list[dict[str, Any]] | None = None
    current_coverage: CurrentCoverageShape | None = None
    quotes: list[QuoteShape] | None = None
    applicant: dict[str, Any] | None = None
    residence: dict[str, Any] | None = None
    insurance_history: dict[str, Any] | None = None
    premium: Money = None


class CoverageShape(Shape):
    product_name: Text = None


class AttributesShape(Shape):
    quote_id: Identifier = None
    package_id: Identifier = None
    line_premium_annual: RequiredMoney
    package_premium_annual: Money = None
    term_months: Annotated[Any, BeforeValidator(_term)] = None


class OfferingShape(Shape):
    id: Identifier = None
    provider_name: CarrierName
    category: LineName
    coverage: CoverageShape | None = None
    attributes: AttributesShape


class BodyShape(Shape):
    input: InputShape
    offerings: list[OfferingShape] | None = None


MESSAGES = {
    "missing": "is required",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "literal_error": "must be home, auto or umbrella",
}


def read_document(raw: bytes) -> Document:
    """Read a file: an `input` value alone, or a whole `{"input", "offerings"}` body.

    Sensitive keys and `current_portfolio` are taken out and listed in `removed`. Raises
    Unreadable with every mistake found.
    """
    if len(raw) > MOST_BYTES:
        raise Unreadable([Mistake("file", "is larger than 5 MB; send fewer quotes at a time")])
    return read_value(decode(raw))


def read_value(value: Any) -> Document:
    """A decoded document, checked as `read_document` does."""
    if not isinstance(value, dict):
        raise Unreadable([Mistake("file", 'must hold a JSON object: an "input" value or a body')])
    wrapped = "input" in value
    check(value if wrapped else {"input": value})
    removed: list[str] = []
    cleaned = _without_sensitive(value, "" if wrapped else "input", removed)
    document = cleaned["input"] if wrapped else cleaned
    if "current_portfolio" in document:
        # Without flags it silently switches ranking off.
        del document["current_portfolio"]
        removed.append("input.current_portfolio")
    rest = {key: item for key, item in cleaned.items() if key not in {"input", "offerings"}}
    return Document(
        input=document,
        offerings=cleaned.get("offerings") if wrapped else None,
        body=rest if wrapped else {},
        removed=removed,
    )


def decode(raw: bytes) -> Any:
    """JSON text as values, numbers with a fraction as Decimal. Raises Unreadable."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable([Mistake("file", "is not UTF-8 text; save it as UTF-8")]) from None
    try:
        return simplejson.loads(
            text, use_decimal=True, parse_constant=_refuse_constant, object_pairs_hook=_once
        )
    except simplejson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Unreadable([Mistake("file", f"is not JSON ({where}: {error.msg})")]) from None
    except RecursionError:
        raise Unreadable([Mistake("file", "is nested too deeply")]) from None
    except ArithmeticError:
        raise Unreadable([Mistake("file", "holds a number too large to be one")]) from None
    except ValueError as error:
        raise Unreadable([Mistake("file", f"is not usable JSON: {str(error)[:200]}")]) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out:
            raise ValueError(f'the key "{key[:60]}" stands twice in one object')
        out[key] = value
    return out


def check(body: dict[str, Any]) -> None:
    """Check a body's known parts. Raises Unreadable naming every field at fault."""
    mistakes = list(_bad_text(body, ""))
    try:
        BodyShape.model_validate(body)
    except ValidationError as error:
        mistakes += [
            Mistake(
                ".".join(str(part) for part in each["loc"]),
                MESSAGES.get(each["type"], each["msg"].removeprefix("Value error, ")),
            )
            for each in error.errors(include_input=False, include_url=False)
        ]
    if not mistakes:
        mistakes += _repeated(body)
    if mistakes:
        raise Unreadable(mistakes)


def _repeated(body: dict[str, Any]) -> Iterator[Mistake]:
    lines = body["input"].get("coverage_types") or []
    if len(set(lines)) != len(lines):
        yield Mistake("input.coverage_types", "names a line twice")
    seen: dict[str, int] = {}
    for index, quote in enumerate(body["input"].get("quotes") or []):
        package = str(quote.get("package_id") or "").strip()
        if package and package in seen:
            yield Mistake(
                f"input.quotes.{index}.package_id",
                f"is the same as that of quote {seen[package]}; a package is quoted once",
            )
        seen[package] = index
    ids: set[str] = set()
    for index, offering in enumerate(body.get("offerings") or []):
        wire_id = str(offering.get("id") or "").strip()
        if wire_id and wire_id in ids:
            yield Mistake(f"offerings.{index}.id", "stands twice; an offering's id is its own")
        ids.add(wire_id)


def _bad_text(value: Any, where: str, depth: int = 0) -> Iterator[Mistake]:
    """Strings that no database and no page can hold: NUL and halves of characters."""
    if depth > MOST_DEPTH:
        yield Mistake(where[:80], "is nested too deeply")
    elif isinstance(value, str):
        if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
            yield Mistake(where, "holds a character that is not text (NUL or half a character)")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _bad_text(key, where, depth)
            yield from _bad_text(item, f"{where}.{key}".strip("."), depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _bad_text(item, f"{where}.{index}".strip("."), depth + 1)


def _without_sensitive(value: Any, where: str, removed: list[str]) -> Any:
    if isinstance(value, dict):
        out = {}
        for key, item in value.items():
            path = f"{where}.{key}".strip(".")
            if is_sensitive(key):
                removed.append(path)
            else:
                out[key] = _without_sensitive(item, path, removed)
        return out
    if isinstance(value, list):
        return [
            _without_sensitive(item, f"{where}.{index}", removed)
            for index, item in enumerate(value)
        ]
    return value

"""JSON as it crosses the wire, and single values out of a reply nobody can vouch for.

Reading never coerces: a number in quotation marks is not a number and ``true`` is not 1.  A
value that is not what it should be becomes None, "not given"; it never fails the reply, because
a run must not be lost over one odd field (DESIGN, the run's life).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import simplejson

MAX_DEPTH = 100
"""Levels of nesting read or sent.  Real messages have about six; Python itself gives up at some
hundreds, at a level that depends on who is calling."""

MAX_VALUES = 250_000
"""JSON values read from one reply; one of 500 packages has fewer than 100,000.  Three bytes of JSON
may become a hundred of memory: without a bound, 8 MB of ``[],`` take 400 MB and hold up every
other run for seconds."""

LABEL_CAP = 200
TEXT_CAP = 2000
AMOUNT_LIMIT = Decimal(10) ** 9
_MAX_INT_DIGITS = 100
_MAX_EXPONENT = 400
_INT32 = 2**31 - 1
_INT64 = 2**63 - 1
_PREMIUMS = ("line_premium_annual", "package_premium_annual")

# NUL and lone surrogates cannot be stored (PostgreSQL refuses both); the other controls and the
# bidirectional overrides have no business in a name and can make a page read differently.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


def decode(body: bytes) -> Any:
    """Read a reply's bytes: JSON in UTF-8, integers as int, all other numbers as Decimal.

    The literals NaN, Infinity and -Infinity, which are not JSON, an exponent beyond what Decimal
    can hold, and an integer of more than 100 digits read as None: the rest of the reply stays
    readable.  Raises ValueError for anything else that is not JSON, for invalid UTF-8, for nesting
    deeper than ``MAX_DEPTH``, and for more than ``MAX_VALUES`` values, counting every comma.
    """
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MAX_VALUES:
        raise ValueError("it holds more values than are read")
    try:
        value = simplejson.loads(
            body.decode("utf-8-sig"),
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=lambda _name: None,
        )
        _check_depth(value, MAX_DEPTH)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def encode_request(
    input: Mapping[str, Any],
    offerings: Sequence[Mapping[str, Any]],
    rest: Mapping[str, Any] | None = None,
) -> bytes:
    """The body of a submission, ``{"input": …, "offerings": […]}`` as compact UTF-8 JSON.

    ``rest`` holds keys that stood beside the two in an imported body; they go out unchanged.

    A Decimal goes out as the JSON number with exactly its digits.  Raises ValueError, naming the
    place (``offerings[2].attributes.line_premium_annual``), for NaN and infinities, text that is
    not Unicode, keys that are not text, values JSON has no form for, nesting deeper than
    ``MAX_DEPTH``, and a premium of an offering that is not an int or a Decimal: a float may
    already have lost the cents, and the API takes numbers only (guide, "Offerings fields").
    """
    for index, offering in enumerate(offerings):
        given = offering.get("attributes")
        attributes = given if isinstance(given, Mapping) else {}
        for name in _PREMIUMS:
            if name in attributes and not _is_number(attributes[name]):
                raise ValueError(f"offerings[{index}].attributes.{name}: not an exact number")
    body = {
        **{key: _sendable(value, key, 1) for key, value in (rest or {}).items()},
        "input": _sendable(input, "input", 1),
        "offerings": [
            _sendable(offering, f"offerings[{index}]", 2)
            for index, offering in enumerate(offerings)
        ],
    }
    text: str = simplejson.dumps(
        body, use_decimal=True, allow_nan=False, ensure_ascii=False, separators=(",", ":")
    )
    return text.encode("utf-8")


def storable(value: Any) -> Any:
    """A copy of a decoded JSON value that any database takes: NUL and lone surrogates in text
    become U+FFFD, numbers of absurd size become None.  The exact bytes are kept elsewhere."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, Decimal):
        return value if _sane(value) else None
    return value


def text(value: Any, cap: int = LABEL_CAP) -> str | None:
    """Text of at most ``cap`` characters, unprintable ones replaced; None when blank or no text."""
    if not isinstance(value, str):
        return None
    # The cut comes first so that a text of megabytes costs nothing; a few characters of slack
    # for the white space that is stripped.
    clean = _UNPRINTABLE.sub("\ufffd", value[: cap + 100]).strip()
    return (clean if len(clean) <= cap else clean[: cap - 1] + "…") or None


def text_of(value: Any, cap: int = TEXT_CAP) -> str | None:
    """Like ``text``, but a value that is not text is written as JSON instead of dropped."""
    if value is None or isinstance(value, str):
        return text(value, cap)
    if value in ({}, []):
        return None
    return text(simplejson.dumps(value, use_decimal=True, ensure_ascii=False), cap)


def identifier(value: Any) -> str | None:
    """An opaque id: text of 1 to 200 printable characters without "/"; an int as its digits.

    None for anything else, and for "." and "..", which would be read as steps of a path.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or len(value) > LABEL_CAP:
        return None
    if not value.isprintable() or "/" in value or value in (".", ".."):
        return None
    return value


def reference(value: Any) -> str | None:
    """An opaque id inside a solution, character for character, since it is compared with what
    was sent; an int as its digits.  None when blank, over 200 characters, or neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip() or len(value) > LABEL_CAP:
        return None
    return value


def amount(value: Any) -> Decimal | None:
    """A JSON number between -10⁹ and 10⁹, digits as given; None for anything else."""
    if not _is_number(value):
        return None
    number = Decimal(value)
    return number if _sane(number) and abs(number) <= AMOUNT_LIMIT else None


def count(value: Any, limit: int = _INT32) -> int | None:
    """A whole JSON number from 0 to ``limit`` (2 and 2.0 are the same number); else None."""
    if not _is_number(value):
        return None
    number = Decimal(value)
    if not _sane(number) or not 0 <= number <= limit or number != number.to_integral_value():
        return None
    return int(number)


def milliseconds(value: Any) -> int | None:
    """A duration in whole milliseconds, fractions cut; None when absent, negative or absurd."""
    if not _is_number(value) or not _sane(Decimal(value)) or not 0 <= value <= _INT64:
        return None
    return int(value)


def moment(value: Any) -> datetime | None:
    """An ISO 8601 date and time, in UTC; one without a zone is taken as UTC, which is what the
    API writes.  None for anything else and for years outside 1900 to 2200."""
    if not isinstance(value, str) or not _DATE_TIME.match(value) or len(value) > 64:
        return None
    try:
        found = datetime.fromisoformat(value.upper())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if 1900 <= found.year <= 2200 else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _sane(number: Decimal) -> bool:
    """Finite, and short when written out: 1e-999999 would be a million digits on a page."""
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and abs(exponent) <= _MAX_EXPONENT


def _decimal(digits: str) -> Decimal | None:
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_INT_DIGITS else None


def _check_depth(value: Any, left: int) -> None:
    if left < 0:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        for item in value.values():
            _check_depth(item, left - 1)
    elif isinstance(value, list):
        for item in value:
            _check_depth(item, left - 1)


def _sendable(value: Any, place: str, depth: int) -> Any:
    """The value made of plain dicts and lists, or ValueError naming the place."""
    if depth > MAX_DEPTH:
        raise ValueError(f"{place[:200]}…: nested too deeply")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"{place}: a key is not text")
            _sendable(key, f"{place}: a key", depth)
        return {key: _sendable(item, f"{place}.{key}", depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_sendable(v, f"{place}[{i}]", depth + 1) for i, v in enumerate(value)]
    if isinstance(value, str):
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise ValueError(f"{place}: text holds half a character (a lone surrogate)")
        return value
    if isinstance(value, float | Decimal) and not Decimal(value).is_finite():
        raise ValueError(f"{place}: not a finite number")
    if value is None or isinstance(value, bool | int | float | Decimal):
        return value
    raise ValueError(f"{place}: JSON has no form for {type(value).__name__}")

"""Where each column stands in a wire document, read and written by one table.

A document is kept as it came. Reading projects columns out of it; writing lays a column back
over it only where the column no longer says what the document says. So an edit travels, and
whatever was not edited goes back character for character.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

Path = tuple[str, ...]


@dataclass(frozen=True)
class Field:
    """A column and the places in a document where its value may stand, likeliest first."""

    attr: str
    paths: tuple[Path, ...]
    read: Callable[[Any], Any]
    write: Callable[[Any], Any]


def text(length: int) -> Callable[[Any], str]:
    """Read a string of at most `length` characters; anything else reads as not stated."""

    def read(value: Any) -> str:
        return value.strip()[:length] if isinstance(value, str) else ""

    return read


def word(length: int) -> Callable[[Any], str]:
    """Like `text`, but takes a whole number too: ids and names of drivers are opaque."""

    def read(value: Any) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)[:length]
        return text(length)(value)

    return read


def whole(low: int, high: int) -> Callable[[Any], int | None]:
    """Read a whole number from `low` to `high`; anything else reads as not stated."""

    def read(value: Any) -> int | None:
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            return None
        # The range first: a Decimal such as 1E+999999 is slow to turn into an int.
        if not low <= value <= high or value != int(value):
            return None
        return int(value)

    return read


def money(value: Any) -> Decimal | None:
    """Read dollars and cents; a fraction of a cent or a negative sum reads as not stated."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    amount = Decimal(value)
    if not amount.is_finite() or not 0 <= amount < 10_000_000:
        return None
    cents = amount.quantize(Decimal("0.01"))
    return cents if cents == amount else None


def write_money(value: Decimal) -> int | Decimal:
    """A premium as a JSON number: whole dollars without a point, else two digits after it."""
    return int(value) if value == value.to_integral_value() else value.quantize(Decimal("0.01"))


def day_start(value: Any) -> dt.datetime | None:
    """A moment, or a date taken as the beginning of that day in the office's time zone."""
    return _moment(value, days=0)


def day_end(value: Any) -> dt.datetime | None:
    """A moment, or a date taken as its end: it ends at midnight in the office's time zone."""
    return _moment(value, days=1)


def _moment(value: Any, days: int) -> dt.datetime | None:
    if not isinstance(value, str) or len(value) > MOST_OF_A_MOMENT:
        return None
    said, zone = value.strip(), timezone.get_default_timezone()
    # Only what is written as a moment is kept: anything else may be somebody's words.
    read = _moment_said if IN_FIGURES.fullmatch(said) else _moment_said.__wrapped__
    return read(said, days, zone)


MOST_OF_A_MOMENT = 100
"""Characters: the longest way to write one has some forty."""
IN_FIGURES = re.compile(r"[\d\-:.,+TZ ]+")


@lru_cache(maxsize=1000)
def _moment_said(said: str, days: int, zone: dt.tzinfo) -> dt.datetime | None:
    """Kept: the prices of a run end on the same few days, and each is read several times."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", said):
            day = parse_date(said)
            return None if day is None else _midnight(day + dt.timedelta(days=days), zone)
        moment = parse_datetime(said)
        if moment is None:
            return None
        aware = moment if timezone.is_aware(moment) else timezone.make_aware(moment, zone)
        return aware.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def midnight(day: dt.date) -> dt.datetime:
    """The beginning of `day` in the office's time zone, as UTC."""
    return _midnight(day, timezone.get_default_timezone())


def _midnight(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min), zone).astimezone(dt.UTC)


def write_day_start(value: dt.datetime) -> str:
    local = timezone.localtime(value)
    return local.date().isoformat() if local.time() == dt.time.min else _iso(value)


def write_day_end(value: dt.datetime) -> str:
    local = timezone.localtime(value)
    if local.time() == dt.time.min:
        return (local.date() - dt.timedelta(days=1)).isoformat()
    return _iso(value)


def _iso(value: dt.datetime) -> str:
    return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def same(value: Any) -> Any:
    return value


ADDRESS = (
    Field(
        "street",
        (("address", "street"), ("address", "line1"), ("address", "street_address")),
        text(200),
        same,
    ),
    Field("city", (("address", "city"),), text(120), same),
    Field("state", (("address", "state"),), lambda v: text(2)(v).upper(), same),
    Field("zip_code", (("address", "zip_code"),), text(10), same),
)
DRIVER = (
    Field("years_licensed", (("years_licensed",),), whole(0, 90), same),
    Field("violations_5yr", (("violations_5yr",),), whole(0, 99), same),
)
VEHICLE = (
    Field("year", (("year",),), whole(1886, 2100), same),
    Field("make", (("make",),), text(60), same),
    Field("model", (("model",),), text(60), same),
    Field("garaging_zip", (("garaging_zip",), ("garaging_zip_code",)), text(10), same),
    Field("primary_driver", (("primary_driver",), ("primary_driver_id",)), word(200), same),
)
INCUMBENT = (
    Field("carrier_name", (("carrier",), ("carrier_name",)), text(120), same),
    # Incumbents say annual_premium where quotes say premium_annual.
    Field("annual_premium", (("annual_premium",), ("premium_annual",)), money, write_money),
)
QUOTE = (
    Field("carrier_name", (("carrier",),), text(120), same),
    Field("package_id", (("package_id",),), word(120), same),
    Field("package_premium_annual", (("package_premium_annual",),), money, write_money),
    Field("term_months", (("term_months",),), whole(1, 36), same),
    Field("generated_at", (("quote_generated_at",),), day_start, write_day_start),
    Field("expires_at", (("quote_expires_at",),), day_end, write_day_end),
    Field("broker", (("broker",),), text(200), same),
)
QUOTE_LINE = (
    Field("quote_ref", (("quote_id",),), word(120), same),
    Field("premium_annual", (("premium_annual",),), money, write_money),
    Field("product_name", (("product_name",),), text(200), same),
)


def some_of(fields: tuple[Field, ...], *attrs: str) -> tuple[Field, ...]:
    """Those of `fields` that fill the columns `attrs`, in that order. KeyError for one that none
    fills."""
    by_attr = {field.attr: field for field in fields}
    return tuple(by_attr[attr] for attr in attrs)


def read_fields(document: Mapping[str, Any], fields: tuple[Field, ...]) -> dict[str, Any]:
    """The columns that `fields` find in `document`, by attribute name."""
    found = {}
    for field in fields:
        value = None
        for path in field.paths:
            # Most are one key of an object: a call for each would take longer than the look.
            value = document.get(path[0]) if len(path) == 1 else _at(document, path)
            if value is not None:
                break
        found[field.attr] = field.read(value)
    return found


def write_fields(
    document: Mapping[str, Any], fields: tuple[Field, ...], source: object
) -> dict[str, Any]:
    """A copy of `document` with the columns of `source` laid over it where they differ."""
    out = deepcopy(dict(document))
    for field in fields:
        write_field(out, field, getattr(source, field.attr))
    return out


def write_field(document: dict[str, Any], field: Field, value: Any) -> None:
    """Lay one column's value over `document` in place, unless it already says the same."""
    path = next((path for path in field.paths if _at(document, path) is not None), None)
    if path is not None and field.read(_at(document, path)) == value:
        return
    blank = value is None or value == ""
    if path is None:
        if not blank:
            _set(document, field.paths[0], field.write(value))
    elif not blank:
        _set(document, path, field.write(value))
    elif field.read(_at(document, path)) not in (None, ""):
        _remove(document, path)


def read_name(person: Any) -> str:
    """A person's name from the spellings in use: name, full_name, or first and last."""
    if not isinstance(person, Mapping):
        return ""
    for key in ("name", "full_name"):
        if text(200)(person.get(key)):
            return text(200)(person[key])
    parts = (text(100)(person.get("first_name")), text(100)(person.get("last_name")))
    return " ".join(part for part in parts if part)[:200]


def write_name(person: dict[str, Any], name: str) -> None:
    """Lay a name over a person's document in place, in the spelling the document uses."""
    if read_name(person) == name:
        return
    if not name:
        for key in ("name", "full_name", "first_name", "last_name"):
            person.pop(key, None)
    elif "first_name" in person or "last_name" in person:
        first, _, last = name.rpartition(" ")
        person["first_name"], person["last_name"] = first or last, last if first else ""
        person.pop("name", None)
        person.pop("full_name", None)
    else:
        key = "full_name" if "full_name" in person and "name" not in person else "name"
        person[key] = name


def _at(document: Any, path: Path) -> Any:
    for key in path:
        # What JSON makes, first: the general question takes longer than all else here.
        if type(document) is not dict and not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


def _set(document: dict[str, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        inner = document.get(key)
        if not isinstance(inner, dict):
            inner = document[key] = {}
        document = inner
    document[path[-1]] = value


def _remove(document: dict[str, Any], path: Path) -> None:
    for key in path[:-1]:
        document = document[key]
    document.pop(path[-1], None)

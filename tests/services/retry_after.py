"""Every kind of ``Retry-After``, and the seconds it asks for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from quotes.nexio.errors import DEFAULT_RETRY_AFTER
from tests.answers import Answer, status

Kind = Callable[[int], tuple[Answer, float | None]]
"""From a status to the answer and its seconds, None where none can be read."""

_NOW = datetime.now(UTC).replace(microsecond=0)


def _says(value: str, seconds: float | None, **headers: str) -> Kind:
    return lambda code: (status(code, {}, {"Retry-After": value, **headers}), seconds)


def _date(seconds: int) -> str:
    return format_datetime(_NOW + timedelta(seconds=seconds), usegmt=True)


KINDS: dict[str, Kind] = {
    "seconds": _says("7", 7.0),
    "zero": _says("0", 0.0),
    "a fraction": _says("1.5", 1.5),
    "below zero": _says("-3", 0.0),
    "a date": _says(_date(60), 60.0, Date=_date(0)),
    "a date of the old form": _says(
        f"{_NOW + timedelta(seconds=60):%A, %d-%b-%y %H:%M:%S} GMT", 60.0, Date=_date(0)
    ),
    "a date by a clock that is wrong": _says(_date(-86_340), 60.0, Date=_date(-86_400)),
    "a date that is past": _says(_date(-60), 0.0, Date=_date(0)),
    "a date without end": _says("Fri, 31 Dec 9999 23:59:59 GMT", 900.0),
    "a day": _says("86400", 900.0),
    "20 digits": _says("9" * 20, 900.0),
    "5,000 digits": _says("9" * 5000, None),
    "words": _says("in a moment", None),
    "NaN": _says("NaN", None),
    "nothing": _says("", None),
    "missing": lambda code: (status(code, {}), None),
}


def wait_of(seconds: float | None) -> float:
    """What a 429 of this kind is taken to ask for."""
    return DEFAULT_RETRY_AFTER if seconds is None else seconds

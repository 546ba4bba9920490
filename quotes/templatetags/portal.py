"""How pages write money, lines and what is not stated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django import template
from django.template import defaultfilters
from django.utils import timezone
from django.utils.dates import MONTHS_3

from quotes.models.lines import LINE_NAMES, LINES

register = template.Library()
DASH = "—"


@register.filter
def dollars(value: Any) -> str:
    """Whole dollars without cents, else with both: $12,840, $12,840.50; "—" when not stated."""
    if value is None or value == "":
        return DASH
    amount = Decimal(value)
    sign = "−" if amount < 0 else ""
    size = abs(amount)
    whole = int(size)
    return f"{sign}${whole:,}" if whole == size else f"{sign}${size:,.2f}"


@register.filter
def line_label(value: Any) -> str:
    """ "home" → "Home"; a line we do not know is shown as it came."""
    return LINE_NAMES[value] if value in LINES else str(value)


@register.filter
def dash(value: Any) -> Any:
    """ "—" for what is not stated; zero and False are stated."""
    return DASH if value is None or value == "" else value


@register.filter
def moment(value: datetime | None, clock: str = "g:i A") -> str:
    """ "Nov 30, 6:02 AM", with the year where it is another than this one; "" for None."""
    if value is None:
        return ""
    at = timezone.localtime(value)
    day = "M j" if at.year == timezone.localtime().year else "M j, Y"
    return written(at, f"{day}, {clock}")


def written(value: date, form: str) -> str:
    """As Django's filter, which is given moments in the office's time zone."""
    if isinstance(value, datetime):
        # The office's is the only one: asking which is in force takes as long as all the rest.
        value = timezone.localtime(value, timezone.get_default_timezone())
    if (parts := _parts_of(form)) is None:
        return str(defaultfilters.date(value, form))
    return "".join([part if isinstance(part, str) else part(value) for part in parts])


@cache
def _month(number: int) -> str:
    return str(MONTHS_3[number]).title()


LETTERS: dict[str, Callable[[Any], str]] = {
    "M": lambda value: _month(value.month),
    "j": lambda value: str(value.day),
    "d": lambda value: f"{value.day:02d}",
    "m": lambda value: f"{value.month:02d}",
    "c": lambda value: str(value.isoformat()),
    "Y": lambda value: f"{value.year:04d}",
    "g": lambda value: str(value.hour % 12 or 12),
    "i": lambda value: f"{value.minute:02d}",
    "s": lambda value: f"{value.second:02d}",
    "A": lambda value: "AM" if value.hour < 12 else "PM",
}
"""What rows write of dates. A list of runs has two hundred of them, and Django's filter reads the
form anew for each."""


@cache
def _parts_of(form: str) -> list[str | Callable[[Any], str]] | None:
    """The form's letters and what stands between them; None where it has others."""
    parts = [LETTERS.get(sign, sign) for sign in form]
    others = [part for part in parts if isinstance(part, str) and part not in " ,:"]
    return None if others or not parts else parts

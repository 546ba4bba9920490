"""How pages write money, lines and what is not stated."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.dateformat import format as in_format

from quotes.models import Line

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
    whole = size == size.to_integral_value()
    return f"{sign}${size:,.0f}" if whole else f"{sign}${size:,.2f}"


@register.filter
def line_label(value: Any) -> str:
    """ "home" → "Home"; a line we do not know is shown as it came."""
    return str(Line(value).label) if value in Line.values else str(value)


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
    return in_format(at, f"{day}, {clock}")

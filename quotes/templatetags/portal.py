"""How pages write money, lines and what is not stated."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template

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

"""Money and days as paper writes them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

NOT_STATED = "—"


def dollars(value: Decimal | None) -> str:
    """ "$12,840", "$12,840.50", "−$70"; "—" for what is not stated."""
    if value is None:
        return NOT_STATED
    size = abs(value)
    whole = size == size.to_integral_value()
    sign = "−" if value < 0 else ""
    return f"{sign}${size:,.0f}" if whole else f"{sign}${size:,.2f}"


def dollars_between(low: Decimal | None, high: Decimal | None) -> str:
    """One figure, "$1,000 to $1,200", or "from"/"up to" where one end is not stated."""
    if low is None and high is None:
        return NOT_STATED
    if low == high or high is None:
        return dollars(low) if low == high else f"from {dollars(low)}"
    return f"up to {dollars(high)}" if low is None else f"{dollars(low)} to {dollars(high)}"


def signed_dollars(value: Decimal) -> str:
    return f"+{dollars(value)}" if value > 0 else dollars(value)


def day_words(day: date | None) -> str:
    """ "Mar 14, 2026"."""
    return NOT_STATED if day is None else f"{day:%b} {day.day}, {day.year}"

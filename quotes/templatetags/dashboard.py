"""How the dashboard writes its figures: counts with the runs behind them, days, shares."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString

from brokerportal.script_prefix import script_prefix
from quotes.services.dashboard.period import Period
from quotes.services.dashboard.scope import Number
from quotes.templatetags.portal import dollars

register = template.Library()


@register.filter
def runs_behind(number: Number) -> SafeString | str:
    """The count as a link to the list of exactly these runs; behind a zero there are none."""
    return _link(number, f"{number.value:,}") if number.value else "0"


@register.filter
def dollars_behind(number: Number, amount: Decimal) -> SafeString | str:
    """An amount as a link to the runs that it is the sum of."""
    return _link(number, dollars(amount)) if number.value else dollars(amount)


def _link(number: Number, words: str) -> SafeString:
    """Markup of what needs no escaping: digits, and codes as `Number` says of them. A dashboard
    has hundreds, and `format_html` takes as long as all else that is drawn of them."""
    address = address_of(number).replace("&", "&amp;")
    return SafeString(f'<a href="{address}">{words}</a>')


@register.filter
def address_of(number: Number) -> str:
    """The list of these runs. It forgets the search it has in mind: see `searches.forgetting`."""
    return f"{_list_under(script_prefix())}?{number.codes}"


@cache
def _list_under(prefix: str) -> str:
    """The list's address, looked up once: a dashboard has hundreds of links to it."""
    return reverse("quotes:run_list")


@register.filter
def share_of(number: Number, whole: Number) -> str:
    return number.share(whole)


@register.filter
def width_of(value: int, most: int) -> str:
    """How long a bar is, of 100."""
    return f"{100 * value / most:.1f}" if most else "0"


@register.filter
def days_of(period: Period) -> str:
    """ "Nov 3, 2026", "Nov 3 – 9, 2026", "Dec 30, 2026 – Jan 5, 2027"."""
    since, until = period.since, period.until
    if since == until:
        return _day(since)
    if since.year != until.year:
        return f"{_day(since)} – {_day(until)}"
    last = f"{until.day}" if since.month == until.month else f"{until:%b} {until.day}"
    return f"{since:%b} {since.day} – {last}, {until.year}"


def _day(day: date) -> str:
    return f"{day:%b} {day.day}, {day.year}"

"""How long a quote's price holds, and from when its end is warned of: one rule for all pages.

All by the office's calendar, of which there is one: asking which is in force takes longer than all
else. A price is gone from a moment on; what a person is told is the last day it holds.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from django.utils import timezone

SOON = 7
"""Days before a price's last day from which it is warned of; the seventh counts."""


MOMENT = timedelta(microseconds=1)


def last_day(moment: datetime) -> date:
    """The last day a price holds, for the moment from which it is gone."""
    return _day(moment - MOMENT, timezone.get_default_timezone())


@lru_cache(maxsize=1000)
def _day(moment: datetime, zone: tzinfo) -> date:
    return timezone.localdate(moment, zone)


def days_left(moment: datetime, now: datetime) -> int:
    """Days from today to the last day: 0 on that day, negative after it."""
    zone = timezone.get_default_timezone()
    return (_day(moment - MOMENT, zone) - _day(now, zone)).days


def is_soon(moment: datetime, now: datetime) -> bool:
    """Whether the price is gone already, or its last day is at most `SOON` days off."""
    return days_left(moment, now) <= SOON


def soon_until(now: datetime) -> datetime:
    """The latest moment for which `is_soon` holds: the end of the last day that counts."""
    day = timezone.localdate(now) + timedelta(days=SOON + 1)
    return timezone.make_aware(datetime.combine(day, time.min))

"""Periods of whole office days, and the pieces of one that a chart has room for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import islice

from django.utils import timezone

DEFAULT = "30d"
PRESETS = {
    "30d": "30 days",
    "90d": "90 days",
    "12m": "12 months",
    "month": "This month",
    "last_month": "Last month",
}
MOST_PIECES = 31
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """From the first day to the last, both counted; `code` is a preset's, "" for free days."""

    since: date
    until: date
    code: str = ""

    @classmethod
    def preset(cls, code: str, today: date) -> Period:
        """One of `PRESETS` as of `today`; twelve months are this one and the eleven before it."""
        first = today.replace(day=1)
        if code == "90d":
            return cls(today - 89 * DAY, today, code)
        if code == "12m":
            return cls(_month(first, -11), today, code)
        if code == "month":
            return cls(first, today, code)
        if code == "last_month":
            return cls(_month(first, -1), first - DAY, code)
        return cls(today - 29 * DAY, today, DEFAULT)

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def begins(self) -> datetime:
        """Its first moment, by the office's clock."""
        return _midnight(self.since)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return _midnight(self.until + DAY)

    @cached_property
    def unit(self) -> str:
        """What it is cut into: the finest of these that makes no more pieces than there is
        room for; years in any case."""
        units = ("day", "week", "month", "quarter")
        return next((each for each in units if _count(self, each) <= MOST_PIECES), "year")

    @property
    def is_coarse(self) -> bool:
        """Whether no piece is shorter than a month."""
        return self.unit not in {"day", "week"}

    def in_months(self) -> list[Period]:
        """Its calendar months, cut at the ends."""
        return list(_pieces(self, "month"))

    def months(self) -> list[date]:
        """The first days of the calendar months that lie in it wholly."""
        first = self.since if self.since.day == 1 else _next(self.since, "month")
        found = []
        while _next(first, "month") - DAY <= self.until:
            found.append(first)
            first = _next(first, "month")
        return found

    @classmethod
    def month_of(cls, day: date) -> Period:
        """The calendar month of a day."""
        return cls(day.replace(day=1), _next(day, "month") - DAY)

    def every_day(self) -> list[Period]:
        return [Period(day, day) for day in (self.since + n * DAY for n in range(self.days))]

    def without(self, others: Iterable[Period]) -> list[Period]:
        """What is left of it without these, which lie in it and apart, in pieces without gaps."""
        left, since = [], self.since
        for other in sorted(others, key=lambda each: each.since):
            if since < other.since:
                left.append(Period(since, other.since - DAY))
            since = other.until + DAY
        if since <= self.until:
            left.append(Period(since, self.until))
        return left

    def pieces(self) -> list[Period]:
        """Calendar days, weeks from Monday, months, quarters or years, cut at the ends."""
        return list(_pieces(self, self.unit))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _month(first: date, by: int) -> date:
    """The first of the month so many months after the one that begins on `first`."""
    months = first.year * 12 + first.month - 1 + by
    return date(months // 12, months % 12 + 1, 1)


def _next(day: date, unit: str) -> date:
    """The first day of the next such unit."""
    if unit == "day":
        return day + DAY
    if unit == "week":
        return day + (7 - day.weekday()) * DAY
    first = day.replace(day=1)
    if unit == "month":
        return _month(first, 1)
    if unit == "quarter":
        return _month(first, 3 - (day.month - 1) % 3)
    return date(day.year + 1, 1, 1)


def _pieces(period: Period, unit: str) -> Iterator[Period]:
    begin = period.since
    while begin <= period.until:
        following = _next(begin, unit)
        yield Period(begin, min(following - DAY, period.until))
        begin = following


def _count(period: Period, unit: str) -> int:
    """How many pieces there are, up to one more than there is room for."""
    return sum(1 for _ in islice(_pieces(period, unit), MOST_PIECES + 1))

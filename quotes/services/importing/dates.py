"""Dates as tables write them: Excel's own, ISO, American, with names of months."""

from __future__ import annotations

import datetime as dt
import re

from quotes.services.documents import day_end, day_start
from quotes.services.importing.cells import Cell
from quotes.services.importing.values import Read, is_declined, said

MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
CLOCK = r"(?:(?:,|\s)\s*([0-9]{1,2}):([0-9]{2})(?::[0-9]{2})?\s*([ap]\.?m\.?)?)?"
WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.IGNORECASE)
ISO = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})" + CLOCK, re.IGNORECASE)
FIGURES = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})" + CLOCK, re.IGNORECASE)
DAY_MONTH = re.compile(
    r"([0-9]{1,2})(?:st|nd|rd|th)?[ -]?([a-z]{3,9})\.?[ ,-]*([0-9]{4}|[0-9]{2})" + CLOCK,
    re.IGNORECASE,
)
MONTH_DAY = re.compile(
    r"([a-z]{3,9})\.?[ -]?([0-9]{1,2})(?:st|nd|rd|th)?[ ,-]+([0-9]{4}|[0-9]{2})" + CLOCK,
    re.IGNORECASE,
)
EARLIEST, LATEST = 2000, 2099
SERIALS = range(36_526, 73_051)
"""What spreadsheets count days by: 1/1/2000 to 12/31/2099."""


def start_of_day(cell: Cell) -> Read:
    """A moment as UTC; a date is the beginning of its day in the office's time zone."""
    value, note = day_or_moment(cell)
    return (day_start(value.isoformat()) if value else None), note


def end_of_day(cell: Cell) -> Read:
    """A moment as UTC; a date is the midnight it ends at in the office's time zone."""
    value, note = day_or_moment(cell)
    return (day_end(value.isoformat()) if value else None), note


def day_or_moment(cell: Cell) -> tuple[dt.date | dt.datetime | None, str]:
    """A date, or a moment where a time is stated. Figures are month first unless they cannot be.

    Raises ValueError for what is no date and for years outside 2000–2099.
    """
    text, note = said(cell), ""
    if not text or is_declined(cell):
        return None, ""
    if isinstance(cell, dt.date):
        value: dt.date = cell
    elif isinstance(cell, int) and not isinstance(cell, bool) and cell in SERIALS:
        value = dt.date(1899, 12, 30) + dt.timedelta(days=cell)
        note = f"{cell} was read as the date {value:%-m/%-d/%Y}, which the spreadsheet means by it"
    else:
        value, note = _date_in(text)
    if not EARLIEST <= value.year <= LATEST:
        raise ValueError(f"{text[:40]} is not between the years {EARLIEST} and {LATEST}")
    return value, note


def _date_in(text: str) -> tuple[dt.date, str]:
    plain = WEEKDAY.sub("", text, count=1) if text[0].isalpha() else text
    note = ""
    if found := ISO.fullmatch(plain):
        year, month, day = int(found[1]), int(found[2]), int(found[3])
    elif found := FIGURES.fullmatch(plain):
        first, second, year = int(found[1]), int(found[3]), _year(found[4])
        # 13/01/2026 can only be the thirteenth of January; 3/4/2026 is March here.
        day_first = first > 12 >= second
        month, day = (second, first) if day_first else (first, second)
        if day_first:
            note = f"{text} was read day first"
    elif (found := DAY_MONTH.fullmatch(plain)) and found[2][:3].lower() in MONTHS:
        year, month, day = _year(found[3]), MONTHS[found[2][:3].lower()], int(found[1])
    elif (found := MONTH_DAY.fullmatch(plain)) and found[1][:3].lower() in MONTHS:
        year, month, day = _year(found[3]), MONTHS[found[1][:3].lower()], int(found[2])
    else:
        return _exact_moment(text), ""
    try:
        date = dt.date(year, month, day)
        clock = found.groups()[-3:]
        if clock[0] is None:
            return date, note
        return dt.datetime.combine(date, _time(*clock)), note
    except ValueError:
        raise ValueError(f"{text[:40]} is not a day of any calendar") from None


def _exact_moment(text: str) -> dt.date:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"“{text[:40]}” is no date; write it as 3/28/2026") from None


def _year(text: str) -> int:
    return int(text) + 2000 if len(text) == 2 else int(text)


def _time(hour: str, minute: str, half: str | None) -> dt.time:
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            raise ValueError("no such hour")
        hours = hours % 12 + (12 if half[0].lower() == "p" else 0)
    return dt.time(hours, int(minute))

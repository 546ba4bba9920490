"""What speaks against a package's prices: what must be confirmed before it is decided on.

A price whose quote has ended, and a premium that no carrier quoted. Both are read from the frozen
request, so that the answer is the same whatever is edited meanwhile.
"""

from __future__ import annotations

from datetime import date, datetime, time

from django.utils import timezone

from quotes.models import Run, Solution
from quotes.services import comparison, expiry
from quotes.services.comparison import in_words, line_word
from quotes.services.money import day_words
from quotes.services.what_if.origin import MOST_NAME, supposed_premiums

MOST_WORDS = 1000
"""Characters that an event keeps of what was confirmed."""


def expired_words(run: Run, solution: Solution, now: datetime) -> str:
    """What of the package had expired by `now`, by the frozen request; "" where nothing had.

    "The price of Harbor Mutual home ended on Mar 14, 2026". Comes with its lines prefetched.
    """
    sent = comparison.Sent.of(run.request, run.offering_lines)
    gone = []
    for line in solution.returned:
        offering = sent.offering_of(line)
        end = None if offering is None else comparison.expiry_of(offering)
        if end is not None and end <= now:
            name = line.shown_carrier
            short = name if len(name) <= MOST_NAME else f"{name[:MOST_NAME]}…"
            whose = f"{short} {line_word(line.category)}".strip()
            gone.append(f"{whose} ended on {day_words(expiry.last_day(end))}")
    return f"The price of {in_words(gone)}" if gone else ""


def doubts_about(run: Run, solution: Solution, on: date | None = None) -> str:
    """What must be confirmed to decide on the package, in one line; "" where there is nothing.

    `on` is the day that is recorded, today without one: what was accepted while a price held is
    not doubtful because it is written down later. The solution's lines come prefetched.
    """
    now = timezone.now()
    if on is not None and on < timezone.localdate(now):
        now = timezone.make_aware(datetime.combine(on, time.min))
    found = [expired_words(run, solution, now), supposed_premiums(run).words_for(solution)]
    return same_words(". ".join(each for each in found if each)[:MOST_WORDS])


def same_words(text: str) -> str:
    """As a browser hands it back: it changes the ends of lines, and names may hold some."""
    return " ".join(text.split())

"""How pages write a run: its state, times, costs and differences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.safestring import mark_safe

from quotes.models import Run, RunState, Solution
from quotes.models.run import STATE_WORDS
from quotes.services import expiry
from quotes.services.comparison import Difference, in_words, line_word
from quotes.templatetags.portal import DASH, dollars

register = template.Library()


@register.filter
def state_code(run: Run) -> str:
    """The state by which a mark is coloured: the run's own, degraded, or no_package."""
    if _no_package(run):
        return "no_package"
    return "degraded" if run.degraded else run.state


@register.filter
def state_words(run: Run) -> str:
    if _no_package(run):
        return "no package"
    return "degraded" if run.degraded else STATE_WORDS.get(run.state, run.state)


def _no_package(run: Run) -> bool:
    """Completed with nothing ranked. Lists come with `has_package`; one run alone is asked."""
    if run.state != RunState.COMPLETED:
        return False
    known = getattr(run, "has_package", None)
    return not (run.solutions.exists() if known is None else known)


@register.filter
def overdue(run: Run) -> bool:
    return run.is_overdue(timezone.now())


@register.filter
def duration(seconds: float | timedelta | None) -> str:
    """ "18 s", "4 min 10 s", "2 h 5 min"; "—" when not known."""
    if seconds is None:
        return DASH
    whole = int(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    if whole < 60:
        return f"{max(whole, 0)} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days"


@register.filter
def took(run: Run) -> timedelta | None:
    """From the submission, or the start where nothing was sent, to when we knew the end."""
    if run.finished_at is None:
        return None
    return run.finished_at - (run.submitted_at or run.created_at)


@register.filter
def since(moment: datetime | None) -> timedelta | None:
    return None if moment is None else timezone.now() - moment


@register.filter
def ordinal_word(count: int) -> str:
    words = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
    return words[count - 1] if 1 <= count <= len(words) else f"{count}th"


@register.filter
def lines_in_words(lines: Sequence[str]) -> str:
    """ "Home, auto and umbrella"."""
    words = in_words([line_word(line) for line in lines])
    return words[:1].upper() + words[1:]


@register.filter
def joined(words: Sequence[str]) -> str:
    return in_words(list(words))


@register.filter
def carriers_short(names: Sequence[str]) -> str:
    """ "Harbor Mutual + 2 more", for where there is no room for all."""
    if len(names) < 2:
        return "".join(names)
    return f"{names[0]} + {len(names) - 1} more"


@register.filter
def cost(solution: Solution | str | None) -> str:
    """A package's annual cost: one figure, a range, or what of it is given; "—" without one."""
    if not isinstance(solution, Solution):  # what a template has of a list without a first is ""
        return DASH
    return cost_range(solution.est_cost_low, solution.est_cost_high)


@register.filter
def cost_range(low: Decimal | None, high: Decimal | None) -> str:
    """The same of its two ends."""
    if low is None and high is None:
        return DASH
    if low is None:
        return f"up to {dollars(high)}"
    if high is None:
        return f"from {dollars(low)}"
    return dollars(low) if low == high else f"{dollars(low)} – {dollars(high)}"


@register.filter
def signed(difference: Difference) -> str:
    """ "−$855", "+$780", "−$70 to +$505", "$0", as marks that keep each amount on one line."""
    ends = [end for end in (difference.low, difference.high) if end is not None]
    if not ends:
        return DASH
    if len(ends) == 2 and ends[0] == ends[1]:
        ends = ends[:1]
    amounts = [f'<span class="amount">{_signed_amount(end)}</span>' for end in ends]
    return mark_safe(" to ".join(amounts))  # noqa: S308 - signs and digits alone


@register.filter
def moved(amount: Decimal | None) -> str:
    """By how many dollars a figure moved: "+$120", "−$70", "unchanged"; "—" where not known."""
    if amount is None:
        return DASH
    return _signed_amount(amount) if amount else "unchanged"


def _signed_amount(amount: Decimal) -> str:
    return f"+{dollars(amount)}" if amount > 0 else dollars(amount)


@register.filter
def last_day(moment: datetime | None) -> date | None:
    """The last day a price holds, for the moment from which it is gone."""
    return None if moment is None else expiry.last_day(moment)


@register.filter
def is_soon(moment: datetime | None) -> bool:
    return moment is not None and expiry.is_soon(moment, timezone.now())


@register.filter
def days_left(moment: datetime | None) -> str:
    """ "today", "tomorrow", "in 11 days", "2 days ago", by the office's calendar."""
    if moment is None:
        return ""
    days = expiry.days_left(moment, timezone.now())
    if days < 0:
        return "yesterday" if days == -1 else f"{-days} days ago"
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")


@register.filter
def size(count: int | None) -> str:
    """Bytes as a person reads them: "812 bytes", "6.1 kB"."""
    if count is None:
        return DASH
    if count < 1000:
        return f"{count} byte{'' if count == 1 else 's'}"
    return f"{count / 1000:,.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:,.1f} MB"


EVENT_TONES = {
    "not_sent": "warning",
    "throttled": "warning",
    "submit_unknown": "warning",
    "bad_poll": "warning",
    "unreachable": "warning",
    "late_reply": "warning",
    "key_refused": "error",
    "rejected": "error",
    "failed": "error",
    "bad_response": "error",
}


@register.filter
def event_tone(event: Any) -> str:
    return EVENT_TONES.get(event.kind, "")

"""When Nexio is asked again.

Guide, "Polling for Results": start at 2 s, back off by 1.5, cap at 30 s.
"""

from __future__ import annotations

import random
from datetime import timedelta

FIRST_POLL = 2.0
BACKOFF = 1.5
LONGEST_POLL = 30.0
LATENESS = 0.04
"""Polls may come 0 to 5 % late, never early; a hundredth is left for our own latency."""


def poll_delay(polls_done: int) -> float:
    """Seconds by the schedule before the next poll, after `polls_done` polls: 2, 3, 4.5 … 30."""
    # Past the cap the power only grows; 20 steps are far beyond it.
    return min(FIRST_POLL * BACKOFF ** min(polls_done, 20), LONGEST_POLL)


def next_poll_in(polls_done: int) -> timedelta:
    """The schedule's delay, lengthened by chance so that many runs do not poll in step."""
    return timedelta(seconds=poll_delay(polls_done) * (1 + random.uniform(0, LATENESS)))  # noqa: S311


def resend_in(attempts: int) -> timedelta:
    """Back-off before a submission of which no byte left: 1, 2, 4 … 60 s."""
    return timedelta(seconds=min(2.0 ** min(max(attempts - 1, 0), 10), 60.0))

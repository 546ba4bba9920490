"""When Nexio is asked again.

Guide, "Polling for Results": start at 2 s, back off by 1.5, cap at 30 s.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from uuid import UUID

FIRST_POLL = 2.0
BACKOFF = 1.5
LONGEST_POLL = 30.0
LATENESS = 0.04
"""Polls may come 0 to 5 % late, never early; a hundredth is left for our own latency."""


def poll_delay(polls_done: int) -> float:
    """Seconds by the schedule before the next poll, after `polls_done` polls: 2, 3, 4.5 … 30."""
    # Past the cap the power only grows; 20 steps are far beyond it.
    return min(FIRST_POLL * BACKOFF ** min(polls_done, 20), LONGEST_POLL)


def lateness(run: UUID, polls_done: int) -> float:
    """The share by which this poll of this run comes late, 0 to `LATENESS`.

    As good as chance, so that many runs do not poll in step; but it follows from the run, so that
    anybody can tell when a poll was meant to be.
    """
    digest = blake2b(run.bytes + polls_done.to_bytes(8, "big"), digest_size=4).digest()
    return LATENESS * int.from_bytes(digest, "big") / 2**32


def next_poll_in(polls_done: int, run: UUID) -> timedelta:
    """The schedule's delay after a reply, lengthened by the run's lateness."""
    return timedelta(seconds=poll_delay(polls_done) * (1 + lateness(run, polls_done)))


def resend_in(attempts: int) -> timedelta:
    """Back-off before a submission of which no byte left: 1, 2, 4 … 60 s."""
    return timedelta(seconds=min(2.0 ** min(max(attempts - 1, 0), 10), 60.0))

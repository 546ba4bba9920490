"""The schedule as it would be kept by somebody who never loses a moment."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from itertools import pairwise

from quotes.services.schedule import next_poll_in, poll_delay


@dataclass(frozen=True)
class Ideal:
    """Polls at the very moments of the schedule, our lateness of 0 to 4 % included, each
    answered after `reply` seconds.  Times are seconds since the epoch."""

    reply: float

    def first(self, run: uuid.UUID, begins: float) -> float:
        return begins + next_poll_in(0, run).total_seconds()

    def after(self, run: uuid.UUID, due: float, polls: int) -> float:
        """When the poll follows that was the `polls`-th and due then."""
        return due + self.reply + next_poll_in(polls, run).total_seconds()

    def sees(self, run: uuid.UUID, due: float, polls: int, ends: float) -> float:
        """The moment of the poll that finds the run ended; the next is due then, and `polls`
        were made before."""
        while due < ends:
            polls += 1
            due = self.after(run, due, polls)
        return due


def requests_too_early(arrivals: list[float], *, reply: float, polls: int) -> int:
    """How many of a run's requests came sooner than the guide's schedule allows, counted from
    the reply before; `polls` had been made before the first."""
    early = 0
    for number, (before, at) in enumerate(pairwise(arrivals), polls + 1):
        early += at - before < reply + poll_delay(number) - 0.001
    return early

"""Whether this installation can do its work now, asked by monitors as often as they like."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

from django.db import Error as DatabaseTrouble
from django.utils import timezone

from quotes.services.beats import any_fresh
from quotes.services.operations_ground import read_database, unapplied_migrations
from quotes.services.queueing import read_queue

KEPT_FOR = 1.5
HUNG_AFTER = 10.0
"""Seconds without an answer of the database after which it is taken for away."""
AWAY = "database: does not answer"
QUEUE_AWAY = "queue: Redis does not answer; hints go by way of the database"


def what_is_missing(*, now: datetime) -> list[str]:
    """What keeps the app from doing its work, in plain words that tell nothing of its inside."""
    if not read_database().answers:
        return [AWAY]
    try:
        if unapplied_migrations():
            return ["database: not brought up to date yet"]
        if not any_fresh(now):
            return ["worker: none has shown life in the last 15 seconds"]
    except DatabaseTrouble:
        return [AWAY]
    return []


def what_stands_in() -> list[str]:
    """What does not work and is made up for by something else: a reason to look, not to wake."""
    try:
        return [] if read_queue().answers else [QUEUE_AWAY]
    except DatabaseTrouble:
        return [AWAY]


class Recent:
    """The latest answer, asked anew at most every 1.5 seconds and by one thread at a time.

    While one thread asks, the others are told the answer before; so monitors can neither storm
    the database nor take up every thread of a web process whose database hangs.
    """

    def __init__(
        self, ask: Callable[[], list[str]], clock: Callable[[], float], away: str = AWAY
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._away = away
        self._asking = threading.Lock()
        self._answer: tuple[float, list[str]] | None = None

    def __call__(self) -> list[str]:
        known = self._answer
        if known is not None and self._clock() - known[0] < KEPT_FOR:
            return known[1]
        # Before the first answer there is nothing to tell but to wait for it, for a while.
        if not self._asking.acquire(timeout=0.01 if known is not None else HUNG_AFTER):
            if known is None or self._clock() - known[0] > HUNG_AFTER:
                return [self._away]
            return known[1]
        try:
            if self._answer is not None and self._clock() - self._answer[0] < KEPT_FOR:
                return self._answer[1]  # another thread asked while this one waited
            answer = self._ask()
            self._answer = self._clock(), answer
            return answer
        finally:
            self._asking.release()


recently = Recent(lambda: what_is_missing(now=timezone.now()), time.monotonic)
recently_aside = Recent(what_stands_in, time.monotonic, QUEUE_AWAY)

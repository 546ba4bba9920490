"""Entry points for django-q2. Arguments are integers and names only."""

from __future__ import annotations

import os
import time
import uuid

from django.utils import timezone

from brokerportal.stack_room import with_room
from quotes.services import claims, leash, links, watching
from quotes.services.beats import Pulse
from quotes.services.runs import wake_worker

LONGEST_WATCH = 300.0
"""Seconds; below the queue's time-out, so that a watcher always ends by itself."""


@with_room
def watch() -> None:
    """Serve runs until the worker drains or the time is up; one watcher a worker.

    Ends at once where one is already serving. On ending it queues its successor while runs are
    in flight.
    """
    folder = leash.lock_folder()
    lock = leash.watcher_lock(folder)
    if not lock.take_soon():
        return
    lease = uuid.uuid4().hex
    under_worker = leash.LEASH_ENV in os.environ
    ends_at = time.monotonic() + LONGEST_WATCH

    def draining() -> bool:
        return under_worker and not leash.worker_leash(folder).held_by_another()

    try:
        claims.take_back(lock, now=timezone.now())
        lock.write(lease)
        watching.watch_runs(
            stop=lambda: time.monotonic() > ends_at or draining(),
            in_haste=draining,
            lease=lease,
            pulse=Pulse(worker=folder),
        )
        lock.write("")
    finally:
        lock.drop()
    if not draining() and claims.in_flight_at_configured_service():
        wake_worker()


def mail_links(people: list[int]) -> None:
    """Mail each of the people, by id, a link to set a password: they said that they forgot it."""
    links.mail_links(people)

"""The queue's processes, tied to the worker command that started them."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django_q.cluster import Cluster

import quotes.tasks  # noqa: F401  (before the cluster's processes are forked, which share it)
from quotes.services import leash
from quotes.services.supervising import DRAIN_WITHIN, Patience

LOOK_EVERY = 0.25
LEASH_FALLS_WITHIN = 2.0
"""Seconds that a worker command which was killed may still seem to hold the leash: the kernel lets
go of it once it has cleaned up, which takes longest where memory and processor are short."""


class Command(BaseCommand):
    help = "Internal: the django-q cluster of `manage.py worker`, which ends when that does."
    # They are about the code, the pages' as well, which would be loaded for them and for nothing
    # else: one that died is replaced in half the time.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--drain-within", type=float, default=DRAIN_WITHIN)

    def handle(self, *args: Any, **options: Any) -> None:
        folder = leash.lock_folder()
        held = leash.worker_leash(folder)
        cluster = Cluster()
        cluster.start()
        # After SIGTERM `stop` has run in the signal handler and the sentinel is gone.
        while cluster.sentinel.is_alive() and held.held_by_another():
            time.sleep(LOOK_EVERY)
        ends = time.monotonic() + LEASH_FALLS_WITHIN
        while held.held_by_another():
            if time.monotonic() > ends:
                return  # the worker command ends what the sentinel left
            time.sleep(LOOK_EVERY)
        # A cluster whose queue is locked for good hangs in `stop`, and one without its sentinel
        # has nobody who would stop it. With the worker command gone this is for us to see to.
        patience = Patience(leash.watcher_lock(folder), within=options["drain_within"])
        ending = threading.Thread(target=_end_group, args=[patience], daemon=True)
        ending.start()
        cluster.stop()
        if cluster.sentinel.exitcode != 0:
            ending.join()


def _end_group(patience: Patience) -> None:
    """Kill whatever is left of the cluster once waiting is over; it leads a group of its own."""
    while not patience.is_over():
        time.sleep(LOOK_EVERY)
    os.killpg(0, signal.SIGKILL)

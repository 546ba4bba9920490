"""The queue's processes, tied to the worker command that started them."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand
from django_q.cluster import Cluster

from quotes.services import leash

LOOK_EVERY = 0.25


class Command(BaseCommand):
    help = "Internal: the django-q cluster of `manage.py worker`, which ends when that does."

    def handle(self, *args: Any, **options: Any) -> None:
        held = leash.worker_leash(leash.lock_folder())
        cluster = Cluster()
        cluster.start()
        # After SIGTERM `stop` has run in the signal handler and the sentinel is gone.
        while cluster.sentinel.is_alive():
            if not held.held_by_another():
                cluster.stop()
                return
            time.sleep(LOOK_EVERY)

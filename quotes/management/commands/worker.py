"""`manage.py worker`: the background half of the app, kept going and drained cleanly."""

from __future__ import annotations

import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from quotes.services.notices.tending import Tender
from quotes.services.supervising import DRAIN_WITHIN, STALE_AFTER, Supervisor


class Command(BaseCommand):
    help = "Send and watch runs until stopped. Any number may run, on any number of hosts."
    requires_system_checks: list[str] = []  # as in `cluster`

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--drain-within",
            type=float,
            default=DRAIN_WITHIN,
            help=f"seconds that a stop waits for submissions under way (default {DRAIN_WITHIN:g})",
        )
        parser.add_argument(
            "--stale-after",
            type=float,
            default=STALE_AFTER,
            help="seconds without a sign of life after which the processes that serve runs are "
            f"replaced (default {STALE_AFTER:g}; signs come every 5)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(tempfile.mkdtemp(prefix="brokerportal-worker-"))
        supervisor = Supervisor(
            folder, stale_after=options["stale_after"], drain_within=options["drain_within"]
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: supervisor.stop())
        # Not in the cluster: a mail server that does not answer must hold up no watcher.
        tender = Tender()
        tender.start()
        try:
            supervisor.run()
        finally:
            tender.stop()
            shutil.rmtree(folder, ignore_errors=True)

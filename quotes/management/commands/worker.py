"""`manage.py worker`: the background half of the app, kept going and drained cleanly."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error as DatabaseTrouble
from django.db import close_old_connections
from django.utils import timezone

from quotes.services import claims, leash
from quotes.services.notices.tending import Tender
from quotes.services.runs import wake_worker

log = structlog.get_logger(__name__)

LOOK_EVERY = 0.25
HINT_EVERY = 1.0
FROZEN_AFTER = 60.0
"""Seconds without a watcher after which the cluster is taken for frozen: django-q hangs for good
when one of its idle workers is killed while it holds the lock of the queue."""
DRAIN_WITHIN = 45.0
"""Longer than the POST's total deadline: a submission under way is waited for."""
IDLE_DRAIN = 5.0
"""Once no watcher serves, there is nothing in the cluster worth waiting longer for."""


class Command(BaseCommand):
    help = "Send and watch runs until stopped. Any number may run, on any number of hosts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--drain-within",
            type=float,
            default=DRAIN_WITHIN,
            help=f"seconds that a stop waits for submissions under way (default {DRAIN_WITHIN:g})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stopping = False
        self.drain_within: float = options["drain_within"]
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        folder = Path(tempfile.mkdtemp(prefix="brokerportal-worker-"))
        self.held = leash.worker_leash(folder)
        self.watcher = leash.watcher_lock(folder)
        self.held.take()
        # Not in the cluster: a mail server that does not answer must hold up no watcher.
        tender = Tender()
        tender.start()
        try:
            self._supervise(folder)
        finally:
            tender.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def _stop(self, number: int, frame: Any) -> None:
        self.stopping = True

    def _supervise(self, folder: Path) -> None:
        """Keep a cluster with a watcher in it, until told to stop."""
        log.info("worker_started", pid=os.getpid())
        while not self.stopping:
            cluster = self._start(folder)
            try:
                why = self._attend(cluster)
                if self.stopping:
                    self._drain(cluster)
                else:
                    log.error(why, code=cluster.returncode)
            finally:
                # What it left behind would go on working unseen, or hold its locks for ever.
                self._kill(cluster)
            if not self.stopping:
                time.sleep(1)

    def _attend(self, cluster: subprocess.Popen[bytes]) -> str:
        """Watch over a cluster; returns why it is to be replaced, or on being told to stop."""
        missing_since = time.monotonic()
        next_hint = missing_since
        while not self.stopping:
            now = time.monotonic()
            if cluster.poll() is not None:
                return "cluster_died"
            if self.watcher.held_by_another():
                missing_since = next_hint = now
            elif now - missing_since > FROZEN_AFTER:
                return "cluster_frozen"
            elif now >= next_hint:
                if not self._new_watcher():
                    missing_since = now  # nobody could ask the cluster for one
                next_hint = now + HINT_EVERY
            self.held.keep_fresh()
            self.watcher.keep_fresh()
            time.sleep(LOOK_EVERY)
        return "stopping"

    def _start(self, folder: Path) -> subprocess.Popen[bytes]:
        # A session of its own: a supervisor that signals our whole group must not reach tasks
        # in mid-flight, and only the whole group can be ended when a part of it hangs.
        return subprocess.Popen(  # noqa: S603
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "cluster"],
            env=os.environ | {leash.LEASH_ENV: str(folder)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _new_watcher(self) -> bool:
        """Ask the queue for a watcher, a dead one's runs taken back first; False if it cannot."""
        try:
            close_old_connections()
            if self.watcher.take():  # else one has begun meanwhile, and takes them back itself
                try:
                    claims.take_back(self.watcher, now=timezone.now())
                finally:
                    self.watcher.drop()
            wake_worker()
        except DatabaseTrouble:
            log.warning("database_unreachable")
            return False
        return True

    def _drain(self, cluster: subprocess.Popen[bytes]) -> None:
        log.info("worker_draining")
        self.held.drop()
        cluster.terminate()
        began = idle_since = time.monotonic()
        while cluster.poll() is None:
            now = time.monotonic()
            if self.watcher.held_by_another():
                idle_since = now
            if now - began > self.drain_within or now - idle_since > IDLE_DRAIN:
                log.error("drain_cut_short", seconds=round(now - began, 1))
                break
            time.sleep(LOOK_EVERY)
        self._kill(cluster)

    def _kill(self, cluster: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(cluster.pid, signal.SIGKILL)
        cluster.wait()

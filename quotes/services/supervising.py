"""Keeps a django-q cluster going: started, looked after, replaced when it fails, drained.

What tells that a cluster serves is its watcher's sign of life in the database. A lock alone would
not do: a watcher that hangs holds it all the same. A stale sign counts only while the database
can be read, since otherwise none can be written either.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog
from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import close_old_connections
from django.utils import timezone

from quotes.services import beats, claims, leash
from quotes.services.runs import wake_worker

log = structlog.get_logger(__name__)

LOOK_EVERY = 0.25
HINT_EVERY = 1.0
READ_EVERY = 1.0
STALE_AFTER = beats.FRESH_FOR.total_seconds()
"""Seconds without a new sign of life after which a cluster is replaced."""
START_WITHIN = 60.0
"""Seconds a new cluster has for its first sign: a busy machine takes long to start one."""
DRAIN_WITHIN = 45.0
"""Longer than the POST's total deadline: a submission under way is waited for."""
IDLE_DRAIN = 5.0
"""Once no watcher serves, there is nothing in the cluster worth waiting longer for."""


class Life:
    """Whether the watcher of a worker shows life, by this process's own steady clock.

    Only that the sign in the database is another one counts, not the time in it: the wall's clock
    may be moved meanwhile. `stale_after` and `first_within`, for a new cluster's first sign, are
    seconds; `read` gives the sign as it stands.
    """

    def __init__(
        self,
        read: Callable[[], datetime | None],
        *,
        stale_after: float,
        first_within: float = START_WITHIN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._stale_after = stale_after
        self._limit = max(first_within, stale_after)
        self._clock = clock
        self._seen: list[datetime | None] = []
        self._since = self._next = clock()

    def is_stale(self) -> bool:
        """Whether it has shown none for too long, while the database answered."""
        now = self._clock()
        if now >= self._next:
            self._next = now + READ_EVERY
            try:
                sign = self._read()
            except DatabaseTrouble:
                log.warning("database_unreachable")
                self._since = now
                return False
            if self._seen and sign != self._seen[0]:
                self._since, self._limit = now, self._stale_after
            self._seen = [sign]
        return now - self._since > self._limit


class Patience:
    """How long a cluster that was told to end is waited for: `within` seconds at the most, and
    only as long as a watcher in it is still at work or was a moment ago."""

    def __init__(
        self,
        watcher: leash.FileLock,
        *,
        within: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._watcher = watcher
        self._within = within
        self._clock = clock
        self._began = self._idle_since = clock()

    @property
    def waited(self) -> float:
        """Seconds so far."""
        return self._clock() - self._began

    def is_over(self) -> bool:
        now = self._clock()
        if self._watcher.held_by_another():
            self._idle_since = now
        return now - self._began > self._within or now - self._idle_since > IDLE_DRAIN


class Supervisor:
    """The worker command's hold on its cluster; `folder` is where their locks are.

    `stale_after` and `drain_within` are seconds.
    """

    def __init__(self, folder: Path, *, stale_after: float, drain_within: float) -> None:
        self.folder = folder
        self.stale_after = stale_after
        self.drain_within = drain_within
        self.stopping = False
        self.held = leash.worker_leash(folder)
        self.watcher = leash.watcher_lock(folder)

    def stop(self) -> None:
        """Drain and end; may be called from a signal's handler."""
        self.stopping = True

    def run(self) -> None:
        """Keep a cluster with a watcher in it, until told to stop."""
        log.info("worker_started", pid=os.getpid())
        while not self.stopping:
            self.held.take()
            cluster = self._start()
            try:
                why = self._attend(cluster)
                if self.stopping:
                    self._drain(cluster)
                else:
                    log.error(why, code=cluster.returncode)
                    if why == "cluster_died":
                        self._let_the_watcher_end()
            finally:
                # What it left behind would go on working unseen, or hold its locks for ever.
                self._kill(cluster)
            if not self.stopping:
                time.sleep(1)

    def _attend(self, cluster: subprocess.Popen[bytes]) -> str:
        """Watch over a cluster; returns why it is to be replaced, or on being told to stop."""
        life = Life(self._last_sign, stale_after=self.stale_after)
        next_hint = time.monotonic()
        while not self.stopping:
            now = time.monotonic()
            if cluster.poll() is not None:
                return "cluster_died"
            if life.is_stale():
                return "cluster_frozen"
            if self.watcher.held_by_another():
                next_hint = now
            elif now >= next_hint:
                self._new_watcher()
                next_hint = now + HINT_EVERY
            self.held.keep_fresh()
            self.watcher.keep_fresh()
            time.sleep(LOOK_EVERY)
        return "stopping"

    def _start(self) -> subprocess.Popen[bytes]:
        # A session of its own: a supervisor that signals our whole group must not reach tasks
        # in mid-flight, and only the whole group can be ended when a part of it hangs.
        return subprocess.Popen(  # noqa: S603
            [
                sys.executable,
                str(settings.BASE_DIR / "manage.py"),
                "cluster",
                "--drain-within",
                str(self.drain_within),
            ],
            env=os.environ | {leash.LEASH_ENV: str(self.folder)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _last_sign(self) -> datetime | None:
        close_old_connections()
        return beats.last_of(self.folder)

    def _new_watcher(self) -> None:
        """Ask the queue for a watcher, a dead one's runs taken back first."""
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

    def _let_the_watcher_end(self) -> None:
        """After the main process or its sentinel was killed a watcher may go on by itself, in
        mid-submission perhaps: then it is let finish, as on a drain."""
        self.held.drop()
        ends = time.monotonic() + self.drain_within
        while self.watcher.held_by_another() and time.monotonic() < ends:
            time.sleep(LOOK_EVERY)

    def _drain(self, cluster: subprocess.Popen[bytes]) -> None:
        log.info("worker_draining")
        self.held.drop()
        cluster.terminate()
        patience = Patience(self.watcher, within=self.drain_within)
        while cluster.poll() is None:
            if patience.is_over():
                log.error("drain_cut_short", seconds=round(patience.waited, 1))
                break
            time.sleep(LOOK_EVERY)
        self._kill(cluster)

    def _kill(self, cluster: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(cluster.pid, signal.SIGKILL)
        cluster.wait()

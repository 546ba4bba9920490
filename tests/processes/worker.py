"""A `manage.py worker` under test, and ways to look at its processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent
T = TypeVar("T")


def eventually(look: Callable[[], T], within: float, what: str) -> T:
    """Look until the answer is true; fail saying `what` was missing after `within` seconds."""
    ends = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > ends:
            pytest.fail(f"not so within {within:g} s: {what}")
        time.sleep(0.05)


def database_url() -> str:
    """The test database, for another process."""
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    user, host, port = config["USER"], config["HOST"], config["PORT"] or 5432
    password = f":{config['PASSWORD']}" if config["PASSWORD"] else ""
    return f"postgresql://{user}{password}@{host}:{port}/{config['NAME']}"


class WorkerProcess:
    """A `manage.py worker` under test; `environment` goes before what it is given otherwise."""

    def __init__(self, nexio_url: str, folder: Path, *options: str, **environment: str) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.log = folder / "worker.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "worker", *options],
                env=os.environ
                | {
                    "DATABASE_URL": database_url(),
                    "DATA_DIR": str(folder),
                    "DJANGO_SETTINGS_MODULE": "brokerportal.settings",
                    "NEXIO_BASE_URL": nexio_url,
                    "NEXIO_API_KEY": "nx_test_worker_under_test",
                    "TMPDIR": str(folder),
                    "LOG_LEVEL": "INFO",
                }
                | environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def descendants(self) -> list[int]:
        """Pids of every living process below the worker, by what the kernel says."""
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found, queue = [], [self.process.pid]
        while queue:
            below = children.get(queue.pop(), [])
            found += below
            queue += below
        return found

    def main_pid(self) -> int | None:
        """The main process of its cluster, which leads a session of its own."""
        mine = self.process.pid
        below = self.descendants()
        return next((pid for pid in below if pid != mine and os.getpgid(pid) == pid), None)

    def watcher_pid(self) -> int | None:
        """The process that holds the watcher's lock open."""
        locks = list(self.folder.glob("brokerportal-worker-*/watcher.lock"))
        for pid in self.descendants():
            try:
                held = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
            except OSError:
                continue
            if any(str(lock) in held for lock in locks):
                return pid
        return None

    def stop(self, within: float = 30) -> int:
        """SIGTERM, and its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)

    def kill_all(self) -> None:
        """Every process of it at once, as when a whole host goes."""
        for pid in [self.process.pid, *self.descendants()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        """End it whatever state it is in, and whatever is left of it."""
        below = self.descendants()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

"""The app's own processes, started as an operator starts them and ended by pid."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.db import connection

from tests.conftest import CHROMIUM_LAUNCH

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
    """A `manage.py worker` under test."""

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


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, **CHROMIUM_LAUNCH}


@pytest.fixture
def start_worker(
    tmp_path: Path, fake_nexio, transactional_db
) -> Iterator[Callable[..., WorkerProcess]]:
    """Starts workers that talk to the fake Nexio; whatever still lives at the end is ended."""
    started: list[WorkerProcess] = []

    def start(*options: str, **environment: str) -> WorkerProcess:
        folder = tmp_path / f"worker{len(started)}"
        started.append(WorkerProcess(fake_nexio.url, folder, *options, **environment))
        return started[-1]

    yield start
    for worker in started:
        below = worker.descendants()
        if worker.process.poll() is None:
            worker.process.send_signal(signal.SIGTERM)
            try:
                worker.process.wait(10)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

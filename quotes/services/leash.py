"""Locks between processes of one host that the kernel lets go of when their holder dies.

The worker command holds a leash while it wants its cluster to live; the watcher holds a lock
while it serves. Neither can be left behind by a kill, as a pid in a file can.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from pathlib import Path
from typing import IO

LEASH_ENV = "BROKERPORTAL_LEASH"
"""Set by the worker command for its cluster: the folder that holds both locks."""


class FileLock:
    """An exclusive lock on a file, held from `take` until `drop` or the process's end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def take_soon(self) -> bool:
        """Take the lock, trying for a moment: a look by another process holds it briefly."""
        for _ in range(5):
            if self.take():
                return True
            time.sleep(0.02)
        return False

    def take(self) -> bool:
        """Take the lock without waiting; False where somebody else holds it."""
        file = self.path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def write(self, note: str) -> None:
        """Leave a word for whoever finds the lock after its holder died."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.write(note)
            self._file.flush()

    def read(self) -> str:
        """The word its last holder left, for who holds the lock now; empty after a good end."""
        assert self._file is not None  # noqa: S101 - only a holder may read
        self._file.seek(0)
        return self._file.read().strip()

    def drop(self) -> None:
        """Let go in good order: nothing is left behind."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def held_by_another(self) -> bool:
        """Whether a living process holds it now; nobody does where the file is gone."""
        try:
            if self.take():
                self.drop()
                return False
        except FileNotFoundError:
            return False
        return True

    def keep_fresh(self) -> None:
        """Touch the file, so that nothing which clears old temporary files takes it away."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self.path)


def lock_folder() -> Path:
    """The worker's folder; without a worker command, one for this user and checkout."""
    given = os.environ.get(LEASH_ENV)
    if given:
        return Path(given)
    folder = Path(tempfile.gettempdir()) / f"brokerportal-{os.getuid()}-{os.getppid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def watcher_lock(folder: Path) -> FileLock:
    return FileLock(folder / "watcher.lock")


def worker_leash(folder: Path) -> FileLock:
    return FileLock(folder / "worker.lock")

"""What one process under measurement tells of itself: a line of JSON a second, and what it knew.

Its processor time is its own, all threads: the database's client is in it, and with SQLite the
whole database.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from quotes.nexio.client import NexioClient

EVERY = 1.0


class Diary:
    """Counts polls and notes when each run's end was known, written to `path` line by line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")
        self._lock = threading.Lock()
        self.polls = 0
        threading.Thread(target=self._sample, daemon=True).start()

    def knows(self, nexio_run_id: str) -> None:
        """The run's end is known from now on."""
        self._say({"run": nexio_run_id, "at": time.time()})

    def count_polls(self) -> None:
        """Count every poll of this process's clients."""
        usual = NexioClient.fetch

        async def fetch(client: NexioClient, run_id: str) -> Any:
            self.polls += 1
            return await usual(client, run_id)

        NexioClient.fetch = fetch  # type: ignore[method-assign, assignment]

    def _sample(self) -> None:
        while True:
            self._say(
                {"at": time.time(), "cpu": time.process_time(), "polls": self.polls, "rss": _rss()}
            )
            time.sleep(EVERY)

    def _say(self, line: dict[str, Any]) -> None:
        with self._lock:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()


def until(moment: float) -> Callable[[], bool]:
    """Whether it is later than this, in seconds since the epoch."""
    return lambda: time.time() > moment


def _rss() -> int:
    """Bytes of memory this process has in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

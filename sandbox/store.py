"""What survives a restart: runs with their timing, and who was told to wait.

No key and no insured is stored: a run is owned by a digest of its key, and of a submission only
the reply it will get is kept. Times are seconds since the epoch.
"""

import hashlib
import math
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

MAX_RUNS = 2_000
MAX_WAITS = 2_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    scenario TEXT NOT NULL,
    created REAL NOT NULL,
    seconds REAL NOT NULL,
    polls INTEGER NOT NULL DEFAULT 0,
    terminal BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS wait (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT NOT NULL UNIQUE,
    until REAL NOT NULL
);
"""


@dataclass(frozen=True)
class Run:
    """One accepted submission. ``terminal`` is the body it ends with, decided when it began."""

    run_id: str
    owner: str
    scenario: str
    created: float
    seconds: float
    terminal: bytes
    polls: int = 0


def owner_of(key: str) -> str:
    """A digest that tells one key's runs from another's without keeping the key."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


class Store:
    """State in one SQLite file, or in memory when ``path`` is ``None``. Safe between threads.

    Raises ``sqlite3.Error`` or ``OSError`` when the file cannot be used.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            path if path is not None else ":memory:",
            timeout=10,
            check_same_thread=False,
            isolation_level=None,
        )
        if path is not None:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def add(self, run: Run) -> None:
        """Keep a run, and forget the oldest beyond ``MAX_RUNS``."""
        with self._lock:
            self._db.execute(
                "INSERT INTO run (run_id, owner, scenario, created, seconds, terminal)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (run.run_id, run.owner, run.scenario, run.created, run.seconds, run.terminal),
            )
            self._db.execute(
                "DELETE FROM run WHERE number <= (SELECT max(number) FROM run) - ?", (MAX_RUNS,)
            )

    def find(self, run_id: str, owner: str) -> Run | None:
        """The owner's run of that id, or nothing: another key's run does not exist for it."""
        with self._lock:
            row = self._db.execute(
                "SELECT run_id, owner, scenario, created, seconds, terminal, polls"
                " FROM run WHERE run_id = ? AND owner = ?",
                (run_id, owner),
            ).fetchone()
        return Run(*row) if row else None

    def count_runs(self) -> int:
        """How many runs are kept, of all keys."""
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM run").fetchone()[0])

    def count_poll(self, run_id: str) -> int:
        """How many times this run has been asked for, this time included."""
        with self._lock:
            row = self._db.execute(
                "UPDATE run SET polls = polls + 1 WHERE run_id = ? RETURNING polls", (run_id,)
            ).fetchone()
        return int(row[0]) if row else 0

    def must_wait(self, token: str, now: float, seconds: float, *, once: bool) -> int | None:
        """Whole seconds left to wait, or ``None`` when the caller may go on.

        The first call starts the wait; a call before its end is told the rest. Served, it starts
        anew at the next call, or never again with ``once``.
        """
        with self._lock:
            row = self._db.execute("SELECT until FROM wait WHERE token = ?", (token,)).fetchone()
            if row is None:
                self._db.execute(
                    "INSERT INTO wait (token, until) VALUES (?, ?)", (token, now + seconds)
                )
                self._db.execute(
                    "DELETE FROM wait WHERE number <= (SELECT max(number) FROM wait) - ?",
                    (MAX_WAITS,),
                )
                return math.ceil(seconds)
            left = float(row[0]) - now
            if left > 0:
                return math.ceil(left)
            if not once:
                self._db.execute("DELETE FROM wait WHERE token = ?", (token,))
            return None

    def close(self) -> None:
        """Let go of the file. Later calls raise ``sqlite3.ProgrammingError``."""
        with self._lock:
            self._db.close()

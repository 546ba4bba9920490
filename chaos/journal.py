"""What the stand-in was asked and what it answered: written first, never changed, read at the end.

Two lines may tell of one exchange: what was decided, written before a byte of the answer leaves,
and that the whole answer left. Runs are known by a digest of their request, never by what is in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SPOILT = frozenset({"drop", "truncate", "html", "types"})
"""Faults of the answer: what was asked for is done, and the caller cannot read it."""
UNDONE = frozenset({"500", "vanish"})
"""Faults in place of the answer, nothing done; the caller cannot know that."""
REFUSED = frozenset({"429", "503"})
"""Plain words that nothing was taken on: these alone may be followed by another submission."""


def digest(body: bytes) -> str:
    """What a request or a reply is known by."""
    return hashlib.sha256(body).hexdigest()


@dataclass(frozen=True)
class Exchange:
    """One request as the stand-in saw it.

    `asked` is the request's digest for a submission and the run_id for a poll. `did` is
    "accepted", "rejected", "refused" or "undone" for a submission, "answered" or "odd" as well
    for a poll. `ended` says that the answer told of a run's end, with `solutions` packages, and
    `answer` is the digest of its bytes. `whole` says that all of the answer left.
    """

    n: str
    at: float
    method: str
    path: str
    asked: str
    fault: str
    did: str
    run_id: str = ""
    status: int = 0
    ended: bool = False
    answer: str = ""
    solutions: int = 0
    whole: bool = False

    @property
    def readable(self) -> bool:
        """Whether a caller that lived could read all of it."""
        return self.whole and self.fault not in SPOILT


class Journal:
    """Lines of JSON, appended whole; a process that is killed leaves at most a torn last one."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def write(self, **entry: Any) -> None:
        line = json.dumps({"at": time.time(), **entry}, separators=(",", ":"))
        # A line break first: what a killed process left torn must not swallow this line.
        os.write(self._file, b"\n" + line.encode())

    def close(self) -> None:
        os.close(self._file)


def read_exchanges(path: Path) -> list[Exchange]:
    """All exchanges, in the order in which they were decided."""
    found: dict[str, dict[str, Any]] = {}
    for line in path.read_bytes().split(b"\n") if path.exists() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if "sent" in entry:
            found[entry["sent"]]["whole"] = True
        else:
            found[entry["n"]] = entry
    return [Exchange(**entry) for entry in found.values()]

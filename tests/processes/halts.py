"""Halts a process of the app at a statement it is about to make, or has just committed.

The process runs with `tests.processes.settings`, which adds `Halts` to the project's apps. A test
sets a trap, waits until a process stands in it, looks, and kills that process. Named by what is
said to the database, a place stays the same however the code that gets there is written.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created

FOLDER = "TEST_HALTS"
"""Names the folder of the traps."""
HOST = "TEST_HOST"
"""What the process takes for the name of its host, where given."""


class Traps:
    """A folder through which a test and the processes under it speak."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.set_at, self.halted_at = folder / "trap", folder / "halted"

    def set(self, when: str, statement: str) -> None:
        """Halt the first process that comes to a statement in which the pattern `statement`, its
        values after it, is found: "before" it is made or once it is "committed"."""
        self.halted_at.unlink(missing_ok=True)
        written = self.set_at.with_suffix(".new")
        written.write_text(json.dumps([when, statement]))
        written.rename(self.set_at)

    def halted(self) -> int | None:
        """The pid of the process that stands in the trap; None as long as there is none."""
        try:
            return int(self.halted_at.read_text())
        except FileNotFoundError:
            return None

    def read(self) -> tuple[str, str] | None:
        try:
            when, statement = json.loads(self.set_at.read_text())
        except FileNotFoundError:
            return None
        return when, statement

    def stand(self) -> None:
        """Stand still for good, unless another process got here first."""
        try:
            self.set_at.unlink()
        except FileNotFoundError:
            return
        written = self.halted_at.with_suffix(".new")
        written.write_text(str(os.getpid()))
        written.rename(self.halted_at)
        while True:
            time.sleep(3600)


class Halts(AppConfig):
    name = "tests.processes"
    label = "halts"

    def ready(self) -> None:
        self.traps = Traps(Path(os.environ[FOLDER]))
        connection_created.connect(self._watch_over)
        if host := os.environ.get(HOST):
            socket.gethostname = lambda: host

    def _watch_over(self, sender: Any, connection: Any, **kwargs: Any) -> None:
        connection.execute_wrappers.append(self._execute)

    def _execute(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        trap = self.traps.read()
        if trap is None or not re.search(trap[1], f"{sql}\n{params!r}", re.I | re.S):
            return execute(sql, params, many, context)
        if trap[0] == "before":
            self.traps.stand()
        done = execute(sql, params, many, context)
        # Outside of a transaction that is at once, else when it is committed.
        context["connection"].on_commit(self.traps.stand)
        return done

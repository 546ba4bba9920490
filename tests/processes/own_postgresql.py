"""A PostgreSQL of a test's own, which it may stop and crash as it likes; never the machine's."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest

PROGRAMS = Path("/usr/lib/postgresql")
Stop = Literal["fast", "immediate"]
"""Every session broken off and all written down, or a crash: nothing is written any more."""


class OwnPostgreSQL:
    """Started by `start` in a folder of its own, on a free port; gone after `remove`."""

    def __init__(self) -> None:
        found = sorted(PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        if not found:
            missing = f"no PostgreSQL is installed below {PROGRAMS}"
            assert not os.environ.get("REQUIRE_POSTGRESQL"), missing
            pytest.skip(missing)
        self.programs = found[-1].parent
        # It refuses to be run by root.
        self.user = "postgres" if os.getuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="own-postgresql-"))
        if self.user:
            shutil.chown(self.folder, self.user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "-A", "trust", "-U", "postgres", "--no-sync")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -F -c listen_addresses=127.0.0.1 -k {self.folder}"
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, how: Stop) -> None:
        self._run("pg_ctl", "-w", "-m", how, "stop")

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of an answer, over a connection of its own."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    @property
    def is_up(self) -> bool:
        return (self.folder / "postmaster.pid").exists()

    def remove(self) -> None:
        if self.is_up:
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [self.programs / program, "-D", self.folder, *words],
            user=self.user,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=90,
        )

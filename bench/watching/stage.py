"""The database, the loopback Nexio and the processes that a measurement is made of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

from django.conf import settings
from django.db import connection

from bench.watching.nexio import solutions_of

KEY = "nx_test_bench"


@contextmanager
def nexio(request: dict[str, Any], reply: float, submits: float = 1e9) -> Iterator[str]:
    """A loopback Nexio in a process of its own, and settings that name it; its address."""
    with tempfile.TemporaryDirectory(prefix="brokerportal-bench-") as folder:
        solutions = Path(folder) / "solutions.json"
        solutions.write_bytes(solutions_of(request))
        server = start("nexio", "--reply", reply, "--submits", submits, "--solutions", solutions)
        try:
            port = json.loads(server.stdout.readline() if server.stdout else b"")["port"]
            settings.NEXIO_URL, settings.NEXIO_KEY = f"http://127.0.0.1:{port}", KEY
            yield settings.NEXIO_URL
        finally:
            server.kill()
            server.wait()


def journal(url: str) -> list[tuple[str, str, float, int]]:
    """Every request since the last call: method, run id, arrival, status of the answer."""
    with urlopen(f"{url}/journal") as reply:  # noqa: S310 - loopback
        return [tuple(line) for line in json.load(reply)]


def start(module: str, *arguments: object) -> subprocess.Popen[bytes]:
    """`python -m bench.watching.<module>` on the bench's database and Nexio."""
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", f"bench.watching.{module}", *map(str, arguments)],
        env=os.environ | environment(),
        stdout=subprocess.PIPE,
    )


def environment() -> dict[str, str]:
    """What lets another process use the bench's database, its keys, and its Nexio."""
    made = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{made['NAME']}"
    else:
        login = f"{quote(made['USER'])}:{quote(made['PASSWORD'])}".rstrip(":")
        url = f"postgresql://{login}@{made['HOST']}:{made['PORT']}/{made['NAME']}"
    return {
        "DATABASE_URL": url,
        "DATA_KEYS": ",".join(map(str, settings.DATA_KEYS)),
        "SECRET_KEY": str(settings.SECRET_KEY),
        "NEXIO_BASE_URL": settings.NEXIO_URL,
        "NEXIO_API_KEY": KEY,
    }


def last_sample(diary: Path) -> dict[str, Any]:
    """The latest line of a process's diary that tells of its costs."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in diary.read_text().splitlines()]
    return [line for line in lines if "cpu" in line][-1]

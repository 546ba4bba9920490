"""Seeded databases that are kept from one benchmark to the next, in `var/bench/data`.

On SQLite a file each; on PostgreSQL a database each beside DATABASE_URL's, named
`brokerportal_bench_…`. New migrations are applied to it, as to a database in use. It is seeded
anew when the seed changed or it is older than a week: what ends soon and what is recent depends on
today. The keys that sealed its columns stand in the note beside it. What the requests of a
benchmark write in it (sessions, the access log) stays; next to the seed it is little.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "var" / "bench" / "data"
OLDEST = timedelta(days=7)
MADE_BY = ("seed_runs.py", "seed_rows.py", "desk.py")


def opened(runs: int, fill: Callable[[datetime], None]) -> dict[str, Any]:
    """Connect to the database of so many runs, filled by `fill` where there is none that fits.

    The answer says `until` when its runs were started, and in how many `seconds` it was filled.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"brokerportal_bench_{connection.vendor}_{runs}"
    note = FOLDER / f"{name}.json"
    said = _read(note)
    if said is None or not _there(name):
        note.unlink(missing_ok=True)
        _make(name)
        _use(name)
        until, start = datetime.now(UTC).replace(microsecond=0), time.perf_counter()
        call_command("migrate", verbosity=0)
        fill(until)
        seconds = round(time.perf_counter() - start, 1)
        keys = [str(key) for key in settings.DATA_KEYS]
        said = {"until": until.isoformat(), "seconds": seconds, "of": _fingerprint(), "keys": keys}
        note.write_text(json.dumps(said) + "\n")
    _use(name)
    settings.DATA_KEYS = said["keys"]
    call_command("migrate", verbosity=0)
    return {name: said[name] for name in ("until", "seconds")}


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for name in MADE_BY:
        digest.update((ROOT / "bench" / name).read_bytes())
    return digest.hexdigest()


def _read(note: Path) -> dict[str, Any] | None:
    """What is noted of a kept database, None where it is not what would be seeded now."""
    try:
        said: dict[str, Any] = json.loads(note.read_text())
    except (OSError, ValueError):
        return None
    young = datetime.fromisoformat(said["until"]) > datetime.now(UTC) - OLDEST
    return said if young and said["of"] == _fingerprint() and "keys" in said else None


def _file(name: str) -> Path:
    return FOLDER / f"{name}.sqlite3"


def _use(name: str) -> None:
    connection.close()
    on_disk = connection.vendor == "sqlite"
    connection.settings_dict["NAME"] = str(_file(name)) if on_disk else name


def _there(name: str) -> bool:
    if connection.vendor == "sqlite":
        return _file(name).exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return cursor.fetchone() is not None


def _make(name: str) -> None:
    """An empty one in its place; only what bears a benchmark's name is ever taken away."""
    if connection.vendor == "sqlite":
        for end in ("", "-wal", "-shm"):
            _file(name).with_name(_file(name).name + end).unlink(missing_ok=True)
        return
    with closing(connection.cursor()) as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}"')

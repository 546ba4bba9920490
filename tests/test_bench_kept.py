"""Databases that the benchmarks keep are opened by later processes, each with keys of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

OPEN = """
import sys
from pathlib import Path
import bench
from bench import kept
from django.db import connection
from quotes.models.sealing import open_text, seal_text

kept.FOLDER = Path(sys.argv[1])
kept.call_command = lambda *said, **options: None  # one table of our own is enough

def fill(until):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE said (text text)")
        cursor.execute("INSERT INTO said VALUES (%s)", [seal_text("fictional words", "said.text")])
    print("filled")

kept.opened(1, fill)
with connection.cursor() as cursor:
    cursor.execute("SELECT text FROM said")
    print(open_text(cursor.fetchone()[0], "said.text"))
"""


def opened(folder: Path) -> list[str]:
    """What a new process says that opens the kept database there."""
    own = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "DATA_KEYS"}}
    made = subprocess.run(
        [sys.executable, "-c", OPEN, str(folder)],
        check=True, capture_output=True, text=True, env=own,
    )  # fmt: skip
    return made.stdout.splitlines()


def test_a_later_process_opens_what_an_earlier_one_sealed(tmp_path: Path) -> None:
    assert opened(tmp_path) == ["filled", "fictional words"]
    assert opened(tmp_path) == ["fictional words"]

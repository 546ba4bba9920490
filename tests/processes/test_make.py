"""The Makefile where something goes wrong."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.processes.worker import ROOT

HALF = """#!/bin/sh
[ "$1" = -c ] && exit 0
mkdir -p .venv/bin && touch .venv/bin/python
exit 1
"""


def test_a_virtualenv_that_was_made_half_is_removed(tmp_path: Path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    python = tmp_path / "python"
    python.write_text(HALF)
    python.chmod(0o755)
    done = subprocess.run(
        ["make", ".venv/bin/python", f"PYTHON={python}"],
        cwd=tmp_path,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    assert not (tmp_path / ".venv").exists()

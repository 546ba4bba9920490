"""Every place where a run takes a step is among those whose branches `make coverage` counts."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEP = re.compile(r"\brun\.move\(")
ELSEWHERE = {"quotes/services/backups/restoring.py"}
"""A restore's own step, which tests/services/test_backups.py takes; the rest of it is no life of a
run."""


def test_every_step_of_a_run_is_counted() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    counted = set(settings["tool"]["coverage"]["run"]["include"])
    steps = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "quotes").rglob("*.py")
        if STEP.search(path.read_text())
    }
    assert "quotes/services/outcomes.py" in steps
    assert steps - counted == ELSEWHERE

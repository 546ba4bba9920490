"""Every event that is logged as a warning or worse stands in the table of docs/operations.md, with
what it means and what to do; and nothing stands there that is not logged."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEVELS = {"warning", "error", "exception", "critical"}
BY_NAME = {"quotes/services/supervising.py": {"cluster_died", "cluster_frozen"}}
"""Where an event is a variable: what it can be."""


def logged() -> Iterator[tuple[str, str]]:
    """(event, where) of every line that the app itself logs at these levels."""
    for folder in ("brokerportal", "quotes"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            where = str(path.relative_to(ROOT))
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                    continue
                if node.func.attr not in LEVELS or not _is_log(node.func.value):
                    continue
                event = node.args[0]
                if isinstance(event, ast.Constant):
                    yield str(event.value), where
                else:
                    for name in BY_NAME[where]:
                        assert f'"{name}"' in path.read_text()
                        yield name, where


def _is_log(owner: ast.expr) -> bool:
    """`log.…`, or a logger made on the spot; not messages, not `self.error`."""
    if isinstance(owner, ast.Call):
        return "get_logger" in ast.unparse(owner.func)
    return isinstance(owner, ast.Name) and owner.id in {"log", "logger"}


def told() -> dict[str, tuple[str, str]]:
    text = (ROOT / "docs" / "operations.md").read_text()
    table = text[text.index("Every event at `warning` or above:") :]
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    return {event: (means, do) for event, means, do in rows}


def test_every_event_is_told_of_and_every_one_told_is_logged():
    events = dict(logged())
    assert len(events) > 15
    assert set(events) == set(told())
    assert all(means and do for means, do in told().values())
    assert list(told()) == sorted(told())


def test_every_level_is_found_by_this_test():
    """What it walks for is what the code does: a logger by another name would go unseen."""
    for folder in ("brokerportal", "quotes"):
        for path in (ROOT / folder).rglob("*.py"):
            for name in re.findall(r"^(\w+) = (?:structlog\.get_logger|logging\.getLogger)",
                                   path.read_text(), re.MULTILINE):  # fmt: skip
                assert name in {"log", "logger"}, path

"""docs/security.md names files and tests that there are, and answers every requirement once."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECURITY = (ROOT / "docs" / "security.md").read_text()
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
FILE = re.compile(r"`((?:quotes|brokerportal|deploy|sandbox|chaos)/[\w./-]*)`")
LINK = re.compile(r"\]\(([^)#]+)?(?:#([\w-]+))?\)")

REQUIREMENTS = {
    # Of ASVS 5.0.0, by section: how many are of level 1 or 2. They are numbered from 1.
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2,
    "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
    "3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2,
    "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
    "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
    "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1,
    "9.1": 3, "9.2": 4,
    "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4,
    "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
    "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7,
    "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
}  # fmt: skip


def test_every_test_it_names_exists() -> None:
    named = TEST.findall(SECURITY)
    assert len(named) > 100
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).is_file() or (name and f"def {name}(" not in (ROOT / path).read_text())
    ]
    assert missing == []


def test_every_file_it_names_exists() -> None:
    named = FILE.findall(SECURITY)
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_requirement_is_answered_once() -> None:
    rows = [line.split("|")[1] for line in SECURITY.splitlines() if re.match(r"\| \d", line)]
    answered = sorted(identifier for row in rows for identifier in re.findall(r"[\d.]+\d", row))
    wanted = sorted(
        f"{section}.{number}"
        for section, count in REQUIREMENTS.items()
        for number in range(1, count + 1)
    )
    assert answered == wanted


def test_every_abuse_has_a_test() -> None:
    table = SECURITY.partition("## Abuse")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    assert [row for row in rows if not TEST.search(row)] == []


def test_its_links_lead_somewhere() -> None:
    for name in ("docs/security.md", "SECURITY.md"):
        here = ROOT / name
        for path, part in LINK.findall(here.read_text()):
            to = (here.parent / path).resolve() if path else here
            assert to.exists(), (name, path)
            heads = {
                re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-")
                for head in re.findall(r"^#+ (.+)$", to.read_text(), re.MULTILINE)
            }
            assert not part or part in heads, (name, path, part)

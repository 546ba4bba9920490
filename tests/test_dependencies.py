"""What is installed is pinned by hash, and the bill of materials says what that is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z0-9, _-]+\])?==(\S+)", re.MULTILINE | re.IGNORECASE)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / name).read_text()))


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_release_is_pinned_by_hash_and_names_no_host(name):
    text = (ROOT / name).read_text()
    entries = [each for each in re.split(r"\n(?=[^\s#])", text) if each[:1] not in {"#", ""}]
    assert len(entries) > 40
    for entry in entries:
        assert PIN.match(entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]
    assert "://" not in text


def test_what_runs_is_tested_in_the_same_releases():
    tested = pins("requirements-dev.txt")
    assert {name: tested.get(name) for name in pins("requirements.txt")} == pins("requirements.txt")


def test_the_bill_of_materials_has_every_release_that_runs(tmp_path):
    asked = re.search(
        r"cyclonedx-py (requirements .*) -o var/sbom.json", (ROOT / "Makefile").read_text()
    )
    assert asked is not None
    out = tmp_path / "sbom.json"
    program = Path(sys.executable).parent / "cyclonedx-py"
    subprocess.run([program, *asked[1].split(), "-o", out], cwd=ROOT, check=True,
                   capture_output=True, timeout=60)  # fmt: skip
    bill = json.loads(out.read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert {each["name"]: each["version"] for each in bill["components"]} == pins(
        "requirements.txt"
    )
    for each in bill["components"]:
        assert each["externalReferences"][0]["hashes"], each["name"]

"""`manage.py import_quotes`: counts, mistakes by row and column, exit codes, all or nothing."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from quotes.models import Insured, Quote
from quotes.services.importing.template import template_xlsx
from tests.factories import EXAMPLES, make_user
from tests.services.importing.tables import HEADINGS, LARKSPUR, TIDEWATER, csv_of, stored

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def owner(people):
    return people["broker"]


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, what was printed, and what was said beside."""
    out, beside = io.StringIO(), io.StringIO()
    try:
        call_command("import_quotes", *arguments, stdout=out, stderr=beside)
    except SystemExit as stopped:
        return int(stopped.code or 0), out.getvalue(), beside.getvalue()
    return 0, out.getvalue(), beside.getvalue()


def as_json(*arguments: str) -> tuple[int, Any]:
    code, out, _ = run(*arguments, "--json")
    return code, json.loads(out)


def file_of(folder: Path, raw: bytes, name: str = "quotes.csv") -> str:
    (folder / name).write_bytes(raw)
    return str(folder / name)


def test_prints_what_was_done(tmp_path):
    name = file_of(tmp_path, csv_of(LARKSPUR, TIDEWATER))
    code, out, _ = run(name, "--owner", "broker")
    assert code == 0
    assert "Insureds: 1 created, 0 changed, 0 unchanged" in out
    assert "Quotes: 2 created, 0 changed, 0 unchanged" in out
    assert Quote.objects.count() == 2


def test_again_nothing_is_created_or_changed(tmp_path):
    name = file_of(tmp_path, csv_of(LARKSPUR, TIDEWATER))
    run(name, "--owner", "broker")
    before = stored()
    code, said = as_json(name, "--owner", "broker")
    assert code == 0
    assert said["insureds"] == {"created": 0, "changed": 0, "unchanged": 1}
    assert said["quotes"] == {"created": 0, "changed": 0, "unchanged": 2}
    assert stored() == before


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json"])
def test_a_dry_run_says_the_same_and_saves_nothing(tmp_path, kind):
    raw = {
        "csv": csv_of(LARKSPUR),
        "xlsx": template_xlsx(),
        "json": (EXAMPLES / "example_input.json").read_bytes(),
    }[kind]
    name = file_of(tmp_path, raw, f"quotes.{kind}")
    code, dry = as_json(name, "--owner", "broker", "--dry-run")
    assert code == 0
    assert dry["dry_run"] is True
    assert stored() == [[], [], []]
    code, done = as_json(name, "--owner", "broker")
    assert code == 0
    assert done == dry | {"dry_run": False}
    assert Quote.objects.count() == done["quotes"]["created"] > 0
    assert "Nothing was saved" in run(name, "--owner", "broker", "--dry-run")[1]


def test_errors_name_row_and_column_and_nothing_is_saved(tmp_path):
    bad = (*TIDEWATER[:7], "much", *TIDEWATER[8:])
    name = file_of(tmp_path, csv_of(LARKSPUR, bad))
    code, said = as_json(name, "--owner", "broker")
    assert code == 2
    (error,) = said["errors"]
    assert (error["row"], error["column"]) == (3, "Home premium")
    assert "much" in error["message"]
    assert said["quotes"] == {"created": 0, "changed": 0, "unchanged": 0}
    assert stored() == [[], [], []]
    _, _, beside = run(name, "--owner", "broker")
    assert "error: row 3, Home premium: " in beside
    assert "Nothing was saved" in beside


def test_warnings_and_what_was_left_out_for_good(tmp_path):
    name = file_of(tmp_path, csv_of((*LARKSPUR, "1"), headings=(*HEADINGS, "SSN")))
    code, said = as_json(name, "--owner", "broker")
    assert code == 0
    assert said["removed"] == ["SSN"]
    assert {"row": 2, "column": "Carrier"}.items() <= said["warnings"][0].items()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "empty"),
        (b"x" * (5 * 1024 * 1024 + 1), "larger than 5 MB"),
        (b"[" * 10_000, "nested too deeply"),
        (b'{"quotes": [{"carrier": 1}]}', "must be the carrier's name"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path, raw, said):
    code, told = as_json(file_of(tmp_path, raw), "--owner", "broker")
    assert code == 2
    assert said in told["errors"][0]["message"]
    assert stored() == [[], [], []]


@pytest.mark.parametrize("name", ["missing.csv", ".", "a\x00b"])
def test_no_such_file(name):
    code, told = as_json(name, "--owner", "broker")
    assert code == 2
    assert "cannot read" in told["errors"][0]["message"]


@pytest.mark.parametrize("who", ["nobody", "manager", "gone"])
def test_an_owner_who_is_no_broker(tmp_path, who):
    make_user("gone", "broker", is_active=False)
    code, told = as_json(file_of(tmp_path, csv_of(LARKSPUR)), "--owner", who)
    assert code == 2
    assert told["errors"][0]["column"] == "--owner"
    assert stored() == [[], [], []]


def test_without_an_owner_it_asks_for_one(tmp_path):
    with pytest.raises(CommandError, match="--owner"):
        call_command("import_quotes", file_of(tmp_path, b"x"))


def test_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(csv_of(LARKSPUR))))
    assert run("-", "--owner", "broker")[0] == 0
    assert Insured.objects.get().applicant_name == "Ana Fable"


@pytest.mark.django_db(transaction=True)
def test_the_same_file_by_two_at_once_is_stored_once_and_both_say_so(tmp_path):
    name = file_of(tmp_path, csv_of(LARKSPUR, TIDEWATER))

    def work(_: int) -> tuple[int, Any]:
        try:
            return as_json(name, "--owner", "broker")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(work, range(4)))
    assert [code for code, _ in told] == [0] * 4
    assert sum(said["quotes"]["created"] for _, said in told) == 2
    assert (Insured.objects.count(), Quote.objects.count()) == (1, 2)

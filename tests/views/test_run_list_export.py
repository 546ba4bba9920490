"""The list of runs taken along: exactly what is shown, in its order, as CSV and XLSX."""

from __future__ import annotations

import csv
import html
import io
import re
import tracemalloc
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from python_calamine import CalamineWorkbook

from quotes.models import AuditEvent, Deed, Insured, RunFact
from quotes.services import run_list
from tests import runs as made
from tests.decided import WHY, bring_to, choose
from tests.factories import import_example, queued_run
from tests.views.run_lists import as_if, begun, many_runs, order_shown, search

pytestmark = pytest.mark.django_db


def table(client: Client, query: str = "") -> list[dict[str, str]]:
    response: Any = client.get(f"/runs/export.csv?{query}")
    assert response.status_code == 200
    assert response.streaming
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def sheet(client: Client, query: str = "") -> list[tuple[Any, ...]]:
    response: Any = client.get(f"/runs/export.xlsx?{query}")
    assert response.status_code == 200
    book = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(response.streaming_content)))
    return [tuple(row) for row in book.get_sheet_by_name("Runs").to_python()]


def test_both_files_hold_what_is_filtered_and_searched_in_its_order(client, people, monkeypatch):
    monkeypatch.setattr(run_list, "EXPORT_CHUNK", 7)
    insured = import_example(owner=people["broker"]).insured
    many_runs(insured, 60, at=timezone.now() - timedelta(hours=1))
    for place, fact in enumerate(RunFact.objects.order_by("pk")[:40]):
        as_if(fact.run, top_cost=1000 + place % 5)
    begun(queued_run("home_only.json", people["broker"]), timezone.now() - timedelta(days=40))
    client.force_login(people["manager"])
    search(client, insured.applicant_name)
    for query in ("", "sort=cost", "sort=-cost&line=home", "state=queued&sort=started"):
        first = order_shown(client, query)
        taken = [row["Run id"] for row in table(client, query)]
        assert taken[:50] == first
        assert len(taken) == len(set(taken)) == 60
        assert [row[-1] for row in sheet(client, query)[1:]] == taken
    assert [row["Run id"] for row in table(client, "state=completed")] == []


def test_cells_are_typed_and_say_what_the_run_says(client, people, time_machine):
    time_machine.move_to("2026-11-16 15:00:00+00:00", tick=False)
    run = bring_to(made.completed_run(people["broker"]), "bound", people["broker"])
    client.force_login(people["manager"])
    row = table(client)[0]
    chosen = run.solutions.get(rank=2)
    assert row["Insured"] == run.insured.applicant_name
    assert (row["Decision"], row["Overridden"], row["Chosen rank"]) == ("Bound", "Yes", "2")
    assert row["Reason of the choice"] == WHY
    assert row["Chosen, cost"] == str(chosen.est_cost_low).removesuffix(".00")
    assert (row["Seconds waited"], row["First price ends"]) == ("23", "2026-11-30")
    assert (row["Ranked by"], row["Why no packages"]) == ("Sandbox", "")
    heads, cells = sheet(client)
    typed = dict(zip(heads, cells, strict=True))
    assert typed["Chosen, cost"] == float(chosen.est_cost_low or 0)
    assert typed["Decided"].year == 2026
    assert typed["Chosen rank"] == 2


@pytest.mark.parametrize("name", ["=1+1", "+SUM(A1)", "-2", "@now", "＝1"])
def test_no_name_becomes_a_formula(client, people, name):
    run = queued_run(owner=people["broker"])
    Insured.objects.filter(pk=run.insured_id).update(applicant_name=name)
    client.force_login(people["broker"])
    assert [row["Insured"] for row in table(client)] == [f"'{name}"]
    response = client.get("/runs/export.xlsx")
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
    assert sheet(client)[1][0] == name  # as it is: text is a type of its own there


def test_nobody_takes_along_what_they_do_not_see(client, people):
    mine, _ = queued_run(owner=people["broker"]), queued_run(owner=people["other"])
    client.force_login(people["broker"])
    assert [row["Run id"] for row in table(client)] == [str(mine.pk)]
    assert [row["Run id"] for row in table(client, f"broker={people['other'].pk}")] == [
        str(mine.pk)
    ]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_leaves_an_entry_that_names_nobody(client, people, kind):
    run = queued_run(owner=people["broker"])
    client.force_login(people["manager"])
    search(client, run.insured.applicant_name)
    response = client.get(f"/runs/export.{kind}?state=queued&broker=nonsense")
    assert response["Cache-Control"] == "private, no-store"
    assert response["Content-Disposition"].startswith('attachment; filename="runs-2')
    b"".join(response.streaming_content)
    entry = AuditEvent.objects.get(deed="exported")
    assert entry.actor == people["manager"]
    assert entry.what == f"The list of runs as {kind.upper()}"
    assert (entry.data["filters"], entry.data["codes"]) == ("State: Queued", "state=queued")
    assert entry.data["searched"] is True
    assert run.insured.applicant_name not in str(entry.data)
    assert client.post(f"/runs/export.{kind}").status_code == 405


def test_a_long_export_keeps_memory_flat_and_reads_no_documents(client, people, monkeypatch):
    monkeypatch.setattr(run_list, "EXPORT_CHUNK", 50)
    insured = import_example(owner=people["broker"]).insured
    many_runs(insured, 1200, at=timezone.now())
    client.force_login(people["broker"])
    response = client.get("/runs/export.csv")
    tracemalloc.start()
    try:
        with CaptureQueriesContext(connection) as seen:
            pieces = iter(response.streaming_content)
            size = sum(len(piece) for piece in pieces)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 150_000
    assert most < 4_000_000
    heavy = ("request_body", '"response"', '"document"', "error_details")
    assert not [query for query in seen for name in heavy if name in query["sql"]]


def test_reasons_are_those_of_the_present_choice(client, people, time_machine):
    time_machine.move_to("2026-11-16 15:00:00+00:00", tick=False)
    run = made.completed_run(people["broker"])
    choose(run, people["broker"], rank=2)
    choose(run, people["broker"], rank=1)
    client.force_login(people["broker"])
    row = table(client)[0]
    assert (row["Overridden"], row["Chosen rank"]) == ("No", "1")


def test_an_export_takes_no_other_search_than_its_page_showed(client, people):
    """Two tabs share the search: the second opened the whole list, or searched for another."""
    insured = import_example(owner=people["broker"]).insured
    asked_for = queued_run(insured=insured)
    queued_run("home_only.json", people["broker"])
    client.force_login(people["manager"])
    search(client, insured.applicant_name)
    page = client.get("/runs/").content.decode()
    link = html.unescape(re.findall(r'href="/runs/export\.csv\?([^"]*)"', page)[0])
    assert insured.applicant_name not in link
    assert [row["Run id"] for row in table(client, link)] == [str(asked_for.pk)]
    exported = AuditEvent.objects.filter(deed=Deed.EXPORTED)
    taken = exported.count()
    for elsewhere in ("", "home"):
        client.get("/runs/?all=1")
        if elsewhere:
            search(client, elsewhere)
        refused = client.get(f"/runs/export.csv?{link}", follow=True)
        assert refused.redirect_chain == [("/runs/", 302)]
        assert "Nothing was exported" in refused.content.decode()
        assert exported.count() == taken
    search(client, insured.applicant_name)
    assert len(table(client, link)) == 1

"""A run's comparison as CSV and XLSX, read back as a spreadsheet would."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from python_calamine import CalamineWorkbook

from quotes.models import Carrier, Run, Solution
from quotes.nexio.messages import Accepted
from quotes.services import outcomes
from quotes.services.exports.files import as_text
from tests import runs as made
from tests.fake_nexio import completed

pytestmark = pytest.mark.django_db
EVIL = [
    '=HYPERLINK("http://example.invalid","x")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)",
    "\t=1+1", "\r=1+1", "  =1+1", "＝1+1", "\x01=1+1",
]  # fmt: skip


@pytest.fixture
def broker(people, client):
    client.force_login(people["broker"])
    return people["broker"]


def get(client: Client, run: Run, kind: str, query: str = "") -> Any:
    response = client.get(reverse(f"quotes:run_export_{kind}", args=[run.pk]) + query)
    assert response.status_code == 200
    return response


def read_csv(response: Any) -> list[dict[str, str]]:
    assert response.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


def read_sheet(response: Any, name: str = "Packages") -> list[dict[str, Any]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(response.content))
    head, *rows = book.get_sheet_by_name(name).to_python()
    return [dict(zip(map(str, head), row, strict=True)) for row in rows]


def facts(response: Any) -> dict[str, Any]:
    return {row["Fact"]: row["Value"] for row in read_sheet(response, "Run") if row["Fact"]}


def evil_run(broker: Any) -> Run:
    run = made.waiting_run(broker)
    listed = [
        {
            "rank": n, "cluster_label": text, "est_cost_low": 1000 + n, "est_cost_high": 0,
            "scorecard": {"overall_level": -2.5},
            "offerings": [
                {"provider_name": text, "product_name": text, "quote_id": text, "category": text,
                 "line_premium_annual": 7.25}
            ],
        }
        for n, text in enumerate(EVIL, 1)
    ]  # fmt: skip
    return made.answer(run, {"status": "completed", "solutions": listed})


def test_csv_has_a_row_for_each_line_with_plain_numbers_and_days(client, broker):
    run = made.completed_run(broker)
    response = get(client, run, "csv")
    rows = read_csv(response)
    solutions = list(run.solutions.prefetch_related("lines__carrier"))
    assert len(rows) == sum(len(s.lines.all()) for s in solutions)
    first, own = rows[0], solutions[0].lines.all()[0]
    assert first["Rank"] == "1"
    assert float(first["Cost, low"]) == float(solutions[0].est_cost_low or 0)
    assert float(first["Premium"]) == float(own.line_premium_annual or 0)
    assert first["Carrier"] == own.shown_carrier
    assert "$" not in first["Premium"]
    assert date.fromisoformat(first["Expires"])
    assert first["Matched"] == "by offering id"
    assert "HO-" in "".join(row["Details"] for row in rows)
    assert response["Content-Disposition"] == 'attachment; filename="run-1.csv"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response["Cache-Control"]


def test_xlsx_has_typed_figures_days_and_three_sheets(client, broker):
    run = made.completed_run(broker)
    response = get(client, run, "xlsx")
    rows = read_sheet(response)
    assert [str(row["Rank"]) for row in rows] == [
        f"{int(line['Rank'])}.0" for line in read_csv(get(client, run, "csv"))
    ]
    for row in rows:
        assert isinstance(row["Premium"], float)
        assert isinstance(row["Expires"], date)
    told = facts(response)
    assert told["Insured"] == run.insured.shown_name
    assert told["Started by"] == broker.shown_name
    assert isinstance(told["Started"], datetime)
    assert told["Environment"] == "test"
    assert told["Packages in this file"] == run.solutions.count()
    assert told["What-if"] == "no: as quoted"
    offerings = read_sheet(response, "Offerings")
    assert len(offerings) == len(run.request["offerings"])
    counts = [row["In packages"] for row in offerings]
    assert sum(counts) == len(rows)
    for row in offerings:
        assert bool(row["If in none, likely because (our guess)"]) == (row["In packages"] == 0)


def test_a_column_of_costs_adds_up_and_terms_and_checks_stand_beside(client, broker):
    with time_machine.travel("2026-11-16 15:00:00+00:00"):
        run = made.completed_run(broker)
        response = get(client, run, "xlsx")
    rows = read_sheet(response)
    solutions = list(run.solutions.prefetch_related("lines__carrier"))
    costs = [row["Cost, low"] for row in rows if isinstance(row["Cost, low"], float)]
    assert costs == [float(each.est_cost_low or 0) for each in solutions]
    differences = [row["vs incumbent, low"] for row in rows]
    assert sum(isinstance(each, float) for each in differences) == len(solutions)
    for row in rows:
        assert row["Single or mixed"] in {"single", "mixed"}
        assert (row["Term, months"] == 6) == ("Quillfeather" in str(row["Carrier"]))
    (auto,) = [row for row in rows if row["Rank"] == 1 and row["Line"] == "Auto"]
    assert "6-month term (auto): confirm the price of a year" in auto["Checks that need a look"]
    assert "umbrella needs" in auto["Checks that need a look"]
    assert auto["Like for like"]
    terms = {row["Term, months"] for row in read_sheet(response, "Offerings")}
    assert 6 in terms


def test_what_the_filters_leave_is_what_is_exported_whatever_the_page(client, broker):
    run = made.waiting_run(broker)
    usual = completed(run.request)["solutions"]
    listed = [{**usual[n % len(usual)], "rank": n + 1} for n in range(60)]
    run = made.answer(run, {"status": "completed", "solutions": listed})
    single = [s for s in run.solutions.prefetch_related("lines__carrier") if len(s.carriers) == 1]
    assert len(single) > 20
    for query in ("?kind=single", "?kind=single&page=2", "?kind=single&sort=-cost"):
        rows = read_csv(get(client, run, "csv", query))
        ranks = list(dict.fromkeys(int(row["Rank"]) for row in rows))
        assert set(ranks) == {s.rank for s in single}
        if "sort" in query:
            costs = [float(row["Cost, low"]) for row in rows if row["Cost, low"]]
            assert costs == sorted(costs, reverse=True)
        else:
            assert ranks == sorted(ranks)
    told = facts(get(client, run, "xlsx", "?kind=single&budget=99999"))
    assert told["Filters"] == "Single carrier; costs at most $99,999.00"
    assert told["Packages in this file"] == len(single)
    assert told["Packages returned"] == 60


def test_no_cell_of_a_csv_turns_into_a_formula(client, broker):
    rows = read_csv(get(client, evil_run(broker), "csv"))
    assert len(rows) == len(EVIL)
    numeric = {"Place", "Rank", "Level", "Cost, low", "Cost, high", "Premium", "Premium sent"}
    for row in rows:
        for name, cell in row.items():
            if name not in numeric:
                assert cell.strip()[:1] not in {"=", "+", "-", "@", "＝"}, (name, cell)
                assert cell[:1] not in {"\t", "\r", "\n"}
        assert row["Carrier"][:1] in {"'", "\ufffd"}, "the client has replaced a control sign"
        assert float(row["Level"]) == -2.5, "a negative number is a number"
        assert float(row["Cost, high"]) == 0, "zero is zero"


def test_no_cell_of_an_xlsx_is_a_formula_or_a_link(client, broker):
    run = evil_run(broker)
    Carrier.objects.create(name="=1+1")
    response = get(client, run, "xlsx")
    with zipfile.ZipFile(io.BytesIO(response.content)) as package:
        for name in package.namelist():
            text = package.read(name).decode()
            if name.startswith("xl/worksheets"):
                assert "<f>" not in text
                assert "<hyperlink" not in text
            assert "http://example.invalid" not in text or name == "xl/sharedStrings.xml"
    rows = read_sheet(response)
    assert rows[0]["Carrier"] == EVIL[0], "text as it came, and text"
    assert all(row["Level"] == -2.5 for row in rows)


@pytest.mark.parametrize("text", EVIL)
def test_text_that_looks_like_a_formula_gets_an_apostrophe(text):
    assert as_text(text).startswith("'")


@pytest.mark.parametrize("text", ["Larkspur Mutual", "a=b", "250/500", "", "1-2", "$500", "—"])
def test_other_text_stays(text):
    assert as_text(text) == text


def test_odd_packages_are_rows_too(client, broker):
    run = made.waiting_run(broker)
    long = "x" * 300
    listed = [
        {"rank": 1},
        {"offerings": [], "cluster_label": None, "est_cost_low": None},
        {"rank": 1, "offerings": [{"provider_name": long, "category": "boat"}]},
    ]
    run = made.answer(run, {"status": "completed", "solutions": listed})
    rows = read_csv(get(client, run, "csv"))
    assert [row["Rank"] for row in rows] == ["1", "1", ""]
    assert rows[1]["Matched"] == "not among what was sent"
    assert rows[1]["Premium"] == "", "not given is empty, never zero"
    assert {row["Line"] for row in rows} == {"", "boat"}
    assert len(read_sheet(get(client, run, "xlsx"))) == 3


def test_the_sandbox_is_marked_on_every_row_and_in_the_facts(client, broker, settings):
    run = made.completed_run(broker)
    for sandbox in (False, True):
        Run.objects.filter(pk=run.pk).update(sandbox=sandbox)
        expected = "sandbox" if sandbox else "Nexio"
        assert {row["Ranked by"] for row in read_csv(get(client, run, "csv"))} == {expected}
        told = facts(get(client, run, "xlsx"))["Ranked by"]
        assert ("sandbox" in told) == sandbox


def test_a_run_without_packages_has_headings_alone(client, broker):
    run = made.failed_run(broker)
    assert read_csv(get(client, run, "csv")) == []
    told = facts(get(client, run, "xlsx"))
    assert told["State"] == "Failed"
    assert not Solution.objects.filter(run=run).exists()


def test_a_what_if_says_so_in_its_file(client, broker):
    run = made.completed_run(broker)
    client.post(reverse("quotes:run_what_if_rerun", args=[run.pk]) + "?p1=1")
    new = Run.objects.get(number=2)
    at = timezone.now()
    Run.objects.filter(pk=new.pk).update(lease_owner=made.LEASE)
    new.refresh_from_db()
    outcomes.begin_submission(new, lease=made.LEASE, now=at)
    sent = made.reply_of(Accepted, {"run_id": "nx-2", "status": "queued"}, 202)
    outcomes.submission_accepted(new, sent, now=at)
    new.refresh_from_db()
    new = made.answer(new, {"status": "completed", **completed(new.request)})
    rows = read_csv(get(client, new, "csv"))
    supposed = [row for row in rows if row["Premium sent is"].startswith("supposed")]
    assert supposed
    assert all(row["Premium sent"] == "1" for row in supposed)
    assert all("quoted at $" in row["Premium sent is"] for row in supposed)
    marked = {row["Place"] for row in supposed}
    for row in rows:
        ends = "what-if" + " with a premium nobody quoted" * (row["Place"] in marked)
        assert row["Ranked by"] == f"sandbox, {ends}"
    assert facts(get(client, new, "xlsx"))["What-if"].startswith("of run 1: ")


def test_the_list_offers_what_it_shows(client, broker):
    run = made.completed_run(broker)
    page = client.get(reverse("quotes:run_detail", args=[run.pk]) + "?kind=single").content.decode()
    address = reverse("quotes:run_export_xlsx", args=[run.pk])
    assert f'href="{address}?kind=single&amp;page=all"' in page

"""Who exported what on an insured: lists of runs in the access log, and the log as a whole."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from quotes.models import AuditEvent, ExportPart, Insured, Office, PurgePass, User
from quotes.services import run_counts, run_list
from quotes.services.audit import NotLogged, record
from quotes.services.retention.purge import purge_entries
from tests.factories import import_example, make_user, queued_run
from tests.services.plans import read_whole
from tests.views.run_lists import many_runs

pytestmark = pytest.mark.django_db


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def taken(client: Client, kind: str = "csv", query: str = "") -> bytes:
    response: Any = client.get(f"/runs/export.{kind}?{query}")
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def whats(client: Client, insured: Insured) -> list[str]:
    page = client.get(reverse("quotes:insured_audit", args=[insured.pk]))
    return [line.what for line in page.context["page"].lines]


def parts() -> set[Any]:
    return set(ExportPart.objects.values_list("insured_ref", "rows", "complete"))


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_insured_in_the_file_says_so_and_one_outside_it_not(people, kind, monkeypatch):
    monkeypatch.setattr(run_list, "EXPORT_CHUNK", 7)
    inside = queued_run(owner=people["broker"]).insured
    many_runs(inside, 20, at=timezone.now())
    outside = import_example("home_only.json", people["broker"]).insured
    taken(browser(people["manager"]), kind, f"broker={people['broker'].pk}&line=home")
    manager = browser(people["manager"])
    line = f"The list of runs as {kind.upper()}, 21 runs in all"
    assert line in whats(manager, inside)
    assert line not in whats(manager, outside)
    page = manager.get(reverse("quotes:insured_audit", args=[inside.pk])).content.decode()
    assert f"Broker: {people['broker'].shown_name}; Lines, all of: Home" in page
    file: Any = manager.get(
        reverse("quotes:insured_audit_csv", args=[inside.pk], query={"deed": "exported"})
    )
    rows = csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig")))
    assert line in [row["What"] for row in rows]
    assert parts() == {(inside.pk, None, None), (None, 21, True)}


def test_more_than_are_counted_on_a_page_are_counted_here(people, monkeypatch):
    monkeypatch.setattr(run_counts, "MOST_COUNTED", 5)
    insured = import_example(owner=people["broker"]).insured
    many_runs(insured, 30, at=timezone.now())
    taken(browser(people["broker"]))
    assert ExportPart.objects.get(insured_ref=None).rows == 30


def test_another_offices_manager_and_brokers_find_nothing(people):
    insured = queued_run(owner=people["broker"]).insured
    taken(browser(people["admin"]))
    away = make_user("away", "manager", office=Office.objects.create(name="Away"))
    for user in (away, people["broker"], people["other"]):
        assert not ExportPart.objects.visible_to(user).exists()
        assert not AuditEvent.objects.about(insured.pk, user).exists()
    assert AuditEvent.objects.about(insured.pk, people["manager"]).count() == 1


@pytest.mark.django_db(transaction=True)  # the answer closes its connection with itself
def test_broken_off_it_names_whose_runs_may_have_left(people, monkeypatch):
    monkeypatch.setattr(run_list, "EXPORT_CHUNK", 200)
    earlier = import_example(owner=people["broker"]).insured
    many_runs(earlier, 5, at=timezone.now() - timedelta(days=3))
    later = import_example("home_only.json", people["broker"]).insured
    many_runs(later, 200, at=timezone.now())
    manager = browser(people["manager"])
    response: Any = manager.get("/runs/export.csv")
    pieces = iter(response.streaming_content)
    assert b"Insured" in next(pieces)
    assert next(pieces)
    response.close()
    assert parts() == {(later.pk, None, None), (None, 200, False)}
    assert "The list of runs as CSV, broken off: 200 runs at most" in whats(manager, later)
    assert not [what for what in whats(manager, earlier) if "list of runs" in what]


def test_cut_down_with_its_process_it_says_that_runs_may_have_left(people):
    insured = import_example(owner=people["broker"]).insured
    entry = record(actor=people["broker"], deed="exported", what="The list of runs as CSV")
    ExportPart.objects.create(event=entry, at=timezone.now(), insured_ref=insured.pk)
    line = "The list of runs as CSV, not ended: runs of it may have left"
    assert line in whats(browser(people["manager"]), insured)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("table", ["quotes_auditevent", "quotes_exportpart"])
def test_what_cannot_be_noted_does_not_leave(people, kind, table):
    insured = queued_run(owner=people["broker"]).insured
    client = browser(people["broker"])
    add = f"ALTER TABLE {table} ADD CONSTRAINT no_more CHECK (id < 0) NOT VALID"
    if connection.vendor == "sqlite":
        add = (
            f"CREATE TRIGGER no_more BEFORE INSERT ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
    with connection.cursor() as cursor:
        cursor.execute(add)
    response: Any = client.get(f"/runs/export.{kind}")
    if response.status_code == 503:
        assert b"Nothing was exported" in response.content
        return
    assert (kind, table) == ("csv", "quotes_exportpart")
    out = []
    with pytest.raises(NotLogged):
        out.extend(response.streaming_content)
    assert insured.applicant_name.encode() not in b"".join(out)


def test_it_stays_as_long_as_an_insured_that_it_names(people):
    living = import_example(owner=people["broker"]).insured
    long_ago = timezone.now() - timedelta(days=20 * 366)
    gone = Insured(applicant_name="Nobody now")
    for insured in (living, gone):
        entry = record(actor=people["broker"], deed="exported", what="A list", at=long_ago)
        ExportPart.objects.create(event=entry, at=long_ago, insured_ref=insured.pk)
    assert purge_entries(now=timezone.now()) == 1
    assert list(ExportPart.objects.values_list("insured_ref", flat=True)) == [living.pk]
    assert not PurgePass.objects.exists()


class TestTheWholeLog:
    def test_admins_read_entries_of_no_insured_too(self, people):
        insured = queued_run(owner=people["broker"]).insured
        record(actor=people["broker"], deed="signed_in", what="Signed in")
        record(actor=people["broker"], deed="viewed", what="Page", insured_ref=insured.pk)
        taken(browser(people["broker"]))
        admin = browser(people["admin"])
        page = admin.get(reverse("quotes:access_log"))
        found = [line.what for line in page.context["page"].lines]
        assert found[:3] == ["The list of runs as CSV, 1 run in all", "Page", "Signed in"]
        assert insured.shown_name in page.content.decode()
        file: Any = admin.get(reverse("quotes:access_log_csv", query={"deed": "signed_in"}))
        rows = list(
            csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig")))
        )
        assert [row["What"] for row in rows] == ["Signed in"]

    def test_looking_at_it_and_taking_it_along_are_entries(self, people):
        admin = browser(people["admin"])
        for _ in range(3):
            admin.get(reverse("quotes:access_log"))
        file: Any = admin.get(reverse("quotes:access_log_csv"))
        b"".join(file.streaming_content)
        said = AuditEvent.objects.order_by("pk").values_list("deed", "what")
        assert list(said) == [
            ("viewed", "The whole access log"),
            ("exported", "The whole access log as CSV"),
        ]

    @pytest.mark.parametrize("who", ["broker", "manager"])
    def test_nobody_else_reads_it(self, people, who):
        for name in ("access_log", "access_log_csv"):
            assert browser(people[who]).get(reverse(f"quotes:{name}")).status_code == 403

    def test_admins_find_it(self, people):
        address = reverse("quotes:access_log")
        for page in (reverse("quotes:operations"), reverse("admin:index")):
            assert f'href="{address}"' in browser(people["admin"]).get(page).content.decode()

    def test_no_page_reads_it_from_end_to_end(self, people):
        insured = queued_run(owner=people["broker"]).insured
        for number in range(300):
            deed = "viewed" if number % 50 else "decided"
            record(actor=people["broker"], deed=deed, what="Page", insured_ref=insured.pk)
        taken(browser(people["broker"]))
        admin, log = browser(people["admin"]), reverse("quotes:access_log")
        ways = (
            "before=200",
            "after=20",
            "deed=purged",
            "person=0",
            f"person={people['other'].pk}",
            "deed=decided&before=200",
            "since=2020-01-01&until=2020-01-02",
        )
        asked = [f"{log}?{way}" for way in ways]
        asked.append(reverse("quotes:insured_audit", args=[insured.pk]))
        read = set()
        for address in asked:
            with CaptureQueriesContext(connection) as seen:
                assert admin.get(address).status_code == 200
            read |= {
                (address, table)
                for query in seen
                if query["sql"].startswith("SELECT")
                for table in read_whole(query["sql"])
                if ("auditevent" in table or "exportpart" in table)
            }
        assert read == set()

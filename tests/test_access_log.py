"""The access log: every address has its rule, and a request leaves the entry its rule says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, reverse

from quotes import urls
from quotes.models import ApprovalRule, AuditEvent, Deed, Office, Run
from quotes.services.review.approvals import ask_approval
from quotes.services.review.revisits import ask_to_revisit
from quotes.views.audit_rules import RULES
from tests.decided import choose
from tests.factories import PASSWORD, import_example, make_people, stored_attachment
from tests.runs import completed_run

NAMES = {str(each.name) for each in urls.urlpatterns if isinstance(each, URLPattern)}
WANTED = {"coverage_types": ["home"], "appetite": "balanced"}
START = "2026-11-16 15:00:00+00:00"


def test_every_address_has_a_rule():
    assert set(RULES) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES & set(RULES)))
def test_a_rule_says_what_or_why_not(name):
    rule = RULES[name]
    if rule.why_nothing:
        assert not rule.get
        assert not rule.post
    else:
        assert rule.get or rule.post
        assert not rule.get or rule.look
        assert not rule.post or rule.act or rule.post == Deed.VIEWED


def entries(**narrowed: Any) -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.filter(**narrowed).exclude(deed="signed_in").order_by("pk")
    found = rows.select_related("actor")
    return [(each.actor.username if each.actor else "", each.deed, each.what) for each in found]


def browser(username: str) -> Client:
    from quotes.models import User

    client = Client()
    client.force_login(User.objects.get(username=username))
    return client


@pytest.fixture
def world(db, settings, tmp_path):
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    with time_machine.travel(START, tick=False) as clock:
        people = make_people()
        run = completed_run(people["broker"])
        yield {**people, "run": run, "insured": run.insured, "clock": clock}


def at(name: str, pk: Any, **more: Any) -> str:
    return reverse(f"quotes:{name}", kwargs={"pk": pk, **more})


def test_who_saw_whom(world):
    insured, run = world["insured"], world["run"]
    browser("broker").get(at("insured_detail", insured.pk))
    browser("manager").get(at("run_detail", run.pk))
    assert entries(insured_ref=insured.pk) == [
        ("broker", "viewed", "The insured's page"),
        ("manager", "viewed", "The run's page"),
    ]
    assert entries(run_ref=run.pk) == [("manager", "viewed", "The run's page")]


def test_a_page_that_refreshes_itself_is_one_look(world):
    client, run = browser("broker"), world["run"]
    client.get(at("run_detail", run.pk))
    for _ in range(50):
        world["clock"].shift(timedelta(seconds=15))
        client.get(at("run_status", run.pk), headers={"HX-Request": "true"})
    assert len(entries(run_ref=run.pk)) == 1
    world["clock"].shift(timedelta(minutes=5))
    client.get(at("run_detail", run.pk))
    assert len(entries(run_ref=run.pk)) == 2


def test_looking_again_begins_no_transaction(world):
    """On SQLite one would wait for whoever writes: a worker that stores an end, an import."""
    client, page = browser("broker"), at("insured_detail", world["insured"].pk)
    first, again = [_statements(client, page) for _ in range(2)]
    assert [each for each in first if each.startswith("SAVEPOINT")]
    assert not [each for each in again if each.startswith(("SAVEPOINT", "BEGIN", "INSERT"))]


def _statements(client: Client, page: str) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(page).status_code == 200
    return [each["sql"] for each in asked.captured_queries]


def test_lists_and_what_is_nowhere_leave_no_entry(world):
    client = browser("manager")
    for name in ("worklist", "insured_list", "run_list"):
        client.get(reverse(f"quotes:{name}"))
    assert client.get(at("insured_detail", world["run"].pk)).status_code == 404
    assert Client().get(at("insured_detail", world["insured"].pk)).status_code == 302
    assert entries() == []


def test_an_export_is_an_entry_every_time(world):
    client, run = browser("manager"), world["run"]
    attached = stored_attachment(world["insured"])
    for _ in range(2):
        assert client.get(at("run_export_csv", run.pk)).status_code == 200
    assert client.get(at("attachment_download", attached.pk)).getvalue()
    assert client.post(at("run_packet", run.pk)).getvalue()
    assert entries(insured_ref=world["insured"].pk) == [
        ("manager", "exported", "Packages as CSV"),
        ("manager", "exported", "Packages as CSV"),
        ("manager", "exported", "An attachment"),
        ("manager", "exported", "E&O packet"),
    ]
    said = AuditEvent.objects.get(what="An attachment")
    assert said.data == {"pk": str(attached.pk)}


def test_what_was_changed_and_what_was_refused(world):
    client, insured = browser("broker"), world["insured"]
    refused = client.post(at("quote_create", insured.pk), {"carrier_name": ""})
    assert refused.status_code == 422
    started = client.post(at("run_start", insured.pk), WANTED)
    new = Run.objects.order_by("-number").first()
    assert started.status_code == 302
    assert new is not None
    assert entries(insured_ref=insured.pk) == [
        ("broker", "viewed", "The form of a new quote"),
        ("broker", "changed", "Started a comparison"),
    ]
    assert AuditEvent.objects.get(deed="changed").run_ref == new.pk


def test_a_decision(world):
    client, run = browser("broker"), world["run"]
    page = client.get(at("run_choose", run.pk, position=0))
    version = page.context["form"]["version"].value()
    client.post(at("run_choose", run.pk, position=0), {"reason": "Fits.", "version": version})
    run.refresh_from_db()
    assert run.decision == "chosen"
    assert entries(run_ref=run.pk)[-1] == ("broker", "decided", "Chose a package")


def test_a_review_request_is_of_its_run_and_settled_once(world):
    run = world["run"]
    asked = ask_to_revisit(run=run, actor=world["manager"], text="Why rank 2?")
    address = reverse("quotes:review_settle", kwargs={"pk": asked.pk, "act": "answer"})
    assert browser("broker").post(address, {"text": "It fits."}).status_code == 302
    assert entries(run_ref=run.pk) == [("broker", "decided", "Answered a request to revisit")]
    assert entries(insured_ref=world["insured"].pk) == entries(run_ref=run.pk)


@pytest.mark.parametrize(
    ("who", "act", "told"),
    [
        ("manager", "approve", "Approved a choice"),
        ("manager", "refuse", "Refused to approve a choice"),
        ("broker", "withdraw", "Withdrew a review request"),
    ],
)
def test_how_a_review_request_was_settled_is_said(world, who, act, told):
    run = world["run"]
    Office.objects.update(approval=ApprovalRule.ALWAYS)
    choose(run, world["broker"])
    asked = ask_approval(run=run, actor=world["broker"])
    address = reverse("quotes:review_settle", kwargs={"pk": asked.pk, "act": act})
    assert browser(who).post(address, {"text": "The roof."}).status_code == 302
    assert entries(run_ref=run.pk) == [(who, "decided", told)]
    page = browser("admin").get(at("insured_audit", world["insured"].pk)).content.decode()
    assert f'<td data-label="What">{told}</td>' in page


@pytest.mark.parametrize(
    ("who", "name", "more", "looked_at"),
    [
        ("admin", "operations_act", {"code": "abandon"}, "The run in operations"),
        ("manager", "insured_hold", {}, "The form of a legal hold"),
        ("manager", "insured_move", {}, "The form to move it to another broker"),
    ],
)
def test_a_form_that_comes_back_is_a_look_though_the_act_writes_for_itself(
    world, who, name, more, looked_at
):
    about = world["run" if name == "operations_act" else "insured"]
    answer = browser(who).post(at(name, about.pk, **more), {"reason": ""})
    assert answer.status_code == 422
    assert world["insured"].shown_name in answer.content.decode()
    assert entries(insured_ref=world["insured"].pk) == [(who, "viewed", looked_at)]


def test_what_a_view_made_is_named(world):
    browser("broker").post(reverse("quotes:insured_create"), filled_profile())
    added = AuditEvent.objects.get(deed="changed")
    assert added.what == "Added the insured"
    assert added.insured_ref
    assert added.insured_ref != world["insured"].pk


def filled_profile() -> dict[str, str]:
    client = browser("broker")
    form = client.get(reverse("quotes:insured_create")).context["editor"].form
    values = {bound.html_name: bound.value() or "" for bound in form}
    managed = {
        f"{part}-{name}": "0" for part in ("drivers", "vehicles", "incumbents")
        for name in ("TOTAL_FORMS", "INITIAL_FORMS")
    }  # fmt: skip
    return {**managed, **values, "applicant_name": "Fictional Fern", "state": "NY"}


def test_asking_for_somebody_elses_row_is_told(world):
    other = browser("broker2")
    for _ in range(3):
        assert other.get(at("run_detail", world["run"].pk)).status_code == 404
    assert other.get(at("insured_audit", world["insured"].pk)).status_code == 404
    assert entries() == [("broker2", "refused", "Asked for: run")]


def test_the_admins_pages_are_looks_too(world):
    client = browser("admin")
    for name, pk in (("insured", world["insured"].pk), ("run", world["run"].pk)):
        page = reverse(f"admin:quotes_{name}_change", args=[pk])
        assert client.get(page).status_code == 200
    assert [each[1:] for each in entries(insured_ref=world["insured"].pk)] == [
        ("viewed", "Administration: insured, page"),
        ("viewed", "Administration: run, page"),
    ]


class TestWhenTheLogCannotBeWritten:
    @pytest.fixture(autouse=True)
    def _full(self, world):
        """The database takes no more entries."""
        add = "ALTER TABLE quotes_auditevent ADD CONSTRAINT no_more CHECK (id < 0) NOT VALID"
        if connection.vendor == "sqlite":
            add = (
                "CREATE TRIGGER no_more BEFORE INSERT ON quotes_auditevent "
                "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            )
        with connection.cursor() as cursor:
            cursor.execute(add)

    def test_a_page_is_shown_all_the_same(self, world):
        page = browser("broker").get(at("insured_detail", world["insured"].pk))
        assert page.status_code == 200

    def test_an_export_does_not_leave(self, world):
        stored_attachment(world["insured"])
        page = browser("broker").get(at("run_export_csv", world["run"].pk))
        assert page.status_code == 503
        assert b"Nothing was exported" in page.content


def test_an_address_without_a_rule_is_logged_under_its_name(world, monkeypatch):
    monkeypatch.delitem(RULES, "insured_detail")
    browser("broker").get(at("insured_detail", world["insured"].pk))
    assert entries() == [("broker", "viewed", "insured_detail")]


def test_signing_in_is_an_entry_and_failing_to_is_none(world):
    for word in ("wrong", PASSWORD):
        Client().post(reverse("account_login"), {"login": "broker", "password": word})
    found = AuditEvent.objects.get()
    assert (found.actor, found.deed) == (world["broker"], "signed_in")


def test_two_insureds_are_kept_apart(world):
    other = import_example("home_only.json", world["other"]).insured
    browser("admin").get(at("insured_detail", other.pk))
    assert entries(insured_ref=world["insured"].pk) == []
    assert len(entries(insured_ref=other.pk)) == 1

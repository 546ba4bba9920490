"""The Operations page and what an administrator does from it."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from quotes.models import AuditEvent, Insured, Run, RunState, WorkerBeat
from quotes.services.operations_runs import PAGE_ROWS
from tests import runs as made
from tests.answers import raw, reset, status
from tests.factories import queued_run
from tests.views.pages import signed_in, words

pytestmark = pytest.mark.django_db
PAGE = "/operations/"


@pytest.fixture
def admin(people) -> Client:
    return signed_in(people["admin"])


def act(client: Client, run: Run, code: str, **posted: str) -> Any:
    return client.post(reverse("quotes:operations_act", args=[run.pk, code]), posted)


def run_page(run: Run) -> str:
    return reverse("quotes:operations_run", args=[run.pk])


class TestThePage:
    def test_an_empty_place_says_what_to_do(self, admin):
        text = words(admin.get(PAGE))
        assert "None serves." in text
        assert "manage.py worker" in text
        assert "Last heard from Nexio — never yet" in text

    def test_all_is_well(self, admin):
        now = timezone.now()
        WorkerBeat.objects.create(host="one", pid=1, started_at=now, beat_at=now, version="0.1.0")
        assert "All is well" in words(admin.get(PAGE))

    def test_a_states_number_leads_to_its_runs(self, admin, people):
        made.lost_run(people["broker"])
        made.completed_run(people["other"])
        page = admin.get(PAGE).content.decode()
        for state in ("submit_unknown", "completed"):
            address = f"{reverse('quotes:run_list')}?all=1&amp;state={state}"
            assert f'<a href="{address}">1</a>' in page
            assert "1 run" in words(admin.get(address.replace("&amp;", "&"), follow=True))
        assert "state=abandoned" not in page

    def test_it_opens_with_the_group_that_has_runs(self, admin, people):
        made.unreadable_run(people["broker"])
        page = admin.get(PAGE)
        assert page.context["chosen"].code == "unreadable"
        assert "Unreadable replies 1" in words(page)
        assert admin.get(PAGE, {"group": "lost"}).context["chosen"].code == "lost"
        assert admin.get(PAGE, {"group": "' OR 1", "after": "x"}).status_code == 200

    def test_every_group_finds_its_runs(self, admin, people):
        broker = people["broker"]
        lost = made.lost_run(broker)
        insured: Insured = lost.insured
        old = timezone.now() - timedelta(minutes=30)
        overdue = made.waiting_run(broker, insured=insured, at=old)
        waiting = made.waiting_run(broker, insured=insured)
        queued = queued_run(insured=insured)
        Run.objects.filter(pk=queued.pk).update(created_at=old)
        made.rejected_run(broker, insured=insured)
        refused = made.rejected_run(broker, insured=insured)
        for code, runs in (
            ("lost", [lost]),
            ("overdue", [overdue]),
            ("waiting", [overdue, waiting]),
            ("held", [queued]),
            ("refused", [refused]),  # the one before it was followed by another run
            ("unreadable", []),
        ):
            page = admin.get(PAGE, {"group": code})
            assert page.context["rows"] == runs, code
            assert page.context["chosen"].count == len(runs), code

    def test_fifty_at_a_time_and_none_is_skipped(self, admin, people):
        first = made.lost_run(people["broker"])
        rows = [
            Run(
                insured=first.insured, number=n, state=RunState.SUBMIT_UNKNOWN, request={},
                request_body=b"", service_url=first.service_url, created_at=first.created_at,
            )
            for n in range(2, PAGE_ROWS + 12)
        ]  # fmt: skip
        Run.objects.bulk_create(rows)
        page = admin.get(PAGE, {"group": "lost"})
        seen = [run.pk for run in page.context["rows"]]
        assert len(seen) == PAGE_ROWS
        # Settled meanwhile: the next page goes on where this one ended all the same.
        Run.objects.filter(pk__in=seen[:5]).update(
            state=RunState.ABANDONED, finished_at=timezone.now()
        )
        rest = admin.get(f"{PAGE}?{page.context['next_query']}")
        seen += [run.pk for run in rest.context["rows"]]
        assert sorted(seen) == sorted(Run.objects.values_list("pk", flat=True))
        assert not rest.context["next_query"]

    def test_it_refreshes_itself_unless_held_still(self, admin):
        assert 'hx-trigger="every 10s"' in admin.get(PAGE).content.decode()
        assert "hx-trigger" not in admin.get(PAGE, {"still": "1"}).content.decode()

    def test_it_costs_the_same_for_any_number_of_runs(self, admin, people):
        def asked() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert admin.get(PAGE, {"group": "lost"}).status_code == 200
            for query in queries.captured_queries:
                assert "request_body" not in query["sql"]
                assert '"quotes_insured"."document"' not in query["sql"]
            return len(queries)

        made.waiting_run(people["broker"])
        first = made.lost_run(people["broker"])
        asked()  # the first request of a session notes that it is in use
        few = asked()
        for _ in range(4):
            made.lost_run(people["broker"], insured=first.insured)
        assert asked() == few

    def test_the_way_there_is_for_administrators(self, people):
        for who, shown in (("admin", True), ("manager", False), ("broker", False)):
            page = signed_in(people[who]).get("/").content.decode()
            assert (PAGE in page) is shown, who
            assert signed_in(people[who]).get(PAGE).status_code == (200 if shown else 403)


class TestActing:
    def test_a_lost_submission_is_linked(self, admin, people):
        run = made.lost_run(people["broker"])
        response = act(admin, run, "link", run_id=" nx-found ", reason="Support named it.")
        assert response["Location"] == run_page(run)
        run.refresh_from_db()
        assert (run.state, run.nexio_run_id) == ("waiting", "nx-found")
        event = run.events.get(kind="linked")
        assert event.actor == people["admin"]
        told = words(signed_in(people["broker"]).get(reverse("quotes:run_detail", args=[run.pk])))
        assert "Linked to run_id nx-found: Support named it." in told
        assert people["admin"].shown_name in told

    def test_resubmitting_leads_to_the_new_run_which_is_its_brokers(self, admin, people):
        run = made.lost_run(people["broker"])
        response = act(admin, run, "resubmit", reason="Support found none.")
        again = Run.objects.get(resubmission_of=run)
        assert response["Location"] == run_page(again)
        assert again.started_by == people["admin"]
        assert Run.objects.actionable_by(people["broker"]).filter(pk=again.pk).exists()
        assert "Sent again from run 1" in words(admin.get(run_page(again)))

    @pytest.mark.parametrize("reason", ["", "  ", "no", "x" * 501, "a\0bc"])
    def test_no_act_without_a_reason(self, admin, people, reason):
        run = made.lost_run(people["broker"])
        for code in ("abandon", "resubmit", "link"):
            response = act(admin, run, code, reason=reason, run_id="nx-1")
            assert response.status_code == 422
            assert f'href="#{code}_reason"' in response.content.decode()
        run.refresh_from_db()
        assert run.state == "submit_unknown"

    def test_markup_in_a_reason_is_text(self, admin, people):
        run = made.lost_run(people["broker"])
        act(admin, run, "abandon", reason="<script>alert(1)</script>")
        page = admin.get(run_page(run)).content.decode()
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)" in page

    def test_too_late_is_said(self, admin, people):
        run = made.completed_run(people["broker"])
        response = act(admin, run, "abandon", reason="Too late.")
        assert response.status_code == 409
        assert "already ended" in words(response)
        assert "Nothing: it has ended." in words(response)

    def test_while_it_is_being_sent_nothing_is_offered(self, admin, people):
        run = made.submitting_run(people["broker"])
        assert "being sent this moment" in words(admin.get(run_page(run)))
        for code in ("requeue", "abandon", "resubmit", "poll"):
            assert act(admin, run, code, reason="Stop it.").status_code == 409
        run.refresh_from_db()
        assert run.state == "submitting"

    def test_what_does_not_exist_is_absent(self, admin, people):
        run = made.lost_run(people["broker"])
        assert act(admin, run, "delete", reason="Why not.").status_code == 404
        assert admin.get(reverse("quotes:operations_run", args=[uuid.uuid4()])).status_code == 404

    def test_the_brokers_own_pages_stay_closed_to_administrators(self, admin, people):
        run = made.lost_run(people["broker"])
        url = reverse("quotes:run_abandon", args=[run.pk])
        assert admin.post(url, {"reason": "Not mine."}).status_code == 404

    def test_a_runs_page_leads_an_administrator_there(self, admin, people):
        run = made.lost_run(people["broker"])
        url = reverse("quotes:run_detail", args=[run.pk])
        assert run_page(run) in admin.get(url).content.decode()
        for who in ("manager", "broker"):
            assert run_page(run) not in signed_in(people[who]).get(url).content.decode()

    def test_looking_at_a_household_is_written_down(self, admin, people):
        run = made.lost_run(people["broker"])
        admin.get(run_page(run))
        entry = AuditEvent.objects.get(deed="viewed")
        assert (entry.actor, entry.insured_ref) == (people["admin"], run.insured_id)


@pytest.mark.django_db(transaction=True)
class TestTheKey:
    def test_it_is_told_in_words(self, admin, nexio):
        page = admin.post(reverse("quotes:operations_key"), follow=True)
        assert "Nexio answered in" in words(page)
        assert "nx_test_watched" not in page.content.decode()
        again = admin.post(reverse("quotes:operations_key"), follow=True)
        assert "tested a moment ago" in words(again)
        assert len(nexio.recorded_polls()) == 1

    @pytest.mark.parametrize(
        ("answer", "heard"),
        [
            (status(404, {"code": "not_found", "message": "No such run."}), True),
            (status(200, {"run_id": "r-1", "status": "queued"}), True),
            (status(401, {"code": "unauthorized", "message": "No."}), True),
            (raw(404, b"<html>Some proxy</html>"), False),
            (reset(), False),
        ],
    )
    def test_an_answer_of_nexios_is_hearing_from_it(self, admin, nexio, answer, heard):
        assert "Last heard from Nexio — never yet" in words(admin.get(PAGE))
        nexio.on_poll(None, [answer])
        page = words(admin.post(reverse("quotes:operations_key"), follow=True))
        assert ("never yet" not in page) is heard
        assert bool(re.search(r"Last heard from Nexio \d+ s ago", page)) is heard

    def test_a_get_tests_nothing(self, admin, nexio):
        assert admin.get(reverse("quotes:operations_key")).status_code == 405
        assert not nexio.recorded_polls()

"""One reading of the place, and what it says there is to see to."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from quotes.models import NexioService, Run, User, WorkerBeat
from quotes.nexio import errors
from quotes.services import claims, outcomes
from quotes.services.operations import Reading, read_operations
from quotes.services.operations_checks import Check, check_all, worst
from tests import runs as made
from tests.factories import make_user, queued_run

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()


@pytest.fixture
def broker(db: None) -> User:
    return make_user("broker", "broker")


def beat(seconds_ago: float, host: str = "one", stopped: bool = False, **more: object) -> None:
    at = NOW - timedelta(seconds=seconds_ago)
    WorkerBeat.objects.create(
        host=host,
        pid=1,
        started_at=at - timedelta(hours=1),
        beat_at=at,
        stopped_at=at if stopped else None,
        **{"version": "0.1.0", **more},
    )


def check(code: str, now: datetime = NOW) -> Check:
    found = {each.code: each for each in check_all(read_operations(now=now))}
    return found[code]


def read() -> Reading:
    return read_operations(now=NOW)


class TestWorkers:
    def test_none(self) -> None:
        assert check("workers").level == "fail"
        assert "None serves" in check("workers").says

    def test_one_that_beats_serves_and_one_that_does_not_is_silent(self) -> None:
        beat(14)
        beat(15, "two")
        beat(3, "three", stopped=True)
        states = {worker.host: worker.state for worker in read().workers or []}
        assert states == {"one": "serving", "two": "silent", "three": "stopped"}
        found = check("workers")
        assert found.level == "warn"
        assert "two" in found.says
        assert "three" not in found.says

    def test_one_that_was_killed_and_replaced_is_no_warning(self) -> None:
        beat(3600)
        WorkerBeat.objects.create(
            host="one", pid=2, started_at=NOW - timedelta(seconds=60), beat_at=NOW, version="0.1.0"
        )
        assert check("workers").level == "ok"

    def test_one_left_behind_by_an_update(self) -> None:
        beat(1, version="0.0.9")
        assert check("version").level == "warn"
        assert "0.0.9" in check("version").says

    def test_the_clock_decides(self) -> None:
        beat(0)
        assert check("workers", NOW + timedelta(seconds=14)).level == "ok"
        assert check("workers", NOW + timedelta(seconds=16)).level == "fail"


class TestRuns:
    def test_states_and_ages(self, broker: User) -> None:
        long_ago = NOW - timedelta(minutes=40)
        waiting = made.waiting_run(broker, at=long_ago)
        made.waiting_run(broker, insured=waiting.insured, at=NOW - timedelta(seconds=30))
        queued = queued_run(insured=waiting.insured)
        Run.objects.filter(pk=queued.pk).update(created_at=NOW - timedelta(minutes=7))
        lost = made.lost_run(broker, insured=waiting.insured)
        reading = read()
        backlog, states = reading.backlog, {each.state: each for each in reading.states or []}
        assert backlog is not None
        assert (backlog.queued, backlog.waiting, backlog.overdue) == (1, 2, 1)
        assert backlog.oldest_waiting_at == long_ago
        assert backlog.oldest_queued_at == NOW - timedelta(minutes=7)
        assert (states["submit_unknown"].all, states["completed"].all) == (1, 0)
        assert check("sending").level == "warn"
        assert "7 min" in check("sending").says
        assert check("settling").says == "1 lost in sending."
        assert lost.state == "submit_unknown"

    def test_due_and_in_nobodys_hands(self, broker: User) -> None:
        run = made.waiting_run(broker)
        Run.objects.filter(pk=run.pk).update(due_at=NOW - timedelta(seconds=90))
        assert "due over a minute ago" in check("asking").says
        Run.objects.filter(pk=run.pk).update(
            lease_owner="w", lease_until=NOW + timedelta(seconds=20)
        )
        assert check("asking").level == "ok"

    def test_sent_to_another_address(self, broker: User) -> None:
        run = made.waiting_run(broker)
        Run.objects.filter(pk=run.pk).update(service_url="https://elsewhere.example")
        assert "another service address" in check("asking").says

    def test_overdue_is_said_and_nothing_is_failed(self, broker: User) -> None:
        run = made.waiting_run(broker, at=NOW - timedelta(minutes=11))
        Run.objects.filter(pk=run.pk).update(due_at=NOW)
        assert "over ten minutes" in check("asking").says
        run.refresh_from_db()
        assert run.state == "waiting"


class TestErrors:
    def test_each_kind_by_hour_and_day(self, broker: User) -> None:
        run, now = made.lost_run(broker), timezone.now()
        run.note(at=now - timedelta(hours=3), kind="bad_poll", text="x")
        run.note(at=now - timedelta(minutes=3), kind="bad_poll", text="x")
        run.note(at=now - timedelta(days=2), kind="bad_poll", text="x")
        traffic = read_operations(now=now).traffic
        assert traffic is not None
        found = {each.kind: (each.hour, each.day) for each in traffic.troubles}
        assert found["bad_poll"] == (1, 2)
        assert found["submit_unknown"] == (1, 1)
        assert found["rejected"] == (0, 0)
        assert traffic.sent_hour == 1

    def test_many_that_did_not_go_through(self, broker: User) -> None:
        run = made.lost_run(broker)
        for _ in range(3):
            made.lost_run(broker, insured=run.insured)
        later = timezone.now()
        assert check("errors", later).level == "ok"
        made.lost_run(broker, insured=run.insured)
        assert check("errors", timezone.now()).level == "warn"

    def test_last_contact_outlives_a_quiet_day(self, broker: User) -> None:
        run = queued_run(owner=broker)
        at = NOW - timedelta(days=9)
        run.note(at=at, kind="accepted", text="x")
        assert read().heard_at == at


class TestNexio:
    def test_a_refused_key(self, broker: User, settings) -> None:
        service = claims.service_at(settings.NEXIO_URL, settings.NEXIO_KEY)
        assert check("key").level == "ok"
        outcomes.refuse_key(service, now=NOW - timedelta(minutes=5))
        found = check("key")
        assert found.level == "fail"
        assert "5 min" in found.says
        assert settings.NEXIO_KEY not in found.says + found.do

    def test_another_key_than_the_workers(self, settings) -> None:
        claims.service_at(settings.NEXIO_URL, "nx_test_another_key")
        assert "different keys" in check("key").says

    def test_a_pause_that_nexio_asked_for(self, broker: User, settings) -> None:
        run = made.submitting_run(broker)
        asked = errors.Throttled("Later.", retry_after=90, http_status=429)
        outcomes.submission_failed(run, asked, service=made.service_of(run), now=NOW)
        assert "sending for another 90 s" in check("holds").says
        assert check("holds", NOW + timedelta(seconds=91)).level == "ok"


class TestGround:
    def test_settings_that_should_not_be(self, settings, broker: User) -> None:
        def said() -> str:
            return " ".join(
                each.says for each in check_all(read()) if each.code.startswith("settings")
            )

        assert said() == "Nothing to be said against them."
        settings.DEBUG, settings.PRODUCTION, settings.NEXIO_IS_SANDBOX = True, True, True
        User.objects.update(is_demo=True)
        for words in ("DEBUG is on", "talks to the sandbox", "1 demo accounts"):
            assert words in said()
        settings.PRODUCTION, settings.NEXIO_IS_SANDBOX = False, False
        settings.NEXIO_KEY = "nx_live_fictional_key"
        assert "A live key is used" in said()

    def test_attachments_that_cannot_be_written(self, settings, tmp_path) -> None:
        settings.ATTACHMENTS_DIR = tmp_path / "not" / "yet"
        assert check("attachments").level == "ok"
        (tmp_path / "not").write_text("a file where a folder should be")
        settings.ATTACHMENTS_DIR = tmp_path / "not"
        assert check("attachments").level == "fail"

    def test_a_folder_that_is_not_there(self, settings, tmp_path) -> None:
        settings.DATA_DIR = tmp_path / "gone"
        assert check("disk").level == "fail"


def test_all_is_well(settings) -> None:
    beat(1)
    NexioService.objects.create(base_url=settings.NEXIO_URL)
    assert worst(check_all(read())) == "ok"


def test_it_costs_the_same_for_any_number_of_runs(broker: User) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            read()
        for query in queries.captured_queries:
            assert "request_body" not in query["sql"]
        return len(queries)

    first = made.waiting_run(broker)
    few = asked()
    for _ in range(5):
        made.waiting_run(broker, insured=first.insured)
        made.rejected_run(broker, insured=first.insured)
    assert asked() == few
    assert few <= 12

"""Leases: who takes what, and what becomes of what nobody holds any more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from quotes.models import NexioService, Run
from quotes.models.run import RunMoved
from quotes.nexio import errors
from quotes.nexio.messages import Accepted, JobReply
from quotes.services import claims, outcomes, rescheduling
from quotes.services.leash import FileLock
from tests import runs as made
from tests.factories import queued_run

pytestmark = pytest.mark.django_db
URL, KEY = "http://127.0.0.1:9", "nx_test_claims"


@pytest.fixture(autouse=True)
def _service(settings: Any) -> None:
    settings.NEXIO_URL = URL


def take(lease: str = "mine", **how: Any) -> list[Run]:
    how = {"limit": 10, "now": timezone.now() + timedelta(minutes=1), **how}
    return claims.claim_due(service=claims.service_at(URL, KEY), lease=lease, **how)


def test_a_run_is_one_workers_until_its_lease_is_over() -> None:
    run = queued_run()
    now = timezone.now()
    assert take("first", now=now) == [run]
    assert take("second", now=now) == []
    assert take("first", now=now, serving=[run.pk]) == []
    assert take("second", now=now + claims.LEASE) == [run]


def test_a_claimed_run_is_read_as_it_is_now_and_the_first_due_comes_first() -> None:
    first = queued_run("home_only.json")
    runs = [first, *(queued_run(insured=first.insured) for _ in range(4))]
    now = timezone.now() + timedelta(minutes=1)
    for number, run in enumerate(runs):
        Run.objects.filter(pk=run.pk).update(due_at=now - timedelta(seconds=number))
    taken = take(now=now, limit=4)
    assert taken == runs[:0:-1]
    for run in taken:
        stored = Run.objects.get(pk=run.pk)
        unread = run.get_deferred_fields()
        assert "request" in unread
        read = [each.attname for each in Run._meta.concrete_fields if each.attname not in unread]
        assert {name: getattr(run, name) for name in read} == {
            name: getattr(stored, name) for name in read
        }
        assert (stored.lease_owner, stored.lease_until) == ("mine", now + claims.LEASE)


def test_only_the_run_that_is_named() -> None:
    queued_run()
    named = queued_run("home_only.json")
    assert take(only=named.pk) == [named]


def test_no_more_than_there_are_places_and_turns_for() -> None:
    first = queued_run("home_only.json")
    for _ in range(9):
        queued_run(insured=first.insured)
    assert take(limit=0) == []
    assert len(take(limit=3)) == 3
    # Ten a second, all workers' together: those whose turn comes before the next look.
    now = timezone.now() + timedelta(minutes=1)
    paced = take("other", now=now, per_second=10)
    assert 1 <= len(paced) <= 4
    turns = [run.due_at for run in paced]
    assert all(turns)
    assert turns == [now + timedelta(seconds=0.1) * number for number in range(len(paced))]
    assert take("third", now=now, per_second=10) == []
    # With places to spare, the turns that nobody needed are given back.
    later = now + timedelta(seconds=30)
    rest = take("third", now=later, per_second=1000)
    assert len(rest) == 10 - 3 - len(paced)
    service = NexioService.objects.get(base_url=URL)
    assert service.next_submit_at == later + timedelta(seconds=0.001) * len(rest)
    # Turns given out far ahead are those of a clock that was set back since: they hold up nobody.
    NexioService.objects.update(next_submit_at=later + timedelta(hours=1))
    assert take("fourth", now=later + claims.LEASE, per_second=10)


def test_what_is_held_is_not_taken() -> None:
    queued, waiting = queued_run(), made.waiting_run()
    now = timezone.now() + timedelta(minutes=1)
    service = claims.service_at(URL, KEY)
    outcomes.hold(service, until=now + timedelta(seconds=9), polls=False)
    assert take("a", now=now) == [waiting]
    outcomes.hold(service, until=now + timedelta(seconds=9), polls=True)
    assert take("b", now=now) == []
    # A shorter hold shortens nothing, in the database and in the object.
    outcomes.hold(service, until=now, polls=True)
    assert service.submits_held_until == now + timedelta(seconds=9)
    assert NexioService.objects.get().polls_held_until == now + timedelta(seconds=9)
    assert queued in take("c", now=now + timedelta(seconds=10))


def test_another_key_lifts_the_hold_that_the_old_one_earned() -> None:
    service = claims.service_at(URL, KEY)
    assert outcomes.refuse_key(service, now=timezone.now())
    assert not outcomes.refuse_key(service, now=timezone.now())
    assert claims.service_at(URL, KEY).key_refused_at
    changed = claims.service_at(URL, "nx_test_another")
    assert (changed.key_refused_at, changed.next_key_check_at) == (None, None)
    assert KEY not in changed.key_mark


def test_of_two_keys_each_is_held_for_what_it_was_told_itself() -> None:
    now = timezone.now()
    older = claims.service_at(URL, KEY)
    newer = claims.service_at(URL, "nx_test_another")
    claims.read_again(older, KEY)
    assert NexioService.objects.get().key_mark == newer.key_mark
    assert outcomes.refuse_key(older, now=now)
    assert not outcomes.refuse_key(older, now=now)
    claims.read_again(older, KEY)
    assert older.holds_polls(now)
    assert older.next_key_check_at is None, "nobody asks whether a key works that is not in use"
    claims.read_again(newer, "nx_test_another")
    assert not newer.holds_polls(now)
    # And the other way round: who began last is refused, and the other one was not.
    assert outcomes.refuse_key(newer, now=now)
    outcomes.key_works(older, now=now)
    claims.read_again(newer, "nx_test_another")
    assert newer.holds_submits(now)
    assert newer.next_key_check_at == now + outcomes.FIRST_KEY_CHECK
    fresh = claims.service_at("http://127.0.0.1:2", KEY)
    claims.service_at("http://127.0.0.1:2", "nx_test_another")
    outcomes.refuse_key(claims.service_at("http://127.0.0.1:2", "nx_test_another"), now=now)
    claims.read_again(fresh, KEY)
    assert not fresh.holds_submits(now)
    # A row that somebody deleted is begun anew.
    NexioService.objects.all().delete()
    claims.read_again(newer, "nx_test_another")
    assert not newer.holds_submits(now)
    assert NexioService.objects.get().key_mark == newer.key_mark


def test_letting_go_leaves_what_is_being_sent_to_its_lapse() -> None:
    waiting, sending = made.waiting_run(), made.submitting_run()
    Run.objects.filter(pk__in=[waiting.pk, sending.pk]).update(
        lease_owner="mine", lease_until=timezone.now() + claims.LEASE
    )
    assert claims.release(lease="mine") == 1
    waiting.refresh_from_db()
    sending.refresh_from_db()
    assert (waiting.lease_owner, sending.lease_owner) == ("", "mine")
    Run.objects.filter(pk=waiting.pk).update(lease_owner="mine")
    claims.let_go([waiting.pk, sending.pk], lease="another's")
    assert Run.objects.filter(lease_owner="mine").count() == 2
    claims.let_go([waiting.pk], lease="mine")
    assert Run.objects.filter(lease_owner="mine").get() == sending


def test_a_dead_workers_runs_are_taken_back_by_the_lock_it_held(tmp_path: Path) -> None:
    waiting, sending = made.waiting_run(), made.submitting_run()
    Run.objects.filter(pk__in=[waiting.pk, sending.pk]).update(
        lease_owner="dead", lease_until=timezone.now() + claims.LEASE
    )
    lock = FileLock(tmp_path / "lock")
    assert lock.take()
    lock.write("dead")
    now = timezone.now()
    claims.take_back(lock, now=now)
    assert set(Run.objects.filter(lease_until=now)) == {waiting, sending}
    assert lock.read() == ""
    claims.take_back(lock, now=now)  # nobody's word, nothing to do
    lock.drop()


def test_whether_anything_is_still_to_come_at_the_service_of_the_settings(settings: Any) -> None:
    assert not claims.in_flight_at_configured_service()
    queued_run()
    assert claims.in_flight_at_configured_service()
    settings.NEXIO_URL = "http://127.0.0.1:10"
    assert not claims.in_flight_at_configured_service()


def test_a_key_refused_to_several_polls_is_told_of_once(caplog) -> None:
    several = [made.waiting_run(), made.waiting_run()]
    refused = errors.KeyRefused("No.", http_status=401)
    for run in several:
        Run.objects.filter(pk=run.pk).update(lease_owner="mine")
        service = claims.service_at(URL, KEY)
        outcomes.poll_failed(run, refused, service=service, lease="mine", now=timezone.now())
    told = [run.events.filter(kind="key_refused").count() for run in several]
    assert told == [1, 0]
    assert caplog.text.count("nexio_key_refused") == 1
    assert KEY not in caplog.text


def test_polls_of_runs_that_were_all_taken_over_write_nothing() -> None:
    run = made.waiting_run()
    poll = rescheduling.Polled(run, timezone.now())
    assert rescheduling.reschedule([poll], lease="not-the-holder") == [run]
    assert Run.objects.get(pk=run.pk).polls == 0


def test_an_acceptance_written_twice_is_one() -> None:
    """The database took the first writing and could not say so."""
    run = made.submitting_run()
    stale = Run.objects.get(pk=run.pk)
    said = made.reply_of(Accepted, {"run_id": "once", "status": "queued"}, 202)
    for each in (run, stale):
        outcomes.submission_accepted(each, said, now=timezone.now())
    run.refresh_from_db()
    assert (run.state, run.nexio_run_id) == ("waiting", "once")
    assert run.events.filter(kind="accepted").count() == 1


def test_a_poll_of_a_run_that_was_taken_over_writes_nothing() -> None:
    run = made.waiting_run()
    Run.objects.filter(pk=run.pk).update(lease_owner="another's")
    said = made.reply_of(JobReply, {"run_id": run.nexio_run_id, "status": "processing"})
    with pytest.raises(RunMoved):
        outcomes.poll_answered(run, said, lease="mine", now=timezone.now())
    run.refresh_from_db()
    assert (run.polls, run.nexio_status, run.lease_owner) == (0, "queued", "another's")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads small tables whole")
def test_a_look_reads_what_is_due_in_its_order_and_nothing_else() -> None:
    """With thousands in flight, some fifty are due: the others' wide rows are left unread."""
    queued_run()
    with CaptureQueriesContext(connection) as seen:
        assert len(take()) == 1
    looks = [each["sql"] for each in seen.captured_queries if 'FROM "quotes_run"' in each["sql"]]
    assert looks
    for sql in looks:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = [row[3] for row in cursor.fetchall()]
        reads = {step for step in plan if step.startswith(("SCAN quotes", "SEARCH quotes"))}
        assert reads <= {
            "SEARCH quotes_run USING INDEX run_due (state=? AND due_at<?)",
            "SEARCH quotes_run USING COVERING INDEX sqlite_autoindex_quotes_run_1 (id=?)",
        }, sql
        assert any("run_due" in step for step in reads)

"""`kill -9` at every step of a run's life: none is lost, none is sent twice.

One worker lives through all of it. Its watcher is halted at a statement to the database, so that
it dies exactly there; what the rows say by then is looked at first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from quotes.models import Run, RunState
from quotes.services.runs import link_run_id
from tests.answers import hang
from tests.factories import make_user, queued_run
from tests.fake_nexio import FakeNexio
from tests.processes.ground import Ground, comes_to, is_whole, state
from tests.processes.worker import WorkerProcess, eventually

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]

STEP = r'UPDATE "?quotes_run"? SET .*"?state"? = .*\n.*'
"""A step of a run's life, as the database is told of it; the new state or id follows."""


def test_before_the_claim(ground: Ground) -> None:
    ground.traps.set("before", r'UPDATE "?quotes_run"? SET .*lease_owner')
    run = queued_run()
    seen = ground.kill_watcher_in_the_trap(run)
    assert (seen.state, seen.lease_owner) == (RunState.QUEUED, "")
    comes_to(run, RunState.COMPLETED)
    assert is_whole(run)
    assert ground.posts == 1


def test_after_the_claim(ground: Ground) -> None:
    ground.traps.set("before", STEP + RunState.SUBMITTING)
    run = queued_run()
    seen = ground.kill_watcher_in_the_trap(run)
    assert seen.state == RunState.QUEUED
    assert seen.lease_owner, "it was claimed"
    comes_to(run, RunState.COMPLETED)
    assert is_whole(run)
    assert ground.posts == 1


def test_between_its_word_that_it_sends_and_the_first_byte(ground: Ground) -> None:
    """From the rows alone nobody can tell this from a death after the last byte."""
    ground.traps.set("committed", STEP + RunState.SUBMITTING)
    run = queued_run()
    assert ground.kill_watcher_in_the_trap(run).state == RunState.SUBMITTING
    comes_to(run, RunState.SUBMIT_UNKNOWN)
    assert ground.posts == 0


def test_during_the_post(ground: Ground) -> None:
    ground.nexio.on_submit([hang()])
    run = queued_run()
    ground.nexio.wait_until(lambda nexio: ground.posts == 1, timeout=60)
    ground.kill_watcher()
    comes_to(run, RunState.SUBMIT_UNKNOWN)
    assert ground.posts == 1


@pytest.mark.parametrize(
    "place",
    [STEP + "nx-taken", r'INSERT INTO "?quotes_runevent"?.*accepted'],
    ids=["read", "half-written"],
)
def test_after_the_reply_is_read_and_before_it_is_committed(ground: Ground, place: str) -> None:
    """Nexio has the run, and only the dead process knew: a person links it, nobody sends it."""
    run_id = f"nx-taken-{place[:6].strip().lower()}"
    ground.nexio.on_submit([{"run_id": run_id, "status": "queued"}])
    ground.traps.set("before", place)
    run = queued_run()
    assert ground.kill_watcher_in_the_trap(run).state == RunState.SUBMITTING
    comes_to(run, RunState.SUBMIT_UNKNOWN)
    assert run.nexio_run_id == ""
    person = make_user(run_id, "admin")
    link_run_id(run=run, actor=person, run_id=run_id, reason="Nexio's support named it")
    comes_to(run, RunState.COMPLETED)
    assert run.solutions.exists()
    assert ground.posts == 1


def test_between_polls(ground: Ground) -> None:
    ground.nexio.on_poll(None, lambda request: {"run_id": request.run_id, "status": "queued"})
    run = queued_run()
    comes_to(run, RunState.WAITING)
    ground.nexio.wait_until(lambda nexio: bool(nexio.recorded_polls(run.nexio_run_id)))
    eventually(lambda: Run.objects.get(pk=run.pk).polls == 1, 10, "the reply was written down")
    ground.kill_watcher()
    ground.nexio.on_poll(None)
    comes_to(run, RunState.COMPLETED)
    assert is_whole(run)
    assert ground.posts == 1


@pytest.mark.parametrize(
    "place",
    [STEP + RunState.COMPLETED, r'INSERT INTO "?quotes_solution"?'],
    ids=["read", "half-written"],
)
def test_after_the_last_reply_is_read_and_before_it_is_committed(
    ground: Ground, place: str
) -> None:
    """Nothing of it is seen by anybody, and Nexio is asked for it once more."""
    ground.traps.set("before", place)
    run = queued_run()
    seen = ground.kill_watcher_in_the_trap(run)
    assert (seen.state, seen.response_body) == (RunState.WAITING, None)
    assert not seen.solutions.exists()
    comes_to(run, RunState.COMPLETED)
    assert is_whole(run)
    assert ground.posts == 1


def test_once_the_last_reply_is_committed(ground: Ground) -> None:
    ground.traps.set("committed", r'INSERT INTO "?quotes_solution"?')
    run = queued_run()
    assert ground.kill_watcher_in_the_trap(run).state == RunState.COMPLETED
    after = queued_run()
    asked = len(ground.nexio.recorded_polls(Run.objects.get(pk=run.pk).nexio_run_id))
    comes_to(after, RunState.COMPLETED)
    run.refresh_from_db()
    assert is_whole(run)
    assert len(ground.nexio.recorded_polls(run.nexio_run_id)) == asked
    assert ground.posts == 2


def test_every_process_at_once(
    start_worker: Callable[..., WorkerProcess], fake_nexio: FakeNexio, settings: Any
) -> None:
    """As when a whole host goes: nothing of it is left to say so, and its claims run out."""
    settings.NEXIO_URL = fake_nexio.url
    polled = queued_run()
    fake_nexio.on_poll(None, [hang()])
    first = start_worker()
    fake_nexio.wait_until(lambda nexio: bool(nexio.recorded_polls()), timeout=90)
    fake_nexio.on_submit([hang()])
    sent = queued_run(insured=polled.insured)
    fake_nexio.wait_until(lambda nexio: len(nexio.recorded_submits) == 2, timeout=30)
    first.kill_all()
    assert (state(polled), state(sent)) == (RunState.WAITING, RunState.SUBMITTING)
    minute = timedelta(seconds=60)
    for run in (polled, sent):
        assert run.lease_until is not None
        assert run.lease_until <= timezone.now() + minute
    start_worker()
    # The minute passes.
    Run.objects.exclude(lease_owner="").update(lease_until=F("lease_until") - minute)
    Run.objects.filter(pk=sent.pk).update(due_at=F("due_at") - minute)
    comes_to(polled, RunState.COMPLETED)
    comes_to(sent, RunState.SUBMIT_UNKNOWN)
    assert is_whole(polled)
    assert len(fake_nexio.recorded_submits) == 2

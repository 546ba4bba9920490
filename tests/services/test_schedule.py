"""When Nexio is asked, by whom, and that nobody waits for anybody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection

from quotes.models import Run
from quotes.services.schedule import next_poll_in, poll_delay, resend_in
from tests.answers import hang
from tests.clock import ScaledClock
from tests.factories import EXAMPLES, queued_run
from tests.fake_nexio import FakeNexio, Recorded
from tests.services.watch import KEY, Watching, elsewhere, kinds, until, until_state

GUIDE = [2, 3, 4.5, 6.75, 10.125, 15.1875, 22.78125, 30, 30, 30]
"""Guide, "Polling for Results": start at 2 s, back off by 1.5, cap at 30 s."""

transactional = pytest.mark.django_db(transaction=True)


def test_delays_are_the_guides() -> None:
    assert [poll_delay(n) for n in range(10)] == GUIDE
    assert poll_delay(10**6) == 30


@pytest.mark.parametrize("polls", [0, 1, 6, 7, 500])
def test_chance_only_makes_a_poll_later_and_by_at_most_a_twentieth(polls: int) -> None:
    runs = [uuid.uuid4() for _ in range(300)]
    delays = [next_poll_in(polls, run).total_seconds() for run in runs]
    assert delays == [next_poll_in(polls, run).total_seconds() for run in runs]
    assert min(delays) >= poll_delay(polls)
    assert max(delays) <= poll_delay(polls) * 1.05
    assert len(set(delays)) > 250


def test_back_off_before_a_submission_of_which_nothing_left() -> None:
    seconds = [resend_in(attempts).total_seconds() for attempts in (1, 2, 3, 6, 7, 5000)]
    assert seconds == [1, 2, 4, 32, 60, 60]


@transactional
def test_polls_keep_the_guides_schedule_at_the_wire(nexio: FakeNexio, run: Run) -> None:
    planned: list[tuple[datetime, datetime, float]] = []
    clock = ScaledClock(60)

    def look(request: Recorded) -> dict[str, Any]:
        row = elsewhere(lambda: Run.objects.get(pk=run.pk))
        planned.append((row.last_polled_at or row.submitted_at, row.due_at, request.at))
        return {"run_id": request.run_id, "status": "processing", "stage": "EVALUATE"}

    nexio.on_poll(None, [look] * len(GUIDE))
    nexio.statuses = ("completed",)
    with Watching(nexio, clock=clock):
        until_state(run, "completed")
    assert len(planned) == len(GUIDE)
    before = nexio.recorded_submits[0].at
    for (answered, due, asked), delay in zip(planned, GUIDE, strict=True):
        # What was decided, exactly: the schedule plus 0 to 5 %.
        assert delay <= (due - answered).total_seconds() <= delay * 1.05
        # What happened on the wire: never early, neither by our clock nor by the server's.
        assert clock.at(asked) >= due
        assert (asked - before) * clock.speed >= delay
        before = asked
    assert {poll.path.rpartition("/")[2] for poll in nexio.recorded_polls()} == {run.nexio_run_id}


@transactional
def test_a_run_that_hangs_keeps_no_other_waiting(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run]
) -> None:
    nexio.on_submit([{"run_id": "hangs", "status": "queued"}])
    nexio.on_poll("hangs", hang())
    with Watching(nexio):
        nexio.wait_until(lambda fake: bool(fake.recorded_polls("hangs")))
        other = queue("home_only.json")
        until_state(other, "completed")
        assert Run.objects.get(pk=run.pk).state == "waiting"
        assert len(nexio.recorded_polls("hangs")) == 1
        nexio.on_poll("hangs")
        nexio.release()
        until_state(run, "completed")


@transactional
def test_a_submission_that_hangs_keeps_no_other_waiting(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run]
) -> None:
    nexio.on_submit([hang()])
    with Watching(nexio, submit_deadline=8.0, clock=ScaledClock(20)):
        nexio.wait_until(lambda fake: bool(fake.recorded_submits))
        other = queue("home_only.json")
        until_state(other, "completed")
        assert len(nexio.recorded_submits) == 2
        nexio.release()
        until_state(run, "submit_unknown")


@transactional
def test_runs_that_hang_leave_room_when_every_place_is_taken(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run]
) -> None:
    runs = [run, *(queue() for _ in range(4))]
    nexio.on_poll(None, hang(0.3))
    with Watching(nexio, concurrency=2, poll_deadline=5.0):
        until(lambda: all(Run.objects.get(pk=each.pk).polls for each in runs))
        nexio.on_poll(None)
        for each in runs:
            until_state(each, "completed")


@transactional
def test_fifty_runs_in_flight_on_one_watcher_all_finish_on_schedule(
    nexio: FakeNexio, run: Run
) -> None:
    runs = [run]
    runs += [queued_run(insured=run.insured) for _ in range(49)]
    clock = ScaledClock(10)
    with Watching(nexio, clock=clock):
        for each in runs:
            until_state(each, "completed", timeout=40)
    assert len(nexio.recorded_submits) == 50
    assert len({each.nexio_run_id for each in runs}) == 50
    asked = defaultdict(list)
    for poll in nexio.recorded_polls():
        asked[poll.run_id].append(clock.at(poll.at))
    for each in runs:
        times = asked[each.nexio_run_id]
        assert len(times) == 3
        assert each.submitted_at
        assert times[0] - each.submitted_at >= timedelta(seconds=2)
        for (earlier, later), delay in zip(pairwise(times), GUIDE[1:], strict=False):
            assert later - earlier >= timedelta(seconds=delay)
        assert kinds(each).count("completed") == 1


@transactional
def test_two_watchers_on_one_database_do_each_thing_once(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run]
) -> None:
    runs = [run, *(queue() for _ in range(9))]
    clock = ScaledClock(20)
    with Watching(nexio, clock=clock), Watching(nexio, clock=clock):
        for each in runs:
            until_state(each, "completed")
    assert len(nexio.recorded_submits) == len(runs)
    assert len(nexio.recorded_polls()) == 3 * len(runs)
    for each in runs:
        assert kinds(each).count("submitting") == kinds(each).count("completed") == 1
        assert each.polls == 3


@transactional
def test_a_watcher_that_stops_lets_its_runs_go_at_once(nexio: FakeNexio, run: Run) -> None:
    nexio.on_poll(None, [hang()])
    first = Watching(nexio)
    with first:
        nexio.wait_until(lambda fake: bool(fake.recorded_polls()))
    run.refresh_from_db()
    assert (run.state, run.lease_owner, run.lease_until) == ("waiting", "", None)
    with Watching(nexio, clock=first.clock):
        until_state(run, "completed")


@transactional
def test_a_stopping_watcher_waits_for_its_submission(nexio: FakeNexio, run: Run) -> None:
    nexio.on_submit([hang(then=None)])
    watching = Watching(nexio, clock=ScaledClock(1))
    with watching:
        nexio.wait_until(lambda fake: bool(fake.recorded_submits))
        ending = threading.Thread(target=watching.stop)
        ending.start()
        assert Run.objects.get(pk=run.pk).state == "submitting"
        nexio.release()
        ending.join(10)
    run.refresh_from_db()
    assert run.state == "submit_unknown"


@transactional
def test_runs_of_another_address_are_let_be(nexio: FakeNexio, run: Run, settings: Any) -> None:
    with FakeNexio() as elsewhere_:
        settings.NEXIO_URL = elsewhere_.url
        other = queued_run("home_only.json")
        with Watching(nexio):
            until_state(run, "completed")
        assert elsewhere_.requests == []
    other.refresh_from_db()
    assert other.state == "queued"


def _environment(nexio: FakeNexio) -> dict[str, str]:
    """What a process needs to work on the test's database with the test's Nexio."""
    made = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{made['NAME']}"
    else:
        login = f"{made['USER']}:{made['PASSWORD']}".rstrip(":")
        url = f"postgresql://{login}@{made['HOST']}:{made['PORT']}/{made['NAME']}"
    return {
        **{k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"},
        "DATABASE_URL": url, "NEXIO_BASE_URL": nexio.url, "NEXIO_API_KEY": KEY,
    }  # fmt: skip


@transactional
def test_a_process_killed_between_polls_loses_nothing(nexio: FakeNexio) -> None:
    nexio.on_poll(None, hang())
    compare = subprocess.Popen(
        [sys.executable, "manage.py", "compare", str(EXAMPLES / "guide_request.json")],
        cwd=django_settings.BASE_DIR, env=_environment(nexio), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        nexio.wait_until(lambda fake: bool(fake.recorded_polls()), timeout=40)
    finally:
        compare.send_signal(signal.SIGKILL)
        compare.wait(10)
    run = Run.objects.get()
    lapse = run.lease_until
    assert (run.state, bool(run.lease_owner)) == ("waiting", True)
    assert lapse
    nexio.on_poll(None)
    clock = ScaledClock()
    with Watching(nexio, clock=clock):
        until_state(run, "completed")
    assert clock.at(nexio.recorded_polls()[1].at) >= lapse
    assert len(nexio.recorded_submits) == 1


@transactional
def test_compare_lets_go_when_its_time_is_up_and_a_worker_carries_on(
    nexio: FakeNexio, tmp_path: Path
) -> None:
    nexio.statuses = ("processing",)
    with pytest.raises(SystemExit) as ended:
        call_command("compare", str(EXAMPLES / "guide_request.json"), "--timeout", "0.5")
    assert ended.value.code == 3
    run = Run.objects.get()
    assert (run.state, run.lease_owner, run.lease_until) == ("waiting", "", None)
    nexio.statuses = ("completed",)
    with Watching(nexio):
        until_state(run, "completed")
    assert len(nexio.recorded_submits) == 1

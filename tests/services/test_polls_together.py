"""Polls that bring nothing new are written many at a time, and lose nothing by it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, OperationalError
from django.db.backends.signals import connection_created
from django.utils import timezone

from quotes.models import Run
from quotes.services.rescheduling import Polled, reschedule
from quotes.services.runs import abandon_run
from quotes.services.schedule import next_poll_in
from quotes.services.watching.database import DatabaseThread
from quotes.services.watching.unchanged import Unchanged
from tests import runs as made
from tests.answers import status
from tests.clock import ScaledClock
from tests.factories import make_user
from tests.fake_nexio import FakeNexio, Recorded
from tests.services.watch import Watching, kinds, until

pytestmark = pytest.mark.django_db(transaction=True)
LEASE = "this-worker"


def processing(request: Recorded) -> dict[str, Any]:
    return {"run_id": request.run_id, "status": "processing", "stage": "EVALUATE"}


@pytest.fixture
def waiting(nexio: FakeNexio) -> Callable[..., Run]:
    """A run whose last reply was that of `processing`, due to be polled in so many seconds."""

    def make(due_in: float = 0, **columns: Any) -> Run:
        run = made.waiting_run()
        run = made.answer(run, {"status": "processing", "stage": "EVALUATE"})
        due = timezone.now() + timedelta(seconds=due_in)
        Run.objects.filter(pk=run.pk).update(due_at=due, polls=0, **columns)
        run.refresh_from_db()
        return run

    return make


def test_what_others_did_meanwhile_is_left_alone(waiting: Callable[..., Run]) -> None:
    mine, taken, given_up, also_mine = runs = [waiting(lease_owner=LEASE) for _ in range(4)]
    at = timezone.now()
    Run.objects.filter(pk=taken.pk).update(lease_owner="another-worker", polls=7)
    abandon_run(run=given_up, actor=make_user("gives-up", "broker"), reason="Enough.")
    given_up.refresh_from_db()

    moved = reschedule([Polled(run, at) for run in runs], lease=LEASE)

    assert {run.pk for run in moved} == {taken.pk, given_up.pk}
    for run in (mine, also_mine):
        run.refresh_from_db()
        assert (run.polls, run.last_polled_at, run.lease_owner, run.lease_until) == (
            1,
            at,
            "",
            None,
        )
        assert run.due_at == at + next_poll_in(1, run.pk)
        assert run.state == "waiting"
    taken.refresh_from_db()
    assert (taken.polls, taken.lease_owner, taken.last_polled_at != at) == (
        7, "another-worker", True,
    )  # fmt: skip
    was = given_up.polls, given_up.last_polled_at
    given_up.refresh_from_db()
    assert (given_up.state, given_up.polls, given_up.last_polled_at) == ("abandoned", *was)


def test_a_watcher_that_stops_writes_what_it_heard_before_it_lets_go(
    nexio: FakeNexio, waiting: Callable[..., Run]
) -> None:
    """Another worker would otherwise ask again at once, long before the schedule says so."""
    nexio.on_poll(None, processing)
    runs = [waiting() for _ in range(5)]
    with Watching(nexio, clock=ScaledClock(1)):
        nexio.wait_until(lambda fake: len(fake.recorded_polls()) == 5)
        until(lambda: not Run.objects.filter(lease_owner="", polls=0).exists())
    for run in runs:
        run.refresh_from_db()
        if run.polls:  # else its reply was still on its way when the watcher stopped
            assert run.last_polled_at
            assert run.due_at == run.last_polled_at + next_poll_in(1, run.pk)
        assert run.lease_owner == ""
    assert any(run.polls for run in runs)


class Outage:
    """The watcher's next statements fail, from the first poll on."""

    def __init__(self) -> None:
        self.left = 0

    def __call__(self, execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if self.left:
            self.left -= 1
            raise OperationalError("the database is away")
        return execute(sql, *args)

    def attach(self, sender: Any, connection: Any, **kwargs: Any) -> None:
        if threading.current_thread().name.startswith("watcher-db"):
            connection.execute_wrappers.append(self)


@pytest.fixture
def outage() -> Iterator[Outage]:
    trouble = Outage()
    connection_created.connect(trouble.attach)
    yield trouble
    connection_created.disconnect(trouble.attach)


def test_a_poll_that_cannot_be_written_is_written_later_and_not_repeated(
    nexio: FakeNexio, waiting: Callable[..., Run], outage: Outage
) -> None:
    run = waiting()

    def answer_as_the_database_goes(request: Recorded) -> dict[str, Any]:
        outage.left = 2
        return processing(request)

    nexio.on_poll(None, [answer_as_the_database_goes])
    with Watching(nexio, clock=ScaledClock(1)):
        until(lambda: Run.objects.get(pk=run.pk).polls == 1)
    run.refresh_from_db()
    assert outage.left == 0
    assert len(nexio.recorded_polls()) == 1
    assert run.last_polled_at
    assert run.due_at == run.last_polled_at + next_poll_in(1, run.pk)


def test_a_429_also_holds_back_polls_that_were_claimed_before_it(
    nexio: FakeNexio, waiting: Callable[..., Run]
) -> None:
    first = waiting()
    later = waiting(due_in=0.2)
    nexio.on_poll(first.nexio_run_id, status(429, None, {"Retry-After": "60"}))
    with Watching(nexio, clock=ScaledClock(1)):
        until(lambda: "throttled" in kinds(first))
        long_after = timezone.now() + timedelta(seconds=1)
        until(lambda: timezone.now() > long_after)
        until(lambda: Run.objects.get(pk=later.pk).lease_owner == "")
    assert nexio.recorded_polls(later.nexio_run_id) == []
    due = later.due_at
    later.refresh_from_db()
    assert (later.polls, later.due_at) == (0, due)


def test_a_change_of_stage_is_an_event_at_once_and_the_next_reply_alike_is_none(
    nexio: FakeNexio, waiting: Callable[..., Run]
) -> None:
    run = waiting()
    before = len(kinds(run))
    filtering = {"status": "processing", "stage": "FILTER"}
    nexio.on_poll(None, lambda request: {"run_id": request.run_id, **filtering})
    with Watching(nexio, clock=ScaledClock(20)):
        until(lambda: Run.objects.get(pk=run.pk).polls >= 4)
    assert kinds(run)[before:] == ["poll"]
    run.refresh_from_db()
    assert run.stage == "FILTER"


class Refusal(Outage):
    """The watcher's statements fail as those do that the database will never take."""

    def __call__(self, execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if "lease_owner" in sql:
            raise DataError("no such value")
        return execute(sql, *args)


def test_what_the_database_never_takes_is_looked_at_again_later(
    waiting: Callable[..., Run],
) -> None:
    polled, unasked = waiting(lease_owner=LEASE), waiting(lease_owner=LEASE)
    done: list[Run] = []
    failed: list[Run] = []
    refusal = Refusal()

    async def write() -> None:
        gathered = Unchanged(lease=LEASE, done=done.append, failed=failed.append)
        gathered.polled(Polled(polled, timezone.now()))
        gathered.unasked(unasked)
        async with DatabaseThread() as db:
            await gathered.write(db)

    connection_created.connect(refusal.attach)
    try:
        asyncio.run(write())
    finally:
        connection_created.disconnect(refusal.attach)
    assert (done, failed) == ([], [polled, unasked])

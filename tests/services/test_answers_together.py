"""Answers to polls that are written together: each run as if it had been alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from quotes.models import NexioService, Notice, Role, Run, RunCarrier, RunFact, RunState, User
from quotes.models.run import IllegalTransition, RunMoved
from quotes.models.sealing import DataKeyMissing
from quotes.nexio.messages import JobReply
from quotes.services import run_facts
from quotes.services.answers import Answer, store
from quotes.services.runs import abandon_run
from quotes.services.watching import answered as answered_room
from quotes.services.watching.answered import MOST, Answered
from quotes.services.watching.database import DatabaseThread
from tests import runs as made
from tests.factories import make_user
from tests.fake_nexio import completed
from tests.services.watch import kinds

pytestmark = pytest.mark.django_db(transaction=True)
LEASE = "this-worker"
STAGE: dict[str, Any] = {"status": "processing", "stage": "FILTER"}
FAILED: dict[str, Any] = {"status": "failed", "error": "EVALUATE_TIMEOUT"}


@pytest.fixture
def broker(db: None) -> User:
    return make_user("ana", Role.BROKER)


@pytest.fixture
def held(broker: User) -> Callable[..., Run]:
    """A waiting run that this worker has leased, as a claim reads it."""

    def make(**columns: Any) -> Run:
        run = made.waiting_run(broker, name="home_only.json")
        Run.objects.filter(pk=run.pk).update(lease_owner=LEASE, **columns)
        return Run.objects.defer("request", "request_body", "offering_lines").get(pk=run.pk)

    return make


def answer(run: Run, value: dict[str, Any] | None = None) -> Answer:
    """By default the end, with packages."""
    if value is None:
        value = {"status": "completed", **completed(Run.objects.get(pk=run.pk).request)}
    said = {"run_id": run.nexio_run_id, "environment": "test", **value}
    return Answer(run, made.reply_of(JobReply, said), timezone.now())


def facts() -> list[Any]:
    parts = RunCarrier.objects.order_by("run", "part", "name")
    return [*RunFact.objects.order_by("run").values(), *parts.values("run", "part", "name")]


def test_each_is_stored_as_if_it_were_alone(held: Callable[..., Run], broker: User) -> None:
    ranked, empty, failed, staged, recovered, backwards = (
        held(), held(), held(), held(), held(bad_polls=3), held(nexio_status="processing"),
    )  # fmt: skip
    given = [
        answer(ranked),
        answer(empty, {"status": "degraded", "solutions": []}),
        answer(failed, FAILED),
        answer(staged, STAGE),
        answer(recovered, {"status": "queued"}),
        answer(backwards, {"status": "queued"}),
    ]
    assert store(given, lease=LEASE) == []
    shown = [(each.run.state, each.run.nexio_status, each.run.polls) for each in given]
    rows = [Run.objects.get(pk=each.run.pk) for each in given]
    assert [(run.state, run.nexio_status, run.polls) for run in rows] == shown
    assert shown == [
        ("completed", "completed", 1), ("completed", "degraded", 1), ("failed", "failed", 1),
        ("waiting", "processing", 1), ("waiting", "queued", 1), ("waiting", "processing", 1),
    ]  # fmt: skip
    last = [kinds(run)[-1] for run in rows]
    assert last == ["completed", "completed", "failed", "poll", "recovered", "poll"]
    assert not Run.objects.exclude(lease_owner="").exists()
    packages = rows[0].solutions.count()
    assert packages
    assert [run.solutions.count() for run in rows[1:]] == [0] * 5
    assert bytes(rows[0].response_body or b"") == given[0].reply.body
    assert {each.run_id: each.packages for each in RunFact.objects.filter(packages__gt=0)} == {
        ranked.pk: packages
    }
    assert set(Notice.objects.values_list("run", "user")) == {
        (run.pk, broker.pk) for run in (ranked, empty, failed)
    }
    kept = facts()
    assert list(run_facts.refresh_many([run.pk for run in rows[:3]])) == []
    assert facts() == kept


def test_what_others_did_meanwhile_is_left_alone(held: Callable[..., Run], broker: User) -> None:
    mine, taken, given_up, also_mine, staged, staged_elsewhere = (held() for _ in range(6))
    given = [
        *(answer(run) for run in (mine, taken, given_up, also_mine)),
        *(answer(run, STAGE) for run in (staged, staged_elsewhere)),
    ]
    others = Run.objects.filter(pk__in=[taken.pk, staged_elsewhere.pk])
    others.update(lease_owner="another-worker")
    abandon_run(run=given_up, actor=broker, reason="Enough.")
    before = {run.pk: kinds(run) for run in (taken, given_up, staged_elsewhere)}

    moved = store(given, lease=LEASE)

    assert {run.pk for run in moved} == set(before)
    assert [run.state for run in moved if run.pk != given_up.pk] == ["waiting", "waiting"]
    assert {run.pk: kinds(run) for run in (taken, given_up, staged_elsewhere)} == before
    assert set(others.values_list("state", "polls", "lease_owner")) == {
        ("waiting", 0, "another-worker")
    }
    assert not taken.solutions.exists()
    assert {run.state for run in (mine, also_mine)} == {RunState.COMPLETED}
    assert set(Notice.objects.values_list("run", flat=True)) == {mine.pk, also_mine.pk}
    assert staged.stage == "FILTER"


def test_one_that_may_not_end_fails_all_of_them(held: Callable[..., Run]) -> None:
    mine, ended = held(), held()
    ended.state = RunState.COMPLETED
    with pytest.raises(IllegalTransition):
        store([answer(mine), answer(ended)], lease=LEASE)
    assert mine.state == "waiting"
    assert Run.objects.get(pk=mine.pk).state == "waiting"
    assert not mine.solutions.exists()


def test_statements_do_not_grow_with_their_number(held: Callable[..., Run]) -> None:
    counts = []
    for number in (1, 10, MOST):
        given = [answer(held()) for _ in range(number)]
        with CaptureQueriesContext(connection) as seen:
            assert store(given, lease=LEASE, service=NexioService(environment="test")) == []
        counts.append(len(seen.captured_queries))
    # A statement takes so many parameters: one more where there are more rows than that.
    assert counts[0] == counts[1] >= counts[2] - 1, counts


def test_a_fact_that_is_missing_is_made(held: Callable[..., Run]) -> None:
    one, other = held(), held()
    RunFact.objects.filter(pk=one.pk).delete()
    store([answer(one), answer(other)], lease=LEASE)
    kept = facts()
    assert {each.pk: each.packages for each in RunFact.objects.all()} == {
        run.pk: run.solutions.count() for run in (one, other)
    }
    assert list(run_facts.refresh_many([one.pk, other.pk])) == []
    assert facts() == kept


class Watched:
    """Statements of the watcher's thread: counted, and failing where the test says so."""

    def __init__(self) -> None:
        self.ends = 0
        self.away = False

    def __call__(self, execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if self.away:
            raise OperationalError("the database is away")
        self.ends += sql.startswith('UPDATE "quotes_run" ')
        return execute(sql, *args)

    def attach(self, sender: Any, connection: Any, **kwargs: Any) -> None:
        if threading.current_thread().name.startswith("watcher-db"):
            connection.execute_wrappers.append(self)


@pytest.fixture
def watched() -> Iterator[Watched]:
    seen = Watched()
    connection_created.connect(seen.attach)
    yield seen
    connection_created.disconnect(seen.attach)


def write(given: list[Answer], *, cancelled: int = 0) -> list[Any]:
    """All of them handed over while the database is busy; what each handing over came to. The
    first `cancelled` do not wait for theirs."""
    service = NexioService(environment="test")

    async def work() -> list[Any]:
        answered, go_on = Answered(lease=LEASE), threading.Event()
        async with DatabaseThread() as db:
            busy = asyncio.create_task(db(go_on.wait, 10))
            await asyncio.sleep(0)
            tasks = [asyncio.create_task(answered.write(db, each, service)) for each in given]
            await asyncio.sleep(0)
            for task in tasks[:cancelled]:
                task.cancel()
            go_on.set()
            await busy
            found = await asyncio.gather(*tasks, return_exceptions=True)
            await answered.end()
            return found

    return asyncio.run(work())


def test_what_comes_while_the_database_is_busy_is_written_at_once(
    held: Callable[..., Run], watched: Watched
) -> None:
    given = [answer(held()) for _ in range(5)]
    assert write(given) == [None] * 5
    assert watched.ends == 1
    assert {each.run.state for each in given} == {"completed"}


def test_what_comes_soon_after_another_waits_for_more_of_the_same(
    held: Callable[..., Run], watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answered_room, "APART", 0.5)
    first, second, third = given = [answer(held()) for _ in range(3)]
    service = NexioService(environment="test")

    async def work() -> None:
        answered = Answered(lease=LEASE)
        async with DatabaseThread() as db:
            await answered.write(db, first, service)
            soon = asyncio.create_task(answered.write(db, second, service))
            # The database has done all that it was given, and only the first was among that.
            for _ in range(3):
                stored = await db(Run.objects.filter(state=RunState.COMPLETED).count)
            assert stored == 1
            await asyncio.gather(soon, answered.write(db, third, service))

    asyncio.run(work())
    assert {each.run.state for each in given} == {"completed"}
    assert watched.ends == 2


def test_no_more_than_so_many_in_one_transaction(
    held: Callable[..., Run], watched: Watched
) -> None:
    given = [answer(held(), STAGE) for _ in range(MOST + 1)]
    assert write(given) == [None] * len(given)
    assert watched.ends == 2


def test_one_that_cannot_be_stored_harms_no_other(held: Callable[..., Run]) -> None:
    mine, damaged, taken, staged = held(), held(), held(), held()
    given = [answer(mine), answer(damaged), answer(taken), answer(staged, STAGE)]
    with connection.cursor() as cursor:
        key = Run._meta.pk.get_db_prep_value(damaged.pk, connection)
        cursor.execute(
            "UPDATE quotes_run SET request = 'sealed1:00000000:AAAA' WHERE id = %s", [key]
        )
    Run.objects.filter(pk=taken.pk).update(lease_owner="another-worker")
    stored, not_stored, moved, also_stored = write(given)
    assert (stored, also_stored) == (None, None)
    assert isinstance(not_stored, DataKeyMissing)
    assert isinstance(moved, RunMoved)
    states = {run.pk: run.state for run in Run.objects.defer("request")}
    assert [states[run.pk] for run in (mine, damaged, taken, staged)] == [
        "completed", "waiting", "waiting", "waiting",
    ]  # fmt: skip
    assert kinds(damaged)[-1] == kinds(taken)[-1] == "accepted"
    assert kinds(staged)[-1] == "poll"


def test_without_a_database_each_is_told_and_none_is_tried_for_ever(
    held: Callable[..., Run], watched: Watched
) -> None:
    given = [answer(held()) for _ in range(3)]
    watched.away = True
    assert [type(each) for each in write(given)] == [OperationalError] * 3
    watched.away = False
    assert write(given) == [None] * 3
    assert {each.run.state for each in given} == {"completed"}


def test_an_end_is_stored_though_nobody_waits_for_it_any_more(held: Callable[..., Run]) -> None:
    given = [answer(held()) for _ in range(3)]
    assert write(given, cancelled=1)[1:] == [None, None]
    assert {each.run.state for each in given} == {"completed"}


def test_once_the_thread_is_gone_nobody_waits_for_it(held: Callable[..., Run]) -> None:
    given = [answer(held()) for _ in range(2)]

    async def work() -> list[Any]:
        answered, service = Answered(lease=LEASE), NexioService(environment="test")
        async with DatabaseThread() as db:
            pass
        tasks = (answered.write(db, each, service) for each in given)
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)

    assert [type(each) for each in asyncio.run(work())] == [RuntimeError] * 2

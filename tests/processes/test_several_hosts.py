"""Several web and worker processes on one PostgreSQL, as on several hosts: work is shared, nothing
is done twice, and no process takes more connections than it was given."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from quotes.models import Insured, Run, RunEvent, RunState, User, WorkerBeat
from tests.factories import EXAMPLES, import_value, make_user
from tests.fake_nexio import Recorded
from tests.processes.web import Person, WebProcess
from tests.processes.worker import WorkerProcess, eventually

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

BROKERS, EACH = 4, 10
ANSWERS_AFTER = 0.2
"""Seconds that the fake takes for a POST, so that one worker with two places cannot do it all."""
CHOICE = {"coverage_types": "auto", "appetite": "simplicity"}


@pytest.fixture(autouse=True)
def on_postgresql(settings) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("several hosts share a PostgreSQL: set TEST_DATABASE_URL")
    # As the processes under test have it; the tests' own is quick and known to tests only.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]


@pytest.fixture
def start_web(tmp_path: Path, fake_nexio, transactional_db) -> Iterator[Callable[..., WebProcess]]:
    started: list[WebProcess] = []

    def start(**environment: str) -> WebProcess:
        folder = tmp_path / f"web{len(started)}"
        started.append(WebProcess(folder, fake_nexio.url, **environment))
        return started[-1]

    yield start
    for web in started:
        web.stop()


def test_two_webs_and_two_workers_share_the_work_and_do_nothing_twice(
    start_web, start_worker, fake_nexio, settings
):
    settings.NEXIO_URL = fake_nexio.url
    brokers = [make_user(f"broker{number}", "broker") for number in range(BROKERS)]
    insureds = [_household(broker, number) for broker in brokers for number in range(EACH)]
    workers = [start_worker(WORKER_POLL_CONCURRENCY="2") for _ in range(2)]
    sent_by: list[int] = []

    def take_a_while(request: Recorded) -> None:
        """Note which worker has the connection open while it waits for the reply."""
        sent_by.extend(
            number for number, worker in enumerate(workers) if _holds(worker, request.port)
        )
        time.sleep(ANSWERS_AFTER)

    fake_nexio.on_submit(take_a_while)
    webs = start_web(), start_web()
    for web in webs:
        web.wait()
    eventually(lambda: all(worker.watcher_pid() for worker in workers), 90, "both workers serve")

    def work(number: int) -> list[str]:
        """A broker's day: signed in at one web, each run started at the other one in turn."""
        mine = insureds[number * EACH : (number + 1) * EACH]
        person = Person(webs[number % 2], f"broker{number}")
        return [_start(person, webs[turn % 2], insured) for turn, insured in enumerate(mine)]

    with ThreadPoolExecutor(BROKERS) as pool:
        pages = [page for found in pool.map(work, range(BROKERS)) for page in found]

    assert len(set(pages)) == BROKERS * EACH
    runs = Run.objects.filter(insured__in=insureds)
    done = runs.filter(state=RunState.COMPLETED)
    eventually(lambda: done.count() == BROKERS * EACH, 120, "every run completed")
    assert runs.count() == BROKERS * EACH

    sent = Counter(bytes(request.body) for request in fake_nexio.recorded_submits)
    assert sum(sent.values()) == BROKERS * EACH
    assert {run.nexio_run_id for run in runs} == set(fake_nexio.runs)
    for kind in ("submitting", "accepted", "completed"):
        noted = RunEvent.objects.filter(run__in=runs, kind=kind).values_list("run", flat=True)
        assert Counter(noted) == Counter(runs.values_list("pk", flat=True)), kind
    assert len(sent_by) == BROKERS * EACH
    assert set(sent_by) == {0, 1}, "one worker did everything"
    assert WorkerBeat.objects.filter(stopped_at=None).count() == 2
    assert [worker.stop() for worker in workers] == [0, 0]
    assert [web.stop() for web in webs] == [0, 0]


def _household(owner: User, number: int) -> Insured:
    document = json.loads((EXAMPLES / "home_auto.json").read_bytes())
    document["applicant"]["name"] = f"Household {number} of {owner.username}"
    return import_value(document, owner).insured


def _holds(worker: WorkerProcess, port: int) -> bool:
    """Whether a process of the worker has a connection from this port, by what the kernel says."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {row[9] for row in rows if int(row[1].partition(":")[2], 16) == port}
    links = {f"socket:[{inode}]" for inode in inodes}
    for pid in worker.descendants():
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(descriptor.readlink()) in links:
                    return True
    return False


def _start(person: Person, web: WebProcess, insured: Insured) -> str:
    """Press "Compare packages" at this web; the address of the run's page."""
    status_, where = person.post(
        web,
        reverse("quotes:run_start", args=[insured.pk]),
        page=reverse("quotes:insured_detail", args=[insured.pk]),
        **CHOICE,
    )
    assert (status_, where.startswith("/runs/")) == (302, True), (status_, where)
    return where


def test_a_web_process_takes_no_more_connections_than_its_pool_has(start_web):
    """And goes on after the database closed them all, at the very next request."""
    web = start_web(DATABASE_POOL="2", WEB_THREADS="8")
    web.wait()
    make_user("broker", "broker")
    person = Person(web, "broker")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: person.ask(web, "GET", "/")[0], range(40)))
    assert answers == [200] * 40
    assert 1 <= _connections("count(*)") <= 2
    assert _connections("bool_and(pg_terminate_backend(pid))")
    assert [person.ask(web, "GET", "/")[0] for _ in range(3)] == [200] * 3


def _connections(what: str) -> Any:
    """Something of all connections to the test database but this test's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {what} FROM pg_stat_activity "  # noqa: S608 - the tests' own words
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0]

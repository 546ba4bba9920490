"""The database is stopped, or crashes, under a worker with runs in flight, and comes back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import psycopg
import pytest

from tests.fake_nexio import FakeNexio, Recorded
from tests.processes.own_postgresql import OwnPostgreSQL, Stop
from tests.processes.web import WebProcess
from tests.processes.worker import ROOT, WorkerProcess, eventually

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

QUEUE = """
from tests.factories import import_example, queued_run
insured = import_example().insured
for _ in range({runs}):
    queued_run(insured=insured)
"""
ONCE = "SELECT kind, count(*), count(DISTINCT run_id) FROM quotes_runevent GROUP BY kind"


class Portal:
    """A worker and a web process on a PostgreSQL of its own, with a Nexio to talk to."""

    def __init__(self, database: OwnPostgreSQL, nexio: FakeNexio, folder: Path) -> None:
        self.database, self.nexio = database, nexio
        self.environment = {
            "DATABASE_URL": database.url,
            "DATA_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "brokerportal.settings",
            "NEXIO_BASE_URL": nexio.url,
            "NEXIO_API_KEY": "nx_test_worker_under_test",
        }
        self.manage("migrate", "--verbosity", "0")
        self.worker = WorkerProcess(nexio.url, folder, **self.environment)
        self.web = WebProcess(folder / "web", nexio.url, **self.environment)
        eventually(self.worker.watcher_pid, 90, "a watcher serves")

    def manage(self, *words: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=os.environ | self.environment,
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=120,
        )

    def pages(self) -> dict[str, int]:
        """How the web process answers: whether it lives, whether all is well, and a page for
        somebody whose session is looked up."""
        session = "sessionid=0123456789abcdefghijklmnopqrstuv"
        return {path: self.web.get(path, session)[0] for path in ("/healthz", "/readyz", "/")}

    def end(self) -> None:
        self.worker.end()
        self.web.stop()

    def queue(self, runs: int) -> None:
        self.manage("shell", "--verbosity", "0", "-c", QUEUE.format(runs=runs))

    def states(self) -> dict[str, int]:
        """How many runs are in each state; empty while the database is away."""
        try:
            return dict(self.database.ask("SELECT state, count(*) FROM quotes_run GROUP BY state"))
        except psycopg.OperationalError:
            return {}

    def once(self) -> bool:
        """Whether nothing happened twice to any run."""
        return all(
            times == runs
            for kind, times, runs in self.database.ask(ONCE)
            if kind in {"submitting", "accepted", "completed"}
        )


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    database = OwnPostgreSQL()
    started: list[Portal] = []
    try:
        database.start()
        with FakeNexio() as nexio:
            started.append(Portal(database, nexio, tmp_path_factory.mktemp("portal")))
            yield started[0]
            if not database.is_up:  # a test failed while it was away
                database.start()
            assert started[0].worker.stop(60) == 0, "it drains as ever"
    finally:
        for each in started:
            each.end()
        database.remove()


@pytest.mark.parametrize("how", get_args(Stop))
def test_stopped_while_nexio_answers_and_started_again(portal: Portal, how: Stop) -> None:
    """What Nexio said meanwhile is written down once there is where to."""
    before, nexio = portal.states().get("completed", 0), portal.nexio
    sent = len(nexio.recorded_submits)
    nexio.on_poll(None, lambda request: {"run_id": request.run_id, "status": "queued"})
    eventually(portal.web.answers, 90, "the web process answers")
    assert portal.pages()["/"] == 302, "it looked, and leads to the sign-in"
    portal.queue(2)
    eventually(lambda: portal.states().get("waiting") == 2, 60, "two runs wait")

    def stops_meanwhile(request: Recorded) -> dict[str, Any]:
        portal.database.stop(how)
        return {"run_id": f"nx-{how}", "status": "queued"}

    nexio.on_submit([stops_meanwhile])
    portal.queue(1)
    eventually(lambda: portal.states() == {}, 60, "the database is away")
    eventually(lambda: f"nx-{how}" in portal.worker.log.read_text(), 60, "the log has the run_id")
    away = {"/healthz": 200, "/readyz": 503, "/": 500}
    eventually(lambda: portal.pages() == away, 60, "the web process says that it is away")
    time.sleep(2)  # an outage, not a blink
    portal.database.start()
    nexio.on_poll(None)
    portal.queue(1)
    eventually(lambda: portal.states() == {"completed": before + 4}, 90, "all four completed")
    assert portal.once()
    assert len(nexio.recorded_submits) == sent + 4
    assert portal.worker.process.poll() is None
    well = {"/healthz": 200, "/readyz": 200, "/": 302}
    eventually(lambda: portal.pages() == well, 90, "the web process found the database again")


def test_crashing_again_and_again_while_many_runs_are_in_flight(portal: Portal) -> None:
    """Each is completed, or said to be of unknown fate; none is sent twice."""
    before, sent = portal.states().get("completed", 0), len(portal.nexio.recorded_submits)
    portal.queue(20)
    for _ in range(3):
        time.sleep(0.7)
        portal.database.stop("immediate")
        portal.database.start()

    def settled() -> bool:
        there = portal.states()
        return sum(there.values()) == before + 20 and set(there) <= {"completed", "submit_unknown"}

    eventually(settled, 150, "all settled")
    assert portal.once()
    completed = portal.states()["completed"] - before
    taken = len(portal.nexio.recorded_submits) - sent
    assert completed <= taken <= 20

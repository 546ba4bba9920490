"""Workers whose queue is on Redis, and what becomes of runs when Redis forgets or goes away."""

from __future__ import annotations

import os
import signal
import socket

import pytest
import redis
from django_q.models import OrmQ

from quotes.models import Run, RunState
from tests.answers import hang
from tests.factories import queued_run
from tests.processes.test_tampered_queue import payloads
from tests.processes.worker import eventually
from tests.redis_server import KEY, queue_url  # noqa: F401  (a fixture, used by name)

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]


@pytest.fixture(autouse=True)
def at_the_fake(settings, fake_nexio):
    settings.NEXIO_URL = fake_nexio.url


def state(run: Run) -> str:
    run.refresh_from_db()
    return run.state


def test_a_run_is_served_with_no_hint_on_the_database(queue_url, start_worker, fake_nexio):  # noqa: F811
    worker = start_worker(QUEUE_URL=queue_url)
    eventually(worker.watcher_pid, 90, "a watcher serves")
    run = queued_run()
    eventually(lambda: state(run) == RunState.COMPLETED, 90, "the run completed")
    assert OrmQ.objects.count() == 0
    assert worker.stop() == 0


def test_a_redis_that_forgot_everything_loses_no_run(queue_url, start_worker, fake_nexio):  # noqa: F811
    run = queued_run()
    fake_nexio.on_poll(None, [hang()])
    worker = start_worker(QUEUE_URL=queue_url)
    eventually(lambda: fake_nexio.recorded_polls(), 90, "a poll is under way")
    watcher = worker.watcher_pid()
    assert watcher
    os.kill(watcher, signal.SIGKILL)
    with redis.Redis.from_url(queue_url) as client:
        client.delete(KEY)
    eventually(lambda: state(run) == RunState.COMPLETED, 90, "another watcher was hinted for")
    assert len(fake_nexio.recorded_submits) == 1


def test_a_worker_serves_while_redis_is_away(start_worker, fake_nexio):
    with socket.socket() as probe:  # bound, and nobody listens
        probe.bind(("127.0.0.1", 0))
        worker = start_worker(QUEUE_URL=f"redis://127.0.0.1:{probe.getsockname()[1]}/0")
        run = queued_run()
        eventually(lambda: state(run) == RunState.COMPLETED, 90, "the run completed")
        assert len(fake_nexio.recorded_submits) == 1
        assert worker.stop() == 0


def test_a_tampered_payload_runs_nothing_and_the_worker_goes_on(
    queue_url,  # noqa: F811
    start_worker,
    fake_nexio,
    tmp_path,
):
    """Whoever can write to Redis and does not have our SECRET_KEY: the same as in the database."""
    mark = tmp_path / "it-ran"
    given = payloads(mark)
    worker = start_worker(QUEUE_URL=queue_url)
    with redis.Redis.from_url(queue_url) as client:
        client.rpush(KEY, *given.values())
        eventually(lambda: not client.llen(KEY), 90, "the payloads are thrown away")
    run = queued_run()
    eventually(lambda: state(run) == RunState.COMPLETED, 90, "a run is served after")
    assert worker.process.poll() is None
    assert not mark.exists()
    assert str(mark) not in worker.log.read_text()

"""`manage.py worker` with its real django-q cluster, against a Nexio over real sockets."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest
from django.db import connection

from quotes.models import Run, RunState, WorkerBeat
from tests.answers import hang, status
from tests.factories import queued_run
from tests.processes.ground import comes_to, is_whole
from tests.processes.halts import FOLDER, HOST
from tests.processes.worker import WorkerProcess, eventually

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]


@pytest.fixture(autouse=True)
def at_the_fake(settings, fake_nexio):
    settings.NEXIO_URL = fake_nexio.url


def state(run: Run) -> str:
    run.refresh_from_db()
    return run.state


def test_a_queued_run_is_sent_polled_and_completed(start_worker, fake_nexio):
    run = queued_run()
    worker = start_worker()
    eventually(lambda: state(run) == RunState.COMPLETED, 90, "the run completed")
    assert len(fake_nexio.recorded_submits) == 1
    assert fake_nexio.recorded_submits[0].body == bytes(run.request_body)
    assert run.solutions.exists()
    assert worker.stop() == 0


def test_a_run_started_while_the_worker_idles_is_taken_at_once(start_worker, fake_nexio):
    worker = start_worker()
    eventually(worker.watcher_pid, 90, "a watcher serves")
    run = queued_run()
    eventually(lambda: fake_nexio.recorded_submits, 90, "the run was sent")
    assert fake_nexio.recorded_submits[0].body == bytes(run.request_body)


def test_killing_the_watcher_in_mid_poll_loses_nothing(start_worker, fake_nexio):
    run = queued_run()
    fake_nexio.on_poll(None, [hang()])
    worker = start_worker()
    eventually(lambda: state(run) == RunState.WAITING, 90, "the run waits")
    eventually(lambda: fake_nexio.recorded_polls(run.nexio_run_id), 90, "a poll is under way")
    watcher = worker.watcher_pid()
    assert watcher
    os.kill(watcher, signal.SIGKILL)
    eventually(lambda: state(run) == RunState.COMPLETED, 90, "another watcher carried on")
    assert len(fake_nexio.recorded_submits) == 1
    assert worker.watcher_pid() != watcher


def test_killing_the_watcher_in_mid_submission_is_never_sent_again(start_worker, fake_nexio):
    run = queued_run()
    fake_nexio.on_submit([hang()])
    worker = start_worker()
    eventually(lambda: fake_nexio.recorded_submits, 90, "the POST arrived")
    watcher = worker.watcher_pid()
    assert watcher
    os.kill(watcher, signal.SIGKILL)
    eventually(lambda: state(run) == RunState.SUBMIT_UNKNOWN, 90, "its fate is said to be unknown")
    assert len(fake_nexio.recorded_submits) == 1


def test_a_killed_worker_leaves_no_process_and_another_carries_on(start_worker, fake_nexio):
    run = queued_run()
    fake_nexio.on_poll(None, [{"run_id": "later", "status": "queued"}])
    first = start_worker()
    eventually(lambda: state(run) == RunState.WAITING, 90, "the run waits")
    below = first.descendants()
    first.process.kill()
    first.process.wait()
    second = start_worker()
    eventually(lambda: state(run) == RunState.COMPLETED, 90, "the second worker carried on")
    eventually(lambda: not any(_alive(pid) for pid in below), 90, "the first's processes ended")
    assert len(fake_nexio.recorded_submits) == 1
    assert second.stop() == 0


def test_the_cluster_is_restarted_when_its_main_process_dies(start_worker, fake_nexio):
    worker = start_worker()
    watcher = eventually(worker.watcher_pid, 90, "a watcher serves")
    main = next(pid for pid in worker.descendants() if os.getpgid(pid) == pid)
    os.kill(main, signal.SIGKILL)
    # Until it is ended as well it may take a run on, and be killed in mid-submission.
    eventually(lambda: not _alive(watcher), 90, "the old watcher ended")
    run = queued_run()
    eventually(lambda: state(run) == RunState.COMPLETED, 90, "a new cluster serves")
    assert not _alive(watcher) or worker.watcher_pid() != watcher


def test_a_submission_under_way_when_the_main_process_dies_is_let_finish(start_worker, fake_nexio):
    run = queued_run()
    accepted = status(202, {"run_id": "known-to-nexio", "status": "queued"})
    fake_nexio.on_submit([hang(3, then=accepted)])
    worker = start_worker()
    eventually(lambda: fake_nexio.recorded_submits, 90, "the POST arrived")
    os.kill(eventually(worker.main_pid, 10, "a main process"), signal.SIGKILL)
    eventually(lambda: state(run) == RunState.WAITING, 30, "its answer was written down")
    assert run.nexio_run_id == "known-to-nexio"
    assert len(fake_nexio.recorded_submits) == 1


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="a minute long, and the same on every database"
)
def test_each_process_of_the_cluster_may_be_killed(start_worker, fake_nexio):
    """One after the other: those the sentinel keeps, the sentinel, the main process."""
    worker = start_worker("--stale-after", "7")
    eventually(worker.watcher_pid, 90, "a watcher serves")
    main = worker.main_pid()
    sentinel = children(worker, main)[0]
    kept = children(worker, sentinel)
    assert len(kept) >= 4, "two workers, a pusher and a monitor"
    for pid in [*kept, sentinel, main]:
        with contextlib.suppress(ProcessLookupError):  # replaced with another meanwhile
            os.kill(pid, signal.SIGKILL)
        eventually(partial(completed, queued_run()), 45, f"served after {pid}")
    assert worker.process.poll() is None


def test_a_watcher_that_hangs_is_replaced(start_worker, fake_nexio):
    """It holds its lock and the database answers: only its signs of life are missing."""
    worker = start_worker("--stale-after", "7")
    watcher = eventually(worker.watcher_pid, 90, "a watcher serves")
    eventually(WorkerBeat.objects.exists, 30, "a first sign of life")
    group = worker.descendants()
    assert watcher in group
    os.kill(watcher, signal.SIGSTOP)
    run = queued_run()
    eventually(lambda: state(run) == RunState.COMPLETED, 60, "another serves")
    assert not [pid for pid in group if _alive(pid)], "the whole group was replaced"
    assert "cluster_frozen" in worker.log.read_text()


def completed(run: Run) -> bool:
    return state(run) == RunState.COMPLETED


def children(worker: WorkerProcess, parent: int | None) -> list[int]:
    found = []
    for pid in worker.descendants():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                found.append(pid)
    return found


def test_a_cluster_frozen_by_an_idle_process_killed_is_replaced(start_worker, fake_nexio):
    """django-q hangs for good when an idle worker dies holding the lock of the queue."""
    worker = start_worker("--stale-after", "7")
    watcher = eventually(worker.watcher_pid, 90, "a watcher serves")
    main = next(pid for pid in worker.descendants() if os.getpgid(pid) == pid)
    for pid in worker.descendants():
        if pid not in (main, watcher) and _waits_in_a_pipe(pid):
            os.kill(pid, signal.SIGKILL)
    os.kill(watcher, signal.SIGKILL)
    run = queued_run()
    eventually(lambda: state(run) == RunState.COMPLETED, 150, "a cluster serves again")
    assert worker.stop(within=20) == 0


def test_a_killed_worker_leaves_no_cluster_whose_queue_is_locked_for_good(start_worker, fake_nexio):
    """Told to end by the leash, it cannot: its processes never read that they should."""
    worker = start_worker()
    eventually(worker.watcher_pid, 90, "a watcher serves")
    idle = eventually(partial(idle_pid, worker), 30, "an idle process")
    assert idle
    os.kill(idle, signal.SIGKILL)
    below = worker.descendants()
    worker.process.kill()
    worker.process.wait()
    eventually(lambda: not any(_alive(pid) for pid in below), 60, "its processes ended")


def test_a_killed_worker_leaves_no_cluster_without_its_sentinel(start_worker, fake_nexio):
    worker = start_worker()
    eventually(worker.watcher_pid, 90, "a watcher serves")
    below = worker.descendants()
    sentinel = children(worker, worker.main_pid())[0]
    worker.process.kill()
    os.kill(sentinel, signal.SIGKILL)
    worker.process.wait()
    eventually(lambda: not any(_alive(pid) for pid in below), 60, "its processes ended")


def test_a_worker_that_dies_a_moment_after_its_sentinel_leaves_no_cluster(start_worker, fake_nexio):
    """The cluster finds the leash held still, by a worker command that will do nothing any more."""
    worker = start_worker()
    eventually(worker.watcher_pid, 90, "a watcher serves")
    below = worker.descendants()
    worker.process.send_signal(signal.SIGSTOP)
    os.kill(children(worker, worker.main_pid())[0], signal.SIGKILL)
    time.sleep(1)  # its main process has seen that the sentinel is gone
    worker.process.kill()
    worker.process.wait()
    eventually(lambda: not any(_alive(pid) for pid in below), 60, "its processes ended")


def idle_pid(worker: WorkerProcess) -> int | None:
    """A process that waits for a task, and so holds the queue's lock.

    The monitor waits in a pipe as well, at all times, and was started after it.
    """
    watcher = worker.watcher_pid()
    sentinel = children(worker, worker.main_pid())[0]
    idle = [pid for pid in children(worker, sentinel) if pid != watcher and _waits_in_a_pipe(pid)]
    return min(idle) if len(idle) == 2 else None


def test_sigterm_drains_and_leaves_no_process(start_worker, fake_nexio):
    """A submission under way is answered and written down; a poll under way is broken off."""
    fake_nexio.on_poll(None, [hang()])
    polled = queued_run()
    worker = start_worker()
    fake_nexio.wait_until(lambda nexio: bool(nexio.recorded_polls()), timeout=90)
    accepted = status(202, {"run_id": "known-to-nexio", "status": "queued"})
    fake_nexio.on_submit([hang(3, then=accepted)])
    sent = queued_run(insured=polled.insured)
    fake_nexio.wait_until(lambda nexio: len(nexio.recorded_submits) == 2, timeout=30)
    below = worker.descendants()
    assert worker.stop(within=30) == 0
    assert not [pid for pid in below if _alive(pid)]
    assert (state(sent), sent.nexio_run_id) == (RunState.WAITING, "known-to-nexio")
    assert (state(polled), polled.lease_owner) == (RunState.WAITING, "")
    assert len(fake_nexio.recorded_submits) == 2


def test_more_workers_on_the_same_and_on_another_host_may_come_and_go(
    start_worker, fake_nexio, tmp_path: Path
):
    """They share the runs; each is sent once and ends once, whoever is stopped in between."""
    host = tmp_path / "host"
    host.mkdir()
    first = start_worker(TMPDIR=str(host))
    insured = queued_run().insured
    runs = [queued_run(insured=insured) for _ in range(4)]
    fake_nexio.wait_until(lambda nexio: bool(nexio.recorded_polls()), timeout=90)
    start_worker(TMPDIR=str(host))
    start_worker(
        DJANGO_SETTINGS_MODULE="tests.processes.settings",
        **{FOLDER: str(tmp_path), HOST: "another-host"},
    )
    serving = WorkerBeat.objects.filter(stopped_at=None)
    eventually(lambda: serving.count() == 3, 90, "all three serve")
    assert serving.exclude(host="another-host").count() == 2
    runs += [queued_run(insured=insured) for _ in range(4)]
    assert first.stop() == 0
    runs += [queued_run(insured=insured) for _ in range(4)]
    for run in runs:
        comes_to(run, RunState.COMPLETED)
        assert is_whole(run)
    assert len(fake_nexio.recorded_submits) == 13


def _waits_in_a_pipe(pid: int) -> bool:
    """A queue's worker that is idle: it holds the queue's lock and waits for the pipe."""
    try:
        return "pipe_read" in Path(f"/proc/{pid}/wchan").read_text()
    except OSError:
        return False


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"

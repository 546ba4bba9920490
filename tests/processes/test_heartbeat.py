"""A real worker's signs of life: there while it serves, gone stale when it is killed."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest
from django.utils import timezone

from quotes.models import WorkerBeat
from quotes.services.beats import BEAT_EVERY
from quotes.services.operations import read_workers
from tests.processes.worker import eventually

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]


def states() -> list[str]:
    return [worker.state for worker in read_workers(now=timezone.now())]


def test_it_beats_while_it_serves_and_says_when_it_stops(start_worker, fake_nexio):
    worker = start_worker()
    eventually(lambda: states() == ["serving"], 90, "a beat")
    first = WorkerBeat.objects.get()
    assert first.pid in worker.descendants()
    eventually(
        lambda: WorkerBeat.objects.get().beat_at >= first.beat_at + BEAT_EVERY, 60, "another beat"
    )
    assert worker.stop() == 0
    assert states() == ["stopped"]
    assert WorkerBeat.objects.get().stopped_at is not None


def test_killed_it_goes_stale_and_the_next_one_serves(start_worker, fake_nexio):
    worker = start_worker()
    eventually(lambda: states() == ["serving"], 90, "a beat")
    # All at once, as when a host goes: what is left of a worker would say that it stopped.
    for pid in [*worker.descendants(), worker.process.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    worker.process.wait()
    eventually(lambda: states() == ["silent"], 60, "the beat went stale")
    assert WorkerBeat.objects.get().stopped_at is None
    start_worker()
    eventually(lambda: states() == ["serving", "silent"], 90, "another worker beats")

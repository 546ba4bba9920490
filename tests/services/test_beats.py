"""Signs of life: written while a watcher serves, never at the cost of serving."""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.db.backends.signals import connection_created
from django.utils import timezone

from quotes import VERSION
from quotes.models import Run, WorkerBeat
from quotes.services import claims, outcomes
from quotes.services.beats import BEAT_EVERY, FRESH_FOR, Pulse, any_fresh
from tests.answers import hang
from tests.clock import ScaledClock
from tests.fake_nexio import FakeNexio
from tests.services.watch import KEY, Watching, until, until_state

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pulse(tmp_path: Path) -> Pulse:
    return Pulse(worker=tmp_path)


def test_a_worker_beats_one_row_however_many_watchers_it_has(pulse: Pulse, tmp_path: Path) -> None:
    began = timezone.now()
    assert pulse.is_due(began)
    pulse.beat(now=began, in_hand=3)
    assert not pulse.is_due(began + BEAT_EVERY / 2)
    assert pulse.is_due(began + BEAT_EVERY)
    later = began + timedelta(minutes=5)
    Pulse(worker=tmp_path).beat(now=later, in_hand=1)
    row = WorkerBeat.objects.get()
    assert (row.started_at, row.beat_at, row.in_hand) == (began, later, 1)
    assert row.version == VERSION
    Pulse(worker=tmp_path / "another").beat(now=later, in_hand=0)
    assert WorkerBeat.objects.count() == 2


def test_only_what_beat_lately_and_did_not_stop_is_fresh(pulse: Pulse) -> None:
    now = timezone.now()
    assert not any_fresh(now)
    pulse.beat(now=now, in_hand=0)
    assert any_fresh(now + FRESH_FOR - timedelta(seconds=1))
    assert not any_fresh(now + FRESH_FOR)
    assert not any_fresh(now - timedelta(hours=1)), "the clock was set back since"
    pulse.stop(now=now)
    assert not any_fresh(now)


def test_workers_unheard_of_for_a_day_are_cleared_away(pulse: Pulse, tmp_path: Path) -> None:
    now = timezone.now()
    for name, hours in (("old", 25), ("young", 23)):
        Pulse(worker=tmp_path / name).beat(now=now - timedelta(hours=hours), in_hand=0)
    pulse.beat(now=now, in_hand=0)
    kept = set(WorkerBeat.objects.values_list("beat_at", flat=True))
    assert kept == {now, now - timedelta(hours=23)}


def test_a_watcher_beats_again_and_again_and_says_when_it_ends(
    nexio: FakeNexio, run: Run, pulse: Pulse
) -> None:
    clock = ScaledClock(100)
    with Watching(nexio, clock=clock, pulse=pulse):
        first = until(WorkerBeat.objects.first)
        until(lambda: WorkerBeat.objects.get().beat_at >= first.beat_at + 3 * BEAT_EVERY)
        until_state(run, "completed")
        assert WorkerBeat.objects.get().stopped_at is None
    ended = WorkerBeat.objects.get()
    assert ended.stopped_at is not None
    assert ended.in_hand == 0


class NoBeats:
    """Every statement on the beats' table fails, on the watcher's connection alone."""

    def __init__(self) -> None:
        self.failed = 0

    def __call__(self, execute: Any, sql: str, *args: Any) -> Any:
        if "quotes_workerbeat" in sql:
            self.failed += 1
            raise OperationalError("disk full")
        return execute(sql, *args)

    def attach(self, sender: Any, connection: Any, **kwargs: Any) -> None:
        if threading.current_thread().name.startswith("watcher-db"):
            connection.execute_wrappers.append(self)


@pytest.fixture
def no_beats() -> Iterator[NoBeats]:
    trouble = NoBeats()
    connection_created.connect(trouble.attach)
    yield trouble
    connection_created.disconnect(trouble.attach)


def test_a_beat_that_cannot_be_written_stops_no_run(
    nexio: FakeNexio, run: Run, pulse: Pulse, no_beats: NoBeats
) -> None:
    with Watching(nexio, clock=ScaledClock(100), pulse=pulse):
        until(lambda: no_beats.failed > 1)
        until_state(run, "completed")
    assert not WorkerBeat.objects.exists()


def test_a_watcher_shows_life_while_nexio_leaves_the_question_of_a_refused_key_unanswered(
    nexio: FakeNexio, run: Run, pulse: Pulse
) -> None:
    service = claims.service_at(nexio.url, KEY)
    outcomes.refuse_key(service, now=timezone.now() - timedelta(minutes=1))
    nexio.on_poll(None, hang())
    with Watching(nexio, clock=ScaledClock(100), pulse=pulse, poll_deadline=300):
        nexio.wait_until(lambda fake: len(fake.recorded_polls()) == 1)
        first = WorkerBeat.objects.get().beat_at if WorkerBeat.objects.exists() else timezone.now()
        until(lambda: WorkerBeat.objects.filter(beat_at__gte=first + 3 * BEAT_EVERY).exists())
        assert nexio.recorded_submits == [], "the key is refused"
        nexio.on_poll(None)
        nexio.release()
        until_state(run, "completed")


def test_a_watcher_ends_though_that_question_is_unanswered(nexio: FakeNexio, pulse: Pulse) -> None:
    outcomes.refuse_key(
        claims.service_at(nexio.url, KEY), now=timezone.now() - timedelta(minutes=1)
    )
    nexio.on_poll(None, hang())
    with Watching(nexio, clock=ScaledClock(100), pulse=pulse, poll_deadline=300):
        nexio.wait_until(lambda fake: len(fake.recorded_polls()) == 1)
    assert WorkerBeat.objects.get().stopped_at is not None


def test_the_version_is_the_projects() -> None:
    project = Path(__file__).resolve().parent.parent.parent / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["version"] == VERSION

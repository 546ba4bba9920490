"""The host's clock is moved an hour either way while runs are in flight, and when it is put right
again: each goes on at once, is sent once and ends once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from quotes.models import NexioService, Run
from tests.answers import status
from tests.clock import ScaledClock
from tests.fake_nexio import FakeNexio, Recorded
from tests.services.watch import KEY, Watching, kinds, until, until_state

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = 3600.0
either_way = pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["forward", "back"])


@either_way
def test_between_polls(nexio: FakeNexio, queue: Callable[..., Run], seconds: float) -> None:
    nexio.statuses = ("processing",)
    runs = [queue() for _ in range(3)]
    clock = ScaledClock()
    with Watching(nexio, clock=clock):
        for run in runs:
            until_state(run, "waiting")
        until(lambda: len(nexio.recorded_polls()) >= 3)
        clock.jump(seconds)
        late = queue()
        nexio.statuses = ("completed",)
        for run in [*runs, late]:
            until_state(run, "completed")
    assert len(nexio.recorded_submits) == 4
    assert all(kinds(run).count("completed") == 1 for run in runs)


@either_way
def test_in_the_middle_of_a_submission(nexio: FakeNexio, run: Run, seconds: float) -> None:
    clock = ScaledClock()

    def answered_after_the_move(request: Recorded) -> None:
        clock.jump(seconds)

    nexio.on_submit([answered_after_the_move])
    with Watching(nexio, clock=clock):
        until_state(run, "completed")
    assert len(nexio.recorded_submits) == 1
    assert kinds(run).count("accepted") == 1


@either_way
def test_while_nexio_cannot_be_reached(nexio: FakeNexio, run: Run, seconds: float) -> None:
    """The next try was put off by the clock as it was."""
    nexio.stop_listening()
    clock = ScaledClock()
    with Watching(nexio, clock=clock):
        until(lambda: kinds(run).count("not_sent") >= 2)
        clock.jump(seconds)
        nexio.listen()
        until_state(run, "completed")
    assert len(nexio.recorded_submits) == 1


@either_way
def test_while_nexio_asked_to_wait(nexio: FakeNexio, run: Run, seconds: float) -> None:
    """The hold stands in the row of the service, by the clock as it was."""
    nexio.on_poll(None, [status(429, {"code": "slow_down"}, {"Retry-After": "60"})])
    clock = ScaledClock()
    with Watching(nexio, clock=clock):
        until(lambda: NexioService.objects.exclude(polls_held_until=None).exists())
        clock.jump(seconds)
        until_state(run, "completed")
    assert len(nexio.recorded_submits) == 1


@either_way
def test_while_nexio_refuses_the_key(nexio: FakeNexio, run: Run, seconds: float) -> None:
    """So does the time at which the key is tried again."""
    nexio.keys = set()
    clock = ScaledClock()
    with Watching(nexio, clock=clock):
        until_state(run, "rejected")
        clock.jump(seconds)
        nexio.keys = {KEY}
        until(lambda: NexioService.objects.filter(key_refused_at=None).exists())


def test_a_claim_of_a_host_that_died_with_its_clock_ahead_runs_out(
    nexio: FakeNexio, run: Run
) -> None:
    ahead = timezone.now() + timedelta(seconds=HOUR)
    Run.objects.filter(pk=run.pk).update(
        lease_owner="dead", lease_until=ahead + timedelta(seconds=60)
    )
    with Watching(nexio):
        until_state(run, "completed")
    assert len(nexio.recorded_submits) == 1

"""A rate of submissions that all workers share, and many submissions at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from quotes.models import NexioService, Run
from quotes.services import claims
from quotes.services.pacing import AHEAD
from quotes.services.watching.loop import SENDS_AT_ONCE
from tests.answers import hang, status
from tests.clock import ScaledClock
from tests.factories import queued_run
from tests.fake_nexio import FakeNexio
from tests.services.watch import KEY, Watching, kinds, until, until_state

pytestmark = pytest.mark.django_db(transaction=True)
SECOND = timedelta(seconds=1)


@pytest.fixture
def service(nexio: FakeNexio) -> NexioService:
    return claims.service_at(nexio.url, KEY)


def test_turns_are_given_out_once_among_all_workers(
    service: NexioService, queue: Callable[..., Run]
) -> None:
    for _ in range(8):
        queue()
    now = timezone.now()
    taken: list[Run] = []
    for look, worker in enumerate(("a", "b", "a", "b")):
        taken += claims.claim_due(
            service=service, lease=worker, now=now + look * AHEAD / 2, limit=3, per_second=20,
            serving={run.pk for run in taken},
        )  # fmt: skip
    turns = sorted(run.due_at for run in taken if run.due_at)
    assert len({run.pk for run in taken}) == len(taken) == 8
    assert turns[0] == now
    assert {later - earlier for earlier, later in pairwise(turns)} == {SECOND / 20}
    # The row still says when it was due: a turn is not written down.
    assert not Run.objects.filter(due_at__gt=now).exists()


def test_turns_that_nobody_needs_are_given_back(
    service: NexioService, queue: Callable[..., Run]
) -> None:
    queue()
    later = queue()
    now = timezone.now()
    soon = now + SECOND / 100
    Run.objects.filter(pk=later.pk).update(due_at=soon)
    [first] = claims.claim_due(service=service, lease="a", now=now, limit=5, per_second=20)
    [second] = claims.claim_due(service=service, lease="b", now=soon, limit=5, per_second=20)
    assert (first.due_at, second.due_at) == (now, now + SECOND / 20)


def test_a_clock_that_was_set_back_stops_no_submission(
    service: NexioService, queue: Callable[..., Run]
) -> None:
    queue()
    now = timezone.now()
    NexioService.objects.update(next_submit_at=now + timedelta(hours=1))
    [run] = claims.claim_due(service=service, lease="a", now=now, limit=5, per_second=20)
    assert run.due_at == now


def test_two_watchers_keep_to_the_rate_together(nexio: FakeNexio, run: Run) -> None:
    runs = [run, *(queued_run(insured=run.insured) for _ in range(9))]
    clock = ScaledClock(4)
    began = clock.now()
    with (
        Watching(nexio, clock=clock, per_second=2),
        Watching(nexio, clock=clock, per_second=2),
    ):
        for each in runs:
            until_state(each, "waiting", "completed")
    arrived = sorted(clock.at(post.at) for post in nexio.recorded_submits)
    assert len(arrived) == len(runs)
    for number, at in enumerate(arrived):
        assert at - began >= number * SECOND / 2


def test_throttled_submissions_come_later_and_none_is_lost_or_doubled(
    nexio: FakeNexio, run: Run
) -> None:
    runs = [run, *(queued_run(insured=run.insured) for _ in range(29))]
    wait = status(429, {"code": "rate_limited", "message": "Slowly."}, {"Retry-After": "2"})
    nexio.on_submit([None, None, wait, wait, None, wait])
    with Watching(nexio, clock=ScaledClock(20)):
        for each in runs:
            until_state(each, "completed", timeout=40)
    assert len(nexio.recorded_submits) == len(runs) + 3
    assert sum(kinds(each).count("throttled") for each in runs) == 3
    assert len({each.nexio_run_id for each in runs}) == len(runs)


def test_under_a_rate_no_turn_goes_to_what_cannot_begin_yet(nexio: FakeNexio, run: Run) -> None:
    """Runs that let their turns pass, waiting for others to end, would begin all at once then."""
    for _ in range(SENDS_AT_ONCE + 15):
        queued_run(insured=run.insured)
    nexio.on_submit(hang())
    clock = ScaledClock(10)
    with Watching(nexio, clock=clock, concurrency=128, per_second=20, submit_deadline=300):
        nexio.wait_until(lambda fake: len(fake.recorded_submits) == SENDS_AT_ONCE, timeout=30)
        later = clock.now() + 5 * SECOND
        until(lambda: clock.now() > later)
        queued = Run.objects.filter(state="queued")
        assert (queued.count(), queued.exclude(lease_owner="").count()) == (16, 0)
        nexio.on_submit()
        nexio.release()

"""A key that Nexio refuses: what is sent with it, and what goes on with another.

Every test runs the real watcher and client against a real socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from quotes.models import NexioService, Run
from quotes.services.claims import service_at
from quotes.services.watching.loop import SHORTEST_PAUSE
from tests.answers import Answer, hang, raw, reset, status
from tests.clock import ScaledClock
from tests.fake_nexio import FakeNexio
from tests.services.watch import KEY, Watching, until, until_state

pytestmark = pytest.mark.django_db(transaction=True)
REFUSED = {"code": "unauthorized", "message": "Unknown API key."}


class HeldClock(ScaledClock):
    """One whose watcher can be kept from its next look."""

    def __init__(self) -> None:
        super().__init__(4)
        self._held = self._resting = False
        self._looks = 0

    async def sleep(self, seconds: float) -> None:
        self._looks += seconds == SHORTEST_PAUSE
        await super().sleep(seconds)
        while self._held:
            self._resting = True
            await asyncio.sleep(0.001)

    def hold(self) -> None:
        """Return once the watcher has looked and will not look again."""
        self._resting, self._held = False, True
        until(lambda: self._resting)

    def let_look(self) -> None:
        """Return once the watcher has looked, from a beginning that is still to come."""
        self._held = False
        before = self._looks
        until(lambda: self._looks >= before + 2)


def test_401_rejects_and_holds_further_submissions_until_the_key_works(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run]
) -> None:
    nexio.keys = {"nx_test_another"}
    with Watching(nexio, clock=ScaledClock(120)):
        until_state(run, "rejected")
        assert run.error == "Unknown API key."
        service = NexioService.objects.get(base_url=nexio.url)
        assert service.key_refused_at
        held = queue("home_only.json")
        # A check of the key asks for a run nobody has: nothing is submitted meanwhile.
        nexio.wait_until(lambda fake: len(fake.recorded_polls()) >= 2)
        assert len(nexio.recorded_submits) == 1
        assert NexioService.objects.get(pk=service.pk).key_refused_at == service.key_refused_at
        nexio.keys = None
        until_state(held, "waiting", "completed")
    service.refresh_from_db()
    assert service.key_refused_at is None
    assert Run.objects.get(pk=run.pk).state == "rejected"


def test_401_hold_is_lifted_by_another_key(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run]
) -> None:
    nexio.keys = {"nx_test_another"}
    with Watching(nexio):
        until_state(run, "rejected")
    held = queue("home_only.json")
    with Watching(nexio, key="nx_test_another"):
        until_state(held, "waiting", "completed")
    assert NexioService.objects.get(base_url=nexio.url).key_refused_at is None
    mark = NexioService.objects.get(base_url=nexio.url).key_mark
    assert mark
    assert "another" not in mark


def test_a_worker_left_with_a_key_that_is_refused_costs_one_run_and_holds_up_no_other(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run]
) -> None:
    """As while a key is changed host by host, and the old one is shut already."""
    nexio.keys = {"nx_test_another"}
    with Watching(nexio):
        until_state(run, "rejected")
        with Watching(nexio, key="nx_test_another"):
            for name in ("home_only.json", "home_auto.json", "guide_request.json") * 3:
                until_state(queue(name), "completed")
            assert NexioService.objects.get(base_url=nexio.url).key_refused_at is None
    with_old = [each for each in nexio.recorded_submits if KEY in each.headers["authorization"]]
    assert len(with_old) == 1


def test_a_worker_that_begins_with_a_key_that_was_shut_sends_nothing_with_it(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run]
) -> None:
    """As every few minutes, when a watcher's time is up, while the others have the new key."""
    nexio.keys = {"nx_test_another"}
    service_at(nexio.url, "nx_test_another")
    held = [run, *(queue("home_only.json") for _ in range(5))]
    for _ in range(3):
        clock = HeldClock()
        with Watching(nexio, clock=clock):
            until(lambda: NexioService.objects.get(base_url=nexio.url).key_refused_at)
            clock.let_look()
        service_at(nexio.url, "nx_test_another")
    assert len(nexio.recorded_polls()) >= 3
    assert not nexio.recorded_submits
    with Watching(nexio, key="nx_test_another"):
        for each in held:
            until_state(each, "completed")


@pytest.mark.parametrize("answer", [status(503), reset(), raw(200, b"hello")])
def test_an_answer_that_says_nothing_of_a_new_key_keeps_no_worker_from_beginning(
    nexio: FakeNexio, run: Run, answer: Answer
) -> None:
    service_at(nexio.url, "nx_test_another")
    nexio.on_poll(None, [answer])
    with Watching(nexio):
        until_state(run, "completed")


def test_a_refused_key_is_known_to_the_next_look_though_others_began_before_it(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run]
) -> None:
    nexio.on_submit([hang(then=status(401, REFUSED))])
    clock = HeldClock()
    with Watching(nexio, clock=clock):
        nexio.wait_until(lambda fake: bool(fake.recorded_submits))
        clock.let_look()
        clock.hold()
        nexio.release()
        until_state(run, "rejected")
        service_at(nexio.url, "nx_test_another")
        second = queue("home_only.json")
        clock.let_look()
    second.refresh_from_db()
    assert second.state == "queued"
    assert len(nexio.recorded_submits) == 1

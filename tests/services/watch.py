"""A watcher at work beside the test, and ways to wait for what it does."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from django.db import connection

from quotes.models import Run
from quotes.nexio.client import NexioClient
from quotes.services.beats import Pulse
from quotes.services.watching import Watcher
from tests.clock import ScaledClock
from tests.fake_nexio import FakeNexio

KEY = "nx_test_watched"


class Watching:
    """A watcher in a thread and event loop of its own, from ``with`` to its end.

    ``client`` settings are those of ``NexioClient``; its deadlines are real seconds.
    """

    def __init__(
        self,
        fake: FakeNexio | str,
        *,
        key: str = KEY,
        clock: ScaledClock | None = None,
        only: UUID | None = None,
        concurrency: int = 24,
        per_second: float = 0,
        pulse: Pulse | None = None,
        **client: Any,
    ) -> None:
        self.url = fake if isinstance(fake, str) else fake.url
        self.key = key
        self.clock = clock or ScaledClock()
        self.only = only
        self.concurrency = concurrency
        self.per_second = per_second
        self.pulse = pulse
        self.client = client
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if error is None and self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Ask it to end, as a drained worker does, and wait until it has."""
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive(), "the watcher did not end"

    def _run(self) -> None:
        try:
            asyncio.run(self._watch())
        except BaseException as failure:
            self._failure = failure

    async def _watch(self) -> None:
        async with NexioClient(self.url, self.key, **self.client) as client:
            watcher = Watcher(
                client=client,
                key=self.key,
                clock=self.clock,
                concurrency=self.concurrency,
                per_second=self.per_second,
                only=self.only,
                pulse=self.pulse,
            )
            await watcher.watch(stop=self._stop.is_set)


def until(condition: Callable[[], Any], timeout: float = 15.0) -> Any:
    """Wait for ``condition`` to be true and return its value; fails after ``timeout`` seconds."""
    ends_at = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < ends_at, "it never happened"
        time.sleep(0.005)
    return value


def until_state(run: Run, *states: str, timeout: float = 15.0) -> Run:
    """Wait until the run is in one of ``states``; returns it as it then is."""

    def there() -> Run | None:
        run.refresh_from_db()
        return run if run.state in states else None

    try:
        until(there, timeout)
    except AssertionError:
        raise AssertionError(f"still {run.state}, with {kinds(run)}") from None
    return run


def kinds(run: Run) -> list[str]:
    """The kinds of the run's events, oldest first."""
    return list(run.events.order_by("id").values_list("kind", flat=True))


def text_of(run: Run, kind: str) -> str:
    """The text of the run's latest event of that kind."""
    event = run.events.filter(kind=kind).order_by("-id").first()
    assert event is not None, f"no {kind} among {kinds(run)}"
    return event.text


def elsewhere(call: Callable[[], Any]) -> Any:
    """``call``'s value, on this thread's own connection, closed again: what others see."""
    try:
        return call()
    finally:
        connection.close()

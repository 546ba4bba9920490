"""A clock for the watcher that makes the poll schedule's minutes pass in fractions of a second."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta


class ScaledClock:
    """Runs ``speed`` times as fast as the wall clock, from the present on.

    The client's time-outs and the fake's pauses stay real: only what the watcher decides by the
    clock goes faster.
    """

    def __init__(self, speed: float = 40.0) -> None:
        self.speed = speed
        self._began = datetime.now(UTC)
        self._zero = time.monotonic()

    def now(self) -> datetime:
        return self.at(time.monotonic())

    def at(self, monotonic: float) -> datetime:
        """What this clock showed at a moment of ``time.monotonic``."""
        return self._began + timedelta(seconds=(monotonic - self._zero) * self.speed)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)

    def hasten(self, speed: float) -> None:
        """Run at another speed from now on; `at` is right for what comes after.

        A submission needs half a minute of its lease: where it is not what a test is about, it
        is made at a speed at which that is long enough on a busy machine.
        """
        self._began, self._zero, self.speed = self.now(), time.monotonic(), speed

    def jump(self, seconds: float) -> None:
        """Go forward all at once, as after a machine's sleep."""
        self._began += timedelta(seconds=seconds)

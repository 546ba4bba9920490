"""The time, and waiting for it; tests pass a clock that runs faster."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol

from django.utils import timezone


class Clock(Protocol):
    def now(self) -> datetime: ...
    async def sleep(self, seconds: float) -> None: ...


class WallClock:
    def now(self) -> datetime:
        return timezone.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def wait_until(clock: Clock, moment: datetime) -> None:
    """Return once the clock shows that moment, never before: timers may be a trifle early.

    Where the clock is set back meanwhile, the wait is no longer than it was to be.
    """
    longest = left = (moment - clock.now()).total_seconds()
    while 0 < left <= longest:
        await clock.sleep(left)
        left = (moment - clock.now()).total_seconds()

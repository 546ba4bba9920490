"""The thread that all database work of an event loop goes through, with one connection.

So no row lock is held across HTTP, and outcomes are written in the order in which they came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from django.db import Error as DatabaseTrouble
from django.db import InterfaceError, InternalError, OperationalError, connections

from brokerportal.stack_room import with_room

P = ParamSpec("P")
T = TypeVar("T")

TRANSIENT = (OperationalError, InterfaceError, InternalError)
"""The database is away, restarting or read-only for the moment (PostgreSQL's 25006)."""


class DatabaseThread:
    """Call it with a function and its arguments; from ``async with`` to its end."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="watcher-db")
        # One that runs and one that follows: the thread never waits for the loop.
        self._outcomes = asyncio.Semaphore(2)

    async def __call__(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Write an outcome, after those that came before it."""
        async with self._outcomes:
            return await self.first(call, *args, **kwargs)

    async def first(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Before the outcomes that wait: when hundreds of runs end together, the watcher goes on
        showing life and keeping the schedule of all others."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(_on_fresh, call, *args, **kwargs))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Looked up on that thread: a connection belongs to the thread that opened it.
        await self.first(connections.close_all)
        self._pool.shutdown()


@with_room
def _on_fresh(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call, and drop the connection where that failed: after a restart of the database the old
    one never works again, and the next call opens another."""
    try:
        return call(*args, **kwargs)
    except DatabaseTrouble:
        connections.close_all()
        raise

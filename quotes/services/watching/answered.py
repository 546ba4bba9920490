"""Answers that mean something (an end, a change of stage), written at once where they come alone.

Where they come faster than `APART`, what has come by then is written together: of a transaction's
cost the most is the same however many are in it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from quotes.models import NexioService, Run
from quotes.models.run import RunMoved
from quotes.services import answers
from quotes.services.answers import Answer
from quotes.services.watching.database import TRANSIENT, DatabaseThread

MOST = 32
"""Answers in one transaction: looks and submissions wait for it to end."""
APART = 0.1
"""Seconds from the beginning of one transaction to that of the next, unless `MOST` wait already.
What waits here is still leased and would be asked for again if this process died."""


@dataclass(frozen=True)
class _Pending:
    answer: Answer
    service: NexioService
    written: asyncio.Future[None]

    def settle(self, error: Exception | None) -> None:
        """Tell whoever waits, unless it was told to stop meanwhile."""
        if self.written.done():
            return
        if error is None:
            self.written.set_result(None)
        else:
            self.written.set_exception(error)


class Answered:
    """Writes the answers to polls of one lease."""

    def __init__(self, *, lease: str) -> None:
        self.lease = lease
        self._waiting: deque[_Pending] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._next_at = 0.0

    async def write(self, db: DatabaseThread, answer: Answer, service: NexioService) -> None:
        """Return once the answer is stored. Raises RunMoved where its run was taken over, and
        what kept it from being stored; that of one answer is no other's."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append(_Pending(answer, service, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(db))
        await written

    async def end(self) -> None:
        """Return once nothing waits any more: also what nobody waits for is written."""
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write(self, db: DatabaseThread) -> None:
        while self._waiting:
            await self._keep_apart()
            taken: list[_Pending] = []
            try:
                _settle(taken, await db(self._store_waiting, taken))
            except Exception as error:
                # Where the thread itself is gone it took none, and nobody may wait for ever.
                await self._each_alone(db, taken or self._take(), error)

    async def _keep_apart(self) -> None:
        now = asyncio.get_running_loop().time
        if len(self._waiting) < MOST and (left := self._next_at - now()) > 0:
            await asyncio.sleep(left)
        self._next_at = now() + APART

    def _store_waiting(self, taken: list[_Pending]) -> list[Run]:
        """In the database's thread, whose turn it is now: so this is when they are counted."""
        taken += self._take()
        return self._store(taken)

    def _take(self) -> list[_Pending]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST))]

    def _store(self, pending: Sequence[_Pending]) -> list[Run]:
        given = [each.answer for each in pending]
        return answers.store(given, lease=self.lease, service=pending[-1].service)

    async def _each_alone(
        self, db: DatabaseThread, pending: Sequence[_Pending], error: Exception
    ) -> None:
        """After an error that one of them may have brought about, or that spoilt the transaction:
        where the database is away, nothing more is tried."""
        away = error if len(pending) == 1 else None
        for each in pending:
            if away is None:
                try:
                    _settle([each], await db(self._store, [each]))
                except TRANSIENT as trouble:
                    away = trouble
                except Exception as its_own:
                    each.settle(its_own)
            if away is not None:
                each.settle(away)


def _settle(pending: Sequence[_Pending], moved: Sequence[Run]) -> None:
    lost = {run.pk for run in moved}
    for each in pending:
        run = each.answer.run
        each.settle(RunMoved(f"run {run.pk} was taken over") if run.pk in lost else None)

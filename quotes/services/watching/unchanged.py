"""Polls that brought nothing new, which are most: written down together, some tens at a time.

Nothing but the time of the next poll follows from such a reply. Until it is written the run stays
leased; when the worker dies in between, the poll is repeated.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from quotes.models import Run
from quotes.services import claims, rescheduling
from quotes.services.rescheduling import Polled
from quotes.services.watching.database import TRANSIENT, DatabaseThread

log = structlog.get_logger(__name__)

MOST = 300
"""Runs in one statement."""


class Unchanged:
    """Gathers what is to be written of the polls of one lease.

    `done` is told of each run that is no longer in hand, `failed` of each whose writing failed
    for another reason than that the database was away.
    """

    def __init__(
        self, *, lease: str, done: Callable[[Run], None], failed: Callable[[Run], None]
    ) -> None:
        self.lease = lease
        self._done = done
        self._failed = failed
        self._polled: list[Polled] = []
        self._unasked: list[Run] = []

    def polled(self, poll: Polled) -> None:
        """A poll that is to be followed by the next one on schedule."""
        self._polled.append(poll)

    def unasked(self, run: Run) -> None:
        """A run that was taken on and not asked for after all: it is due as before."""
        self._unasked.append(run)

    async def write(self, db: DatabaseThread) -> None:
        """Write what has been gathered by now. Where the database is away (its error is raised) it
        is kept, and written the next time: a row that was taken over meanwhile is let be."""
        left = len(self._polled)
        while left > 0:
            batch = self._polled[: min(left, MOST)]
            left -= len(batch)
            del self._polled[: len(batch)]
            try:
                moved = await db.first(rescheduling.reschedule, batch, lease=self.lease)
            except TRANSIENT:
                self._polled[:0] = batch
                raise
            except Exception as error:
                self._give_up([each.run for each in batch], error)
                continue
            for run in moved:
                log.info("run_taken_over", run=str(run.pk))
            for each in batch:
                self._done(each.run)
        await self._let_go(db)

    async def _let_go(self, db: DatabaseThread) -> None:
        back, self._unasked = self._unasked, []
        if not back:
            return
        try:
            await db.first(claims.let_go, [run.pk for run in back], lease=self.lease)
        except TRANSIENT:
            self._unasked[:0] = back
            raise
        except Exception as error:
            self._give_up(back, error)
            return
        for run in back:
            self._done(run)

    def _give_up(self, runs: list[Run], error: Exception) -> None:
        """The runs are still leased, and are looked at again after a while."""
        log.error("polls_not_written", runs=[str(run.pk) for run in runs], exc_info=error)
        for run in runs:
            self._failed(run)

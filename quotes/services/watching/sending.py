"""One submission: committed before its first byte, its outcome written whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog

from quotes.models import NexioService, Run
from quotes.models.run import RunMoved
from quotes.nexio import errors
from quotes.nexio.client import NexioClient
from quotes.services import outcomes
from quotes.services.watching.clock import Clock
from quotes.services.watching.database import TRANSIENT, DatabaseThread

log = structlog.get_logger(__name__)

FIRST_RETRY, LONGEST_RETRY = 0.1, 5.0
SEND_MARGIN = timedelta(seconds=35)
"""A submission begins only while its lease outlives the POST's total deadline by a margin."""


class Sender:
    """Sends the runs that one watcher has leased."""

    def __init__(self, *, client: NexioClient, clock: Clock, lease: str) -> None:
        self.client = client
        self.clock = clock
        self.lease = lease

    async def send(self, db: DatabaseThread, service: NexioService, run: Run) -> None:
        """Submit a queued run once; raises RunMoved when the lease was lost before."""
        body = await db(outcomes.begin_submission, run, lease=self.lease, now=self.clock.now())
        if run.lease_until is None or run.lease_until - self.clock.now() < SEND_MARGIN:
            await db(outcomes.not_begun, run, lease=self.lease, now=self.clock.now())
            return
        try:
            reply = await self.client.submit(body)
        except errors.NexioError as error:
            failed = partial(
                outcomes.submission_failed,
                run,
                error,
                service=service,
                lease=self.lease,
                now=self.clock.now(),
            )
            await _write(db, run, failed)
        else:
            accepted = partial(outcomes.submission_accepted, run, reply, now=self.clock.now())
            await _write(db, run, accepted, run_id=reply.message.run_id)


async def _write(
    db: DatabaseThread, run: Run, outcome: Callable[[], None], run_id: str = ""
) -> None:
    """Write what became of a submission, however long the database is away.

    It exists nowhere else: a run_id that is not written down is a run that nobody can ask for. So
    the first failure also puts it in the log.
    """
    pause = FIRST_RETRY
    while True:
        try:
            return await db(outcome)
        except RunMoved:
            raise
        except TRANSIENT:
            log.exception("outcome_not_written", run=str(run.pk), nexio_run_id=run_id)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_RETRY)
        except Exception:
            log.exception("outcome_not_written", run=str(run.pk), nexio_run_id=run_id)
            raise

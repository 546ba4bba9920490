"""Looks for due rows, claims them by lease, and serves them all at once.

It looks every fifth of a second and claims what is due until the next look, so that each poll
begins at its own time. What follows from an answer is written at once, or with what else comes in
quick succession; only polls that brought nothing new wait for the next look.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import Error as DatabaseTrouble

from quotes.models import NexioService, Run, RunState
from quotes.models.run import RunMoved
from quotes.nexio import errors
from quotes.nexio.client import NexioClient
from quotes.services import claims, outcomes
from quotes.services.answers import Answer
from quotes.services.beats import Pulse
from quotes.services.rescheduling import Polled, says_nothing_new
from quotes.services.set_back import SetBack
from quotes.services.watching.answered import Answered
from quotes.services.watching.clock import Clock, WallClock, wait_until
from quotes.services.watching.database import DatabaseThread
from quotes.services.watching.event_loop import event_loop
from quotes.services.watching.refused_key import RefusedKey
from quotes.services.watching.sending import Sender
from quotes.services.watching.unchanged import Unchanged

log = structlog.get_logger(__name__)

LOOK_EVERY = 0.2
AHEAD = timedelta(seconds=0.25)
"""A little longer than until the next look, which may come late."""
SHORTEST_PAUSE = 0.05
SENDS_AT_ONCE = 24
"""Submissions that have begun and are not settled; httpx is fastest with 16 to 32."""
SENDS_IN_HAND = 4 * SENDS_AT_ONCE
"""Claimed for that: none is waited for until the next look. Not under a rate: runs whose turn went
by while they waited would all begin at once."""
DATABASE_PAUSE = 1.0
SETTLE = 30.0
"""Seconds before a run is looked at again that could not be served."""


class Watcher:
    """Serves the due runs of one service address, or one run alone where `only` names it.

    `concurrency` polls are in hand at once, and of submissions up to `SENDS_IN_HAND`; of
    these no more than `per_second` begin each second, all workers' together, unless it is 0.
    """

    def __init__(
        self,
        *,
        client: NexioClient,
        key: str,
        clock: Clock | None = None,
        concurrency: int = 128,
        per_second: float = 0,
        only: uuid.UUID | None = None,
        lease: str = "",
        pulse: Pulse | None = None,
    ) -> None:
        self.client = client
        self.key = key
        self.clock: Clock = clock or WallClock()
        self.concurrency = concurrency
        self.sends_in_hand = min(concurrency, SENDS_AT_ONCE if per_second else SENDS_IN_HAND)
        self.per_second = per_second
        self.only = only
        self.lease = lease or uuid.uuid4().hex
        self.pulse = pulse
        self._sender = Sender(client=client, clock=self.clock, lease=self.lease)
        self._may_begin = asyncio.Semaphore(min(concurrency, SENDS_AT_ONCE))
        self._refused_key = RefusedKey(client=client, key=key, clock=self.clock)
        self._answered = Answered(lease=self.lease)
        self._unchanged = Unchanged(lease=self.lease, done=self._done, failed=self._let_be)
        self._polling: set[asyncio.Task[None]] = set()
        self._sending: set[asyncio.Task[None]] = set()
        self._serving: set[uuid.UUID] = set()
        self._service = NexioService(base_url=client.base_url)
        self._set_back = SetBack()
        self._stopping = False

    async def watch(
        self, *, stop: Callable[[], bool], in_haste: Callable[[], bool] = lambda: True
    ) -> None:
        """Serve runs until `stop` says so.

        Then submissions under way are waited for, since one broken off could never be accounted
        for; polls too, unless it ends `in_haste`; and every lease is let go.
        """
        async with DatabaseThread() as db:
            try:
                while await self._goes_on(db, stop):
                    pass
            finally:
                await self._end(db, in_haste)

    async def _end(self, db: DatabaseThread, in_haste: Callable[[], bool]) -> None:
        self._stopping = True
        await self._refused_key.end()
        if in_haste():
            for task in self._polling:
                task.cancel()
        await asyncio.gather(*self._polling, *self._sending, return_exceptions=True)
        await self._answered.end()
        with contextlib.suppress(DatabaseTrouble):
            # Before the leases go: else another worker would repeat these polls at once.
            await self._unchanged.write(db)
        if self.pulse is not None and in_haste():
            # With its time up it makes place for the next watcher of the same worker.
            with contextlib.suppress(DatabaseTrouble):
                await db.first(self.pulse.stop, now=self.clock.now())
        await db.first(claims.release, lease=self.lease)

    async def _goes_on(self, db: DatabaseThread, stop: Callable[[], bool]) -> bool:
        """One look at what is due; False when it is time to stop. Outlives the database."""
        try:
            if await db.first(stop):
                return False
            await self._look(db)
        except DatabaseTrouble:
            log.warning("database_unreachable")
            await asyncio.sleep(DATABASE_PAUSE)
        return True

    async def _look(self, db: DatabaseThread) -> None:
        await self._unchanged.write(db)
        if await self._refused_key.may_begin(db, self._service):
            await self._take_up(db)
        await self._beat(db)
        await self._pause()

    async def _take_up(self, db: DatabaseThread) -> None:
        """Claim what is due, and begin to serve it."""
        now = self.clock.now()
        service = self._service
        await db.first(claims.read_again, service, self.key)
        if self._set_back.is_due(now):
            await db.first(self._set_back.put_right, service, now=now)
        self._refused_key.see_to(db, service, now=now)
        taken = await db.first(
            claims.claim_due,
            service=service,
            lease=self.lease,
            now=now,
            limit=self.concurrency - len(self._polling),
            sends=self.sends_in_hand - len(self._sending),
            ahead=AHEAD,
            per_second=self.per_second,
            only=self.only,
            serving=frozenset(self._serving),
        )
        for run in taken:
            self._serving.add(run.pk)
            group = self._polling if run.state == RunState.WAITING else self._sending
            task = asyncio.create_task(self._serve(db, run))
            group.add(task)
            task.add_done_callback(group.discard)

    async def _pause(self) -> None:
        """Wait for the next look; where every place is taken, until one is free again."""
        await self.clock.sleep(SHORTEST_PAUSE)
        sleeper = asyncio.create_task(self.clock.sleep(LOOK_EVERY - SHORTEST_PAUSE))
        waited_for = {sleeper}
        if len(self._polling) >= self.concurrency:
            waited_for |= self._polling
        if len(self._sending) >= self.sends_in_hand:
            waited_for |= self._sending
        try:
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()

    async def _beat(self, db: DatabaseThread) -> None:
        """Show life every few seconds; a beat that cannot be written must not stop serving."""
        now = self.clock.now()
        if self.pulse is None or not self.pulse.is_due(now):
            return
        try:
            await db.first(self.pulse.beat, now=now, in_hand=len(self._serving))
        except DatabaseTrouble:
            log.warning("beat_not_written")

    def _done(self, run: Run) -> None:
        self._serving.discard(run.pk)

    def _let_be(self, run: Run) -> None:
        """One run's trouble must never stop the others, nor be asked about without a pause."""
        asyncio.get_running_loop().call_later(SETTLE, self._done, run)

    async def _serve(self, db: DatabaseThread, run: Run) -> None:
        """Do what is due for a run, and have it in hand until that is written."""
        try:
            written = await self._attend(db, run)
        except RunMoved:
            log.info("run_taken_over", run=str(run.pk))
            written = True
        except Exception:
            log.exception("run_not_served", run=str(run.pk), state=run.state)
            self._let_be(run)
            return
        except asyncio.CancelledError:
            self._done(run)
            raise
        if written:
            self._done(run)

    async def _attend(self, db: DatabaseThread, run: Run) -> bool:
        """False where what follows is still to be written, with others'."""
        if run.state == RunState.SUBMITTING:
            await db(outcomes.lapsed_submission, run, now=self.clock.now())
            return True
        if run.due_at is not None:
            await wait_until(self.clock, run.due_at)
        if run.state == RunState.QUEUED:
            async with self._may_begin:
                if self._may_ask(run):
                    await self._sender.send(db, self._service, run)
                    return True
        elif self._may_ask(run):
            return await self._poll(db, run)
        self._unchanged.unasked(run)
        return False

    def _may_ask(self, run: Run) -> bool:
        """Whether a run that was claimed a moment ago may still be asked for, or sent."""
        if self._stopping:
            return False
        now = self.clock.now()
        if run.state == RunState.QUEUED:
            return not self._service.holds_submits(now)
        return not self._service.holds_polls(now)

    async def _poll(self, db: DatabaseThread, run: Run) -> bool:
        try:
            reply = await self.client.fetch(run.nexio_run_id)
        except errors.NexioError as error:
            now, service = self.clock.now(), self._service
            await db(outcomes.poll_failed, run, error, service=service, lease=self.lease, now=now)
            return True
        now = self.clock.now()
        if says_nothing_new(run, reply.message, self._service):
            self._unchanged.polled(Polled(run, now))
            return False
        await self._answered.write(db, Answer(run, reply, now), self._service)
        return True


def watch_runs(
    *,
    stop: Callable[[], bool],
    in_haste: Callable[[], bool] = lambda: True,
    only: uuid.UUID | None = None,
    lease: str = "",
    pulse: Pulse | None = None,
) -> None:
    """Serve runs of the configured service in this process until `stop` says so.

    `pulse` writes signs of life; without one nobody takes this process for a worker.
    """

    async def serve() -> None:
        # As many connections as runs at once: nothing waits for one after its lease was checked.
        places = settings.WATCH_CONCURRENCY
        async with NexioClient(
            settings.NEXIO_URL,
            settings.NEXIO_KEY,
            max_connections=places,
            max_submissions=SENDS_AT_ONCE,
        ) as client:
            watcher = Watcher(
                client=client,
                key=settings.NEXIO_KEY,
                concurrency=places,
                per_second=settings.SUBMITS_PER_SECOND,
                only=only,
                lease=lease,
                pulse=pulse,
            )
            await watcher.watch(stop=stop, in_haste=in_haste)

    with asyncio.Runner(loop_factory=event_loop) as runner:
        runner.run(serve())

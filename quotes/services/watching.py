"""The watcher: one asyncio loop that serves every run of its worker process.

It claims due rows, submits and polls them concurrently, writes each outcome in a short
transaction, sleeps until the next row is due, and looks for new work at least every quarter of a
second. Database calls run on one thread of their own, so that no row lock is held across HTTP
and one connection is enough.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import ParamSpec, Protocol, Self, TypeVar

import structlog
from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import InterfaceError, InternalError, OperationalError, connections
from django.utils import timezone

from quotes.models import NexioService, Run, RunState
from quotes.models.run import RunMoved
from quotes.nexio import errors
from quotes.nexio.client import NexioClient
from quotes.services import claims, outcomes
from quotes.services.beats import Pulse

log = structlog.get_logger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

LOOK_EVERY = 0.25
DATABASE_PAUSE = 1.0
FIRST_RETRY, LONGEST_RETRY = 0.1, 5.0
TRANSIENT = (OperationalError, InterfaceError, InternalError)
"""The database is away, restarting or read-only for the moment (PostgreSQL's 25006)."""
SETTLE = 30.0
"""Seconds before a run is looked at again that could not be served."""
SHORTEST_PAUSE = 0.01
SEND_MARGIN = timedelta(seconds=35)
"""A submission begins only while its lease outlives the POST's total deadline by a margin."""


class Clock(Protocol):
    """The time, and waiting for it; tests pass one that runs faster."""

    def now(self) -> datetime: ...
    async def sleep(self, seconds: float) -> None: ...


class WallClock:
    def now(self) -> datetime:
        return timezone.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class DatabaseThread:
    """One thread with one connection for all database work of an event loop."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="watcher-db")

    async def __call__(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
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
        await self(connections.close_all)
        self._pool.shutdown()


def _on_fresh(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call, and drop the connection where that failed: after a restart of the database the old
    one never works again, and the next call opens another."""
    try:
        return call(*args, **kwargs)
    except DatabaseTrouble:
        connections.close_all()
        raise


class Watcher:
    """Serves the due runs of one service address, or one run alone where `only` names it."""

    def __init__(
        self,
        *,
        client: NexioClient,
        key: str,
        clock: Clock | None = None,
        concurrency: int = 24,
        only: uuid.UUID | None = None,
        lease: str = "",
        pulse: Pulse | None = None,
    ) -> None:
        self.client = client
        self.key = key
        self.clock: Clock = clock or WallClock()
        self.concurrency = concurrency
        self.only = only
        self.lease = lease or uuid.uuid4().hex
        self.pulse = pulse
        self._polling: set[asyncio.Task[None]] = set()
        self._sending: set[asyncio.Task[None]] = set()
        self._serving: set[uuid.UUID] = set()

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
                if in_haste():
                    for task in self._polling:
                        task.cancel()
                await asyncio.gather(*self._polling, *self._sending, return_exceptions=True)
                if self.pulse is not None and in_haste():
                    # With its time up it makes place for the next watcher of the same worker.
                    with contextlib.suppress(DatabaseTrouble):
                        await db(self.pulse.stop, now=self.clock.now())
                await db(claims.release, lease=self.lease)

    async def _goes_on(self, db: DatabaseThread, stop: Callable[[], bool]) -> bool:
        """One look at what is due; False when it is time to stop. Outlives the database."""
        try:
            if await db(stop):
                return False
            await self._look(db)
        except DatabaseTrouble:
            log.warning("database_unreachable")
            await asyncio.sleep(DATABASE_PAUSE)
        return True

    async def _look(self, db: DatabaseThread) -> None:
        now = self.clock.now()
        service = await db(claims.service_at, self.client.base_url, self.key)
        if (
            service.key_refused_at
            and service.next_key_check_at
            and service.next_key_check_at <= now
        ):
            await self._check_key(db, service, now)
        busy = self._polling | self._sending
        taken = await db(
            claims.claim_due,
            service=service,
            lease=self.lease,
            now=now,
            limit=self.concurrency - len(busy),
            only=self.only,
            serving=frozenset(self._serving),
        )
        for run in taken:
            self._serving.add(run.pk)
            group = self._polling if run.state == RunState.WAITING else self._sending
            task = asyncio.create_task(self._serve(db, service, run))
            group.add(task)
            task.add_done_callback(group.discard)
        await self._beat(db)
        full = len(self._polling) + len(self._sending) >= self.concurrency
        # Where nothing more can be taken on, only a free place is worth looking again for.
        due = None if full else await db(claims.next_due, service, now, self.only)
        pause = LOOK_EVERY if due is None else (due - self.clock.now()).total_seconds()
        sleeper = asyncio.create_task(self.clock.sleep(min(max(pause, SHORTEST_PAUSE), LOOK_EVERY)))
        waited_for = {sleeper, *self._polling, *self._sending} if full else {sleeper}
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
            await db(self.pulse.beat, now=now, in_hand=len(self._serving))
        except DatabaseTrouble:
            log.warning("beat_not_written")

    async def _serve(self, db: DatabaseThread, service: NexioService, run: Run) -> None:
        try:
            if run.state == RunState.SUBMITTING:
                await db(outcomes.lapsed_submission, run, now=self.clock.now())
            elif run.state == RunState.QUEUED:
                await self._submit(db, service, run)
            else:
                await self._poll(db, service, run)
        except RunMoved:
            log.info("run_taken_over", run=str(run.pk))
        except Exception:
            # One run's trouble must never stop the others, nor be asked about without a pause.
            log.exception("run_not_served", run=str(run.pk), state=run.state)
            asyncio.get_running_loop().call_later(SETTLE, self._serving.discard, run.pk)
            return
        except asyncio.CancelledError:
            self._serving.discard(run.pk)
            raise
        self._serving.discard(run.pk)

    async def _submit(self, db: DatabaseThread, service: NexioService, run: Run) -> None:
        body = await db(outcomes.begin_submission, run, lease=self.lease, now=self.clock.now())
        if run.lease_until is None or run.lease_until - self.clock.now() < SEND_MARGIN:
            await db(outcomes.not_begun, run, lease=self.lease, now=self.clock.now())
            return
        try:
            reply = await self.client.submit(body)
        except errors.NexioError as error:
            at = self.clock.now()
            await self._write(
                db,
                run,
                partial(
                    outcomes.submission_failed,
                    run,
                    error,
                    service=service,
                    lease=self.lease,
                    now=at,
                ),
            )
        else:
            at = self.clock.now()
            await self._write(
                db,
                run,
                partial(outcomes.submission_accepted, run, reply, now=at),
                run_id=reply.message.run_id,
            )

    async def _write(
        self, db: DatabaseThread, run: Run, outcome: Callable[[], None], run_id: str = ""
    ) -> None:
        """Write what became of a submission, however long the database is away.

        It exists nowhere else: a run_id that is not written down is a run that nobody can ask
        for. So the first failure also puts it in the log.
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

    async def _poll(self, db: DatabaseThread, service: NexioService, run: Run) -> None:
        try:
            reply = await self.client.fetch(run.nexio_run_id)
        except errors.NexioError as error:
            await db(
                outcomes.poll_failed,
                run,
                error,
                service=service,
                lease=self.lease,
                now=self.clock.now(),
            )
        else:
            await db(outcomes.poll_answered, run, reply, lease=self.lease, now=self.clock.now())

    async def _check_key(self, db: DatabaseThread, service: NexioService, now: datetime) -> None:
        """Ask whether a refused key works again; one worker asks, once a minute."""
        again = now + outcomes.KEY_CHECK_EVERY
        mine = await db(
            NexioService.objects.filter(
                pk=service.pk, next_key_check_at=service.next_key_check_at
            ).update,
            next_key_check_at=again,
        )
        if not mine:
            return
        try:
            check = await self.client.check_key()
        except errors.NexioError:
            return
        if check.ok:
            await db(outcomes.key_works, service, now=self.clock.now())
            log.info("nexio_key_works")


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
            settings.NEXIO_URL, settings.NEXIO_KEY, max_connections=places
        ) as client:
            watcher = Watcher(
                client=client,
                key=settings.NEXIO_KEY,
                concurrency=places,
                only=only,
                lease=lease,
                pulse=pulse,
            )
            await watcher.watch(stop=stop, in_haste=in_haste)

    asyncio.run(serve())

"""A refused key: asked about from time to time until it works, by one worker for all; and one that
may be refused, since others have another: asked about before anything is sent with it."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog
from django.db import Error as DatabaseTrouble

from quotes.models import NexioService
from quotes.nexio import errors
from quotes.nexio.client import NexioClient
from quotes.services import claims, outcomes
from quotes.services.watching.clock import Clock
from quotes.services.watching.database import DatabaseThread

log = structlog.get_logger(__name__)


class RefusedKey:
    """Asks aside from the watcher's looks: a Nexio that leaves the question unanswered must not
    keep a watcher from showing life, or it would be replaced in the middle of what it sends."""

    def __init__(self, *, client: NexioClient, key: str, clock: Clock) -> None:
        self._client = client
        self._key = key
        self._clock = clock
        self._asking: asyncio.Task[None] | None = None

    async def may_begin(self, db: DatabaseThread, service: NexioService) -> bool:
        """Whether a watcher may read `service` for the first time, which then goes by its key.

        Where others began with another, the key is asked about before: a worker left with one that
        was shut would have a handful of runs refused each time that its watcher begins.
        """
        if service.pk is not None:
            return True
        if not await db.first(claims.others_have_another, service.base_url, self._key):
            return True
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._begin(db, service.base_url))
        return False

    def see_to(self, db: DatabaseThread, service: NexioService, *, now: datetime) -> None:
        """Begin to ask where it is time to, and nobody here is at it."""
        due = service.next_key_check_at
        if service.key_refused_at is None or due is None or due > now:
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(db, service, now))

    async def end(self) -> None:
        """Ask no more; a question under way is broken off, which costs nothing."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _begin(self, db: DatabaseThread, base_url: str) -> None:
        refused = False  # an answer that says nothing of the key keeps nobody from beginning
        try:
            refused = not (await self._client.check_key()).ok
        except errors.NexioError:
            pass
        except Exception:
            log.exception("key_not_checked")
        begin = outcomes.begin_with_key
        try:
            await db.first(begin, base_url, self._key, refused=refused, now=self._clock.now())
        except DatabaseTrouble:
            log.warning("database_unreachable")

    async def _ask(self, db: DatabaseThread, service: NexioService, now: datetime) -> None:
        turn = NexioService.objects.filter(
            pk=service.pk, next_key_check_at=service.next_key_check_at
        )
        try:
            if not await db.first(turn.update, next_key_check_at=now + outcomes.KEY_CHECK_EVERY):
                return  # another worker took it
            check = await self._client.check_key()
            if check.ok:
                await db.first(outcomes.key_works, service, now=self._clock.now())
                log.info("nexio_key_works")
        except errors.NexioError:
            return
        except DatabaseTrouble:
            log.warning("database_unreachable")
        except Exception:
            log.exception("key_not_checked")

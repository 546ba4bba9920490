"""The queue on Redis, which hands a hint on at once and spares the database being asked for it.

Redis keeps only hints: the rows are the truth. Where it does not answer, hints go by way of the
database as they do without it, and a worker looks there as well. So a Redis that is away, empty
or flushed costs a moment and loses no run.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import redis
import structlog
from django.conf import settings
from django_q.brokers import Broker
from django_q.brokers.orm import ORM
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

CONNECT_WITHIN = 1.0
ANSWER_WITHIN = 5.0
"""Seconds; more than `WAIT`, for which Redis itself holds a request for the next hint."""
WAIT = 1
LOOK_ASIDE_EVERY = 5.0
"""Seconds between looks at the database for hints that were left there."""
PAUSE = 1.0


@cache
def _connected(url: str) -> redis.Redis:
    """One client a process; its connections are told apart by process, so that a fork is safe."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_WITHIN,
        socket_timeout=ANSWER_WITHIN,
        retry=Retry(NoBackoff(), 1),  # a connection that Redis closed meanwhile
    )


class RedisHints(Broker):  # type: ignore[misc]  # django-q is not typed
    """What django-q asks of a queue. `list_key` is the queue's name."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key=list_key)
        self._begin()

    def _begin(self) -> None:
        self._aside = ORM(list_key=self.list_key)
        self._look_aside_at = 0.0
        self._away = False

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self._begin()

    @property
    def key(self) -> str:
        return f"{self.list_key}:hints"

    @staticmethod
    def get_connection(list_key: str | None = None) -> redis.Redis:
        return _connected(str(settings.QUEUE_URL))

    def enqueue(self, task: str) -> Any:
        """Leave a hint; on the database where Redis does not take it."""
        try:
            return self.connection.rpush(self.key, task)
        except redis.RedisError as error:
            self._note_away(error)
            return self._aside.enqueue(task)

    def dequeue(self) -> list[tuple[Any, Any]] | None:
        """The next hint as (what acknowledges it, the hint), waited for up to a second."""
        now = time.monotonic()
        if now >= self._look_aside_at:
            self._look_aside_at = now + LOOK_ASIDE_EVERY
            if found := self._aside.dequeue():
                return found  # type: ignore[no-any-return]
        try:
            hint: Any = self.connection.blpop([self.key], timeout=WAIT)
        except redis.RedisError as error:
            self._note_away(error)
            time.sleep(PAUSE)
            self._look_aside_at = 0.0
            return None
        if self._away:
            self._away = False
            log.info("queue_answers_again")
        return [(None, hint[1])] if hint else None

    def _note_away(self, error: redis.RedisError) -> None:
        if not self._away:
            log.warning("queue_unreachable", error=type(error).__name__)
        self._away = True

    def acknowledge(self, task_id: Any) -> None:
        """A hint of the database is done with; one of Redis was, when it was taken."""
        self._aside.acknowledge(task_id)

    def fail(self, task_id: Any) -> None:
        if task_id is not None:
            self._aside.fail(task_id)

    def delete(self, task_id: Any) -> None:
        self._aside.delete(task_id)

    def queue_size(self) -> int:
        """Hints waiting. Raises `redis.RedisError`."""
        waiting: Any = self.connection.llen(self.key)
        return int(waiting) + self._aside.queue_size()  # type: ignore[no-any-return]

    def lock_size(self) -> int:
        return self._aside.lock_size()  # type: ignore[no-any-return]

    def purge_queue(self) -> None:
        self.connection.delete(self.key)
        self._aside.purge_queue()

    def delete_queue(self) -> None:
        self.purge_queue()

    def ping(self) -> bool:
        """Always so: a cluster must start and serve while Redis is away."""
        return True

    def info(self) -> str:
        return "Redis"

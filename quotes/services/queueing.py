"""The queue between web and workers: how it does. It holds hints; no run hangs on one."""

from __future__ import annotations

from dataclasses import dataclass

import redis
from django.conf import settings
from django_q.brokers import get_broker


@dataclass(frozen=True)
class Queue:
    """`kind` is "the database" or "Redis"; `hints` is None where it does not answer."""

    kind: str
    hints: int | None

    @property
    def answers(self) -> bool:
        return self.hints is not None


def read_queue() -> Queue:
    """Ask the queue how many hints wait. Raises the database's error, and none of Redis."""
    kind = "Redis" if settings.QUEUE_URL else "the database"
    try:
        return Queue(kind=kind, hints=int(get_broker().queue_size()))
    except redis.RedisError:
        return Queue(kind=kind, hints=None)

"""The Redis that tests use, at TEST_REDIS_URL or on this machine: databases 10 and up, one for
each process that runs tests. Nothing is touched in them but the queue's own key."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import redis

FIRST_DATABASE = 10
KEY = "brokerportal:hints"
PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
SERVER = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379").rstrip("/")
REDIS_URL = f"{SERVER}/{FIRST_DATABASE + PROCESS}"


@pytest.fixture
def queue_url(settings) -> Iterator[str]:
    """A Redis with no hints in it, and settings that name it as the queue.

    Skipped where there is none, unless REQUIRE_REDIS says that there must be.
    """
    client = redis.Redis.from_url(REDIS_URL, socket_connect_timeout=2)
    try:
        client.delete(KEY)
    except redis.RedisError:
        if os.environ.get("REQUIRE_REDIS"):
            raise
        pytest.skip("no Redis at TEST_REDIS_URL or 127.0.0.1:6379: apt-get install redis-server")
    settings.QUEUE_URL = REDIS_URL
    yield REDIS_URL
    client.delete(KEY)
    client.close()

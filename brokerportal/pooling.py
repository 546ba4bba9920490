"""A web process's connections to PostgreSQL: a pool that its threads share.

Only web processes have one. A worker's processes are forked, and a pool's threads and sockets do
not survive a fork; nor has any of them more than one thread that talks to the database for long.
"""

from __future__ import annotations

from typing import Any

WAIT = 3.0
"""Seconds that a request waits for a free connection, and that connecting is tried for. A pool
goes on trying for minutes otherwise, at growing intervals, after the database is back."""
IDLE = 300.0
LONGEST = 3600.0


def share_connections(database: dict[str, Any], *, most: int) -> None:
    """Let the threads of this process share at most `most` connections, made as they are needed
    and given back after each request; each is tried before it is lent.

    Changes a value of `settings.DATABASES`, before the first connection. SQLite has no pool.
    """
    if database["ENGINE"] != "django.db.backends.postgresql":
        return
    database["CONN_MAX_AGE"] = 0  # what a request gives back must be free for others
    database["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": most,
        "timeout": WAIT,
        "reconnect_timeout": WAIT,
        "max_idle": IDLE,
        "max_lifetime": LONGEST,
    }

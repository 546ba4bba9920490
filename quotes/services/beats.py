"""Signs of life: the watcher of each worker writes them, pages and monitors read them.

Times are those of the worker's host: hosts that share a database must agree on the time.
"""

from __future__ import annotations

import os
import socket
import uuid
from datetime import datetime, timedelta
from pathlib import Path

from quotes import VERSION
from quotes.models import WorkerBeat

BEAT_EVERY = timedelta(seconds=5)
FRESH_FOR = timedelta(seconds=15)
"""Three beats: one may be late where the database is busy."""
KEPT_FOR = timedelta(days=1)


class Pulse:
    """The beats of one worker, one row in all.

    A worker is known by the folder of its locks: the next watcher of the same worker, which may
    be another of its processes, writes the same row.
    """

    def __init__(self, *, worker: Path) -> None:
        self.host = _host()
        self.id = _id_of(worker)
        self._last: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether 5 seconds have passed since the last beat, or the clock was set back."""
        return self._last is None or not self._last <= now < self._last + BEAT_EVERY

    def beat(self, *, now: datetime, in_hand: int) -> None:
        """Write that the worker serves, with how many runs it has in hand.

        The first beat also clears away workers of which nothing was heard for a day. Raises the
        database's error; the next beat is due in its time all the same.
        """
        first, self._last = self._last is None, now
        says = {"pid": os.getpid(), "beat_at": now, "in_hand": in_hand, "stopped_at": None}
        if not WorkerBeat.objects.filter(pk=self.id).update(version=VERSION, **says):
            WorkerBeat.objects.create(
                pk=self.id, host=self.host, started_at=now, version=VERSION, **says
            )
        if first:
            WorkerBeat.objects.filter(beat_at__lt=now - KEPT_FOR).delete()

    def stop(self, *, now: datetime) -> None:
        """Write that the worker ends in good order."""
        WorkerBeat.objects.filter(pk=self.id).update(stopped_at=now, beat_at=now, in_hand=0)


def last_of(worker: Path) -> datetime | None:
    """When the worker of this folder, on this host, last beat; None before it ever did."""
    rows = WorkerBeat.objects.filter(pk=_id_of(worker))
    return rows.values_list("beat_at", flat=True).first()


def _host() -> str:
    return socket.gethostname()[:200]


def _id_of(worker: Path) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"worker://{_host()}{worker}")


def any_fresh(now: datetime) -> bool:
    """Whether a worker serves: one that has not stopped and beat within the last 15 seconds.

    A beat as far ahead says nothing: the clock was set back since.
    """
    lately = {"beat_at__gt": now - FRESH_FOR, "beat_at__lt": now + FRESH_FOR}
    return WorkerBeat.objects.filter(stopped_at__isnull=True, **lately).exists()

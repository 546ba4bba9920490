"""A key and a household that must turn up nowhere but in the database and on the wire.

They are looked for in the workers' logs, in what waits or waited in the queue, in the command
lines of all processes and in the addresses that were asked for; afterwards on the pages for whoever
looks after the app, and in the log of the web process that showed them. Brokers' pages are about
households, but must not hold the key.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

KEY = "nx_test_canary_4f1c9b7d2e"
SURNAME = "Quillcanary"
BIRTH = date(1951, 2, 27)
SIGNS = tuple(
    text.encode()
    for text in (KEY, SURNAME, BIRTH.isoformat(), f"{BIRTH:%m/%d/%Y}", f"{BIRTH:%Y%m%d}")
)

BUT_NAMES = tuple(sign for sign in SIGNS if sign != SURNAME.encode())
"""For pages that are about households."""


class Watch:
    """Where canaries were seen; one finding a place, however often it was seen there.

    `looked` counts what was looked at, so that a search of nothing does not pass for a clean one.
    """

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.looked: dict[str, int] = {}

    def look(self, where: str, texts: Iterable[bytes], signs: Iterable[bytes] = SIGNS) -> None:
        signs = [sign.lower() for sign in signs]
        for text in texts:
            self.looked[where] = self.looked.get(where, 0) + 1
            folded = text.lower()
            if any(sign in folded for sign in signs):
                self.found.add(where)

    def queue(self) -> None:
        """What waits in the queue now, unpacked, and what it keeps of finished tasks."""
        from django_q.models import OrmQ, Schedule, Task

        self.look(
            "queue payloads",
            (text.encode() for row in OrmQ.objects.all() for text in (row.payload, repr(row.task))),
        )
        for model in (Task, Schedule):
            rows = (repr(row).encode() for row in model.objects.values())
            self.look("queue payloads", rows)

    def files(self, where: str, paths: Iterable[Path]) -> None:
        self.look(where, (path.read_bytes() for path in paths))

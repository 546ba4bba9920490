"""How long the runs that a kill touched stood still.

A kill touches the runs that the killed worker's watcher had in hand: they hold its lease when the
process is gone. Such a run moves again with its next step, poll or attempt.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from quotes.models import Run
from quotes.models.run import IN_FLIGHT


@dataclass
class Kill:
    """One kill; `waits` are the seconds that the runs it touched stood still."""

    at: float
    kind: str
    worker: int
    pid: int
    touched: int = 0
    waits: list[float] = field(default_factory=list)


Mark = tuple[str, int, int]
_MARK = ("state", "polls", "attempts")


class Recovery:
    """Kills so far, and the runs that have not moved since the one that touched them."""

    def __init__(self) -> None:
        self.kills: list[Kill] = []
        self._still: dict[tuple[int, UUID], Mark] = {}

    def killed(self, kill: Kill, *, leases: Collection[str] = ()) -> None:
        """A process was killed this moment, whose worker's watchers held runs by these leases."""
        self.kills.append(kill)
        held = Run.objects.filter(lease_owner__in=leases, state__in=IN_FLIGHT)
        for pk, *mark in held.values_list("pk", *_MARK):
            self._still[len(self.kills) - 1, pk] = tuple(mark)
            kill.touched += 1

    def look(self, now: float) -> None:
        """Note which have moved; `now` is by the same clock as the kills' times."""
        if not self._still:
            return
        touched = {pk for _, pk in self._still}
        rows = Run.objects.filter(pk__in=touched).values_list("pk", *_MARK)
        marks: dict[UUID, Mark] = {pk: tuple(mark) for pk, *mark in rows}
        for (number, pk), mark in list(self._still.items()):
            if marks.get(pk, mark) != mark:
                kill = self.kills[number]
                kill.waits.append(now - kill.at)
                del self._still[number, pk]

    @property
    def waiting(self) -> int:
        """How many runs have not moved since a kill touched them."""
        return len(self._still)

    def waits(self) -> list[float]:
        return sorted(wait for kill in self.kills for wait in kill.waits)


def p95(values: list[float]) -> float:
    """The value that 95 of 100 do not exceed; 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-95 * len(ordered) // 100) - 1)]

"""Two or more ways of doing one thing, taken in turns at several sizes."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from bench.sizes import processor
from brokerportal.heap import settle

OURS = "ours"
Act = Callable[[], object]


@dataclass
class Growth:
    """Milliseconds of the processor by way and size, one for each round."""

    title: str
    of: str
    against: str
    """The straightforward way, by its name."""
    taken: dict[str, dict[int, list[float]]] = field(default_factory=dict)
    also: dict[str, Any] = field(default_factory=dict)

    def add(self, size: int, ways: Mapping[str, Act], rounds: int) -> None:
        """Do all ways in turns; of the first size once more before, unmeasured."""
        busy = processor()
        for act in [] if self.taken else ways.values():
            act()
        settle()  # as the web server does once it is loaded
        for _ in range(rounds):
            for name, act in ways.items():
                before = busy()
                act()
                took = (busy() - before) * 1000
                self.taken.setdefault(name, {}).setdefault(size, []).append(took)

    @property
    def sizes(self) -> Sequence[int]:
        return list(self.taken[OURS])

    def median(self, way: str, size: int) -> float:
        return statistics.median(self.taken[way][size])

    @property
    def ratios(self) -> list[float]:
        """How many times ours the straightforward way costs, by size."""
        return [
            round(self.median(self.against, size) / self.median(OURS, size), 1)
            for size in self.sizes
        ]

    def say(self) -> None:
        print(f"\n{self.title}: milliseconds of the processor, median (least to most)\n")
        print(f"  {self.of:<34}" + "".join(f"{size:>28,}" for size in self.sizes))
        for way, by_size in self.taken.items():
            cells = [
                f"{self.median(way, size):,.1f} ({min(values):,.1f}–{max(values):,.1f})"
                for size, values in by_size.items()
            ]
            print(f"  {way:<34}" + "".join(f"{cell:>28}" for cell in cells))
        print(f"  {self.against} costs {', '.join(map(str, self.ratios))} times ours")
        for name, value in self.also.items():
            print(f"  {name}: {value}")

    def report(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "of": self.of,
            "sizes": list(self.sizes),
            "processor_ms": {
                way: [[round(each, 2) for each in values] for values in of.values()]
                for way, of in self.taken.items()
            },
            "against": self.against,
            "ratios": self.ratios,
            **self.also,
        }


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)

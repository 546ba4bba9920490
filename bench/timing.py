"""What the benchmarks share: steps timed in turn, their medians, how they are said and kept."""

from __future__ import annotations

import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from brokerportal.heap import settle

Step = Callable[[], float]
"""Does one thing and returns the seconds it took."""


@dataclass(frozen=True)
class Taken:
    """Seconds of every step by its name, one for each round."""

    seconds: Mapping[str, list[float]]

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])

    def ratio(self, slower: str, faster: str) -> float:
        """How many times the median of one step is that of another."""
        return self.median(slower) / self.median(faster)

    def ratio_of_least(self, slower: str, faster: str) -> float:
        """The same of the least times, which noise only adds to."""
        return min(self.seconds[slower]) / min(self.seconds[faster])

    def say(self) -> None:
        """Print a line for each step: its median, and its least to most."""
        for name, values in self.seconds.items():
            spread = f"{min(values) * 1000:,.0f} to {max(values) * 1000:,.0f}"
            print(f"  {name:<34}{self.median(name) * 1000:>8,.0f} ms   ({spread})")

    def report(self) -> dict[str, Any]:
        """Milliseconds for a JSON file."""
        return {
            "milliseconds": {
                name: [round(value * 1000, 1) for value in values]
                for name, values in self.seconds.items()
            },
            "medians": {name: round(self.median(name) * 1000, 1) for name in self.seconds},
        }


def in_turn(steps: Mapping[str, Step], rounds: int) -> Taken:
    """Every step once unmeasured, then all of them `rounds` times one after another: whatever
    else the machine does meanwhile is spread over all."""
    for step in steps.values():
        step()
    settle()  # as the web server does once it is loaded
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            taken[name].append(step())
    return Taken(taken)


def timed(act: Callable[[], Any]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def undone(act: Callable[[], Any]) -> float:
    """Seconds that `act` takes in a transaction that is rolled back afterwards."""
    with transaction.atomic():
        took = timed(act)
        transaction.set_rollback(True)
    return took


def statements(act: Callable[[], Any]) -> int:
    """How many SQL statements `act` sends."""
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


@contextmanager
def test_database() -> Iterator[None]:
    """A database of the benchmarks' own, dropped again; a file where it is SQLite, so that other
    processes can open it and the next one begins empty."""
    with tempfile.TemporaryDirectory(prefix="brokerportal-bench-") as folder:
        if connection.vendor == "sqlite":
            connection.settings_dict["TEST"]["NAME"] = f"{folder}/bench.sqlite3"
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        try:
            yield
        finally:
            connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


def circumstances(rounds: int) -> str:
    """Where the figures come from, for their heading."""
    return (
        f"{connection.vendor}, Python {platform.python_version()}, median of {rounds} rounds "
        "(least to most)"
    )


def keep(folder: Path, name: str, report: dict[str, Any]) -> None:
    """Write a benchmark's figures as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    where = {"database": connection.vendor, "python": platform.python_version()}
    path.write_text(json.dumps({**where, **report}, indent=2) + "\n")
    print(f"  Written to {path}\n")

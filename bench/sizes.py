"""The same pages on databases of several sizes, asked in turns.

A process for each size opens its kept database and answers the parent's words one at a time, so
that what else the machine does falls on all sizes alike. Time is the whole answer of the app in
process: middleware, queries, template. The processor's time is the app's and, where PostgreSQL
runs on this machine, that of its process for the connection.
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from gzip import decompress as gunzip
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NEXT = re.compile(r'at=([\w-]+)" rel="next"')
WARM = 10
"""Requests of a page before it is timed: what a process keeps is kept then, and PostgreSQL has
decided which statements one plan serves (decision 22)."""
Taken = dict[str, list[tuple[float, float]]]
"""Case → seconds of each request, and of the processor for it."""


@dataclass(frozen=True)
class Ask:
    """Who asks for which address, after which search, and on which page of the list."""

    user: Any
    address: str
    search: str = ""
    page: int = 1


@dataclass(frozen=True)
class Measured:
    """What the processes of all sizes, the smallest first, said of every case."""

    sizes: Sequence[int]
    made: Sequence[Mapping[str, Any]]
    counted: Sequence[Mapping[str, Any]]
    taken: Sequence[Taken]
    database: str = field(default="")

    @property
    def cases(self) -> list[str]:
        return list(self.taken[0])

    def rows(self, case: str) -> list[int]:
        return [each["rows"][case] for each in self.counted]

    def p95(self, at: int, case: str, clock: int = 0) -> float:
        return p95([pair[clock] for pair in self.taken[at][case]])

    def ratio(self, case: str, against: Iterable[str], clock: int = 0) -> float:
        """The largest database's 95th percentile by the smallest's, by the dearest of these pages
        of the smallest."""
        return self.p95(-1, case, clock) / max(self.p95(0, each, clock) for each in against)

    def report(self, case: str) -> dict[str, Any]:
        """The figures of a case for a JSON file, one a size."""
        clocks: dict[str, list[float]] = {}
        for clock, name in enumerate(("", "processor_")):
            values = [[pair[clock] * 1000 for pair in each[case]] for each in self.taken]
            clocks[f"{name}median_ms"] = [round(statistics.median(of), 1) for of in values]
            clocks[f"{name}p95_ms"] = [round(p95(of), 1) for of in values]
        return {
            "statements": [each["statements"][case] for each in self.counted],
            "rows": self.rows(case),
            "bytes": [each["bytes"][case] for each in self.counted],
            **clocks,
        }

    def heading(self) -> dict[str, Any]:
        return {
            "runs": list(self.sizes),
            "database": self.database,
            "python": platform.python_version(),
            "requests_of_a_case": len(next(iter(self.taken[0].values()))),
            "seeded_in_seconds": [each["seconds"] for each in self.made],
        }


def p95(values: list[float]) -> float:
    """The value that 95 of 100 stay below. Raises SystemExit where there is none."""
    if not values:
        raise SystemExit("Nothing came to its end while it was measured: measure longer.")
    return sorted(values)[max(int(len(values) * 0.95 + 0.999) - 1, 0)]


def ends(values: Sequence[float], how: str) -> str:
    """ "12 → 15": the smallest database's figure and the largest's."""
    return f"{values[0]:{how}} → {values[-1]:{how}}"


def measure(
    module: str, sizes: Sequence[int], *, rounds: int, times: int, only: str = ""
) -> Measured:
    """Ask for every case of `bench.<module>` on every size, `times` in a row, `rounds` times."""
    workers = [_begun(module, size, only) for size in sizes]
    try:
        made = [_asked(worker, "") for worker in workers]
        counted = [_asked(worker, "count") for worker in workers]
        names = list(counted[0]["statements"])
        taken: list[Taken] = [{name: [] for name in names} for _ in workers]
        for case in names * rounds:
            for worker, of in zip(workers, taken, strict=True):
                of[case] += _asked(worker, f"{times} {case}")["seconds"]
    finally:
        for worker in workers:
            if worker.stdin:
                worker.stdin.close()
            worker.wait(timeout=120)
    return Measured(sizes, made, counted, taken, made[0]["database"])


def _begun(module: str, size: int, only: str) -> subprocess.Popen[str]:
    say = [sys.executable, "-m", "bench.sizes", module, str(size), only]
    return subprocess.Popen(  # noqa: S603 - ourselves
        say, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _asked(worker: subprocess.Popen[str], word: str) -> dict[str, Any]:
    assert worker.stdin is not None  # noqa: S101
    assert worker.stdout is not None  # noqa: S101
    if word:
        worker.stdin.write(f"{word}\n")
        worker.stdin.flush()
    for line in worker.stdout:
        # What migrations say on the way is no answer.
        if line.startswith("{"):
            answer: dict[str, Any] = json.loads(line)
            return answer
    raise SystemExit("A measuring process ended early.")


def serve(module: str, size: int, only: str) -> None:
    """Open the size's database, say so, then answer "count" and cases until the input ends."""
    os.environ.update(LOG_LEVEL="ERROR")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "brokerportal.settings")
    import django

    django.setup()
    from importlib import import_module

    from django.conf import settings
    from django.db import connection

    from bench import desk, kept, seed_runs
    from brokerportal.heap import settle

    settings.ALLOWED_HOSTS = ["testserver"]
    benchmark = import_module(f"bench.{module}")
    said = kept.opened(size, lambda until: desk.fill(size, until))
    _say({**said, "database": connection.vendor})
    people = seed_runs.people_of(datetime.fromisoformat(said["until"]))
    settings.ROOT_URLCONF = getattr(benchmark, "URLCONF", settings.ROOT_URLCONF)
    asked: dict[str, Ask] = {
        name: case for name, case in benchmark.cases(people).items() if only in name
    }
    visits = {name: Visit(case) for name, case in asked.items()}
    for visit in [*visits.values()] * WARM:
        visit.get()
    settle()
    busy = processor()
    for line in sys.stdin:
        if line.strip() == "count":
            _say(_counts(visits, benchmark.rows))
        else:
            times, name = line.strip().split(" ", 1)
            _say({"seconds": visits[name].timed(int(times), busy)})


def _counts(visits: Mapping[str, Visit], rows: Callable[[str], int]) -> dict[str, Any]:
    pages = {name: visit.text() for name, visit in visits.items()}
    return {
        "statements": {name: visit.statements() for name, visit in visits.items()},
        "rows": {name: rows(page) for name, page in pages.items()},
        "bytes": {name: len(page.encode()) for name, page in pages.items()},
    }


def processor() -> Callable[[], float]:
    """Tells the seconds of the processor this process has had, and its server's where known."""
    from django.db import connection

    path = None
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        with_us = Path(f"/proc/{pid}/comm")
        if with_us.exists() and with_us.read_text().startswith("postgres"):
            path = Path(f"/proc/{pid}/schedstat")

    def busy() -> float:
        server = int(path.read_text().split()[0]) / 1e9 if path else 0.0
        return time.process_time() + server

    return busy


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


class Visit:
    """A person's request, brought to its page of the list before it is timed."""

    def __init__(self, ask: Ask) -> None:
        from django.test import Client

        self.client = Client(headers={"Accept-Encoding": "gzip"})
        self.client.force_login(ask.user)
        if ask.search:
            self.client.post("/runs/search/", {"text": ask.search})
        self.url = ask.address
        for _ in range(ask.page - 1):
            following = NEXT.search(self.text())
            # With few runs there are fewer pages: the last one stands for those beyond.
            if following is None:
                break
            self.url = f"{ask.address}&at={following[1]}"

    def get(self) -> Any:
        response = self.client.get(self.url)
        if response.status_code != 200:
            raise SystemExit(f"{self.url} answered {response.status_code}")
        return response

    def text(self) -> str:
        return gunzip(self.get().content).decode()

    def timed(self, times: int, busy: Callable[[], float]) -> list[tuple[float, float]]:
        taken = []
        for _ in range(times):
            start, before = time.perf_counter(), busy()
            self.get()
            taken.append((time.perf_counter() - start, busy() - before))
        return taken

    def statements(self) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as seen:
            self.get()
        return len(seen)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3])

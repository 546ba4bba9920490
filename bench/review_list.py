"""How the list of runs bears 100,000 runs: statements and server time against 1,000 runs.

Run by `make bench`. Two processes each fill a throwaway database (SQLite, or one made beside
DATABASE_URL's), then answer the same requests in turns, so that what else the machine does falls
on both. Time is the whole answer of the app in process: middleware, queries, template.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
GOAL = 1.5
NEXT = re.compile(r'at=([\w-]+)" rel="next"')
SMALL, LARGE = 1_000, 100_000
UNTIL = datetime(2026, 11, 16, 15, 0, tzinfo=UTC)


def cases(people: Any) -> dict[str, Any]:
    """Name → who asks, by which query string and search, and on which page."""
    admin, manager, broker = people.admin, people.manager, people.brokers[0]
    carrier, month = people.carriers[2].pk, UNTIL.date() - timedelta(days=30)
    return {
        "plain, admin": (admin, "", "", 1),
        "plain, manager of a fifth": (manager, "", "", 1),
        "a broker's own": (broker, "", "", 1),
        "page 40": (admin, "", "", 40),
        "page 40, manager": (manager, "", "", 40),
        "by broker": (admin, f"broker={broker.pk}", "", 1),
        "by office": (admin, f"office={people.offices[1].pk}", "", 1),
        "by state": (admin, "state=completed", "", 1),
        "went wrong": (admin, "state=needs_person", "", 1),
        "by failure": (admin, "failure=no_package", "", 1),
        "by Nexio's status": (admin, "nexio=degraded", "", 1),
        "by lines": (admin, "line=home&line=umbrella", "", 1),
        "by carrier": (admin, f"carrier={carrier}", "", 1),
        "by bound carrier": (admin, f"carrier={carrier}&part=bound", "", 1),
        "by label": (admin, "label=best_value", "", 1),
        "by decision": (admin, "decision=bound", "", 1),
        "overridden": (admin, "overridden=yes", "", 1),
        "overridden, last month": (manager, f"overridden=yes&since={month}", "", 1),
        "undecided, ending soon": (
            admin,
            f"decision=undecided&expires_since={UNTIL.date()}"
            f"&expires_until={UNTIL.date() + timedelta(days=7)}",
            "",
            1,
        ),
        "in the sandbox": (admin, "service=sandbox", "", 1),
        "dearest first": (admin, "sort=-cost", "", 1),
        "longest wait first": (manager, "sort=-waited", "", 1),
        "first to expire": (admin, "sort=expires", "", 1),
        "dearest first, page 40": (admin, "sort=-cost", "", 40),
        "search: one household": (admin, "", "Household 500", 1),
        "search: a common name": (admin, "", "marlow", 1),
        "search: a carrier": (admin, "", "copperfield", 1),
        "search: a quote id": (admin, "", "H-0123456789", 1),
        "search: nothing": (admin, "", "nobody at all", 1),
        "search, broker's own": (broker, "", "marlow", 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--small", type=int, default=SMALL)
    parser.add_argument("--large", type=int, default=LARGE)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each size")
    parser.add_argument("--times", type=int, default=8, help="requests of a case in one turn")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        _serve(options.serve, options.times, options.only)
        return
    report = _compare(options)
    _print(report)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=2) + "\n")
        print(f"\nWritten to {options.json}")


def _compare(options: argparse.Namespace) -> dict[str, Any]:
    sizes = {"small": options.small, "large": options.large}
    say = [sys.executable, __file__, "--times", str(options.times), "--only", options.only]
    workers = {
        name: subprocess.Popen(  # noqa: S603 - ourselves
            [*say, "--serve", str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name, size in sizes.items()
    }
    try:
        made = {name: _asked(worker, "") for name, worker in workers.items()}
        taken: dict[str, dict[str, list[float]]] = {name: {} for name in workers}
        counted = {name: _asked(worker, "count\n") for name, worker in workers.items()}
        names = list(counted["small"]["statements"])
        for case in names * options.rounds:
            for name, worker in workers.items():
                taken[name].setdefault(case, []).extend(_asked(worker, f"{case}\n")["seconds"])
    finally:
        for worker in workers.values():
            if worker.stdin:
                worker.stdin.close()
            worker.wait(timeout=120)
    rows = {}
    for case in taken["small"]:
        small, large = (p95(taken[name][case]) for name in ("small", "large"))
        shown = [counted[name]["rows"][case] for name in ("small", "large")]
        # Fewer runs may not fill a page, and an empty page is quickly drawn: then the full page
        # of the plain list is what the large one is held against.
        alike = shown[0] >= shown[1]
        against = small if alike else max(small, p95(taken["small"][names[0]]))
        rows[case] = {
            "rows": shown,
            "against": "the same" if alike else names[0],
            "statements": [counted[name]["statements"][case] for name in ("small", "large")],
            "p95_ms": [round(small * 1000, 1), round(large * 1000, 1)],
            "median_ms": [
                round(statistics.median(taken[name][case]) * 1000, 1) for name in ("small", "large")
            ],
            "ratio": round(large / against, 2),
        }
    return {
        "runs": sizes, "database": made["large"]["database"], "python": platform.python_version(),
        "seeded_in_seconds": {name: made[name]["seconds"] for name in made},
        "goal": GOAL, "cases": rows,
    }  # fmt: skip


def p95(values: list[float]) -> float:
    """The value that 95 of 100 stay below."""
    return sorted(values)[max(int(len(values) * 0.95 + 0.999) - 1, 0)]


def _asked(worker: subprocess.Popen[str], word: str) -> dict[str, Any]:
    assert worker.stdin is not None  # noqa: S101
    assert worker.stdout is not None  # noqa: S101
    if word:
        worker.stdin.write(word)
        worker.stdin.flush()
    for line in worker.stdout:
        # What migrations say on the way is no answer.
        if line.startswith("{"):
            answer: dict[str, Any] = json.loads(line)
            return answer
    raise SystemExit("A measuring process ended early.")


def _print(report: dict[str, Any]) -> None:
    small, large = report["runs"]["small"], report["runs"]["large"]
    print(
        f"{small:,} against {large:,} runs, {report['database']}, Python {report['python']}; "
        f"seeded in {report['seeded_in_seconds']['large']:.0f} s\n"
    )
    print(
        f"  {'':<28}{'statements':>12}{'rows':>10}{'p95, ms':>18}{'median, ms':>18}"
        f"{'p95 ratio':>11}"
    )
    for case, row in report["cases"].items():
        counts = " → ".join(str(n) for n in row["statements"])
        rows = " → ".join(str(n) for n in row["rows"]) + (
            "" if row["against"] == "the same" else "*"
        )
        times = " → ".join(f"{ms:.0f}" for ms in row["p95_ms"])
        middle = " → ".join(f"{ms:.0f}" for ms in row["median_ms"])
        over = " !" if row["ratio"] > GOAL else ""
        print(
            f"  {case:<28}{counts:>12}{rows:>10}{times:>18}{middle:>18}{row['ratio']:>11.2f}{over}"
        )
    worst = max(row["ratio"] for row in report["cases"].values())
    print("\n  * its page is fuller with more runs: held against the small plain list's full page")
    print(f"  worst p95 ratio {worst:.2f} (goal {GOAL})")


def _serve(runs: int, times: int, only: str) -> None:
    """Fill a throwaway database, say so, then answer "count" and names of cases until the input
    ends."""
    folder = tempfile.TemporaryDirectory(prefix="brokerportal-bench-")
    os.environ.update(DATA_DIR=folder.name, LOG_LEVEL="ERROR")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "brokerportal.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    settings.ALLOWED_HOSTS = ["testserver"]
    # Each process has a database of its own; SQLite's is a file, as in use.
    test = connection.settings_dict["TEST"]
    file = str(Path(folder.name) / "bench.sqlite3")
    test["NAME"] = file if connection.vendor == "sqlite" else f"bench_runs_{runs}"
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        from bench import seed_runs

        start = time.perf_counter()
        seed_runs.refuse_used()
        people = seed_runs.seed(runs, until=UNTIL)
        took = time.perf_counter() - start
        wrong = seed_runs.check()
        if wrong:
            raise SystemExit(f"The seed is not what the app would write: {wrong[0]}")
        _say({"database": connection.vendor, "seconds": took})
        wanted = {name: case for name, case in cases(people).items() if only in name}
        visits = {name: _Visit(*case) for name, case in wanted.items()}
        for line in sys.stdin:
            if line.strip() == "count":
                _say({
                    "statements": {name: each.statements() for name, each in visits.items()},
                    "rows": {name: each.rows() for name, each in visits.items()},
                })  # fmt: skip
            else:
                _say({"seconds": visits[line.strip()].timed(times)})
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
        folder.cleanup()


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


class _Visit:
    """A person's request of the list, brought to its page before it is timed."""

    def __init__(self, user: Any, query: str, search: str, page: int) -> None:
        from django.test import Client

        self.client = Client()
        self.client.force_login(user)
        if search:
            self.client.post("/runs/search/", {"text": search})
        self.url = f"/runs/?{query}"
        for _ in range(page - 1):
            following = NEXT.search(self._get().content.decode())
            # With few runs there are fewer pages: the last one stands for those beyond.
            if following is None:
                break
            self.url = f"/runs/?{query}&at={following[1]}"

    def _get(self) -> Any:
        response = self.client.get(self.url)
        if response.status_code != 200:
            raise SystemExit(f"{self.url} answered {response.status_code}")
        return response

    def timed(self, times: int) -> list[float]:
        taken = []
        for _ in range(times):
            start = time.perf_counter()
            self._get()
            taken.append(time.perf_counter() - start)
        return taken

    def rows(self) -> int:
        return str(self._get().content.decode()).count('data-label="State"')

    def statements(self) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as seen:
            self._get()
        return len(seen)


if __name__ == "__main__":
    main()

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
FULLER = {
    "dashboard, 30 days": "dashboard, 12 months",
    "dashboard, manager's 30 days": "dashboard, manager's 12 months",
    "dashboard, a broker's 30 days": "dashboard, a broker's year",
    "dashboard, 12 months": "dashboard, 12 months",
    "dashboard, manager's 12 months": "dashboard, manager's 12 months",
    "dashboard, a broker's year": "dashboard, a broker's year",
}
"""Which page of a dashboard is as full with few runs: a year's has all brokers and carriers."""
UNTIL = datetime(2026, 11, 16, 15, 0, tzinfo=UTC)


def cases(people: Any) -> dict[str, Any]:
    """Name → who asks, by which query string (or address) and search, and on which page."""
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
        "dashboard, 30 days": (admin, _dashboard(30), "", 1),
        "dashboard, manager's 30 days": (manager, _dashboard(30), "", 1),
        "dashboard, manager's 12 months": (manager, _dashboard(365), "", 1),
        "dashboard, 12 months": (admin, _dashboard(365), "", 1),
        "dashboard, a broker's 30 days": (admin, f"{_dashboard(30)}&broker={broker.pk}", "", 1),
        "dashboard, a broker's year": (admin, f"{_dashboard(365)}&broker={broker.pk}", "", 1),
        "search: one household": (admin, "", "Household 500", 1),
        "search: a common name": (admin, "", "marlow", 1),
        "search: a carrier": (admin, "", "copperfield", 1),
        "search: a quote id": (admin, "", "H-0123456789", 1),
        "search: nothing": (admin, "", "nobody at all", 1),
        "search, broker's own": (broker, "", "marlow", 1),
    }


def _dashboard(days: int) -> str:
    """The address of a dashboard of the last days that were filled, whatever today is."""
    first = UNTIL.date() - timedelta(days=days - 1)
    return f"/dashboard/?since={first}&until={UNTIL.date()}&service=nexio"


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
        taken: dict[str, dict[str, list[tuple[float, float]]]] = {name: {} for name in workers}
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
        shown = [counted[name]["rows"][case] for name in ("small", "large")]
        # Fewer runs may not fill a page, and an empty page is quickly drawn: then a full page of
        # the small database is what the large one is held against.
        against = case if shown[0] >= shown[1] else FULLER.get(case, next(iter(taken["small"])))
        wall, busy = (
            [p95([pair[clock] for pair in taken[name][of]]) for name, of in
             (("small", case), ("small", against), ("large", case))]
            for clock in (0, 1)
        )  # fmt: skip
        rows[case] = {
            "statements": [counted[name]["statements"][case] for name in ("small", "large")],
            "rows": shown,
            "against": "the same" if against == case else against,
            "p95_ms": [round(wall[0] * 1000, 1), round(wall[2] * 1000, 1)],
            "median_ms": [
                round(statistics.median(pair[0] for pair in taken[name][case]) * 1000, 1)
                for name in ("small", "large")
            ],
            "processor_p95_ms": [round(busy[0] * 1000, 1), round(busy[2] * 1000, 1)],
            "ratio": round(wall[2] / max(wall[0], wall[1]), 2),
            "processor_ratio": round(busy[2] / max(busy[0], busy[1]), 2),
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
    heads = ("statements", "rows", "p95, ms", "processor, ms", "p95 ratio", "processor")
    print(f"  {'':<26}" + "".join(f"{head:>15}" for head in heads))
    for case, row in report["cases"].items():
        star = "" if row["against"] == "the same" else "*"
        over = " !" if row["ratio"] > GOAL else ""
        cells = (
            " → ".join(str(n) for n in row["statements"]),
            " → ".join(str(n) for n in row["rows"]) + star,
            " → ".join(f"{ms:.0f}" for ms in row["p95_ms"]),
            " → ".join(f"{ms:.0f}" for ms in row["processor_p95_ms"]),
            f"{row['ratio']:.2f}",
            f"{row['processor_ratio']:.2f}",
        )
        print(f"  {case:<26}" + "".join(f"{cell:>15}" for cell in cells) + over)
    print(
        "\n  * its page is fuller with more runs: held against a full page of the small database, "
        "the plain list's or the same person's dashboard of 12 months"
    )
    for name, words in (("ratio", "p95 ratio"), ("processor_ratio", "processor's p95 ratio")):
        worst = max(row[name] for row in report["cases"].values())
        print(f"  worst {words} {worst:.2f} (goal {GOAL})")
    print(
        "  The processor's time is that of the app's process: SQLite's included, PostgreSQL's not."
    )


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
        from django.utils import timezone

        from bench import seed_runs
        from brokerportal.heap import settle
        from quotes.services.dashboard.keeping import keep_days, keep_months

        start = time.perf_counter()
        seed_runs.refuse_used()
        people = seed_runs.seed(runs, until=UNTIL)
        took = time.perf_counter() - start
        wrong = seed_runs.check()
        if wrong:
            raise SystemExit(f"The seed is not what the app would write: {wrong[0]}")
        _say({"database": connection.vendor, "seconds": took})
        # As a worker does after its start, and the web server before its first page.
        keep_months(timezone.now(), most=None)
        keep_days(timezone.now(), most=None)
        wanted = {name: case for name, case in cases(people).items() if only in name}
        visits = {name: _Visit(*case) for name, case in wanted.items()}
        for visit in visits.values():
            visit.rows()
        settle()
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
        self.url = query if query.startswith("/") else f"/runs/?{query}"
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

    def timed(self, times: int) -> list[tuple[float, float]]:
        """Seconds of each request, and of the processor for it."""
        taken = []
        for _ in range(times):
            start, busy = time.perf_counter(), time.process_time()
            self._get()
            taken.append((time.perf_counter() - start, time.process_time() - busy))
        return taken

    def rows(self) -> int:
        """Lines of the list; of a dashboard, its links to runs."""
        page = str(self._get().content.decode())
        return page.count('data-label="State"') or page.count('<a href="/runs/?')

    def statements(self) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as seen:
            self._get()
        return len(seen)


if __name__ == "__main__":
    main()

"""How the everyday pages bear an agency's whole history: server time against that at 1 % of it,
and against an empty page of the same stack.

On PostgreSQL 100,000 runs, 20,000 insureds and five million events; on SQLite a tenth. How it is
measured is in `sizes`; what is on the broker's desk, alike on every size, in `desk`.
"""

from __future__ import annotations

import argparse
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.sizes import Ask, Measured, ends, measure

GOAL, EMPTY_GOAL = 1.5, 3
SIZES = {"postgresql": (1_000, 5_000, 20_000, 100_000), "sqlite": (100, 500, 2_000, 10_000)}
EMPTY = "empty page"
FULL = {"dashboard": "dashboard, a year", "dashboard, all": "dashboard, a year, all"}
"""The page of the smallest database that is as full as one of the largest: with few runs a month's
dashboard has few brokers and carriers, a year's all of them."""
URLCONF = "bench.empty_page"


def cases(people: Any) -> dict[str, Ask]:
    """Name → who asks for which page."""
    from bench import desk, empty_page

    broker, manager, admin = people.brokers[0], people.manager, people.admin
    insured, run = desk.insured_on(broker).pk, desk.run_with_packages(broker).pk
    few = desk.run_with_packages(broker, 1).pk
    today = people.until.date()
    month, year = (
        f"/dashboard/?since={today - timedelta(days=days - 1)}&until={today}&service=nexio"
        for days in (30, 365)
    )
    return {
        EMPTY: Ask(broker, empty_page.ADDRESS),
        "worklist": Ask(broker, "/"),
        "worklist, a manager's": Ask(manager, "/"),
        "insured": Ask(broker, f"/insureds/{insured}/"),
        "run under way": Ask(broker, f"/runs/{desk.run_under_way(broker).pk}/"),
        "results, 6 packages": Ask(broker, f"/runs/{few}/"),
        "results, 20 packages": Ask(broker, f"/runs/{run}/"),
        "insureds": Ask(broker, "/insureds/"),
        "insureds, all": Ask(admin, "/insureds/"),
        "runs": Ask(broker, "/runs/?"),
        "runs, all": Ask(admin, "/runs/?"),
        "dashboard": Ask(manager, month),
        "dashboard, all": Ask(admin, month),
        FULL["dashboard"]: Ask(manager, year),
        FULL["dashboard, all"]: Ask(admin, year),
    }


def rows(page: str) -> int:
    """Links on the page, as a measure of how full it is."""
    return page.count("<a ")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", help="the sizes, in order")
    parser.add_argument("--rounds", type=int, default=10, help="turns of each size")
    parser.add_argument("--times", type=int, default=4, help="requests of a page in one turn")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    vendor = "postgresql" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "sqlite"
    sizes = options.runs or SIZES[vendor]
    found = measure("pages", sizes, rounds=options.rounds, times=options.times)
    report = {
        **found.heading(),
        "goal": GOAL,
        "goal_against_empty": EMPTY_GOAL,
        "cases": {case: _judged(found, case) for case in found.cases},
    }
    _print(report)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=2) + "\n")
        print(f"\nWritten to {options.json}")


def _judged(found: Measured, case: str) -> dict[str, Any]:
    last, full = len(found.sizes) - 1, {case, FULL.get(case, case)}
    return {
        **found.report(case),
        "ratio": round(found.ratio(case, full), 2),
        "processor_ratio": round(found.ratio(case, full, clock=1), 2),
        "against_empty": round(found.p95(last, case) / found.p95(last, EMPTY), 1),
        "processor_against_empty": round(found.p95(last, case, 1) / found.p95(last, EMPTY, 1), 1),
    }


def _print(report: dict[str, Any]) -> None:
    sizes = " → ".join(f"{size:,}" for size in report["runs"])
    print(
        f"\n{sizes} runs, {report['database']}, Python {report['python']}, "
        f"{report['requests_of_a_case']} requests of each; first and last size shown\n"
    )
    heads = (
        "statements", "kB", "median, ms", "p95, ms", "processor, ms", "ratio", "processor",
        "× empty", "processor",
    )  # fmt: skip
    print(f"  {'':<24}" + "".join(f"{head:>14}" for head in heads))
    for case, row in report["cases"].items():
        cells = (
            ends(row["statements"], "d"),
            ends([size / 1000 for size in row["bytes"]], ".0f"),
            ends(row["median_ms"], ".0f"),
            ends(row["p95_ms"], ".0f"),
            ends(row["processor_p95_ms"], ".0f"),
            f"{row['ratio']:.2f}",
            f"{row['processor_ratio']:.2f}",
            f"{row['against_empty']:.1f}",
            f"{row['processor_against_empty']:.1f}",
        )
        over = " !" if row["ratio"] > GOAL else ""
        print(f"  {case:<24}" + "".join(f"{cell:>14}" for cell in cells) + over)
    print(
        "\n  Ratios are of 95th percentiles: of the largest database to the smallest (goal "
        f"{GOAL}), and to the empty page on the largest (goal {EMPTY_GOAL})."
    )


if __name__ == "__main__":
    main()

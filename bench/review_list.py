"""How the list of runs and the dashboard bear 100,000 runs: statements and server time against
1,000 runs, with two sizes between. How it is measured is in `sizes`.
"""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.sizes import Ask, Measured, ends, measure

GOAL = 1.5
SIZES = (1_000, 5_000, 20_000, 100_000)
PLAIN = "plain, admin"
FULLER = {
    "dashboard, 30 days": "dashboard, 12 months",
    "dashboard, manager's 30 days": "dashboard, manager's 12 months",
    "dashboard, a broker's 30 days": "dashboard, a broker's year",
    "dashboard, 12 months": "dashboard, 12 months",
    "dashboard, manager's 12 months": "dashboard, manager's 12 months",
    "dashboard, a broker's year": "dashboard, a broker's year",
    "overridden, last month": "plain, manager of a fifth",
    "search: one household": "search: a common name",
    "search, broker's own": "search: a common name",
}
"""Which page of its kind is as full with few runs: a dashboard of a year has all brokers and
carriers, the search for a common name fills its page. For others it is the plain list, everybody's
or a manager's."""


def cases(people: Any) -> dict[str, Ask]:
    """Name → who asks for which list or dashboard."""
    return {**_lists(people), **_dashboards(people)}


def _lists(people: Any) -> dict[str, Ask]:
    admin, manager, broker = people.admin, people.manager, people.brokers[1]
    carrier = people.carriers[2].pk
    today = people.until.date()
    soon = f"expires_since={today}&expires_until={today + timedelta(days=7)}"
    lists: dict[str, tuple[Any, ...]] = {
        PLAIN: (admin, ""),
        "plain, manager of a fifth": (manager, ""),
        "a broker's own": (broker, ""),
        "page 40": (admin, "", "", 40),
        "page 40, manager": (manager, "", "", 40),
        "by broker": (admin, f"broker={broker.pk}"),
        "by office": (admin, f"office={people.offices[1].pk}"),
        "by state": (admin, "state=completed"),
        "went wrong": (admin, "state=needs_person"),
        "by failure": (admin, "failure=no_package"),
        "by Nexio's status": (admin, "nexio=degraded"),
        "by lines": (admin, "line=home&line=umbrella"),
        "by carrier": (admin, f"carrier={carrier}"),
        "by bound carrier": (admin, f"carrier={carrier}&part=bound"),
        "by label": (admin, "label=best_value"),
        "by decision": (admin, "decision=bound"),
        "overridden": (admin, "overridden=yes"),
        "overridden, last month": (manager, f"overridden=yes&since={today - timedelta(days=30)}"),
        "undecided, ending soon": (admin, f"decision=undecided&{soon}"),
        "in the sandbox": (admin, "service=sandbox"),
        "dearest first": (admin, "sort=-cost"),
        "longest wait first": (manager, "sort=-waited"),
        "first to expire": (admin, "sort=expires"),
        "dearest first, page 40": (admin, "sort=-cost", "", 40),
        "search: one household": (admin, "", "Household 500"),
        "search: a common name": (admin, "", "marlow"),
        "search: a carrier": (admin, "", "copperfield"),
        "search: a quote id": (admin, "", "H-0123456789"),
        "search: nothing": (admin, "", "nobody at all"),
        "search, broker's own": (broker, "", "marlow"),
    }
    return {name: Ask(who, f"/runs/?{query}", *rest) for name, (who, query, *rest) in lists.items()}


def _dashboards(people: Any) -> dict[str, Ask]:
    admin, manager, broker = people.admin, people.manager, people.brokers[1]
    today = people.until.date()
    month, year = (
        f"/dashboard/?since={today - timedelta(days=days - 1)}&until={today}&service=nexio"
        for days in (30, 365)
    )
    return {
        "dashboard, 30 days": Ask(admin, month),
        "dashboard, manager's 30 days": Ask(manager, month),
        "dashboard, manager's 12 months": Ask(manager, year),
        "dashboard, 12 months": Ask(admin, year),
        "dashboard, a broker's 30 days": Ask(admin, f"{month}&broker={broker.pk}"),
        "dashboard, a broker's year": Ask(admin, f"{year}&broker={broker.pk}"),
    }


def rows(page: str) -> int:
    """Lines of the list; of a dashboard, its links to runs."""
    if 'id="h-list"' in page:
        return page.count('data-label="State"')
    return page.count('<a href="/runs/?')


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.review_list", description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=SIZES, help="the sizes, in order")
    parser.add_argument("--rounds", type=int, default=10, help="turns of each size")
    parser.add_argument("--times", type=int, default=4, help="requests of a case in one turn")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    found = measure(
        "review_list", options.runs, rounds=options.rounds, times=options.times, only=options.only
    )
    report = {
        **found.heading(),
        "goal": GOAL,
        "cases": {case: _judged(found, case) for case in found.cases},
    }
    _print(report)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=2) + "\n")
        print(f"\nWritten to {options.json}")


def _judged(found: Measured, case: str) -> dict[str, Any]:
    """A case's figures, with the page of the smallest database that it is held against."""
    few, *_, many = found.rows(case)
    # Fewer runs may not fill a page, and an empty page is quickly drawn: then a full page of the
    # smallest database is what the largest one is held against.
    against = case
    if few < many:
        fuller = FULLER.get(case, PLAIN)
        against = fuller if fuller in found.cases else case
    pages = {case, against}
    return {
        **found.report(case),
        "against": "the same" if against == case else against,
        "ratio": round(found.ratio(case, pages), 2),
        "processor_ratio": round(found.ratio(case, pages, clock=1), 2),
    }


def _print(report: dict[str, Any]) -> None:
    sizes = " → ".join(f"{size:,}" for size in report["runs"])
    print(
        f"\n{sizes} runs, {report['database']}, Python {report['python']}, "
        f"{report['requests_of_a_case']} requests of each; first and last size shown\n"
    )
    heads = ("statements", "rows", "median, ms", "p95, ms", "processor, ms", "ratio", "processor")
    print(f"  {'':<32}" + "".join(f"{head:>15}" for head in heads))
    for case, row in report["cases"].items():
        star = "" if row["against"] == "the same" else "*"
        cells = (
            ends(row["statements"], "d"),
            ends(row["rows"], "d") + star,
            ends(row["median_ms"], ".0f"),
            ends(row["p95_ms"], ".0f"),
            ends(row["processor_p95_ms"], ".0f"),
            f"{row['ratio']:.2f}",
            f"{row['processor_ratio']:.2f}",
        )
        over = " !" if row["ratio"] > GOAL else ""
        print(f"  {case:<32}" + "".join(f"{cell:>15}" for cell in cells) + over)
    print(
        "\n  Ratios are of 95th percentiles. * its page is fuller with more runs: held against a "
        "full page of the smallest database, the plain list's or the same person's dashboard of a "
        "year."
    )
    for name, words in (("ratio", "ratio"), ("processor_ratio", "processor's ratio")):
        worst = max(row[name] for row in report["cases"].values())
        print(f"  worst {words} {worst:.2f} (goal {GOAL})")


if __name__ == "__main__":
    main()

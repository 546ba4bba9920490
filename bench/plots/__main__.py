"""`python -m bench.plots`: see the package."""

from __future__ import annotations

import argparse
import json
import re
import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.plots.chart import Point, draw
from bench.plots.tables import TABLES

ROOT = Path(__file__).resolve().parent.parent.parent
FOUND, PICTURES = ROOT / "var" / "bench", ROOT / "docs" / "performance"
PAGE = ROOT / "docs" / "performance.md"
UP = "milliseconds of the processor"
EVERYDAY = ("results, 20 packages", "worklist", "insured", "runs, all", "insureds, all")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.plots", description=__doc__)
    parser.add_argument("--found", type=Path, default=FOUND, help="where the JSON files are")
    options = parser.parse_args()
    found = {path.stem: json.loads(path.read_text()) for path in options.found.glob("*.json")}
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures(found).items():
        (PICTURES / f"{name}.svg").write_text(picture)
        print(f"docs/performance/{name}.svg")
    text = PAGE.read_text()
    for name, table in TABLES.items():
        with suppress(KeyError):  # not measured
            text = put(text, name, table(found))
    PAGE.write_text(text)


def put(text: str, name: str, block: str) -> str:
    """The text with the block between the two markers of this name. Raises SystemExit where it
    has no such place."""
    place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not place.search(text):
        raise SystemExit(f"docs/performance.md has no place for {name}.")
    return place.sub(lambda kept: f"{kept[1]}{block}\n{kept[2]}", text)


def pictures(found: Mapping[str, Any]) -> dict[str, str]:
    """The SVGs by file name, of what was measured."""
    drawn = {}
    for part in ("import", "reply", "pdf", "export"):
        if part in found.get("writes", {}):
            drawn[part] = _growth(found["writes"][part])
    if export := found.get("writes", {}).get("export"):
        drawn["export-memory"] = _memory(export)
    for name, wanted in (("pages", EVERYDAY), ("dashboards", ("dashboard", "dashboard, all"))):
        if "pages" in found:
            drawn[name] = _pages(found["pages"], ("empty page", *wanted))
    if flights := found.get("watching", {}).get("flights"):
        drawn["flights"] = _flights(flights)
        drawn["lateness"] = _lateness(flights)
    if bursts := found.get("watching", {}).get("burst"):
        drawn["bursts"] = _bursts(bursts)
    if pages := found.get("open_pages", {}).get("open"):
        drawn["open-pages"] = _open_pages(pages)
    return drawn


def _growth(part: Mapping[str, Any]) -> str:
    lines = {
        way: [_point(size, values) for size, values in zip(part["sizes"], taken, strict=True)]
        for way, taken in part["processor_ms"].items()
    }
    return draw(part["title"], part["of"], UP, lines)


def _memory(part: Mapping[str, Any]) -> str:
    lines = {
        way: [(s, m, m, m) for s, m in zip(part["sizes"], peaks, strict=True)]
        for way, peaks in part["peak_mb_above_start"].items()
    }
    return draw("Memory of that export at its peak", part["of"], "megabytes above the start", lines)


def _pages(found: Mapping[str, Any], wanted: Sequence[str]) -> str:
    lines: dict[str, list[Point]] = {}
    for case in wanted:
        row = found["cases"][case]
        medians, tops = row["processor_median_ms"], row["processor_p95_ms"]
        lines[case] = [
            (size, median, median, max(top, median))
            for size, median, top in zip(found["runs"], medians, tops, strict=True)
        ]
    return draw("A page, its median and 95th percentile", "runs in the database", UP, lines)


def _flights(flights: Sequence[Mapping[str, Any]]) -> str:
    lines: dict[str, list[Point]] = {}
    for each in flights:
        parts = each["cpu_ms_per_poll_parts"]
        lines.setdefault(f"{each['name']}, {each['takes']}", []).append(
            (each["in_flight"], each["cpu_ms_per_poll"], min(parts), max(parts))
        )
    return draw("A poll, ends and their storing included", "runs in flight", UP, lines)


def _lateness(flights: Sequence[Mapping[str, Any]]) -> str:
    lines: dict[str, list[Point]] = {}
    for each in flights:
        middle, most = each["excess_p50"], each["excess_p95"]
        lines.setdefault(f"{each['name']}, {each['takes']}", []).append(
            (each["in_flight"], middle, middle, most)
        )
    title = "An end after the ideal schedule, median and p95"
    return draw(title, "runs in flight", "seconds", lines)


def _bursts(bursts: Sequence[Mapping[str, Any]]) -> str:
    lines: dict[str, list[Point]] = {}
    for each in bursts:
        took = each["all_accepted_after"]
        lines.setdefault(each["limit"], []).append((each["count"], took, took, took))
    return draw("Submissions started at once", "submissions", "seconds until the last one", lines)


def _open_pages(pages: Sequence[Mapping[str, Any]]) -> str:
    shares = [(each["pages"], each["cpu_share"] * 100) for each in pages]
    lines = {"web processes": [(count, share, share, share) for count, share in shares]}
    return draw("Open pages on runs of ten minutes", "open pages", "percent of a core", lines)


def _point(size: float, values: Sequence[float]) -> Point:
    return size, statistics.median(values), min(values), max(values)


if __name__ == "__main__":
    main()

"""The tables of docs/performance.md, as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

PARTS = ("import", "reply", "pdf", "export")


def writes(found: Mapping[str, Any]) -> str:
    """Every part of `writes.json`: a row for each way, a column for each size."""
    blocks = []
    for name in PARTS:
        part = found["writes"].get(name)
        if part is None:
            continue
        rows = [
            [way, *(_spread(values) for values in taken)]
            for way, taken in part["processor_ms"].items()
        ]
        rows.append([f"**{part['against']}, times ours**", *(f"**{r:g}**" for r in part["ratios"])])
        for way, peaks in part.get("peak_mb_above_start", {}).items():
            rows.append([f"memory at its peak, {way}, MB", *(f"{peak:g}" for peak in peaks)])
        for key, words in (
            ("statements", "statements"),
            ("statements_of_an_end", "statements, with all an end brings"),
        ):
            if key in part:
                rows.append([f"{words}, ours", *map(str, part[key])])
        heads = [part["of"], *(f"{size:,}" for size in part["sizes"])]
        how = f"{part['rounds']} rounds, {_database(found['writes'])}"
        blocks.append(f"{part['title']} ({how}):\n\n{_table(heads, rows)}")
    return "\n\n".join(blocks)


def pages(found: Mapping[str, Any]) -> str:
    """The everyday pages of `pages.json`."""
    return _pages(found["pages"])


def pages_postgresql(found: Mapping[str, Any]) -> str:
    """The same of `pages_postgresql.json`."""
    return _pages(found["pages_postgresql"])


def _pages(report: Mapping[str, Any]) -> str:
    few, many = report["runs"][0], report["runs"][-1]
    rows, empty = [], report["cases"]["empty page"]["processor_median_ms"][-1]
    for case, row in report["cases"].items():
        medians = row["processor_median_ms"]
        rows.append(
            [
                case,
                f"{row['statements'][0]}, {row['statements'][-1]}",
                *(f"{each:.0f}" for each in medians),
                f"{medians[-1] / medians[0]:.1f}",
                f"{row['processor_ratio']:.1f}",
                f"{medians[-1] / empty:.1f}",
                f"{row['processor_against_empty']:.1f}",
            ]
        )
    heads = [
        f"{_database(report)}, runs", "statements", *(f"{size:,}" for size in report["runs"]),
        "ratio of medians", "of p95", "times an empty page, medians", "p95",
    ]  # fmt: skip
    said = (
        f"Milliseconds of the processor, medians of {report['requests_of_a_case']} requests; "
        f"statements and ratios of {few:,} and {many:,} runs:"
    )
    return f"{said}\n\n{_table(heads, rows)}"


def flights(found: Mapping[str, Any]) -> str:
    """Runs in flight, of `watching.json`."""
    rows = [
        [
            each["name"], f"{each['in_flight']:,}", each["takes"],
            f"{each['polls_per_second']:.0f}", _poll_cost(each),
            f"{each['excess_p50']:.2f}, {each['excess_p95']:.2f}", str(each["ends_missed"]),
            str(each["too_early"]), f"{each['rss_begin_mb']:.0f}, {each['rss_end_mb']:.0f}",
        ]
        for each in found["watching"]["flights"]
    ]  # fmt: skip
    heads = [
        "", "in flight", "of", "polls a second", "ms of the processor a poll",
        "late by, s: p50, p95", "ends not known in time", "requests too early",
        "MB, first and last",
    ]  # fmt: skip
    return _table(heads, rows)


def _poll_cost(flight: Mapping[str, Any]) -> str:
    parts = flight["cpu_ms_per_poll_parts"]
    return f"{flight['cpu_ms_per_poll']:.2f} ({min(parts):.2f}–{max(parts):.2f})"


def bursts(found: Mapping[str, Any]) -> str:
    """Submissions started at once, of `watching.json`."""
    rows = [
        [
            f"{each['count']:,}", each["limit"], f"{each['all_accepted_after']:.1f}",
            str(each["posts"]), str(each["throttled"]), str(each["lost"]), str(each["twice"]),
            f"{each['cpu_ms_per_run']:.1f}",
        ]
        for each in found["watching"]["burst"]
    ]  # fmt: skip
    heads = [
        "at once", "Nexio", "s until all were accepted", "POSTs", "told to wait", "lost",
        "accepted twice", "ms of the processor a run",
    ]  # fmt: skip
    return _table(heads, rows)


def open_pages(found: Mapping[str, Any]) -> str:
    """Run pages left open, of `open_pages.json`."""
    rows = [
        [
            str(each["pages"]), f"{each['requests_per_page_and_minute']:.1f}",
            f"{each['cpu_ms_per_request']:.1f}", f"{each['cpu_share'] * 100:.1f} %",
            f"{each['shown_after_p50']:.2f}, {each['shown_after_p95']:.2f}, "
            f"{each['shown_after_most']:.2f}",
            str(each["ends_shown"]),
        ]
        for each in found["open_pages"]["open"]
    ]  # fmt: skip
    heads = [
        "open pages", "requests a page and minute", "ms of the processor each", "of a core",
        "an end shown after, s: p50, p95, most", "ends",
    ]  # fmt: skip
    return _table(heads, rows)


TABLES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "writes": writes,
    "pages": pages,
    "pages-postgresql": pages_postgresql,
    "flights": flights,
    "bursts": bursts,
    "open-pages": open_pages,
}


def _spread(values: Sequence[float]) -> str:
    """ "12.1 (8–16)": the median, and the least to the most."""
    how = ",.0f" if max(values) >= 100 else ".1f"
    return f"{statistics.median(values):{how}} ({min(values):{how}}–{max(values):{how}})"


def _database(report: Mapping[str, Any]) -> str:
    return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[report["database"]]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(each)} |" for each in (heads, *rows)]
    return "\n".join([lines[0], "|---" * len(heads) + "|", *lines[1:]])

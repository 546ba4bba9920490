"""Runs in flight: how long after the ideal schedule their ends are known, and at what cost."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench import timing
from bench.sizes import p95
from bench.watching import seeding, stage
from bench.watching.ideal import Ideal, requests_too_early
from bench.watching.process import EVERY
from bench.watching.seeding import Seeded

WARM_UP = 10.0
GRACE = 5.0
PART = 10.0
"""Seconds of each part of a measurement; how these differ is the spread that is shown."""


@dataclass(frozen=True)
class Flight:
    """What one way of watching did. Seconds, milliseconds of processor time, megabytes."""

    name: str
    in_flight: int
    takes: str
    measured_seconds: float
    ends_seen: int
    ends_missed: int
    excess_p50: float
    excess_p95: float
    polls_per_second: float
    cpu_ms_per_poll: float
    cpu_ms_per_poll_parts: list[float]
    cpu_share: float
    rss_begin_mb: float
    rss_end_mb: float
    too_early: int

    def say(self) -> None:
        print(
            f"  {self.name:<12}{self.in_flight:>6,} × {self.takes:<9}"
            f"{self.excess_p50:>8.3f}{self.excess_p95:>8.3f} s"
            f"{self.polls_per_second:>8.0f}/s{self.cpu_ms_per_poll:>7.2f} ms"
            f" ({min(self.cpu_ms_per_poll_parts):.2f}–{max(self.cpu_ms_per_poll_parts):.2f})"
            f"{self.cpu_share:>6.0%}{self.rss_begin_mb:>7.0f} →{self.rss_end_mb:>4.0f} MB"
            f"{self.too_early:>6}{self.ends_missed:>6}"
        )


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every size with ours; the bare loop beside the largest of the short runs and the long."""
    print("Runs in flight: how long after the ideal schedule an end is known")
    print(
        f"  {'':<12}{'in flight':<18}{'p50':>8}{'p95':>8}  {'polls':>9}{'a poll':>10}{'':12}"
        f"{'core':>6}{'memory':>14}{'early':>9}{'late':>6}"
    )
    found = []
    for sizes, takes, seconds in (
        (options.sizes, (15, 60), options.seconds),
        (options.long, (600, 600), options.long_seconds),
    ):
        for size in sizes:
            names = ("ours", "bare") if size == max(sizes) else ("ours",)
            found += [_fly(name, size, takes, seconds, options.reply) for name in names]
    return [asdict(each) for each in found]


def _fly(name: str, size: int, takes: tuple[float, float], seconds: float, reply: float) -> Flight:
    ideal = Ideal(reply)
    with timing.test_database():
        like = seeding.template()
        with stage.nexio(like.request, reply) as url, tempfile.TemporaryDirectory() as folder:
            diary, plan = Path(folder) / "diary", Path(folder) / "runs"
            last = WARM_UP + seconds + GRACE
            # Time to put the rows into the database, and for a process to start.
            now = time.time() + (25 if name == "ours" else 10)
            runs = seeding.lives(size, *takes, now=now, seconds=last, ideal=ideal)
            if name == "ours":
                seeding.put(runs, like, now=now)
            plan.write_text(json.dumps({str(r.pk): [r.nexio_run_id, r.due, r.polls] for r in runs}))
            watching = stage.start(name, diary, now + last, plan)
            watching.wait(timeout=last + 120)
            lines = [json.loads(line) for line in diary.read_text().splitlines()]
            asked = stage.journal(url)
    begins = now + WARM_UP
    window = begins, begins + seconds
    flight = _judge(name, runs, lines, asked, window, ideal)
    made = Flight(name=name, in_flight=size, takes=_words(takes), **flight)
    made.say()
    return made


def _judge(
    name: str,
    runs: list[Seeded],
    lines: list[dict[str, Any]],
    asked: list[tuple[str, str, float, int]],
    window: tuple[float, float],
    ideal: Ideal,
) -> dict[str, Any]:
    known = {line["run"]: line["at"] for line in lines if "run" in line}
    excess, missed = [], 0
    for run in runs:
        seen = ideal.sees(run.pk, run.due, run.polls, run.ends)
        if not window[0] <= seen <= window[1]:
            continue
        at = known.get(run.nexio_run_id)
        missed += at is None
        excess.append((at if at is not None else window[1] + GRACE) - seen)
    arrivals = defaultdict(list)
    for _, run_id, at, _ in asked:
        arrivals[run_id].append(at)
    too_early = sum(
        requests_too_early(arrivals[run.nexio_run_id], reply=ideal.reply, polls=run.polls)
        for run in runs
    )
    samples = [line for line in lines if "cpu" in line]
    samples = [line for line in samples if window[0] <= line["at"] <= window[1]]
    first, last = samples[0], samples[-1]
    took, polls = last["at"] - first["at"], last["polls"] - first["polls"]
    cpu = last["cpu"] - first["cpu"]
    borders = samples[:: round(PART / EVERY)]
    parts = list(pairwise(borders)) or [(first, last)]
    late = p95(excess)
    return {
        "measured_seconds": round(took, 1),
        "ends_seen": len(excess),
        "ends_missed": missed,
        "excess_p50": round(statistics.median(excess), 3),
        "excess_p95": round(late, 3),
        "polls_per_second": round(polls / took, 1),
        "cpu_ms_per_poll": round(cpu / polls * 1000, 3),
        "cpu_ms_per_poll_parts": [
            round((end["cpu"] - begin["cpu"]) / max(end["polls"] - begin["polls"], 1) * 1000, 3)
            for begin, end in parts
        ],
        "cpu_share": round(cpu / took, 3),
        "rss_begin_mb": round(first["rss"] / 1e6, 1),
        "rss_end_mb": round(last["rss"] / 1e6, 1),
        "too_early": too_early,
    }


def _words(takes: tuple[float, float]) -> str:
    return "10 min" if takes[0] == takes[1] == 600 else f"{takes[0]:g}–{takes[1]:g} s"

"""The list of runs as XLSX, written to a temporary file, against a workbook held in memory.

Each export is made in a process of its own, since what matters is the most memory it ever holds.
Both read the same rows from the same kept database and write the same cells.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from bench.writes.growth import OURS, Growth

IN_MEMORY = "in memory"


def measure(sizes: Sequence[int], rounds: int) -> Growth:
    """Seed what is not there yet, then let the ways take turns."""
    found = Growth("Export of the list of runs as XLSX", "runs", IN_MEMORY)
    peaks: dict[str, dict[int, list[float]]] = {OURS: {}, IN_MEMORY: {}}
    megabytes = []
    for size in sizes:
        _in_a_process(size, OURS)
        for _ in range(rounds):
            for way, of in peaks.items():
                said = _in_a_process(size, way)
                found.taken.setdefault(way, {}).setdefault(size, []).append(said["ms"])
                of.setdefault(size, []).append(said["peak_mb"])
        megabytes.append(said["bytes"] / 1e6)
    found.also["peak_mb_above_start"] = {
        way: [round(max(of[size]), 1) for size in sizes] for way, of in peaks.items()
    }
    found.also["file_mb"] = [round(each, 1) for each in megabytes]
    return found


def _in_a_process(size: int, way: str) -> dict[str, float]:
    made = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "bench.writes.exports", str(size), way],
        check=True,
        stdout=subprocess.PIPE,
    )
    answer: dict[str, float] = json.loads(made.stdout.splitlines()[-1])
    return answer


def export(size: int, way: str) -> dict[str, float]:
    """One export of a kept database: milliseconds of the processor, megabytes at most above what
    the process held before, and bytes of the file."""
    from django.utils import timezone

    from bench import desk, kept, seed_runs
    from bench.sizes import processor
    from quotes.models import RunFact
    from quotes.services import run_list as listing
    from quotes.services.exports.files import write_xlsx
    from quotes.services.exports.streams import xlsx_file
    from quotes.services.exports.tables import Table

    said = kept.opened(size, lambda until: desk.fill(size, until))
    people = seed_runs.people_of(datetime.fromisoformat(said["until"]))
    rows, now = RunFact.objects.visible_to(people.admin), timezone.now()
    nothing = listing.export_pieces(rows.none(), listing.LATEST)
    # What every export loads and compiles is there before it is measured.
    xlsx_file("Runs", listing.COLUMNS, listing.export_rows(nothing, now), "Runs").close()
    busy = processor()
    _forget_peak()
    before, held = busy(), _status("VmRSS")
    cells = listing.export_rows(listing.export_pieces(rows, listing.LATEST), now)
    if way == OURS:
        with xlsx_file("Runs", listing.COLUMNS, cells, "Runs") as file:
            length = sum(len(piece) for piece in iter(lambda: file.read(65536), b""))
    else:
        length = len(write_xlsx([Table("Runs", listing.COLUMNS, list(cells))], "Runs"))
    return {
        "ms": (busy() - before) * 1000,
        "peak_mb": (_status("VmHWM") - held) / 1e6,
        "bytes": length,
    }


def _forget_peak() -> None:
    """What the process held at most is counted from here on."""
    Path("/proc/self/clear_refs").write_text("5")


def _status(name: str) -> int:
    """Bytes that /proc says of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"/proc/self/status has no {name}.")


if __name__ == "__main__":
    print(json.dumps(export(int(sys.argv[1]), sys.argv[2])))

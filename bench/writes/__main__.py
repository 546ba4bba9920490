"""`python -m bench.writes`: see the package."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench import timing
from bench.writes import exports, imports, papers, replies
from bench.writes.growth import Growth

Measure = Callable[[Sequence[int], int], Growth]
PARTS: dict[str, tuple[Measure, Sequence[int], str]] = {
    "import": (imports.measure, (500, 1000, 2500, 5000), "quotes in the file"),
    "reply": (replies.measure, (20, 100, 250, 500), "packages in the reply"),
    "pdf": (papers.measure, (1, 2, 3, 4), "packages in the proposal"),
    "export": (exports.measure, (1_000, 5_000, 20_000, 100_000), "runs in the list"),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.writes", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="all ways in each (3)")
    parser.add_argument("--only", choices=PARTS, nargs="+", help="these parts alone")
    for name, (_, sizes, words) in PARTS.items():
        said = " ".join(map(str, sizes))
        parser.add_argument(
            f"--{name}", type=int, nargs="+", default=sizes, help=f"{words} ({said})"
        )
    parser.add_argument("--folder", type=Path, help="write the figures here as JSON")
    options = parser.parse_args()
    report: dict[str, Any] = _earlier(options)
    for name, (measure, _, _) in PARTS.items():
        if options.only and name not in options.only:
            continue
        sizes = getattr(options, name)
        if name == "export":  # its databases are kept ones
            found = measure(sizes, options.rounds)
        else:
            with timing.test_database():
                found = measure(sizes, options.rounds)
        found.say()
        report[name] = {"rounds": options.rounds, **found.report()}
    if options.folder:
        timing.keep(options.folder, "writes", report)


def _earlier(options: argparse.Namespace) -> dict[str, Any]:
    """The parts that are not measured again, as they were kept."""
    if not options.folder or not options.only:
        return {}
    with suppress(FileNotFoundError):
        kept: dict[str, Any] = json.loads((options.folder / "writes.json").read_text())
        return {name: part for name, part in kept.items() if name in PARTS}
    return {}


if __name__ == "__main__":
    main()

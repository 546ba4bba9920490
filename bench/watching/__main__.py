"""`python -m bench.watching`: see the package."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import timing
from bench.watching import bursts, flights, sample


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.watching", description=__doc__)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[250, 500, 1000, 2000],
        help="runs of 15 to 60 s in flight (250 500 1000 2000)",
    )  # fmt: skip
    parser.add_argument(
        "--long", type=int, nargs="*", default=[625, 1250, 2500, 5000],
        help="runs of ten minutes (625 1250 2500 5000)",
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, default=60, help="measured, each time (60)")
    parser.add_argument("--long-seconds", type=float, default=60, help="of the long ones (60)")
    parser.add_argument("--sample", type=int, default=6, help="runs with the guide's loop (6)")
    parser.add_argument(
        "--burst", type=int, nargs="+", default=[125, 250, 500, 1000],
        help="submissions at once (125 250 500 1000)",
    )  # fmt: skip
    parser.add_argument("--reply", type=float, default=0.05, help="seconds of a reply (0.05)")
    parser.add_argument("--only", choices=["flights", "burst", "sample"])
    parser.add_argument("--folder", type=Path, help="write the figures here as JSON")
    options = parser.parse_args()
    report: dict[str, object] = {"reply_seconds": options.reply}
    if options.only in {None, "flights"}:
        report["flights"] = flights.measure(options)
    if options.only in {None, "burst"}:
        report["burst"] = bursts.measure(options)
    if options.only in {None, "sample"}:
        report["sample"] = sample.measure(options)
    if options.folder:
        timing.keep(options.folder, "watching", report)


if __name__ == "__main__":
    main()

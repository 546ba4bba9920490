"""`python -m bench`: every benchmark, or the one that `--only` names, each in a fresh database."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import import_quotes, results_page, timing

BENCHMARKS = {"import_quotes": import_quotes.run, "results_page": results_page.run}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="rounds, all steps in each (5)")
    parser.add_argument("--quotes", type=int, default=1000, help="in the imported file (1000)")
    parser.add_argument("--packages", type=int, default=200, help="in the larger run (200)")
    parser.add_argument("--only", choices=BENCHMARKS, help="this benchmark alone")
    parser.add_argument("--folder", type=Path, help="write the figures here as JSON")
    options = parser.parse_args()
    if options.runs < 1 or options.quotes < 10 or not 5 <= options.packages <= 500:
        parser.error("at least 1 round and 10 quotes, and 5 to 500 packages")
    for name, benchmark in BENCHMARKS.items():
        if options.only in {None, name}:
            with timing.test_database():
                report = benchmark(options)
                if options.folder:
                    timing.keep(options.folder, name, report)


if __name__ == "__main__":
    main()

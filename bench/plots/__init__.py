"""What the benchmarks found, as pictures and tables in docs/performance.md.

`python -m bench.plots` reads `var/bench/*.json` and writes `docs/performance/*.svg` and the parts
of docs/performance.md between its markers. What was not measured stays as it was.
"""

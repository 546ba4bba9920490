"""Exact percentiles of values at hand.

The definition is that of PostgreSQL's percentile_cont, of a spreadsheet's PERCENTILE.INC and of
Python's `statistics.quantiles(method="inclusive")`: of n values in order, the p-th percentile
lies p/100 of the way along the n − 1 steps between them, and between two values it is
interpolated. The median of an even number of values is the middle of the two in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """A percentile of values in ascending order, None of none; `percent` is a whole number."""
    if not ordered:
        return None
    below, rest = divmod(percent * (len(ordered) - 1), 100)
    low = ordered[below]
    return low + (ordered[below + 1] - low) * rest / 100 if rest else low

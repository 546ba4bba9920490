"""Exact percentiles of values at hand.

The definition is that of PostgreSQL's percentile_cont, of a spreadsheet's PERCENTILE.INC and of
Python's `statistics.quantiles(method="inclusive")`: of n values in order, the p-th percentile
lies p/100 of the way along the n − 1 steps between them, and between two values it is
interpolated. The median of an even number of values is the middle of the two in the middle.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Times:
    """Seconds: those that are `kept` in order, and `new` ones in any."""

    new: list[float] = field(default_factory=list)
    kept: Sequence[float] = ()

    def percentile(self, percent: int) -> float | None:
        """A percentile of all of them, None of none; `percent` is a whole number."""
        return percentile(self.kept, sorted(self.new), percent)

    def settle(self) -> None:
        """Keep the new ones as well."""
        self.kept = array("d", sorted([*self.kept, *self.new]))
        self.new = []


def percentile(some: Sequence[float], others: Sequence[float], percent: int) -> float | None:
    """A percentile of the values of two sequences, each in ascending order; None of none."""
    steps = len(some) + len(others) - 1
    if steps < 0:
        return None
    below, rest = divmod(percent * steps, 100)
    low = _nth(some, others, below)
    return low + (_nth(some, others, below + 1) - low) * rest / 100 if rest else low


def _nth(some: Sequence[float], others: Sequence[float], n: int) -> float:
    """The value that has n before it when both are put in one order: a year's times are not, each
    time that a few of today come to them."""
    least, most = max(n - len(others), 0), min(n, len(some))
    while least < most:  # how many of the first n are from `some`
        middle = (least + most) // 2
        if some[middle] < others[n - middle - 1]:
            least = middle + 1
        else:
            most = middle
    ahead = (some[least : least + 1], others[n - least : n - least + 1])
    return min(value for each in ahead for value in each)

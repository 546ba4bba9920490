"""Exact percentiles of values at hand.

The definition is that of PostgreSQL's percentile_cont, of a spreadsheet's PERCENTILE.INC and of
Python's `statistics.quantiles(method="inclusive")`: of n values in order, the p-th percentile
lies p/100 of the way along the n − 1 steps between them, and between two values it is
interpolated. The median of an even number of values is the middle of the two in the middle.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

MOST_TO_SORT = 5_000
"""So many values are sooner sorted than searched; Python merges what is in order already."""


@dataclass
class Times:
    """Seconds: those that are `kept`, in sequences that are each in order, and `new` ones."""

    new: list[float] = field(default_factory=list)
    kept: list[Sequence[float]] = field(default_factory=list)

    def percentiles(self, *percents: int) -> list[float | None]:
        """Percentiles of all of them, None of none; whole numbers."""
        parts = [*self.kept, sorted(self.new)]
        if sum(map(len, parts)) <= MOST_TO_SORT:
            parts = [sorted(chain.from_iterable(parts))]
        return [percentile(parts, percent) for percent in percents]

    def settle(self) -> None:
        """Keep the new ones as well, all in one sequence."""
        self.kept = [array("d", sorted(chain(*self.kept, self.new)))]
        self.new = []


def percentile(parts: Sequence[Sequence[float]], percent: int) -> float | None:
    """A percentile of the values of sequences that are each in ascending order; None of none."""
    steps = sum(map(len, parts)) - 1
    if steps < 0:
        return None
    below, rest = divmod(percent * steps, 100)
    low = _nth(parts, below)
    return low + (_nth(parts, below + 1) - low) * rest / 100 if rest else low


def _nth(parts: Sequence[Sequence[float]], n: int) -> float:
    """The value that n others precede when all are put in one order, which would take longer: in
    one of the parts it is found by halving."""
    if len(parts) == 1:
        return parts[0][n]
    for part in parts:
        least, most = 0, len(part)
        while least < most:
            middle = (least + most) // 2
            value = part[middle]
            if sum(bisect_right(each, value) for each in parts) <= n:
                least = middle + 1
            elif sum(bisect_left(each, value) for each in parts) > n:
                most = middle
            else:
                return value
    raise IndexError(n)

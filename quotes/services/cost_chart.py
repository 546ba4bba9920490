"""The packages' costs on one axis, drawn by the server; the list beside it holds the figures.

Pure geometry in a box 340 wide: rows in Nexio's rank order, a dot for a cost, a bar for a range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from quotes.models import Solution

MOST_ROWS = 12
LEFT, RIGHT, TOP, ROW = Decimal(40), Decimal(326), 26, 28
STEPS = tuple(Decimal(10) ** n * k for n in range(9) for k in (1, 2, 5))
LABEL_ROOM = Decimal(120)


@dataclass(frozen=True)
class Row:
    """One package: `x1` its low cost, `x2` its high one, None where it is one figure."""

    rank: str
    y: int
    text_y: int
    x1: str
    x2: str | None
    mixed: bool


@dataclass(frozen=True)
class Tick:
    x: str
    dollars: Decimal


@dataclass(frozen=True)
class CostChart:
    """`reference` is the incumbent's place; its words stand left of it where `flip`."""

    rows: Sequence[Row]
    ticks: Sequence[Tick]
    reference: str | None
    reference_text_x: str
    flip: bool
    height: int
    foot: int
    axis_y: int


def draw_costs(solutions: Sequence[Solution], incumbent: Decimal | None) -> CostChart | None:
    """The chart of the first packages that state a cost; None for fewer than two."""
    stated = [each for each in solutions if each.est_cost_low is not None][:MOST_ROWS]
    if len(stated) < 2:
        return None
    ends = [end for each in stated for end in (each.est_cost_low, each.est_cost_high)]
    known = [end for end in [*ends, incumbent] if end is not None]
    low, high = min(known), max(known)
    margin = max((high - low) * Decimal("0.06"), Decimal(1))
    low, high = low - margin, high + margin

    def place(amount: Decimal) -> Decimal:
        return LEFT + (RIGHT - LEFT) * (amount - low) / (high - low)

    rows = [
        Row(
            rank="—" if each.rank is None else str(each.rank),
            y=TOP + ROW * index,
            text_y=TOP + ROW * index + 4,
            x1=f"{place(each.est_cost_low or Decimal(0)):.1f}",
            x2=f"{place(each.est_cost_high):.1f}" if each.is_range and each.est_cost_high else None,
            mixed=each.mixed,
        )
        for index, each in enumerate(stated)
    ]
    foot = TOP + ROW * len(rows)
    at = None if incumbent is None else place(incumbent)
    flip = at is not None and at > RIGHT - LABEL_ROOM
    return CostChart(
        rows=rows,
        ticks=[Tick(f"{place(amount):.1f}", amount) for amount in _round_amounts(low, high)],
        reference=None if at is None else f"{at:.1f}",
        reference_text_x="" if at is None else f"{at - 5 if flip else at + 5:.1f}",
        flip=flip,
        height=foot + 24,
        foot=foot,
        axis_y=foot + 17,
    )


def _round_amounts(low: Decimal, high: Decimal) -> list[Decimal]:
    """Two to four round dollar amounts inside the range."""
    step = next((each for each in STEPS if (high - low) / each <= 4), STEPS[-1])
    first = (low / step).to_integral_value(rounding="ROUND_CEILING") * step
    amounts = [first + step * index for index in range(5)]
    return [amount for amount in amounts if amount <= high]

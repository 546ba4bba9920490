"""The packages' costs on one axis, drawn by the server; the list beside it holds the figures.

Pure geometry in a box 340 wide: a row for each package in the order of the list, a dot for a
cost, a bar for a range. No line is drawn from dot to dot: a rank is no quantity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from quotes.models import Solution
from quotes.services.ranked import Placed

LEFT, RIGHT, TOP, WIDTH = Decimal(40), Decimal(326), 26, 340
STEPS = tuple(Decimal(10) ** n * k for n in range(12) for k in (1, 2, 5))
LABEL_ROOM = Decimal(120)
ROWS = ((16, 28, 5), (40, 18, 4), (120, 9, 3), (10_000, 5, 2))
"""Up to so many packages: the height of a row, the size of its dot."""
TEXT_HEIGHT = 12


@dataclass(frozen=True)
class Row:
    """One package: `x1` its lowest stated cost, `x2` its highest where that is another.

    `y` is its middle, `top` its upper edge. `kind` is single or mixed, "" where no lines were
    given. `named` where there is room to write its rank.
    """

    solution: Solution
    place: int
    rank: str
    top: int
    y: int
    text_y: int
    x1: str
    x2: str | None
    kind: str
    named: bool


@dataclass(frozen=True)
class Tick:
    """A round amount on the axis; `anchor` keeps its words inside the box."""

    x: str
    dollars: Decimal
    anchor: str


@dataclass(frozen=True)
class CostChart:
    """`reference` is the incumbent's place; its words stand left of it where `flip`."""

    rows: Sequence[Row]
    ticks: Sequence[Tick]
    reference: str | None
    reference_text_x: str
    flip: bool
    row: int
    dot: int
    height: int
    foot: int
    axis_y: int
    undrawn: int

    @property
    def has_range(self) -> bool:
        return any(row.x2 for row in self.rows)


def draw_costs(packages: Sequence[Placed], incumbent: Decimal | None) -> CostChart | None:
    """The chart of the packages that state a cost; None for fewer than two.

    `incumbent` is dollars a year for the same lines, None where it is not stated.
    """
    stated = [(each, ends) for each in packages if (ends := _ends(each.solution))]
    if len(stated) < 2:
        return None
    known = [end for _, ends in stated for end in ends]
    known += [] if incumbent is None else [incumbent]
    margin = max((max(known) - min(known)) * Decimal("0.06"), Decimal(1))
    low, high = min(known) - margin, max(known) + margin

    def place(amount: Decimal) -> Decimal:
        return LEFT + (RIGHT - LEFT) * (amount - low) / (high - low)

    row, dot = next((row, dot) for most, row, dot in ROWS if len(stated) <= most)
    every = -(-TEXT_HEIGHT // row)
    rows = [
        _row(each, [f"{place(end):.1f}" for end in ends], index, row, named=index % every == 0)
        for index, (each, ends) in enumerate(stated)
    ]
    foot = TOP - 14 + row * len(rows) + 8
    at = None if incumbent is None else place(incumbent)
    flip = at is not None and at > RIGHT - LABEL_ROOM
    return CostChart(
        rows=rows,
        ticks=[_tick(place(amount), amount) for amount in _round_amounts(low, high)],
        reference=None if at is None else f"{at:.1f}",
        reference_text_x="" if at is None else f"{at - 5 if flip else at + 5:.1f}",
        flip=flip,
        row=row,
        dot=dot,
        height=foot + 24,
        foot=foot,
        axis_y=foot + 17,
        undrawn=len(packages) - len(stated),
    )


def _ends(solution: Solution) -> list[Decimal]:
    """The costs a package states, lowest first: none, one, or two that differ."""
    stated = {each for each in (solution.est_cost_low, solution.est_cost_high) if each is not None}
    return sorted(stated)


def _row(package: Placed, xs: list[str], index: int, height: int, *, named: bool) -> Row:
    top = TOP - 14 + 4 + height * index
    y = top + height // 2
    rank = package.solution.rank
    return Row(
        solution=package.solution,
        place=package.place,
        rank="—" if rank is None else str(rank),
        top=top,
        y=y,
        text_y=y + 4,
        x1=xs[0],
        x2=xs[1] if len(xs) > 1 else None,
        kind=("", "single")[len(package.carriers)] if len(package.carriers) < 2 else "mixed",
        named=named,
    )


def _tick(x: Decimal, amount: Decimal) -> Tick:
    half = Decimal(len(f"${amount:,.0f}")) * 7 / 2
    anchor = "end" if x + half > WIDTH else "start" if x - half < 0 else "middle"
    return Tick(f"{x:.1f}", amount, anchor)


def _round_amounts(low: Decimal, high: Decimal) -> list[Decimal]:
    """One to four round dollar amounts inside the range, as many as there is room to write."""
    widest = 7 * len(f"${high:,.0f}") + 16
    most = min(max(int((RIGHT - LEFT) // widest), 1), 4)
    step = next((each for each in STEPS if (high - low) / each <= most), STEPS[-1])
    first = (low / step).to_integral_value(rounding="ROUND_CEILING") * step
    amounts = [first + step * index for index in range(most + 1)]
    return [amount for amount in amounts if amount <= high]

"""Runs and what became of them, as bars over time drawn by the server.

Pure geometry in a box 480 by 200; the table under it holds the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quotes.services.dashboard.counts import Counts, Piece
from quotes.services.dashboard.period import Period

LEFT, RIGHT, TOP, FOOT = 34.0, 476.0, 10.0, 172.0
MOST_LABELS = 6
STEPS: tuple[int, ...] = tuple(k * 10**n for n in range(9) for k in (1, 2, 5))
OUTCOMES = {
    "bound": "Bound",
    "decided": "Decided, not bound",
    "undecided": "With packages, undecided",
    "without": "Without packages",
    "under_way": "Under way",
}
"""What every run is one of, from the axis upwards."""


@dataclass(frozen=True)
class Part:
    """One outcome's piece of a bar."""

    kind: str
    y: str
    height: str


@dataclass(frozen=True)
class Bar:
    """`label` under it where there is room, "" else: at `label_x`, by its `anchor`."""

    piece: Piece
    x: str
    width: str
    parts: Sequence[Part]
    label: str
    label_x: str
    anchor: str


@dataclass(frozen=True)
class Outcomes:
    bars: Sequence[Bar]
    ticks: Sequence[tuple[str, int]]
    kinds: Sequence[tuple[str, str]]
    unit: str


def outcomes_of(counts: Counts) -> dict[str, int]:
    """Every run of the counts once, by what has become of it."""
    decided = counts.ranked - counts.undecided
    return {
        "bound": counts.bound,
        "decided": decided - counts.bound,
        "undecided": counts.undecided,
        "without": counts.runs - counts.ranked - counts.under_way,
        "under_way": counts.under_way,
    }


def draw_outcomes(pieces: Sequence[Piece], unit: str) -> Outcomes:
    """A bar for each piece of the period, as high as it has runs."""
    most = max((piece.counts.runs for piece in pieces), default=0)
    step: int = next((each for each in STEPS if most <= each * 4), STEPS[-1])
    top = max(step * -(-most // step), 1)

    def height(runs: float) -> float:
        return (FOOT - TOP) * runs / top

    ticks = [(f"{FOOT - height(at):.1f}", at) for at in range(0, top + 1, step)]
    room = (RIGHT - LEFT) / max(len(pieces), 1)
    every = -(-len(pieces) // MOST_LABELS)
    bars = []
    for index, piece in enumerate(pieces):
        x = LEFT + room * index
        parts, y = [], FOOT
        for kind, runs in outcomes_of(piece.counts).items():
            if runs > 0:
                y -= height(runs)
                parts.append(Part(kind, f"{y:.1f}", f"{height(runs):.1f}"))
        width = min(room * 0.8, 40.0)
        middle = x + room / 2
        anchor = _anchor(index, len(pieces))
        ends = {"start": middle - width / 2, "middle": middle, "end": middle + width / 2}
        bars.append(
            Bar(
                piece=piece,
                x=f"{middle - width / 2:.1f}",
                width=f"{width:.1f}",
                parts=parts,
                label=short_words(piece.period, unit) if index % every == 0 else "",
                label_x=f"{ends[anchor]:.1f}",
                anchor=anchor,
            )
        )
    return Outcomes(bars, ticks, list(OUTCOMES.items()), unit)


def _anchor(index: int, pieces: int) -> str:
    """Among narrow bars the first label begins with its bar and the last ends with it: in the
    middle they would be cut off at the drawing's edges."""
    if pieces <= MOST_LABELS:
        return "middle"
    return "start" if index == 0 else "end" if index == pieces - 1 else "middle"


def short_words(period: Period, unit: str) -> str:
    """ "Nov 3", "Nov 2026", "Q4 2026", "2026"."""
    day = period.since
    if unit in {"day", "week"}:
        return f"{day:%b} {day.day}"
    if unit == "month":
        return f"{day:%b %Y}"
    return f"Q{(day.month + 2) // 3} {day.year}" if unit == "quarter" else str(day.year)

"""Cost against size as a plain SVG: two axes, both logarithmic, a line for each way.

Written by hand, since a plotting library would be a heavy dependency for a dozen lines. On two
logarithmic axes cost that grows with the size is a slope of one, and what does not grow is flat.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float, float, float]
"""Size, and the median, least and most cost."""
WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 430, 44, 310
COLOURS = ("#0b5cad", "#b3510c", "#2c7a4b", "#7a3e9d", "#5f6b7a", "#a3195b")
STEPS = (1, 2, 5)
DIGIT = 8
"""How wide a digit is taken to be."""


@dataclass(frozen=True)
class Axis:
    """From values to places on the picture."""

    least: float
    most: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value above zero."""
        share = math.log(value / self.least) / math.log(self.most / self.least)
        return round(self.begin + share * (self.end - self.begin), 1)

    def ticks(self) -> list[float]:
        """Round values within, by powers of ten where there are many."""
        first, last = math.floor(math.log10(self.least)), math.ceil(math.log10(self.most))
        powers = range(first, last + 1)
        steps = (1,) if len(powers) > 4 else STEPS
        found = [step * 10.0**power for power in powers for step in steps]
        return [each for each in found if self.least <= each <= self.most]


def draw(title: str, across: str, up: str, lines: Mapping[str, Sequence[Point]]) -> str:
    """The picture. `across` and `up` say what the axes are; every value is above zero."""
    points = [point for line in lines.values() for point in line]
    x = Axis(*_room([size for size, *_ in points]), LEFT, RIGHT)
    y = Axis(*_room([cost for _, *costs in points for cost in costs]), BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(title)}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#1f2933">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" font-size="14" font-weight="600">{escape(title)}</text>',
        *_axes(x, y, sorted({point[0] for point in points})),
        f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">'
        f"{escape(across)}</text>",
        f'<text transform="translate(16 {(TOP + BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(up)}</text>",
    ]
    for place, (name, line) in enumerate(lines.items()):
        parts += _line(name, line, x, y, COLOURS[place % len(COLOURS)])
    parts += _names(lines, y)
    return "\n".join([*parts, "</svg>", ""])


def _room(values: Sequence[float]) -> tuple[float, float]:
    return min(values) / 1.2, max(values) * 1.2


def _axes(x: Axis, y: Axis, sizes: Sequence[float]) -> list[str]:
    parts = []
    for value in y.ticks():
        at = y(value)
        parts.append(f'<path d="M{LEFT} {at}H{RIGHT}" stroke="#dde3ea"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4}" text-anchor="end">{value:,g}</text>')
    written_to = -math.inf
    for size in sizes:
        at, words = x(size), f"{size:,g}"
        parts.append(f'<path d="M{at} {BOTTOM}v5" stroke="#5f6b7a"/>')
        half = len(words) * DIGIT / 2
        if at - half > written_to:  # else it would lie upon the one before
            parts.append(f'<text x="{at}" y="{BOTTOM + 20}" text-anchor="middle">{words}</text>')
            written_to = at + half
    parts.append(f'<path d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}" fill="none" stroke="#5f6b7a"/>')
    return parts


def _line(name: str, line: Sequence[Point], x: Axis, y: Axis, colour: str) -> list[str]:
    """The medians joined, with a bar from least to most at each."""
    way = "L".join(f"{x(size)} {y(median)}" for size, median, *_ in line)
    parts = [f'<path d="M{way}" fill="none" stroke="{colour}" stroke-width="2"/>']
    for size, median, least, most in line:
        at = x(size)
        parts.append(f'<path d="M{at} {y(least)}V{y(most)}" stroke="{colour}"/>')
        parts.append(f'<circle cx="{at}" cy="{y(median)}" r="3.5" fill="{colour}"/>')
    return parts


def _names(lines: Mapping[str, Sequence[Point]], y: Axis) -> list[str]:
    """Each line's name at its end, moved down where two would lie upon each other."""
    parts, last = [], -math.inf
    colours = dict(zip(lines, COLOURS * len(lines), strict=False))
    for name in sorted(lines, key=lambda each: y(lines[each][-1][1])):
        at = max(y(lines[name][-1][1]) + 4, last + 15)
        parts.append(
            f'<text x="{RIGHT + 10}" y="{at}" fill="{colours[name]}">{escape(name)}</text>'
        )
        last = at
    return parts

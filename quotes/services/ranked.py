"""A completed run's packages as its page shows them, in Nexio's rank order.

Pure: reads a run and its solutions, asks the database nothing. Solutions come with
`lines__carrier` and `lines__quote_line` prefetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from quotes.models import LINES, Run, Solution, SolutionLine
from quotes.services import comparison
from quotes.services.comparison import Difference, Expiry, Incumbent
from quotes.services.matrix import beside_lines

MOST_SCORES = 24
CODES = ("recommended", "best_value", "best_coverage", "simplest")


@dataclass(frozen=True)
class Bar:
    """A line's share of a package's premiums: a rectangle in a box 100 wide, and its percent."""

    line: str
    x: str
    width: str
    percent: int


@dataclass(frozen=True)
class RankedLine:
    """A line of a package; `expired` from when its price was gone before the run was completed."""

    line: SolutionLine
    expired: datetime | None


@dataclass(frozen=True)
class RankedPackage:
    """One row of the ranked list."""

    solution: Solution
    shown: Sequence[RankedLine]
    label_code: str
    level: str
    cost_remark: str
    difference: Difference
    bars: Sequence[Bar]
    scores: Sequence[tuple[str, str]]

    @property
    def lines(self) -> list[SolutionLine]:
        return [each.line for each in self.shown]

    @property
    def bar_words(self) -> str:
        return ", ".join(f"{comparison.line_word(b.line)} {b.percent} %" for b in self.bars)


@dataclass(frozen=True)
class Ranking:
    """What the page of a completed run says above and beside its list."""

    packages: Sequence[RankedPackage]
    lines: Sequence[str]
    incumbent: Incumbent
    offered: int
    used: int
    first_expiry: Expiry | None
    carriers: Sequence[str]

    @property
    def first(self) -> Solution | None:
        return self.packages[0].solution if self.packages else None

    @property
    def single(self) -> int:
        return sum(not package.solution.mixed for package in self.packages)

    @property
    def mixed(self) -> int:
        return len(self.packages) - self.single

    @property
    def unused(self) -> int:
        return self.offered - self.used

    @property
    def has_range(self) -> bool:
        return any(package.solution.is_range for package in self.packages)


def rank_packages(run: Run, solutions: Sequence[Solution]) -> Ranking:
    """The ranking of a completed run; empty packages where Nexio returned none."""
    lines = comparison.requested_lines(run.request) or list(run.coverage_types)
    incumbent = comparison.incumbent_of(run.request, lines)
    sent = comparison.Sent.of(run.request, run.offering_lines)
    packages: list[RankedPackage] = []
    used: dict[str, Mapping[str, Any]] = {}
    carriers: list[str] = []
    for solution in solutions:
        offerings = [sent.offering_of(line) for line in solution.lines.all()]
        used.update({str(each.get("id")): each for each in offerings if each is not None})
        carriers += solution.carriers
        shown = _shown(solution, offerings, run.finished_at)
        packages.append(_package(solution, shown, offerings, incumbent, lines))
    return Ranking(
        packages=packages,
        lines=lines,
        incumbent=incumbent,
        offered=len(sent.by_id),
        used=len(used),
        first_expiry=comparison.first_expiry(used.values()),
        carriers=list(dict.fromkeys(carriers)),
    )


def _shown(
    solution: Solution, offerings: Sequence[Mapping[str, Any] | None], end: datetime | None
) -> list[RankedLine]:
    """The package's lines in `LINES` order, with what of them had expired when the run ended."""
    place = {line: index for index, line in enumerate(LINES)}
    shown = []
    for line, offering in zip(solution.lines.all(), offerings, strict=True):
        gone = None if offering is None else comparison.expiry_of(offering)
        expired = gone if gone is not None and end is not None and gone <= end else None
        shown.append(RankedLine(line, expired))
    return sorted(shown, key=lambda each: place.get(each.line.category, len(place)))


def _package(
    solution: Solution,
    shown: Sequence[RankedLine],
    offerings: Sequence[Mapping[str, Any] | None],
    incumbent: Incumbent,
    lines: Sequence[str],
) -> RankedPackage:
    label = solution.cluster_label
    return RankedPackage(
        solution=solution,
        shown=shown,
        label_code=label if label in CODES else "alternative",
        level=_level(solution),
        cost_remark=_cost_remark(solution, offerings),
        difference=comparison.price_difference(solution, incumbent, lines),
        bars=_bars([each.line for each in shown]),
        scores=_scores(solution),
    )


def _level(solution: Solution) -> str:
    """The level with the digits it came with; it has no documented scale, so none is added."""
    raw = solution.scorecard.get("overall_level") if isinstance(solution.scorecard, dict) else None
    level = solution.overall_level
    if level is None:
        return ""
    if isinstance(raw, Decimal) and raw == level and len(str(raw)) <= 10:
        return str(raw)
    return f"{level.normalize():f}"


def _cost_remark(solution: Solution, offerings: Sequence[Mapping[str, Any] | None]) -> str:
    """How the cost came about, where the figures show it."""
    if solution.is_range:
        return "bundle discount unconfirmed"
    cost = solution.est_cost_low
    if cost is None:
        return ""
    premiums = [line.line_premium_annual for line in solution.lines.all()]
    stated = [premium for premium in premiums if premium is not None]
    total = sum(stated, Decimal(0)) if len(stated) == len(premiums) else None
    attributes = [each.get("attributes") for each in offerings if each is not None]
    packages = {
        (each.get("package_id"), each.get("package_premium_annual"))
        for each in attributes
        if isinstance(each, dict)
    }
    if len(attributes) == len(offerings) > 1 and len(packages) == 1:
        ((package_id, premium),) = packages
        if package_id and premium == cost:
            beside = "" if total is None else beside_lines(cost, total)
            return f"whole package, {beside}" if beside else "whole package"
    return "sum of lines" if total == cost and len(premiums) > 1 else ""


def _bars(lines: Sequence[SolutionLine]) -> list[Bar]:
    """Shares of the lines' premiums; none unless every line states one above zero."""
    stated = [(line.category, line.line_premium_annual) for line in lines]
    total = sum((premium or Decimal(0) for _, premium in stated), Decimal(0))
    if len(stated) < 2 or total <= 0 or any(not p or p < 0 for _, p in stated):
        return []
    bars, x = [], Decimal(0)
    for category, premium in stated:
        if category not in LINES:
            return []
        share = 100 * (premium or Decimal(0)) / total
        width = max(share - Decimal("0.6"), Decimal("0.2"))
        bars.append(Bar(category, f"{x:.2f}", f"{width:.2f}", round(share)))
        x += share
    return bars


def _scores(solution: Solution) -> list[tuple[str, str]]:
    """The scorecard's other entries, whatever keys came: none is documented."""
    card = solution.scorecard
    if not isinstance(card, dict):
        return []
    plain = [
        (str(key).replace("_", " ")[:60], str(value)[:120])
        for key, value in card.items()
        if key != "overall_level"
        and isinstance(value, (str, int, Decimal))
        and not isinstance(value, bool)
    ]
    return plain[:MOST_SCORES]

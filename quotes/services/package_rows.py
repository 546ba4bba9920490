"""The rows of the ranked list: what is said of each package that is shown.

Pure: reads the ranking, whose figures come from the frozen request and the stored reply.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from django.utils.text import slugify

from quotes.models import LINES, Solution, SolutionLine
from quotes.services import comparison, scorecard
from quotes.services.checks import Check
from quotes.services.compared import Compared
from quotes.services.frozen import Frozen
from quotes.services.like_for_like import Saving
from quotes.services.matrix import beside_lines
from quotes.services.picks import Picks
from quotes.services.ranked import Placed, Ranking
from quotes.services.scorecard import Card
from quotes.services.short_terms import NOT_STATED, short_terms

CHECKS_SHOWN = 2
"""In a row itself; the others unfold below it."""
GAP = 0.6
"""Between the lines of a bar, in hundredths of its box."""
ORDER = {line: index for index, line in enumerate(LINES)}
Offering = Mapping[str, Any] | None
"""What was sent for a line, None where nothing was."""


class Bar(NamedTuple):
    """A line's premium in a package's bar: a rectangle in a box 100 wide, and its percent."""

    line: str
    words: str
    x: str
    width: str
    percent: int


class LineSaid(NamedTuple):
    """What is said of a line of a package as Nexio returned it, beside what was sent for it.

    `premium` is Nexio's, dollars a year. `expired` is from when its price was gone before the run
    was completed. `sent_premium` is stated only where Nexio's figure is another than the one sent.
    `terms` are its limits and deductibles as sent, in short. `style` is the line's name in style
    sheets. Of one run, what says the same is one object: it is drawn once.
    """

    name: str
    carrier: str
    style: str
    premium: Decimal | None
    sent: bool
    expired: datetime | None
    sent_premium: Decimal | None
    terms: str


@dataclass(frozen=True)
class RankedPackage:
    """One row of the ranked list. `said` stands beside `lines`, both in `LINES` order; `carriers`
    is how many they have."""

    solution: Solution
    place: int
    lines: Sequence[SolutionLine]
    said: Sequence[LineSaid]
    carriers: int
    label_code: str
    level: str
    cost_remark: str
    saving: Saving
    checks: Sequence[Check]
    bars: Sequence[Bar]
    picked: bool

    @property
    def foremost(self) -> Sequence[Check]:
        return self.checks[:CHECKS_SHOWN]

    @property
    def beside_query(self) -> str:
        """The query of the page that shows it beside what is in force."""
        return _beside_query(self.place)

    @property
    def more_checks(self) -> int:
        return len(self.checks[CHECKS_SHOWN:])

    @property
    def first(self) -> bool:
        """Whether Nexio listed it first."""
        return self.place == 0

    @property
    def lines_said(self) -> list[tuple[SolutionLine, LineSaid]]:
        """Its lines, each with what is said of it."""
        return list(zip(self.lines, self.said, strict=True))

    @property
    def unsent(self) -> list[SolutionLine]:
        """The lines that Nexio returned and we did not send."""
        return [line for line, said in self.lines_said if not said.sent]

    @property
    def bar_words(self) -> str:
        return ", ".join(f"{bar.words} {bar.percent} %" for bar in self.bars)


@lru_cache(maxsize=1000)
def _beside_query(place: int) -> str:
    return Picks((place,), incumbent=True, only=True).query()


def draw_rows(
    ranking: Ranking,
    packages: Sequence[Placed],
    compared: Compared,
    *,
    end: datetime | None,
    now: datetime,
    picks: Collection[int] = (),
) -> list[RankedPackage]:
    """The rows of `packages`, some or all of the ranking's. `end` is when the run was completed;
    `picks` are the places ticked for a comparison.

    Bars are scaled among all packages of the run, so that a filter moves none.
    """
    dearest = max((_total(each.solution) or Decimal(0) for each in ranking.packages), default=None)
    rows, told = [], _Told(compared.frozen, end)
    for placed in packages:
        lines = _in_line_order(placed)
        rows.append(
            RankedPackage(
                solution=placed.solution,
                place=placed.place,
                lines=[line for line, _ in lines],
                said=[told.of(line, offering) for line, offering in lines],
                carriers=len(placed.carriers),
                label_code=placed.label_code,
                level=_level(placed.solution),
                cost_remark=_cost_remark(placed),
                saving=compared.savings[placed.place],
                checks=compared.checks(placed.place, now),
                bars=_bars([line for line, _ in lines], dearest or Decimal(0)),
                picked=placed.place in picks,
            )
        )
    return rows


def card_of(ranking: Ranking, placed: Placed) -> Card:
    """A package's scorecard, its bars scaled among those of all packages of the run."""
    among = scorecard.spans(each.solution.scorecard for each in ranking.packages)
    return scorecard.read_card(placed.solution.scorecard, among)


class _Sent(NamedTuple):
    """What is said of an offering wherever it is taken."""

    expired: datetime | None
    premium: Decimal | None
    terms: str


NOT_SENT = _Sent(None, None, NOT_STATED)


class _Told:
    """What is said of each line, once: a run's many packages are made of the same few offerings."""

    def __init__(self, frozen: Frozen, end: datetime | None) -> None:
        self.frozen, self.end = frozen, end
        self.sent: dict[int, _Sent] = {}
        self.said: dict[tuple[Any, ...], LineSaid] = {}

    def of(self, line: SolutionLine, offering: Offering) -> LineSaid:
        """What is said of a returned line; `offering` is what was sent for it, if anything was."""
        carrier, premium = line.shown_carrier, line.line_premium_annual
        key = (id(offering), line.category, carrier, premium)
        said = self.said.get(key)
        if said is None:
            sent = self._sent(offering)
            other = premium is not None and sent.premium not in (None, premium)
            said = self.said[key] = LineSaid(
                name=line.shown_line,
                carrier=carrier,
                style=line.category if line.category in ORDER else slugify(line.category),
                premium=premium,
                sent=offering is not None,
                expired=sent.expired,
                sent_premium=sent.premium if other else None,
                terms=sent.terms,
            )
        return said

    def _sent(self, offering: Offering) -> _Sent:
        if offering is None:
            return NOT_SENT
        known = self.sent.get(id(offering))
        if known is None:
            known = self.sent[id(offering)] = self._read(offering)
        return known

    def _read(self, offering: Mapping[str, Any]) -> _Sent:
        policy = self.frozen.policies.get(str(offering.get("id")))
        gone = comparison.expiry_of(offering)
        return _Sent(
            expired=gone
            if gone is not None and self.end is not None and gone <= self.end
            else None,
            premium=comparison.line_premium(offering),
            terms=NOT_STATED if policy is None else short_terms(policy.line, policy.details),
        )


def _in_line_order(placed: Placed) -> list[tuple[SolutionLine, Offering]]:
    """The package's lines in `LINES` order, others after them, each with what was sent for it."""
    both = zip(placed.solution.returned, placed.offerings, strict=True)
    return sorted(both, key=lambda each: ORDER.get(each[0].category, len(ORDER)))


def _level(solution: Solution) -> str:
    """The level as the number it is; it has no documented scale, so none is added. How many digits
    it came with, its scorecard shows."""
    level = solution.overall_level
    return "" if level is None else f"{level.normalize():f}"


def _cost_remark(placed: Placed) -> str:
    """How the cost came about, where the figures show it."""
    if placed.solution.is_range:
        return "bundle discount unconfirmed"
    cost = placed.solution.est_cost_low
    if cost is None:
        return ""
    total = _total(placed.solution)
    attributes = [each.get("attributes") for each in placed.offerings if each is not None]
    packages = {
        (str(each.get("package_id") or ""), each.get("package_premium_annual"))
        for each in attributes
        if isinstance(each, dict)
        and not isinstance(each.get("package_premium_annual"), (dict, list))
    }
    if len(attributes) == len(placed.offerings) > 1 and len(packages) == 1:
        ((package_id, premium),) = packages
        if package_id and premium == cost:
            beside = "" if total is None else beside_lines(cost, total)
            return f"whole package, {beside}" if beside else "whole package"
    return "sum of lines" if total == cost and len(placed.offerings) > 1 else ""


def _total(solution: Solution) -> Decimal | None:
    """The sum of the lines' premiums, dollars a year; None unless every line states one."""
    premiums = [line.line_premium_annual for line in solution.returned]
    stated = [premium for premium in premiums if premium is not None]
    return sum(stated, Decimal(0)) if premiums and len(stated) == len(premiums) else None


def _bars(lines: Sequence[SolutionLine], dearest: Decimal) -> list[Bar]:
    """The lines' premiums end to end, a full box being `dearest`.

    None unless there are two lines or more and every one states a premium, none below zero.
    """
    stated = [line.line_premium_annual for line in lines]
    premiums = [float(premium) for premium in stated if premium is not None and premium >= 0]
    total = sum(premiums)
    if not len(lines) == len(premiums) > 1 or total <= 0:
        return []
    bars, x, full = [], 0.0, max(float(dearest), total)
    for line, premium in zip(lines, premiums, strict=True):
        width = 100 * premium / full
        kind = line.category if line.category in ORDER else "other"
        words = comparison.line_word(line.category) or "line not given"
        drawn = max(width - GAP, min(width, 0.2))
        bars.append(Bar(kind, words, f"{x:.2f}", f"{drawn:.2f}", round(100 * premium / total)))
        x += width
    return bars

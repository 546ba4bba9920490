"""A package as it is decided on: its checks, and how it stands beside what is in force.

Pure but for the clock it is given: read from the frozen request and the stored package, so that
what was shown on a day can be said again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from quotes.models import Run, Solution, SolutionLine
from quotes.services import comparison
from quotes.services.checks import Check, Outcome
from quotes.services.frozen import Frozen, Option
from quotes.services.like_for_like import Saving, compare_options
from quotes.services.matrix import beside_lines
from quotes.services.money import signed_dollars
from quotes.services.package_checks import check_package
from quotes.services.term_words import term_remark

SAID = {Outcome.WARNING: "Warning", Outcome.UNKNOWN: "Not known", Outcome.FINE: "Fine"}
MOST_WORDS = 6000
"""Characters of the checks that an event keeps: a dozen with all they compared."""


@dataclass(frozen=True)
class Weighed:
    """One package. `saving` is its price beside the incumbent with why the two are not like for
    like; `lines_sum` dollars a year, None unless every line states a premium."""

    solution: Solution
    option: Option
    checks: Sequence[Check]
    saving: Saving
    lines_sum: Decimal | None

    @property
    def open_checks(self) -> list[Check]:
        """Those that need a look."""
        return [check for check in self.checks if check.outcome is not Outcome.FINE]

    @property
    def lines(self) -> list[tuple[SolutionLine, str]]:
        """The package's lines, each with what must be said of its term."""
        rows = zip(self.solution.returned, self.option.policies.values(), strict=True)
        return [(line, term_remark(policy)) for line, policy in rows]

    @property
    def sum_remark(self) -> str:
        """What lies between the lines' sum and Nexio's cost: "$400 bundle discount"."""
        low, high = self.solution.est_cost_low, self.solution.est_cost_high
        if self.lines_sum is None:
            return "not every premium is stated"
        if low is None or high is None:
            return ""
        if low == high:
            return beside_lines(low, self.lines_sum)
        if self.lines_sum == low:
            return "the low end: every line at the premium it was quoted at"
        return ""

    @property
    def words(self) -> str:
        """Every check in words, and the comparison with what is in force, a line each: what an
        event keeps of what a person was told."""
        lines = [check_words(check) for check in self.checks]
        return "\n".join([*lines, beside_words(self.saving)])[:MOST_WORDS]


def check_words(check: Check) -> str:
    """ "Warning: Auto 100/300/100, umbrella needs 250/500/100 (…)"."""
    why = f" ({'; '.join(check.details)})" if check.details else ""
    return f"{SAID[check.outcome]}: {check.words}{why}"


def beside_words(saving: Saving) -> str:
    """ "Beside what is in force: −$855 a year, not like for like: home form: HO-5 against HO-3"."""
    difference, likeness = saving.difference, saving.likeness
    if not difference.stated:
        return f"Beside what is in force: no figure, {difference.why or 'no cost is stated'}"
    ends = [end for end in (difference.low, difference.high) if end is not None]
    figure = " to ".join(dict.fromkeys(signed_dollars(end) for end in ends))
    if likeness.alike:
        return f"Beside what is in force: {figure} a year, like for like"
    named = [flag.words for flag in likeness.differences]
    named += [f"{whose}: {', '.join(what)}" for whose, what in likeness.silences]
    return f"Beside what is in force: {figure} a year, not like for like: {'; '.join(named)}"


def weigh(run: Run, solution: Solution, now: datetime) -> Weighed:
    """The package as it stands at `now`. Comes with `lines__carrier` prefetched."""
    frozen = Frozen(run.request, run.offering_lines)
    lines = comparison.requested_lines(run.request) or list(run.coverage_types)
    option = frozen.option(solution)
    beside = frozen.incumbent(lines) or Option("In force today", {})
    difference = comparison.price_difference(
        solution, comparison.incumbent_of(run.request, lines), lines
    )
    premiums = [line.line_premium_annual for line in solution.returned]
    stated = [premium for premium in premiums if premium is not None]
    known = bool(premiums) and len(stated) == len(premiums)
    return Weighed(
        solution=solution,
        option=option,
        checks=check_package(option, frozen, now),
        saving=Saving(difference, compare_options(option, beside, lines)),
        lines_sum=sum(stated, Decimal(0)) if known else None,
    )

"""Packages beside one another: aligned rows for all that any of them states.

Pure: read from the frozen request and the stored solutions. Every row is compared with the
reference column; what is not stated is neither none nor zero, and never the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from quotes.models import LINES
from quotes.services.checks import Check
from quotes.services.compared import Compared
from quotes.services.frozen import Option
from quotes.services.like_for_like import Saving, saving
from quotes.services.line_rows import Group, line_group
from quotes.services.matrix import beside_lines
from quotes.services.picks import Picks
from quotes.services.ranked import Placed, Ranking


@dataclass(frozen=True)
class Column:
    """A package, or what is in force (`placed` None), beside the others.

    `saving` is its price difference to the reference with why they are not like for like, None
    for the reference itself. `lines_sum` is dollars a year, None unless every line states a
    premium; `remark` how the cost stands to it. `first_end` is the moment from which its first
    line's price is gone.
    """

    code: str
    option: Option
    placed: Placed | None
    saving: Saving | None
    checks: Sequence[Check]
    lines_sum: Decimal | None
    remark: str
    first_end: datetime | None
    reference_query: str
    without_query: str

    @property
    def is_reference(self) -> bool:
        return self.saving is None

    @property
    def carriers(self) -> list[str]:
        return list(dict.fromkeys(policy.name for policy in self.option.policies.values()))

    @property
    def is_range(self) -> bool:
        return self.option.cost_low != self.option.cost_high


@dataclass(frozen=True)
class SideBySide:
    """The page: columns in the order they were picked, rows grouped by line."""

    columns: Sequence[Column]
    groups: Sequence[Group]
    picks: Picks

    @property
    def reference(self) -> Column:
        return next(column for column in self.columns if column.is_reference)

    @property
    def differing(self) -> int:
        return sum(row.differs for group in self.groups for row in group.rows)

    @property
    def unknown(self) -> int:
        return sum(row.unknown for group in self.groups for row in group.rows)

    @property
    def same_lines(self) -> int:
        """How many rows "only what differs" leaves out."""
        return sum(not row.telling for group in self.groups for row in group.rows)


def lay_out(ranking: Ranking, compared: Compared, picks: Picks, now: datetime) -> SideBySide:
    """What was picked, side by side. `picks` holds two columns at least."""
    options = {code: _option(code, compared) for code in picks.codes}
    reference = options[picks.reference]
    columns = [
        _column(code, option, reference, ranking, compared, picks, now)
        for code, option in options.items()
    ]
    keys = {*ranking.lines, *(key for option in options.values() for key in option.policies)}
    order = {line: index for index, line in enumerate(LINES)}
    at = picks.codes.index(picks.reference)
    groups = [
        line_group(key, list(options.values()), at, now)
        for key in sorted(keys, key=lambda key: (order.get(key.split(" ")[0], len(order)), key))
    ]
    return SideBySide(columns, groups, picks)


def _option(code: str, compared: Compared) -> Option:
    if code.isdecimal():
        return compared.options[int(code)]
    if compared.incumbent is None:
        raise ValueError("Nothing is stated of what is in force.")
    return compared.incumbent


def _column(
    code: str,
    option: Option,
    reference: Option,
    ranking: Ranking,
    compared: Compared,
    picks: Picks,
    now: datetime,
) -> Column:
    premiums = [policy.premium for policy in option.policies.values()]
    stated = [premium for premium in premiums if premium is not None]
    total = sum(stated, Decimal(0)) if premiums and len(stated) == len(premiums) else None
    ends = [policy.expires_at for policy in option.policies.values() if policy.expires_at]
    return Column(
        code=code,
        option=option,
        placed=ranking.packages[int(code)] if code.isdecimal() else None,
        saving=None if option is reference else saving(option, reference, ranking.lines),
        checks=compared.checks(int(code), now) if code.isdecimal() else (),
        lines_sum=total,
        remark=_remark(option, total),
        first_end=min(ends, default=None),
        reference_query=picks.query(reference=code),
        without_query=picks.without(code),
    )


def _remark(option: Option, total: Decimal | None) -> str:
    """How a package's cost stands to the sum of its lines."""
    low, high = option.cost_low, option.cost_high
    if option.in_force or low is None or high is None:
        return ""
    if low != high:
        return "bundle discount unconfirmed"
    if total is None or len(option.policies) < 2:
        return ""
    return beside_lines(low, total) or "no bundle discount"

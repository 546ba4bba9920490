"""Whether a difference is more cover or less, where that can be told.

Pure. Higher limits and lower deductibles are more cover. Nothing is said of what has no order
(a form, a date, a combined limit beside a split one), nor where parts of it point both ways.
It is no advice: more cover may be more than is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

from quotes.services.points import Side
from quotes.services.shorthand.amounts import NONE, percentage

Json = Any


class Leaning(StrEnum):
    MORE = "more"
    LESS = "less"


HIGHER_IS_MORE = frozenset(
    {
        "coverage_a", "coverage_b", "coverage_c", "coverage_d", "coverage_e", "coverage_f",
        "water_backup", "ordinance_or_law", "liability", "um_uim", "medical_payments", "pip",
        "rental", "towing", "limit", "excess_um_uim",
    }
)  # fmt: skip
LOWER_IS_MORE = frozenset(
    {"deductibles", "comprehensive", "collision", "retention", "required_coverage_e"}
)
"""What the insured pays first, and what an umbrella wants underneath."""


def leaning(code: str, one: Side, other: Side) -> Leaning | None:
    """Whether `one` is more cover than `other`, or less; None where nobody can tell.

    A deductible of "none" has no order: it may mean that nothing is deducted, or that the loss
    is not covered at all. A limit of "none" is no cover.
    """
    if code in HIGHER_IS_MORE:
        found = _order(_limit(one), _limit(other))
    elif code in LOWER_IS_MORE:
        found = _order(_amounts(one), _amounts(other))
        found = None if found is None else -found
    else:
        return None
    if found is None or found == 0:
        return None
    return Leaning.MORE if found > 0 else Leaning.LESS


Parts = Mapping[str, Decimal] | None


def _order(left: Parts, right: Parts) -> int | None:
    """1 where no part of `left` is below `right`'s and one is above, −1 the other way round."""
    if left is None or right is None or left.keys() != right.keys():
        return None
    signs = {(left[key] > right[key]) - (left[key] < right[key]) for key in left} - {0}
    if len(signs) > 1:
        return None
    return signs.pop() if signs else 0


def _limit(side: Side) -> Parts:
    return {"": Decimal(0)} if side.value == NONE else _amounts(side)


def _amounts(side: Side) -> Parts:
    """The dollars of a value part by part; of vehicles one for all, or each in its place."""
    value = side.value
    if isinstance(value, Mapping):
        parts = {str(key): _dollars(each, side.base) for key, each in value.items()}
    elif isinstance(value, (list, tuple)):
        alike = bool(value) and all(each == value[0] for each in value)
        named = {"": value[0]} if alike else {str(n): each for n, each in enumerate(value)}
        parts = {key: _dollars(each, side.base) for key, each in named.items()}
    else:
        parts = {"": _dollars(value, side.base)}
    known = {key: amount for key, amount in parts.items() if amount is not None}
    return known if known and len(known) == len(parts) else None


def _dollars(value: Json, base: Json) -> Decimal | None:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return Decimal(value)
    share = percentage(value)
    if share is None or not isinstance(base, (int, Decimal)):
        return None
    return share * Decimal(base) / 100

"""Packages as a ranking holds them, made without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from quotes.models import Run, Solution, SolutionLine
from quotes.services.ranked import Ranking, rank_packages

KEYS = count(1)
SENT_AT = datetime(2026, 11, 20, 17, tzinfo=UTC)


def line(category: str, carrier: str, premium: Any = None, offering: str = "") -> SolutionLine:
    return SolutionLine(
        category=category,
        provider_name=carrier,
        offering_id=offering,
        line_premium_annual=None if premium is None else Decimal(str(premium)),
    )


def solution(rank: int | None, lines: Sequence[SolutionLine] = (), **fields: Any) -> Solution:
    """A package; `cost` stands for both ends of its range."""
    if "cost" in fields:
        fields["est_cost_low"] = fields["est_cost_high"] = fields.pop("cost")
    for name in ("est_cost_low", "est_cost_high", "overall_level"):
        if fields.get(name) is not None:
            fields[name] = Decimal(str(fields[name]))
    made = Solution(pk=next(KEYS), rank=rank, **fields)
    made._prefetched_objects_cache = {"lines": list(lines)}  # type: ignore[attr-defined]
    return made


def offering(
    own_id: str, carrier: str, category: str, premium: Any = 1000, **more: Any
) -> dict[str, Any]:
    attributes = {"line_premium_annual": premium, **more.pop("attributes", {})}
    coverage = {"product_name": f"{carrier} {category}", "program_type": "quoted_line"}
    return {
        "id": own_id,
        "provider_name": carrier,
        "category": category,
        "coverage": coverage,
        "attributes": attributes,
        **more,
    }


def run_of(
    offerings: Sequence[dict[str, Any]] = (),
    lines: Sequence[str] = ("home", "auto"),
    **given: Any,
) -> Run:
    """A run whose request holds these; `given` are further keys of its input."""
    body = {"coverage_types": list(lines), "address": {"state": "CA", "zip_code": "92648"}, **given}
    return Run(
        number=1,
        request={"input": body, "offerings": list(offerings)},
        offering_lines={},
        coverage_types=list(lines),
        created_at=SENT_AT,
    )


def ranking(*solutions: Solution, run: Run | None = None) -> Ranking:
    return rank_packages(run or run_of(), solutions)

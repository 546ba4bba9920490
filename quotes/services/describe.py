"""A run as one JSON object: what `compare --json` and `show_run --json` print."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from quotes.models import Run, Solution


def describe_run(run: Run) -> dict[str, Any]:
    """The run as plain JSON values: dollars a year as numbers, None for what is not given.

    `request` is the body as sent, `response` the terminal reply as received.
    """
    solutions = run.solutions.prefetch_related("lines__carrier")
    return {
        "id": str(run.pk),
        "state": run.state,
        "run_id": run.nexio_run_id or None,
        "nexio_status": run.nexio_status or None,
        "environment": run.environment or None,
        "sandbox": run.sandbox,
        "request": run.request,
        "response": run.response,
        "solutions": [describe_solution(solution) for solution in solutions],
        "diagnostic": run.diagnostic or None,
        "degradation_reason": run.degradation_reason or None,
        "error": run.error or None,
        "error_code": run.error_code or None,
        "error_details": run.error_details,
    }


def describe_solution(solution: Solution) -> dict[str, Any]:
    return {
        "rank": solution.rank,
        "cluster_label": solution.cluster_label or None,
        "overall_level": _number(solution.overall_level),
        "provider_count": solution.provider_count,
        "est_cost_low": _number(solution.est_cost_low),
        "est_cost_high": _number(solution.est_cost_high),
        "lines": [
            {
                "category": line.category or None,
                "provider_name": line.provider_name or None,
                "product_name": line.product_name or None,
                "quote_id": line.quote_ref or None,
                "line_premium_annual": _number(line.line_premium_annual),
            }
            for line in solution.lines.all()
        ],
    }


def _number(value: Decimal | None) -> int | Decimal | None:
    """Without the zeros a column pads with: 3.750000 → 3.75, 11985.00 → 11985."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else value.normalize()

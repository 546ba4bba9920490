"""A run as one JSON object: what `compare --json` and `show_run --json` print."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from quotes.models import DecisionEvent, Proposal, Run, Solution
from quotes.services.decision_words import by, moment
from quotes.services.packet_documents import what_if_document
from quotes.services.what_if.origin import supposed_premiums, what_if_of


def describe_run(run: Run) -> dict[str, Any]:
    """The run as plain JSON values: dollars a year as numbers, None for what is not given.

    `request` is the body as sent, `response` the terminal reply as received. A proposal is told
    by its number, packages and SHA-256; its PDF is in the packet.
    """
    solutions = run.solutions.prefetch_related("lines__carrier")
    decided = run.decision_events.select_related("solution", "proposal", "actor")
    origin, supposed = what_if_of(run), supposed_premiums(run)
    return {
        "id": str(run.pk),
        "state": run.state,
        "run_id": run.nexio_run_id or None,
        "nexio_status": run.nexio_status or None,
        "environment": run.environment or None,
        "sandbox": run.sandbox,
        "request": run.request,
        "response": run.response,
        "what_if": what_if_document(origin, supposed),
        "solutions": [describe_solution(solution) for solution in solutions],
        "decision": {
            "state": run.decision,
            "chosen": None if run.chosen is None else _which(run.chosen),
            "events": [_event(event) for event in decided.defer("proposal__pdf").order_by("id")],
        },
        "proposals": [_proposal(each) for each in _proposals(run)],
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
            for line in solution.returned
        ],
    }


def _which(solution: Solution) -> dict[str, Any]:
    """`position` is its place in the reply, from 0: ranks may be doubled or missing."""
    return {"position": solution.position, "rank": solution.rank}


def _event(event: DecisionEvent) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "at": moment(event.at),
        "by": by(event.actor),
        "solution": None if event.solution is None else _which(event.solution),
        "proposal": None if event.proposal is None else event.proposal.number,
        "on": None if event.on is None else event.on.isoformat(),
        "how": event.how or None,
        "line": event.line or None,
        "reason": event.reason or None,
        "note": event.note or None,
        "confirmed": event.confirmed or None,
    }


def _proposals(run: Run) -> list[Proposal]:
    rows = run.proposals.defer("pdf").select_related("made_by").order_by("number")
    return list(rows.prefetch_related("options__solution", "decision_events"))


def _proposal(proposal: Proposal) -> dict[str, Any]:
    return {
        "id": str(proposal.pk),
        "number": proposal.number,
        "made_at": moment(proposal.made_at),
        "made_by": by(proposal.made_by),
        "sha256": proposal.sha256,
        "delivered": bool(proposal.decision_events.all()),
        "options": {each.letter: _which(each.solution) for each in proposal.options.all()},
    }


def _number(value: Decimal | None) -> int | Decimal | None:
    """Without the zeros a column pads with: 3.750000 → 3.75, 11985.00 → 11985."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else value.normalize()

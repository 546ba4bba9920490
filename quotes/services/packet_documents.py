"""All that is kept of a run, and the packet's JSON documents of it: timeline and decision.

Pure: reads rows that were fetched. Moments are written in the office's time with their offset, so
that they read the same anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from quotes.models import (
    Attachment,
    DecisionEvent,
    DecisionKind,
    Proposal,
    Run,
    RunEvent,
    Solution,
)
from quotes.services.decision_words import by, checks_told, event_words, moment
from quotes.services.what_if.origin import Origin, SupposedPremiums

K = DecisionKind


@dataclass(frozen=True)
class Kept:
    """All that is kept of a run, as fetched. Solutions come with `lines__carrier`; events with
    their actors; `proposals` are the delivered ones, with `options__solution`; of a what-if
    `origin` and `supposed` say what it was made of and which premiums no carrier quoted."""

    run: Run
    solutions: Sequence[Solution]
    events: Sequence[RunEvent]
    decision_events: Sequence[DecisionEvent]
    proposals: Sequence[Proposal]
    attachments: Sequence[Attachment]
    origin: Origin | None = None
    supposed: SupposedPremiums = field(default_factory=SupposedPremiums)


def timeline_document(kept: Kept) -> list[dict[str, Any]]:
    """The run's events and the decision's, in order of time."""
    rows = [
        (event.at, 0, event.pk, {"kind": event.kind, "text": event.text, "data": event.data}, event)
        for event in kept.events
    ]
    rows += [
        (each.at, 1, each.pk, {"kind": f"decision:{each.kind}", "text": event_words(each)}, each)  # type: ignore[misc]
        for each in kept.decision_events
    ]
    rows.sort(key=lambda row: row[:3])
    return [{"at": moment(row[0]), "by": by(row[4].actor), **row[3]} for row in rows]


def decision_document(kept: Kept) -> dict[str, Any]:
    """The decision as it stands, every step of it, and the delivered proposals."""
    run = kept.run
    return {
        "run": str(run.pk),
        "number": run.number,
        "nexio_run_id": run.nexio_run_id,
        "sandbox": run.sandbox,
        "decision": run.decision,
        "chosen": None if run.chosen is None else _solution_document(run.chosen),
        "what_if": what_if_document(kept.origin, kept.supposed),
        "events": [_event_document(event) for event in kept.decision_events],
        "proposals": [
            {
                "number": proposal.number,
                "made_at": moment(proposal.made_at),
                "made_by": by(proposal.made_by),
                "sha256": proposal.sha256,
                "notes": proposal.notes,
                "options": {o.letter: _solution_document(o.solution) for o in _options(proposal)},
            }
            for proposal in kept.proposals
        ],
    }


def what_if_document(origin: Origin | None, supposed: SupposedPremiums) -> dict[str, Any] | None:
    """None for a run of what was quoted."""
    if origin is None:
        return None
    return {
        "of_run": origin.run_id,
        "of_number": origin.number,
        "said": origin.said,
        "supposed_premiums": [
            {
                "offering": sent_id,
                "carrier": each.carrier,
                "line": each.line,
                "quoted": each.quoted,
                "supposed": each.supposed,
            }
            for sent_id, each in supposed.by_id.items()
        ],
    }


def _options(proposal: Proposal) -> Iterable[Any]:
    return proposal.options.all()


def _solution_document(solution: Solution) -> dict[str, Any]:
    return {
        "position": solution.position,
        "rank": solution.rank,
        "label": solution.cluster_label,
        "est_cost_low": solution.est_cost_low,
        "est_cost_high": solution.est_cost_high,
    }


def _event_document(event: DecisionEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "at": moment(event.at),
        "by": by(event.actor),
        "kind": event.kind,
        "solution": None if event.solution is None else _solution_document(event.solution),
        "proposal": None if event.proposal is None else event.proposal.number,
        "line": event.line,
        "on": None if event.on is None else event.on.isoformat(),
        "how": event.how,
        "reason": event.reason,
        "note": "" if event.kind == K.CHOSEN else event.note,
        "checks_shown": checks_told(event) if event.kind == K.CHOSEN else [],
        "confirmed": event.confirmed,
    }

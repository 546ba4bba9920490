"""What an E&O packet says of a run: sent, come back, decided, shown, in words and as documents.

Pure: reads rows that were fetched, and the frozen documents. Moments are written in the office's
time with their offset, so that they read the same anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from quotes.models import (
    Attachment,
    DecisionEvent,
    DecisionKind,
    Proposal,
    Run,
    RunEvent,
    Solution,
)
from quotes.services import comparison, expiry
from quotes.services.as_sent import left_out_lines
from quotes.services.comparison import in_words, line_word
from quotes.services.frozen import Frozen
from quotes.services.money import NOT_STATED, day_words, dollars, dollars_between
from quotes.services.what_if.origin import Origin, SupposedPremiums

K = DecisionKind
ON_THE_CHOSEN = (K.CHOSEN, K.ACCEPTED, K.DECLINED, K.BOUND, K.REOPENED)


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


def moment(at: datetime | None) -> str:
    """ "2026-03-03T19:36:02-05:00"; "" for none."""
    return "" if at is None else timezone.localtime(at).isoformat(timespec="seconds")


def when(at: datetime | None) -> str:
    if at is None:
        return NOT_STATED
    local = timezone.localtime(at)
    return f"{local:%b} {local.day}, {local.year}, {local:%I:%M:%S %p}".replace(", 0", ", ")


def by(actor: Any) -> str:
    return "" if actor is None else str(actor.shown_name)


def package_name(solution: Solution) -> str:
    return f"rank {solution.rank}" if solution.rank is not None else "an unranked package"


def lines_words(solution: Solution) -> str:
    return "; ".join(
        f"{line.shown_line or 'line not given'}: {line.shown_carrier}"
        f"{f' ({line.product_name})' if line.product_name else ''} "
        f"{dollars(line.line_premium_annual)}"
        for line in solution.lines.all()
    )


def event_words(event: DecisionEvent) -> str:
    """ "Shown to the insured: rank 2, on Mar 4, 2026, by e-mail, as proposal 1."."""
    parts = [str(event.get_kind_display())]
    if event.solution is not None:
        parts[0] += f": {package_name(event.solution)}"
    if event.line:
        parts[0] += f": {event.get_line_display()}"
    if event.on is not None:
        parts.append(f"on {day_words(event.on)}")
    if event.how:
        parts.append(str(event.get_how_display()).lower())
    if event.proposal is not None:
        parts.append(f"as proposal {event.proposal.number}")
    words = ", ".join(parts) + "."
    if event.reason:
        words += f" Reason: {event.reason}"
    if event.note:
        words += f" Note: {event.note}"
    if event.confirmed:
        words += f" Confirmed all the same: {event.confirmed}."
    return words


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
        "note": event.note,
        "confirmed": event.confirmed,
    }


def packet_words(
    kept: Kept, agency: Mapping[str, Any], files: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """All of the packet's PDF as strings. `files` are paths with their SHA-256."""
    run = kept.run
    name = run.insured.shown_name
    return {
        "title": f"Comparison of quotes for {name}",
        "author": agency["name"] or "Broker portal",
        "agency": dict(agency),
        "subtitle": f"Run {run.number}, {run.get_state_display().lower()}, {when(run.finished_at)}",
        "foot": f"Run {run.number}, {run.pk}",
        "sandbox": run.sandbox,
        "decision": _decision_pairs(kept),
        "decision_events": [
            [when(e.at), by(e.actor), event_words(e)] for e in kept.decision_events
        ],
        "options": _options_rows(kept),
        "limits": _limits_rows(kept),
        "sent": _sent_pairs(kept),
        "offerings": _offering_rows(run, kept.supposed),
        "received": _received_pairs(run, len(kept.solutions)),
        "solutions": [
            [
                NOT_STATED if each.rank is None else str(each.rank),
                each.shown_label or NOT_STATED,
                _with_doubt(lines_words(each), kept.supposed.words_for(each)),
                dollars_between(each.est_cost_low, each.est_cost_high),
            ]
            for each in kept.solutions
        ],
        "timeline": [[when(e.at), by(e.actor), e.text] for e in kept.events],
        "proposals": [
            [f"Proposal {each.number}", _delivered_words(each, kept.decision_events)]
            for each in kept.proposals
        ],
        "attachments": [[each.name, f"{each.size:,} bytes"] for each in kept.attachments],
        "files": [list(each) for each in files],
        "files_intro": (
            "Each file's SHA-256 is in manifest.json as well, with this document's own. The "
            "manifest is signed, and its hash is in the app's history: manage.py verify_packet "
            "tells whether anything was changed since."
        ),
    }


def _decision_pairs(kept: Kept) -> list[list[str]]:
    run, pairs = kept.run, [["Stands at", str(kept.run.get_decision_display())]]
    if run.chosen is not None:
        chosen = run.chosen
        cost = dollars_between(chosen.est_cost_low, chosen.est_cost_high)
        pairs.append(["Chosen", f"{package_name(chosen).capitalize()}, {cost} a year"])
        pairs.append(["Its lines", lines_words(chosen)])
        if words := kept.supposed.words_for(chosen):
            pairs.append(["Not quoted", f"{words}."])
    last: dict[str, DecisionEvent] = {e.kind: e for e in kept.decision_events}
    choice = last.get(K.CHOSEN)
    if choice is not None and run.chosen is not None:
        pairs.append(["Reason", choice.reason or "None was needed: it is ranked first."])
        if choice.confirmed:
            pairs.append(["Confirmed all the same", f"{choice.confirmed}."])
    return pairs


def _options_rows(kept: Kept) -> list[list[str]]:
    rows = []
    for solution in kept.solutions:
        own = [e for e in kept.decision_events if e.solution_id == solution.pk]
        said = [
            event_words(e).removeprefix(f"{e.get_kind_display()}: {package_name(solution)}, ")
            for e in own
            if e.kind == K.SHOWN
        ]
        refused = [event_words(e) for e in own if e.kind in {K.OPTION_DECLINED, K.DECLINED}]
        if said or refused:
            words = [f"Shown {each}" for each in said] + refused
            cost = dollars_between(solution.est_cost_low, solution.est_cost_high)
            rows.append(
                [
                    package_name(solution).capitalize(),
                    _with_doubt(
                        f"{lines_words(solution)}; {cost} a year", kept.supposed.words_for(solution)
                    ),
                    "\n".join(words),
                ]
            )
    return rows


def _with_doubt(words: str, doubt: str) -> str:
    return f"{words}. {doubt}." if doubt else words


def _limits_rows(kept: Kept) -> list[list[str]]:
    return [
        [day_words(e.on), str(e.get_line_display()), f"{e.get_kind_display()}: {e.note}"]
        for e in kept.decision_events
        if e.kind in {K.LIMITS_OFFERED, K.LIMITS_REJECTED}
    ]


def _sent_pairs(kept: Kept) -> list[list[str]]:
    run, origin = kept.run, kept.origin
    lines = comparison.requested_lines(run.request) or list(run.coverage_types)
    incumbent = comparison.incumbent_of(run.request, lines)
    left_out = left_out_lines(run.request, lines)
    pairs = [
        ["Insured", ", ".join(p for p in (run.insured.shown_name, run.insured.place) if p)],
        ["Sent", when(run.submitted_at)],
        ["Started by", by(run.started_by) or "the command line"],
        ["Lines", in_words([line_word(line) for line in lines])],
        ["Appetite", str(run.get_appetite_display() or NOT_STATED)],
        ["In force today", f"{dollars(incumbent.total)} a year, {in_words(incumbent.carriers)}"],
        ["Left out", "; ".join(left_out) or "None"],
    ]
    if origin is not None:
        pairs.append(["What-if", f"Of run {origin.number}, not as quoted: {origin.said}."])
    if kept.supposed:
        pairs.append(["Not quoted", f"{kept.supposed.words}."])
    return pairs


def _offering_rows(run: Run, supposed: SupposedPremiums) -> list[list[str]]:
    rows = []
    policies = Frozen(run.request, run.offering_lines).policies
    for offering in comparison.offerings_sent(run.request):
        known = policies.get(str(offering.get("id")))
        premium = dollars(comparison.line_premium(offering))
        unquoted = str(offering.get("id")) in supposed.by_id
        end = comparison.expiry_of(offering)
        rows.append(
            [
                str(offering.get("provider_name") or NOT_STATED),
                line_word(str(offering.get("category") or NOT_STATED)),
                (known.product if known else "") or NOT_STATED,
                f"{premium}, supposed" if unquoted else premium,
                NOT_STATED if end is None else day_words(expiry.last_day(end)),
            ]
        )
    return rows


def _received_pairs(run: Run, count: int) -> list[list[str]]:
    pairs = [
        ["From", "The sandbox, not Nexio" if run.sandbox else f"Nexio {run.environment}".strip()],
        ["Nexio run id", run.nexio_run_id or NOT_STATED],
        ["Ended", f"{run.get_state_display()}, {when(run.finished_at)}"],
        ["Packages", str(count)],
    ]
    for label, words in (
        ("Degraded", run.degradation_reason),
        ("Diagnostic", run.diagnostic),
        ("Error", run.error),
    ):
        if words:
            pairs.append([label, words])
    return pairs


def _delivered_words(proposal: Proposal, events: Sequence[DecisionEvent]) -> str:
    ways = dict.fromkeys(
        f"{day_words(e.on)}, {str(e.get_how_display()).lower()}, recorded by {by(e.actor)}"
        for e in events
        if e.proposal_id == proposal.pk
    )
    return "; ".join(ways)

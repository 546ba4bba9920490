"""What an E&O packet's PDF says of a run, in words: decided, shown, sent, come back.

Pure: reads rows that were fetched, and the frozen documents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quotes.models import Decision, DecisionEvent, DecisionKind, Proposal, Run
from quotes.services import comparison, expiry
from quotes.services.as_sent import left_out_lines
from quotes.services.comparison import in_words, line_word
from quotes.services.decision_words import (
    by,
    checks_told,
    event_words,
    lines_words,
    package_name,
    when,
)
from quotes.services.frozen import Frozen
from quotes.services.money import NOT_STATED, day_words, dollars, dollars_between
from quotes.services.packet_documents import Kept
from quotes.services.term_words import term_remark
from quotes.services.what_if.origin import SupposedPremiums

K = DecisionKind


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
        told = checks_told(choice)
        pairs.append(["Told when it was chosen", "\n".join(told) or "Not recorded"])
    bound = last.get(K.BOUND)
    if bound is not None and run.decision == Decision.BOUND:
        pairs.append(["Bound", "\n".join([day_words(bound.on), *bound.note.splitlines()])])
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
        [
            "Left out",
            "; ".join(left_out) or ("None" if origin is None else "None beside the what-if"),
        ],
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
        if remark := term_remark(known):
            premium += f"; {remark}"
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

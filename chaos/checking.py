"""The checker: the stand-in's journal and the ledger held against the database.

It has its own idea of the run's life and of what may be sent twice, so that a mistake in the
app's rules does not hide itself. The journal says what was asked and answered, the ledger what
was started, and the database must account for all of it and claim nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chaos.journal import Exchange, digest
from quotes.models import Run, RunEvent

GOALS = ("lost", "repeated", "illegal", "stuck", "missing", "invented")
AFTER_OUTAGE = 40.0
"""Seconds after the stand-in was killed in which a submission to it may still be given up."""

STEPS: dict[str, tuple[frozenset[str], str]] = {
    "created": (frozenset({""}), "queued"),
    "submitting": (frozenset({"queued"}), "submitting"),
    "not_sent": (frozenset({"submitting"}), "queued"),
    "throttled": (frozenset({"submitting"}), "queued"),
    "submit_unknown": (frozenset({"submitting"}), "submit_unknown"),
    "accepted": (frozenset({"submitting", "submit_unknown"}), "waiting"),
    "rejected": (frozenset({"submitting"}), "rejected"),
    "completed": (frozenset({"waiting"}), "completed"),
    "failed": (frozenset({"waiting"}), "failed"),
    "bad_response": (frozenset({"waiting"}), "bad_response"),
    "linked": (frozenset({"submit_unknown", "bad_response"}), "waiting"),
    "resumed": (frozenset({"bad_response"}), "waiting"),
    "abandoned": (
        frozenset({"queued", "waiting", "submit_unknown", "bad_response"}), "abandoned",
    ),
    "resubmitted": (frozenset({"submit_unknown"}), "abandoned"),
}  # fmt: skip
"""Each event that is a step: from which states, and to which."""
UNDER_WAY = frozenset({"queued", "submitting", "waiting"})


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it must be. `run` is an id, of ours or of the stand-in's."""

    goal: str
    run: str
    what: str


@dataclass(frozen=True)
class Event:
    kind: str
    at: datetime
    by_person: bool
    data: dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A run as the database has it; bodies as their digests, "" for none."""

    id: str
    state: str
    asked: str
    run_id: str
    answer: str
    attempts: int
    solutions: int
    created_at: datetime
    again: bool
    events: Sequence[Event]

    def count(self, *kinds: str) -> int:
        return sum(event.kind in kinds for event in self.events)


@dataclass(frozen=True)
class Evidence:
    """All that is known: `ledger` has the request's digest of each run that was started, and
    `outages` when the stand-in was killed, in seconds since the epoch. `late` are runs that were
    still under way too long after everything had been calm."""

    ledger: dict[str, str]
    exchanges: Sequence[Exchange]
    rows: Sequence[Row]
    late: Collection[str] = ()
    outages: Sequence[float] = field(default_factory=tuple)


def read_rows() -> list[Row]:
    """Every run in the database with its events, oldest first."""
    events: dict[Any, list[Event]] = defaultdict(list)
    # By id: a run's events are numbered while its row is locked, whatever a clock says.
    for event in RunEvent.objects.order_by("id"):
        events[event.run_id].append(
            Event(event.kind, event.at, event.actor_id is not None, event.data or {})
        )
    found = []
    for run in Run.objects.order_by("created_at").defer("request", "response"):
        answered = run.state in {"completed", "failed"} and run.response_body is not None
        found.append(
            Row(
                id=str(run.pk),
                state=run.state,
                asked=digest(bytes(run.request_body)),
                run_id=run.nexio_run_id,
                answer=digest(bytes(run.response_body or b"")) if answered else "",
                attempts=run.attempts,
                solutions=run.solutions.count(),
                created_at=run.created_at,
                again=run.resubmission_of_id is not None,
                events=events[run.pk],
            )
        )
    return found


def check(evidence: Evidence) -> list[Finding]:
    """Everything that is wrong, by goal; nothing where all goals are met."""
    checks: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
        _lost, _repeated, _illegal, _stuck, _unwritten, _unanswered, _invented, _groundless,
    )  # fmt: skip
    return [finding for each in checks for finding in each(evidence)]


def _by_asked(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.asked].append(row)
    return found


def _posts(evidence: Evidence) -> dict[str, list[Exchange]]:
    found: dict[str, list[Exchange]] = defaultdict(list)
    for each in evidence.exchanges:
        if each.method == "POST":
            found[each.asked].append(each)
    return found


def _lost(evidence: Evidence) -> Iterator[Finding]:
    """Runs that were started and are gone, and runs of Nexio's that nobody here knows of."""
    rows = {row.id: row for row in evidence.rows}
    for run, asked in evidence.ledger.items():
        if run not in rows:
            yield Finding("lost", run, "it was started and is not in the database")
        elif rows[run].asked != asked:
            yield Finding("lost", run, "its request is another one than was started")
    by_asked = _by_asked(evidence.rows)
    known = {row.run_id for row in evidence.rows} | {
        str(event.data.get("run_id"))
        for row in evidence.rows
        for event in row.events
        if event.kind == "late_reply"
    }
    for each in evidence.exchanges:
        # Only a submission that is said to be in doubt may have been taken unnoticed.
        doubted = any(row.count("submit_unknown") for row in by_asked[each.asked])
        if each.did == "accepted" and each.run_id not in known and not doubted:
            yield Finding("lost", each.run_id, "it was accepted and no run here is it")


def _repeated(evidence: Evidence) -> Iterator[Finding]:
    """Submissions after one that was not plainly refused, unless a person asked for it."""
    by_asked = _by_asked(evidence.rows)
    for asked, posts in _posts(evidence).items():
        asked_for = [
            row.created_at.timestamp()
            for row in by_asked[asked]
            if row.again and any(event.by_person for event in row.events)
        ]
        binding = 0
        for post in posts:
            if binding and (len(asked_for) < binding or asked_for[binding - 1] > post.at):
                run = next((row.id for row in by_asked[asked]), asked)
                yield Finding("repeated", run, "it was sent again, and nobody had asked for that")
            # A refusal that was not wholly sent tells its caller nothing.
            binding += not (post.did == "refused" and post.whole)


def _illegal(evidence: Evidence) -> Iterator[Finding]:
    """Steps that the run's life does not have, replayed from the events."""
    for row in evidence.rows:
        state = ""
        for event in row.events:
            if event.kind not in STEPS or (event.kind == "throttled" and state == "waiting"):
                continue  # a note; Nexio may also put off a question
            froms, to = STEPS[event.kind]
            if state not in froms:
                yield Finding("illegal", row.id, f"{event.kind} while {state or 'not created'}")
            state = to
        if state != row.state:
            yield Finding("illegal", row.id, f"events end in {state}, the row says {row.state}")


def _stuck(evidence: Evidence) -> Iterator[Finding]:
    for run in evidence.late:
        yield Finding("stuck", run, "it was still under way long after everything was calm")


def _unwritten(evidence: Evidence) -> Iterator[Finding]:
    """Submissions that left no event."""
    posts = _posts(evidence)
    for asked, rows in _by_asked(evidence.rows).items():
        for row in rows:
            if row.count("submitting") != row.attempts:
                yield Finding("missing", row.id, "its attempts and its events differ")
        sent = posts[asked]
        if sum(row.attempts for row in rows) < len(sent):
            yield Finding("missing", rows[0].id, "it was sent more often than events say")
        ends = ("throttled", "submit_unknown", "late_reply")
        refused = sum(each.did == "refused" for each in sent)
        if rows[0].state not in UNDER_WAY and sum(row.count(*ends) for row in rows) < refused:
            yield Finding("missing", rows[0].id, "it was refused more often than events say")


def _unanswered(evidence: Evidence) -> Iterator[Finding]:
    """Ends that were told to the last byte and are not kept, to the last byte."""
    rows = {row.run_id: row for row in evidence.rows if row.run_id}
    told = {
        each.asked: each for each in evidence.exchanges if each.ended and each.readable
    }  # of several the last: they are the same
    for run_id, each in told.items():
        row = rows.get(run_id)
        if row is None or row.state in UNDER_WAY:
            continue  # lost or stuck, and said so
        if row.state not in {"completed", "failed"}:
            yield Finding("missing", row.id, f"its end was told, and it is {row.state}")
        elif row.answer != each.answer:
            yield Finding("missing", row.id, "its reply is not kept as it was sent")
        elif row.state == "completed" and row.solutions != each.solutions:
            yield Finding("missing", row.id, f"{row.solutions} of {each.solutions} packages kept")


def _invented(evidence: Evidence) -> Iterator[Finding]:
    """What the database says and the stand-in never did."""
    accepted, answers, refused = set(), set(), set()
    odd: dict[str, int] = defaultdict(int)
    for each in evidence.exchanges:
        if each.did == "accepted":
            accepted.add((each.asked, each.run_id))
        elif each.did == "rejected":
            refused.add(each.asked)
        elif each.ended:
            answers.add((each.asked, each.answer))
        if each.method == "GET" and (each.fault or not each.whole):
            odd[each.asked] += 1
    for row in evidence.rows:
        if row.run_id and (row.asked, row.run_id) not in accepted:
            yield Finding("invented", row.id, "its run_id was never given to it")
        if row.answer and (row.run_id, row.answer) not in answers:
            yield Finding("invented", row.id, "its reply was never sent")
        if row.state == "rejected" and row.asked not in refused:
            yield Finding("invented", row.id, "nobody rejected it")
        if row.state == "bad_response" and odd[row.run_id] < 10:
            yield Finding("invented", row.id, "fewer than ten replies were unusable")


def _groundless(evidence: Evidence) -> Iterator[Finding]:
    """Doubts about a submission whose answer was sound and whole, and whose worker lived."""
    posts = _posts(evidence)
    for asked, rows in _by_asked(evidence.rows).items():
        told = [
            event
            for row in rows
            for event in row.events
            if event.kind == "submit_unknown" and event.data.get("error")
        ]
        unreadable = sum(not each.readable or each.did == "undone" for each in posts[asked])
        cut_off = sum(
            any(0 <= event.at.timestamp() - down < AFTER_OUTAGE for down in evidence.outages)
            for event in told
        )
        if len(told) > unreadable + cut_off:
            yield Finding("invented", rows[0].id, "its submission is in doubt for no reason")

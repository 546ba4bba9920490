"""Readable replies to polls: the end of a run with all it brings, or one more step on the way.

Many are written together, in one transaction and a few statements however many they are. For each
row that is a compare-and-set all the same: what was taken over or settled meanwhile is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from quotes.models import NexioService, Run, RunEvent, RunState, many_rows
from quotes.nexio.client import Reply
from quotes.nexio.messages import JobReply
from quotes.services import run_facts
from quotes.services.notices.telling import Step, tell_of_steps
from quotes.services.rescheduling import polled
from quotes.services.results import Ranked, store_solutions

ORDER = {"queued": 0, "processing": 1}
SENT = ("request", "offering_lines")
"""What packages are matched with; a claim leaves it unread."""


@dataclass(frozen=True)
class Answer:
    """What a poll of a leased run brought, and when."""

    run: Run
    reply: Reply[JobReply]
    at: datetime

    @property
    def ends(self) -> bool:
        return self.reply.message.is_terminal


@dataclass(frozen=True)
class _Written:
    """An answer, the columns it changes and what it puts on the run's timeline."""

    answer: Answer
    changes: dict[str, Any]
    events: list[RunEvent]

    @property
    def run(self) -> Run:
        return self.answer.run


def store(
    answers: Sequence[Answer], *, lease: str, service: NexioService | None = None
) -> list[Run]:
    """Write what follows from the answers to polls of one lease: all of it or nothing.

    Returns the runs that were taken over or settled meanwhile, of which nothing was written. An
    answer that cannot be stored fails them all; whoever gave them together then gives each alone.
    `service` is the runs', where its row is at hand.
    """
    with transaction.atomic():
        _note_environment(answers, service)
        ends = _update([_ended(each) for each in answers if each.ends], lease, *SENT)
        goes_on = _update([_goes_on(each) for each in answers if not each.ends], lease)
        written = [*(each for each, _ in ends), *(each for each, _ in goes_on)]
        many_rows.insert([event for each in written for event in each.events])
        if ends:
            _finish(ends)
    for each in written:
        each.run.take(each.changes)
    held = {each.run.pk for each in written}
    return [each.run for each in answers if each.run.pk not in held]


def _note_environment(answers: Sequence[Answer], service: NexioService | None) -> None:
    for each in answers:
        said = each.reply.message.environment
        if said and (service is None or service.environment != said):
            known = NexioService.objects.filter(base_url=each.run.service_url)
            known.exclude(environment=said).update(environment=said)
            if service is not None:
                service.environment = said


def _update(
    steps: Sequence[_Written], lease: str, *returning: str
) -> list[tuple[_Written, tuple[Any, ...]]]:
    """Write the rows that are still waiting and leased; those, with columns as they are stored."""
    ours = many_rows.update(
        Run,
        {each.run.pk: each.changes for each in steps},
        where={"state": RunState.WAITING, "lease_owner": lease},
        returning=returning,
    )
    return [(each, ours[each.run.pk]) for each in steps if each.run.pk in ours]


def _finish(ends: Sequence[tuple[_Written, tuple[Any, ...]]]) -> None:
    """Packages, facts and notices of runs whose rows say that they have ended."""
    after = [each.run.with_values(each.changes) for each, _ in ends]
    ranked = []
    for run, (each, stored) in zip(after, ends, strict=True):
        message = each.answer.reply.message
        if run.state == RunState.COMPLETED and message.solutions:
            # Opened only here: without packages nobody has to be able to.
            for column, value in zip(SENT, stored, strict=True):
                setattr(run, column, many_rows.opened(Run, column, value))
            ranked.append(Ranked(run, message))
    known = store_solutions(ranked)
    run_facts.ended(after, known)
    tell_of_steps(
        Step(run, each.answer.at, len(each.answer.reply.message.solutions))
        for run, (each, _) in zip(after, ends, strict=True)
    )


def _ended(answer: Answer) -> _Written:
    run, message, at = answer.run, answer.reply.message, answer.at
    count = len(message.solutions)
    # An ending nobody documented ("cancelled") that brings an error and no package is a failure.
    odd = message.status not in {"completed", "degraded"} and message.error and not count
    failed = message.status == "failed" or bool(odd)
    if failed:
        text = f"Nexio failed: {message.error or 'no reason given'}"
    elif count:
        text = f"Nexio ranked {count} package{'' if count == 1 else 's'}."
    else:
        text = "Nexio finished without a package."
    changes = run.step_to(
        RunState.FAILED if failed else RunState.COMPLETED,
        at=at,
        nexio_status=message.status,
        stage=message.stage or "",
        environment=message.environment or run.environment,
        response=message.raw,
        response_body=answer.reply.body,
        diagnostic=message.diagnostic or "",
        degradation_reason=message.degradation_reason or "",
        error=message.error or "",
        error_code=message.error_code,
        error_details=message.error_details,
        http_status=answer.reply.http_status,
        completed_at=message.completed_at,
        polls=run.polls + 1,
        bad_polls=0,
        unreachable_polls=0,
        last_polled_at=at,
    )
    kind = "failed" if failed else "completed"
    data = {"status": message.status} if failed else _told(message)
    event = RunEvent.of(run, at=at, kind=kind, text=text, data=data)
    return _Written(answer, changes, [event])


def _told(message: JobReply) -> dict[str, Any]:
    """What a run's page says of the reply beside its packages: so it need not open all of that."""
    listed = message.raw.get("solutions")
    unread = len(listed) - len(message.solutions) if isinstance(listed, list) else 0
    return {
        "status": message.status,
        "duration_ms": message.duration_ms,
        "unread": max(unread, 0),
    }


def _goes_on(answer: Answer) -> _Written:
    run, message, at = answer.run, answer.reply.message, answer.at
    was, status = run.nexio_status, message.status
    backwards = status in ORDER and was in ORDER and ORDER[status] < ORDER[was]
    stage = message.stage or ""
    shown = (was, run.stage) if backwards else (status, stage)
    changes = polled(run, at) | {
        "nexio_status": shown[0], "stage": shown[1], "bad_polls": 0, "unreachable_polls": 0,
        "environment": message.environment or run.environment,
    }  # fmt: skip
    events = []
    if run.bad_polls or run.unreachable_polls:
        events.append(RunEvent.of(run, at=at, kind="recovered", text="Replies are readable again."))
    if backwards:
        text = f"Nexio said {status} after {was}; kept {was}."
        events.append(RunEvent.of(run, at=at, kind="poll", text=text))
    elif shown != (was, run.stage):
        text = f"Nexio: {status}" + (f", stage {stage}." if stage else ".")
        said = {"status": status, "stage": stage}
        events.append(RunEvent.of(run, at=at, kind="poll", text=text, data=said))
    return _Written(answer, changes, events)

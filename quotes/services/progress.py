"""A run under way as its page shows it: steps, time, the next check, and what holds it up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from statistics import median
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.text import slugify

from quotes.models import NexioService, Run, RunEvent, RunState
from quotes.models.prepared import prepared
from quotes.services.runs import next_check

AFTER_CHECK = 0.6
"""Seconds after a scheduled check at which its outcome can be read, as a rule."""
SHORTEST, LONGEST = 0.7, 35.0
"""Seconds between two looks of a page; the schedule's longest gap is 31.5."""
ENOUGH_PAST_RUNS = 5
LATE = timedelta(seconds=20)
"""A check this late means that no worker looks after the run."""
STAGES = {"FILTER": "Filtering offerings", "EVALUATE": "Evaluating packages"}


@dataclass(frozen=True)
class Step:
    """One step of the run's way; `phase` is done, current or todo."""

    title: str
    phase: str
    at: datetime | None = None
    note: str = ""


@dataclass(frozen=True)
class Progress:
    """Everything the fragment of an unfinished run shows. Times are seconds."""

    steps: tuple[Step, ...]
    code: str
    said: str
    elapsed: int
    usual: int | None
    past_runs: int
    check_in: int | None
    check_number: int
    refresh_in: str
    overdue: bool
    key_refused: bool
    held_until: datetime | None
    elsewhere: bool
    unattended: bool
    mark: str

    @property
    def current_note(self) -> str:
        """What is said of the step under way besides its title."""
        return next((step.note for step in self.steps if step.phase == "current"), "")


def follow(run: Run, *, now: datetime, events: Sequence[RunEvent] | None = None) -> Progress:
    """The run's progress at `now`; a query each for the service's holds, past runs,
    and the latest event, unless `events` are given."""
    service = next(iter(_service(run.service_url)), None)
    elsewhere = run.service_url != settings.NEXIO_URL
    usual, past_runs = usual_duration(run.service_url)
    held_until = _held_until(run, service, now)
    key_refused = bool(service and service.key_refused_at)
    late = run.due_at is not None and now - run.due_at > LATE
    unattended = late and not (elsewhere or key_refused or held_until)
    overdue = run.is_overdue(now)
    return Progress(
        steps=_steps(run),
        code=seen_code(run),
        said=announcement(run),
        elapsed=max(int((now - (run.submitted_at or run.created_at)).total_seconds()), 0),
        usual=usual,
        past_runs=past_runs,
        check_in=_check_in(run, held_until, now),
        check_number=run.polls + 1,
        refresh_in=f"{_refresh_in(run, held_until, elsewhere or key_refused, now):.1f}",
        overdue=overdue,
        key_refused=key_refused,
        held_until=held_until,
        elsewhere=elsewhere,
        unattended=unattended,
        mark=_mark(run, events, held_until, elsewhere, key_refused, unattended, overdue),
    )


@prepared
def _service(address: str) -> QuerySet[NexioService]:
    return NexioService.objects.filter(base_url=address)[:1]


def _mark(run: Run, events: Sequence[RunEvent] | None, *rest: object) -> str:
    """Another one whenever more of the page is another than its times and its count of checks:
    an event on the timeline, or a notice above it."""
    if events is None:
        last = run.events.order_by("-id").values_list("pk", flat=True).first()
    else:
        last = max((event.pk for event in events), default=None)
    shown = (last, run.state, run.nexio_status, run.stage, run.environment, *rest)
    return blake2b(repr(shown).encode(), digest_size=6).hexdigest()


def seen_code(run: Run) -> str:
    """What of the run a listener has heard of: its state and stage, as a short code."""
    stage = run.stage or run.nexio_status if run.state == RunState.WAITING else ""
    return "-".join(part for part in (run.state, slugify(stage)[:40]) if part)


def announcement(run: Run) -> str:
    """The run's state in a sentence, for the page's live region."""
    if run.state == RunState.WAITING:
        return f"{_stage_title(run)}."
    return {
        RunState.QUEUED: "Waiting to be sent.",
        RunState.SUBMITTING: "Sending to Nexio.",
        RunState.COMPLETED: "The run is completed.",
        RunState.FAILED: "Nexio could not finish this run.",
        RunState.REJECTED: "Nexio refused the request.",
        RunState.SUBMIT_UNKNOWN: "Nobody can know whether the submission arrived.",
        RunState.BAD_RESPONSE: "Nexio's replies are unusable; checking has stopped.",
        RunState.ABANDONED: "The run was abandoned.",
    }[RunState(run.state)]


def usual_duration(service_url: str) -> tuple[int | None, int]:
    """The median seconds of this service's latest completed runs, and of how many.

    None while there are fewer than `ENOUGH_PAST_RUNS`: too few to call anything usual.
    """
    past = _past(service_url)
    seconds = [(end - start).total_seconds() for start, end in past if start and end]
    if len(seconds) < ENOUGH_PAST_RUNS:
        return None, len(seconds)
    return max(round(median(seconds)), 1), len(seconds)


@prepared
def _past(service_url: str) -> QuerySet[Run, Any]:
    ended = Run.objects.filter(state=RunState.COMPLETED, submitted_at__isnull=False)
    return ended.filter(service_url=service_url).values_list("submitted_at", "finished_at")[:50]


def _held_until(run: Run, service: NexioService | None, now: datetime) -> datetime | None:
    if service is None:
        return None
    until = (
        service.polls_held_until if run.state == RunState.WAITING else service.submits_held_until
    )
    return until if until is not None and until > now else None


def _check_in(run: Run, held_until: datetime | None, now: datetime) -> int | None:
    """Whole seconds to the next check or try; None while it is being sent this moment."""
    wait = next_check(run, now)
    if wait is None or run.state == RunState.SUBMITTING:
        return None
    if held_until is not None:
        wait = max(wait, (held_until - now).total_seconds())
    return round(wait)


def _refresh_in(run: Run, held_until: datetime | None, paused: bool, now: datetime) -> float:
    """When the page looks again: just after the next check; ever more rarely past a late one."""
    if paused:
        return LONGEST
    if run.state == RunState.SUBMITTING:
        return 1.0
    wait = next_check(run, now) or 0.0
    if held_until is not None:
        wait = max(wait, (held_until - now).total_seconds())
    late = (now - run.due_at).total_seconds() if run.due_at is not None else 0.0
    if late > 3:
        wait = late / 5
    return min(max(wait + AFTER_CHECK, SHORTEST), LONGEST)


def _stage_title(run: Run) -> str:
    if run.stage:
        return STAGES.get(run.stage.upper(), f"Stage {run.stage}")
    if run.nexio_status in {"", "queued"}:
        return "Queued at Nexio"
    if run.nexio_status == "processing":
        return "Ranking packages"
    return f"Nexio says {run.nexio_status}"


def _steps(run: Run) -> tuple[Step, ...]:
    sent, queued = "current", "todo"
    working = "todo"
    title = "Filtering and evaluating"
    note = ""
    if run.state == RunState.WAITING:
        sent, queued = "done", "current"
        if run.stage or run.nexio_status not in {"", "queued"}:
            queued, working = "done", "current"
            title = _stage_title(run)
            note = f"stage {run.stage}" if run.stage else ""
    sending = "Sending" if run.state == RunState.SUBMITTING else "Waiting to be sent"
    return (
        Step("Sent" if sent == "done" else sending, sent, run.submitted_at),
        Step("Queued" if queued == "done" else "Queued at Nexio", queued),
        Step(title, working, note=note),
        Step("Ranked packages", "todo"),
    )

"""What each answer, or lack of one, means for a run: the table of outcomes, one function a row.

Every function is one short transaction on a row read before. All are told the time; none asks.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeGuard

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from quotes.models import NexioService, Run, RunState
from quotes.models.run import IllegalTransition, RunMoved
from quotes.nexio import errors
from quotes.nexio.client import Reply
from quotes.nexio.messages import Accepted, JobReply
from quotes.services import answers
from quotes.services.claims import LEASE, service_at
from quotes.services.notices.telling import tell_of_step
from quotes.services.rescheduling import polled
from quotes.services.schedule import next_poll_in, resend_in

log = structlog.get_logger(__name__)
MOST_BAD_POLLS = 10
SHORTEST_WAIT = 1.0
FIRST_KEY_CHECK = timedelta(seconds=5)
KEY_CHECK_EVERY = timedelta(seconds=60)
LOST = (
    "Nexio may or may not be ranking this. Nothing is sent again by itself: "
    "send it again knowingly, link the run_id if you know it, or give it up."
)


def begin_submission(run: Run, *, lease: str, now: datetime) -> bytes:
    """Commit `submitting` before a byte is sent, and hand over the bytes to send.

    Raises RunMoved when the lease was lost.
    """
    body = bytes(run.request_body)  # before anything is committed: reading it may fail
    run.move(
        RunState.SUBMITTING,
        at=now,
        kind="submitting",
        text="Sending to Nexio."
        if not run.attempts
        else f"Sending to Nexio, try {run.attempts + 1}.",
        lease=lease,
        attempts=run.attempts + 1,
        due_at=now + LEASE,
        lease_owner=lease,
        lease_until=now + LEASE,
    )
    return body


def lapsed_submission(run: Run, *, now: datetime) -> None:
    """The worker died while sending: before or after the first byte, nobody can tell."""
    run.move(
        RunState.SUBMIT_UNKNOWN,
        at=now,
        kind="submit_unknown",
        text=f"The worker stopped while sending. {LOST}",
        due_at=None,
        error="The worker stopped while sending.",
    )
    tell_of_step(run, now=now)


def submission_accepted(run: Run, reply: Reply[Accepted], *, now: datetime) -> None:
    """202: commit the run_id in the same instant, whatever became of the lease meanwhile.

    A run whose lease lapsed in mid-submission has been called lost; the reply that comes after
    all takes it up again, unless a person has already settled it.
    """
    run_id = reply.message.run_id
    try:
        _accept(run, reply, text=f"Accepted as run_id {run_id}.", now=now)
    except (RunMoved, IllegalTransition):
        run.refresh_from_db()
        if run.nexio_run_id == run_id:
            return  # written before, though the database could not say so
        if run.state == RunState.SUBMIT_UNKNOWN:
            # A person may settle it this moment: then it is noted as of any that was settled.
            with suppress(RunMoved):
                _accept(run, reply, text=f"The reply came after all: run_id {run_id}.", now=now)
                return
        run.note(
            at=now,
            kind="late_reply",
            text=f"A late reply named run_id {run_id}; the run had moved on.",
            data={"run_id": run_id},
        )


def _accept(run: Run, reply: Reply[Accepted], *, text: str, now: datetime) -> None:
    try:
        run.move(
            RunState.WAITING,
            at=now,
            kind="accepted",
            text=text,
            data={
                "http_status": reply.http_status,
                "reply": reply.body.decode("utf-8", "replace").replace("\0", "\ufffd")[:2000],
            },
            nexio_run_id=reply.message.run_id,
            nexio_status=reply.message.status[:64],
            http_status=reply.http_status,
            submitted_at=now,
            due_at=now + next_poll_in(0, run.pk),
            polls=0,
            error="",
            error_code="",
        )
    except IntegrityError:
        taken = errors.Unusable(
            "Nexio answered with a run_id that another run has.",
            http_status=reply.http_status,
            body=reply.body,
        )
        if run.state == RunState.SUBMITTING:
            submission_lost(run, taken, now=now)
        else:
            run.note(
                at=now,
                kind="late_reply",
                text=f"A late reply named run_id {reply.message.run_id}, which another run has.",
                data={"run_id": reply.message.run_id},
            )


def not_begun(run: Run, *, lease: str, now: datetime) -> None:
    """Held up between the commit and the first byte: nothing left, and nothing may leave now."""
    run.move(
        RunState.QUEUED,
        at=now,
        kind="not_sent",
        text="This machine was held up before sending. Nothing was sent; trying again.",
        lease=lease,
        due_at=now,
    )


def submission_failed(
    run: Run, error: errors.NexioError, *, service: NexioService, now: datetime, lease: str = ""
) -> None:
    """A submission that ended in an error: back to the queue, rejected, or nobody knows.

    What it says of the service is noted first: it holds whatever became of the run meanwhile.
    """
    if isinstance(error, errors.Throttled):
        # Runs that Nexio has accepted are asked for all the same: it put off a submission.
        hold(service, until=now + _asked(error), polls=False)
    elif isinstance(error, errors.KeyRefused):
        refuse_key(service, now=now)
    try:
        # By the lease: when this is written a second time, because the database could not say
        # that the first was, another worker may be at the next attempt.
        _settle_failed(run, error, lease=lease, now=now)
    except RunMoved:
        run.note(
            at=now,
            kind="late_reply",
            text=f"A late answer: {error.message} The run had moved on.",
            data=_data(error),
        )


def _asked(error: errors.Throttled) -> timedelta:
    # "Retry-After: 0" is no leave to send without a pause.
    return timedelta(seconds=max(error.retry_after, SHORTEST_WAIT))


def _settle_failed(run: Run, error: errors.NexioError, *, lease: str, now: datetime) -> None:
    data = _data(error)
    if isinstance(error, errors.NotSent):
        wait = resend_in(run.attempts)
        run.move(
            RunState.QUEUED, at=now, kind="not_sent", data=data, due_at=now + wait, lease=lease,
            text=f"{error.message} Trying again in {wait.total_seconds():.0f} s.",
        )  # fmt: skip
    elif isinstance(error, errors.Throttled):
        wait = _asked(error)
        run.move(
            RunState.QUEUED, at=now, kind="throttled", data=data, due_at=now + wait, lease=lease,
            text=f"Nexio asked to wait {wait.total_seconds():.0f} s; it will be sent then.",
        )  # fmt: skip
    elif isinstance(error, errors.Refused):
        run.move(
            RunState.REJECTED, at=now, kind="rejected", data=data, lease=lease,
            text=f"Nexio refused the request: {error.nexio_message or error.message}",
            error=str(error.nexio_message or error.message)[:2000],
            error_code=(error.code or "")[:100],
            error_details=error.details,
            http_status=error.http_status,
            response_body=error.body,
        )  # fmt: skip
        tell_of_step(run, now=now)
    else:
        submission_lost(run, error, lease=lease, now=now)


def submission_lost(run: Run, error: errors.NexioError, *, now: datetime, lease: str = "") -> None:
    """The request may have arrived and no usable answer came back."""
    run.move(
        RunState.SUBMIT_UNKNOWN, at=now, kind="submit_unknown", data=_data(error), lease=lease,
        text=f"{error.message} {LOST}",
        due_at=None,
        error=error.message,
        error_code=(error.code or "")[:100],
        http_status=error.http_status,
        response_body=error.body,
    )  # fmt: skip
    tell_of_step(run, now=now)


def poll_answered(
    run: Run,
    reply: Reply[JobReply],
    *,
    lease: str,
    now: datetime,
    service: NexioService | None = None,
) -> None:
    """A readable reply: the end, or one more step on the way; RunMoved if the lease was lost.

    `service` is the run's, where its row is at hand.
    """
    if answers.store([answers.Answer(run, reply, now)], lease=lease, service=service):
        raise RunMoved(f"run {run.pk} was taken over")


def poll_failed(
    run: Run, error: errors.NexioError, *, service: NexioService, lease: str, now: datetime
) -> None:
    """A poll without a usable answer: polling goes on; ten unusable replies in a row end it.

    An outage (no reply at all) is no answer of Nexio's: it never ends a run, however long.
    """
    if _asks_to_wait(error):
        # First, and whatever became of the run meanwhile: it concerns all of them.
        hold(service, until=now + timedelta(seconds=error.retry_after), polls=True)
    with transaction.atomic():
        _note_failed_poll(run, error, service=service, lease=lease, now=now)


def _asks_to_wait(error: errors.NexioError) -> TypeGuard[errors.Throttled]:
    return isinstance(error, errors.Throttled) and error.http_status == 429


def _note_failed_poll(
    run: Run, error: errors.NexioError, *, service: NexioService, lease: str, now: datetime
) -> None:
    """The next poll, or the end of polling, and the event that says why. In a transaction."""
    if isinstance(error, errors.KeyRefused):
        _polled(run, lease=lease, now=now)
        if refuse_key(service, now=now):
            run.note(
                at=now, kind="key_refused", data=_data(error),
                text="Nexio refused our key; polling pauses until it works.",
            )  # fmt: skip
    elif _asks_to_wait(error):
        wait = timedelta(seconds=error.retry_after)
        _polled(run, lease=lease, now=now, not_before=now + wait)
        run.note(
            at=now, kind="throttled", data=_data(error),
            text=f"Nexio asked to wait {error.retry_after:.0f} s before asking again.",
        )  # fmt: skip
    elif isinstance(error, errors.NotSent) or (
        # A reply that broke off in the middle was Nexio's, and unreadable.
        isinstance(error, errors.LostReply) and error.http_status is None
    ):
        _polled(run, lease=lease, now=now, unreachable_polls=run.unreachable_polls + 1)
        if not run.unreachable_polls:
            run.note(
                at=now, kind="unreachable", text=f"{error.message} Asking again.", data=_data(error)
            )
    elif run.bad_polls + 1 < MOST_BAD_POLLS:
        wait = timedelta(seconds=getattr(error, "retry_after", 0.0))
        _polled(run, lease=lease, now=now, not_before=now + wait, bad_polls=run.bad_polls + 1)
        run.note(at=now, kind="bad_poll", text=f"{error.message} Asking again.", data=_data(error))
    else:
        run.move(
            RunState.BAD_RESPONSE, at=now, kind="bad_response", lease=lease, data=_data(error),
            text=f"{error.message} That was the tenth unusable reply in a row.",
            error=error.message, http_status=error.http_status, due_at=None,
            polls=run.polls + 1, bad_polls=run.bad_polls + 1, last_polled_at=now,
        )  # fmt: skip
        tell_of_step(run, now=now)


def _polled(
    run: Run, *, lease: str, now: datetime, not_before: datetime | None = None, **changes: Any
) -> None:
    """Set the next poll by the schedule and let go of the lease; RunMoved if it was lost."""
    values = polled(run, now) | changes
    if not_before is not None:
        values["due_at"] = max(values["due_at"], not_before)
    held = Run.objects.filter(pk=run.pk, state=RunState.WAITING, lease_owner=lease)
    if not held.update(**values):
        raise RunMoved(f"run {run.pk} was taken over")


def hold(service: NexioService, *, until: datetime, polls: bool) -> None:
    """Keep every worker from submitting, and from polling, until then; never shorten a hold."""
    for name in ("submits_held_until", "polls_held_until") if polls else ("submits_held_until",):
        # Compared in the database: another worker may be setting a longer hold this moment.
        shorter = Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__lt": until})
        NexioService.objects.filter(shorter, pk=service.pk).update(**{name: until})
        if (getattr(service, name) or until) <= until:
            setattr(service, name, until)  # whoever holds this object need not read it again


def refuse_key(service: NexioService, *, now: datetime) -> bool:
    """Note that Nexio refused the key and hold everything; True the first time only.

    Admins see it on every page until the key works again. Where others have begun with another key
    meanwhile, it holds this watcher alone.
    """
    row = NexioService.objects.filter(pk=service.pk)
    first = row.filter(key_mark=service.key_mark, key_refused_at=None).update(
        key_refused_at=now, next_key_check_at=now + FIRST_KEY_CHECK
    ) or (service.key_refused_at is None and not row.filter(key_mark=service.key_mark).exists())
    service.key_refused_at = service.key_refused_at or now
    if first:
        log.error("nexio_key_refused", service=service.pk)
    return bool(first)


@transaction.atomic
def begin_with_key(base_url: str, key: str, *, refused: bool, now: datetime) -> None:
    """Go by this key at the address from here on, where others had another; as `refused`, it is
    held from the first moment."""
    service = service_at(base_url, key)
    if refused:
        refuse_key(service, now=now)


def key_works(service: NexioService, *, now: datetime) -> None:
    """Lift the hold that a refused key had put on; not one of another key's."""
    NexioService.objects.filter(pk=service.pk, key_mark=service.key_mark).update(
        key_refused_at=None, next_key_check_at=None, last_contact_at=now
    )


def _data(error: errors.NexioError) -> dict[str, Any]:
    return {
        "error": type(error).__name__,
        "http_status": error.http_status,
        "code": error.code,
        "sandbox": settings.NEXIO_IS_SANDBOX,
    }

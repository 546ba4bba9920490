"""Runs in every state, brought there by the real outcomes: no HTTP, no waiting."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import simplejson
from django.utils import timezone

from quotes.models import Insured, NexioService, Run, User
from quotes.nexio import errors
from quotes.nexio.client import Reply
from quotes.nexio.messages import Accepted, JobReply
from quotes.services import outcomes
from tests.factories import queued_run
from tests.fake_nexio import completed

LEASE = "test-lease"


def reply_of(kind: Any, value: dict[str, Any], http_status: int = 200) -> Reply[Any]:
    """A readable reply as the client hands it on."""
    body = simplejson.dumps(value, use_decimal=True).encode()
    return Reply(
        elapsed_ms=1,
        http_status=http_status,
        body=body,
        message=kind.read(simplejson.loads(body, use_decimal=True)),
    )


def service_of(run: Run) -> NexioService:
    return NexioService.objects.get_or_create(base_url=run.service_url)[0]


def submitting_run(
    owner: User | None = None,
    name: str = "example_input.json",
    at: datetime | None = None,
    insured: Insured | None = None,
) -> Run:
    run = queued_run(name, owner, insured)
    now = at or timezone.now()
    if at:
        Run.objects.filter(pk=run.pk).update(created_at=at)
    Run.objects.filter(pk=run.pk).update(lease_owner=LEASE)
    run.refresh_from_db()
    outcomes.begin_submission(run, lease=LEASE, now=now)
    return run


def waiting_run(owner: User | None = None, run_id: str = "", **how: Any) -> Run:
    run = submitting_run(owner, **how)
    sent = Accepted, {"run_id": run_id or f"nx-{run.pk}", "status": "queued"}, 202
    outcomes.submission_accepted(run, reply_of(*sent), now=how.get("at") or timezone.now())
    run.refresh_from_db()
    return run


def answer(run: Run, value: dict[str, Any], at: datetime | None = None) -> Run:
    """One poll of a waiting run, answered with this."""
    Run.objects.filter(pk=run.pk).update(lease_owner=LEASE)
    run.refresh_from_db()
    value = {"run_id": run.nexio_run_id, "environment": "test", **value}
    now = at or timezone.now()
    outcomes.poll_answered(run, reply_of(JobReply, value), lease=LEASE, now=now)
    run.refresh_from_db()
    return run


def completed_run(owner: User | None = None, status: str = "completed", **how: Any) -> Run:
    """Completed with the packages the fake makes of what was sent."""
    run = waiting_run(owner, **how)
    end = (how.get("at") or timezone.now()) + timedelta(seconds=23)
    return answer(run, {"status": status, **completed(run.request)}, at=end)


def failed_run(owner: User | None = None, **how: Any) -> Run:
    wrong = {"error": "EVALUATE_TIMEOUT", "error_details": {"stage": "EVALUATE", "budget": 40}}
    return answer(waiting_run(owner, **how), {"status": "failed", **wrong})


def rejected_run(
    owner: User | None = None, error: errors.NexioError | None = None, **how: Any
) -> Run:
    run = submitting_run(owner, **how)
    outcomes.submission_failed(run, error or refused(), service=service_of(run), now=timezone.now())
    run.refresh_from_db()
    return run


def refused(text: str = "offerings[3] has no premium", status: int = 400) -> errors.Refused:
    return errors.Refused(
        "Nexio refused the request.",
        http_status=status,
        body=b"{}",
        code="invalid_request",
        nexio_message=text,
    )


def lost_run(owner: User | None = None, **how: Any) -> Run:
    run = submitting_run(owner, **how)
    lost = errors.LostReply("The connection closed before a reply.")
    outcomes.submission_failed(run, lost, service=service_of(run), now=timezone.now())
    run.refresh_from_db()
    return run


def unreadable_run(owner: User | None = None, **how: Any) -> Run:
    """Ten unusable replies in a row."""
    run = waiting_run(owner, **how)
    for _ in range(outcomes.MOST_BAD_POLLS):
        Run.objects.filter(pk=run.pk).update(lease_owner=LEASE)
        run.refresh_from_db()
        bad = errors.Unusable("The reply is not JSON.", http_status=200, body=b"<html>")
        outcomes.poll_failed(run, bad, service=service_of(run), lease=LEASE, now=timezone.now())
    run.refresh_from_db()
    return run

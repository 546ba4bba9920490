"""What an administrator does to a run: by the brokers' rules, with a reason, written down twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from quotes.models import AuditEvent, Run, User
from quotes.models.run import RunMoved
from quotes.services import claims, outcomes
from quotes.services.operations_acts import OFFERS, act_on_run, offers_for, poll_now, requeue
from quotes.services.runs import NotPossible
from tests import runs as made
from tests.clock import ScaledClock
from tests.factories import make_user, queued_run
from tests.fake_nexio import FakeNexio
from tests.services.watch import Watching, text_of, until_state

pytestmark = pytest.mark.django_db(transaction=True)
WHY = "Support said so."


@pytest.fixture
def broker(db: None) -> User:
    return make_user("broker", "broker")


@pytest.fixture
def admin(db: None) -> User:
    return make_user("admin", "admin")


def act(code: str, run: Run, actor: User, **more: Any) -> Run:
    return act_on_run(
        code=code, run=run, actor=actor, reason=WHY, **{"now": timezone.now(), **more}
    )


@pytest.mark.parametrize(
    ("make", "codes"),
    [
        (queued_run, ["requeue", "abandon"]),
        (made.submitting_run, []),
        (made.waiting_run, ["poll", "abandon"]),
        (made.lost_run, ["link", "resubmit", "abandon"]),
        (made.unreadable_run, ["resume", "abandon"]),
        (made.rejected_run, ["send-again"]),
        (made.failed_run, ["send-again"]),
        (made.completed_run, []),
    ],
)
def test_what_is_offered_is_what_is_possible(make, codes, broker: User, admin: User) -> None:
    run = make(owner=broker)
    assert [offer.code for offer in offers_for(run)] == codes
    if run.state == "queued":
        Run.objects.filter(pk=run.pk).update(due_at=timezone.now() + timedelta(hours=1))
    for code in OFFERS:
        if code not in codes:
            before = Run.objects.values().get(pk=run.pk)
            with pytest.raises(NotPossible):
                act(code, run, admin, run_id="nx-1")
            assert Run.objects.values().get(pk=run.pk) == before
    assert not AuditEvent.objects.filter(deed="administered").exists()
    for code in codes[:1]:
        settled = act(code, run, admin, run_id="nx-1")
        event = run.events.filter(actor=admin).order_by("-id").first()
        assert event is not None
        assert WHY in event.text
        entry = AuditEvent.objects.get(deed="administered")
        assert (entry.actor, entry.run_ref, entry.insured_ref) == (admin, run.pk, run.insured_id)
        assert entry.data == {"act": code, "reason": WHY, "led_to": str(settled.pk)}


def test_a_refused_act_leaves_no_trace(broker: User, admin: User) -> None:
    run, other = made.lost_run(broker), made.waiting_run(broker, run_id="nx-taken")
    with pytest.raises(NotPossible, match="another run"):
        act("link", run, admin, run_id=other.nexio_run_id)
    run.refresh_from_db()
    assert run.state == "submit_unknown"
    assert not run.events.filter(actor=admin).exists()
    assert not AuditEvent.objects.filter(actor=admin).exists()


def test_asking_now_is_ahead_of_the_schedule(nexio: FakeNexio, broker: User, admin: User) -> None:
    run = made.waiting_run(broker, run_id="nx-found")
    nexio.add_run("nx-found", run.request)
    Run.objects.filter(pk=run.pk).update(due_at=timezone.now() + timedelta(days=1))
    with Watching(nexio, clock=ScaledClock(10)):
        act("poll", run, admin)
        until_state(run, "completed")
    assert text_of(run, "asked_now") == f"To be asked for at once: {WHY}"


def test_nobody_asks_again_within_two_seconds_or_while_it_is_asked_for(
    broker: User, admin: User
) -> None:
    run, now = made.waiting_run(broker), timezone.now()
    Run.objects.filter(pk=run.pk).update(last_polled_at=now - timedelta(seconds=1))
    with pytest.raises(NotPossible, match="just now"):
        poll_now(run=run, actor=admin, reason=WHY, now=now)
    Run.objects.filter(pk=run.pk).update(
        last_polled_at=None, lease_owner="w", lease_until=now + timedelta(seconds=9)
    )
    with pytest.raises(NotPossible, match="this moment"):
        poll_now(run=run, actor=admin, reason=WHY, now=now)


def test_a_pause_that_nexio_asked_for_is_kept_and_said(broker: User, admin: User) -> None:
    run, now = made.waiting_run(broker), timezone.now()
    service = made.service_of(run)
    outcomes.hold(service, until=now + timedelta(minutes=5), polls=True)
    poll_now(run=run, actor=admin, reason=WHY, now=now)
    assert "once the pause" in text_of(run, "asked_now")
    service.refresh_from_db()
    assert claims.claim_due(service=service, lease="w", now=now, limit=5) == []


def test_requeueing_ends_a_back_off(nexio: FakeNexio, broker: User, admin: User) -> None:
    run = queued_run(owner=broker)
    Run.objects.filter(pk=run.pk).update(due_at=timezone.now() + timedelta(days=1))
    with Watching(nexio, clock=ScaledClock(10)):
        act("requeue", run, admin)
        until_state(run, "completed")
    assert len(nexio.recorded_submits) == 1


def test_a_worker_that_lost_its_claim_sends_nothing(broker: User, admin: User) -> None:
    run = queued_run(owner=broker)
    service, now = made.service_of(run), timezone.now() + timedelta(seconds=1)
    [mine] = claims.claim_due(service=service, lease="slow", now=now, limit=1)
    act("requeue", run, admin, now=now)
    [theirs] = claims.claim_due(service=service, lease="other", now=now, limit=1)
    with pytest.raises(RunMoved):
        outcomes.begin_submission(mine, lease="slow", now=now)
    outcomes.begin_submission(theirs, lease="other", now=now)


def test_what_nothing_holds_is_not_requeued(broker: User, admin: User) -> None:
    run = queued_run(owner=broker)
    with pytest.raises(NotPossible, match="Nothing of its own holds it"):
        requeue(run=run, actor=admin, reason=WHY, now=timezone.now())


def test_what_is_being_sent_is_never_requeued(broker: User, admin: User) -> None:
    run = made.submitting_run(broker)
    # Its lease has run out: it may be on its way all the same.
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(hours=1))
    with pytest.raises(NotPossible, match="being sent"):
        requeue(run=run, actor=admin, reason=WHY, now=timezone.now())
    run.refresh_from_db()
    assert run.state == "submitting"


@pytest.mark.parametrize("code", ["poll", "requeue"])
def test_a_run_of_another_address_is_left_alone(code: str, broker: User, admin: User) -> None:
    run = made.waiting_run(broker) if code == "poll" else queued_run(owner=broker)
    Run.objects.filter(pk=run.pk).update(service_url="https://elsewhere.example")
    with pytest.raises(NotPossible, match="another service address"):
        act(code, run, admin)

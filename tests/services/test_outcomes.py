"""The table of outcomes, row by row: what each answer to the POST means for a run.

Every test runs the real watcher and client against a real socket.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db.models.signals import post_save

from quotes.models import NexioService, Run, RunEvent
from quotes.services.runs import abandon_run
from tests.answers import (
    Answer,
    close_without_reply,
    hang,
    raw,
    redirect,
    reset,
    status,
    truncated,
    wire_bytes,
)
from tests.clock import ScaledClock
from tests.factories import make_user
from tests.fake_nexio import FakeNexio, Recorded
from tests.services.watch import Watching, elsewhere, kinds, text_of, until, until_state

pytestmark = pytest.mark.django_db(transaction=True)
FLAT = {"code": "invalid_request", "message": "input.address.state is not a state."}
NESTED = {
    "error": {
        "code": "invalid_request",
        "message": "input.address.state is not a state.",
        "details": {"field": "input.address.state"},
    }
}


def test_submitting_is_committed_before_a_byte_is_sent(nexio: FakeNexio, run: Run) -> None:
    seen: list[Any] = []

    def look(request: Recorded) -> None:
        row = elsewhere(lambda: Run.objects.get(pk=run.pk))
        texts = elsewhere(lambda: [e.kind for e in RunEvent.objects.filter(run=run)])
        seen.append((row.state, row.attempts, bool(row.lease_owner), texts))

    nexio.on_submit(look)
    with Watching(nexio):
        until_state(run, "waiting")
    assert seen == [("submitting", 1, True, ["created", "submitting"])]


def test_202_commits_the_run_id_and_waits(nexio: FakeNexio, run: Run) -> None:
    committed: list[Any] = []

    def look(request: Recorded) -> None:
        committed.append(elsewhere(lambda: Run.objects.get(pk=run.pk).nexio_run_id))

    nexio.on_poll(None, look)
    with Watching(nexio):
        until_state(run, "completed")
    assert committed[0] == run.nexio_run_id == next(iter(nexio.runs))
    accepted = run.events.get(kind="accepted")
    assert run.nexio_run_id in accepted.text
    assert accepted.at == run.submitted_at
    assert len(nexio.recorded_submits) == 1
    assert kinds(run)[:3] == ["created", "submitting", "accepted"]
    assert (run.lease_owner, run.lease_until, run.due_at) == ("", None, None)


def test_refused_connection_goes_back_to_the_queue_with_back_off(
    nexio: FakeNexio, run: Run
) -> None:
    nexio.stop_listening()
    with Watching(nexio, clock=ScaledClock(20)):
        until(lambda: kinds(run).count("not_sent") >= 3)
        assert Run.objects.get(pk=run.pk).nexio_run_id == ""
        nexio.listen()
        until_state(run, "waiting", "completed")
    assert len(nexio.recorded_submits) == 1
    failed = list(run.events.filter(kind="not_sent").order_by("id"))
    assert all("nothing was sent" in event.text for event in failed)
    assert [event.text.rsplit(" in ", 1)[1] for event in failed[:3]] == ["1 s.", "2 s.", "4 s."]
    sent = list(run.events.filter(kind="submitting").order_by("id"))
    for tried, again, delay in zip(failed, sent[1:], (1, 2, 4), strict=False):
        assert again.at - tried.at >= timedelta(seconds=delay)
    assert "try 2" in sent[1].text


@pytest.mark.parametrize("code", [429, 503])
def test_throttled_submission_is_sent_again_after_the_delay(
    nexio: FakeNexio, run: Run, code: int
) -> None:
    nexio.on_submit([status(code, None, {"Retry-After": "7"})] * 2)
    clock = ScaledClock()
    with Watching(nexio, clock=clock):
        until_state(run, "waiting")
    assert kinds(run) == ["created", *["submitting", "throttled"] * 2, "submitting", "accepted"]
    times = [clock.at(post.at) for post in nexio.recorded_submits]
    assert len(times) == 3
    assert all(b - a >= timedelta(seconds=7) for a, b in pairwise(times))
    assert len({post.body for post in nexio.recorded_submits}) == 1


def test_throttling_without_a_delay_does_not_become_a_storm(nexio: FakeNexio, run: Run) -> None:
    nexio.on_submit([status(429, None, {"Retry-After": "0"})] * 3)
    clock = ScaledClock()
    with Watching(nexio, clock=clock):
        until_state(run, "waiting")
    times = [clock.at(post.at) for post in nexio.recorded_submits]
    assert all(b - a >= timedelta(seconds=1) for a, b in pairwise(times))


def test_throttled_submission_holds_the_others_too(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run]
) -> None:
    nexio.on_submit([status(503, None, {"Retry-After": "30"})])
    clock = ScaledClock()
    with Watching(nexio, clock=clock):
        until(lambda: "throttled" in kinds(run))
        second = queue("home_only.json")
        until_state(second, "waiting")
    first, other = (clock.at(post.at) for post in nexio.recorded_submits[:2])
    assert other - first >= timedelta(seconds=30)


@pytest.mark.parametrize("code", [400, 403, 404, 422])
@pytest.mark.parametrize("envelope", [FLAT, NESTED], ids=["flat", "nested"])
def test_refusal_rejects_with_nexios_message(
    nexio: FakeNexio, run: Run, code: int, envelope: dict[str, Any]
) -> None:
    nexio.on_submit(status(code, envelope))
    with Watching(nexio):
        until_state(run, "rejected")
    assert run.error == "input.address.state is not a state."
    assert (run.error_code, run.http_status) == ("invalid_request", code)
    assert run.error in text_of(run, "rejected")
    assert bytes(run.response_body or b"").startswith(b"{")
    assert run.error_details == ({"field": "input.address.state"} if "error" in envelope else None)
    assert run.finished_at
    assert run.due_at is None
    assert len(nexio.recorded_submits) == 1
    assert not NexioService.objects.get(base_url=nexio.url).key_refused_at


LOST: dict[str, Answer] = {
    "connection reset": reset(),
    "closed without a reply": close_without_reply(),
    "half a reply": truncated(b'{"run_id": "r-1"', code=202),
    "not HTTP": wire_bytes(b"\x00\x01 nonsense\r\n\r\n"),
    "500": status(500, {"code": "internal", "message": "Sorry."}),
    "502 page": raw(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"}),
    "503 without Retry-After": status(503, {"code": "auth_unavailable", "message": "Later."}),
    "504": raw(504),
    "redirect": redirect("http://127.0.0.1:9/api/v1/jobs"),
    "307": redirect("/api/v1/jobs", 307),
    "202 without run_id": status(202, {"status": "queued"}),
    "202 with run_id null": status(202, {"run_id": None, "status": "queued"}),
    "202 with an unusable run_id": status(202, {"run_id": "../x", "status": "queued"}),
    "202 that is a list": status(202, []),
    "202 page": raw(202, b"<html>Welcome</html>"),
    "202 empty": raw(202),
    "hangs": hang(),
}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST.keys())
def test_lost_or_unusable_reply_is_never_posted_again(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run], answer: Answer
) -> None:
    nexio.on_submit([answer])
    with Watching(nexio, submit_deadline=0.5, clock=ScaledClock(100)):
        until_state(run, "submit_unknown")
        # Another run goes all its way meanwhile: minutes in which a second POST could happen.
        other = queue("home_only.json")
        until_state(other, "completed")
    run.refresh_from_db()
    assert run.state == "submit_unknown"
    bodies = [post.body for post in nexio.recorded_submits]
    assert bodies.count(bytes(run.request_body)) == 1
    assert run.due_at is None
    assert run.error
    assert "Nothing is sent again by itself" in text_of(run, "submit_unknown")


def test_crash_while_sending_is_settled_as_unknown_by_another_worker(
    nexio: FakeNexio, run: Run
) -> None:
    clock = ScaledClock()
    left = _as_a_dead_worker_leaves_it(run, clock)
    with Watching(nexio, clock=clock):
        until_state(run, "submit_unknown")
    assert run.events.get(kind="submit_unknown").at >= left
    assert nexio.recorded_submits == []


def _as_a_dead_worker_leaves_it(run: Run, clock: ScaledClock) -> Any:
    until_lapse = clock.now() + timedelta(seconds=60)
    Run.objects.filter(pk=run.pk).update(
        state="submitting", attempts=1, lease_owner="dead", lease_until=until_lapse,
        due_at=until_lapse,
    )  # fmt: skip
    return until_lapse


def test_late_202_after_the_lapse_is_waited_for_after_all(nexio: FakeNexio, run: Run) -> None:
    nexio.on_submit([hang(then=status(202, {"run_id": "late-1", "status": "queued"}))])
    nexio.add_run("late-1", run.request)
    clock = ScaledClock(100)
    with Watching(nexio, clock=clock):
        nexio.wait_until(lambda fake: bool(fake.recorded_submits))
        with Watching(nexio, clock=clock):
            until_state(run, "submit_unknown")
        nexio.release()
        until_state(run, "completed")
    assert run.nexio_run_id == "late-1"
    assert run.error == ""
    assert "came after all" in text_of(run, "accepted")
    assert len(nexio.recorded_submits) == 1


def test_late_202_for_a_run_given_up_is_only_noted(nexio: FakeNexio, run: Run) -> None:
    broker = make_user("late", "broker")
    nexio.on_submit([hang(then=status(202, {"run_id": "late-2", "status": "queued"}))])
    clock = ScaledClock(100)
    # The second takes the run for lost while the first still waits for its reply.
    with Watching(nexio, clock=clock), Watching(nexio, clock=clock):
        until_state(run, "submit_unknown")
        abandon_run(run=run, actor=broker, reason="The insured went elsewhere.")
        nexio.release()
        until(lambda: "late_reply" in kinds(run))
    run.refresh_from_db()
    assert (run.state, run.nexio_run_id) == ("abandoned", "")
    assert "late-2" in text_of(run, "late_reply")
    assert nexio.recorded_polls() == []


def test_run_id_of_another_run_is_unusable(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run]
) -> None:
    nexio.on_submit([{"run_id": "twice", "status": "queued"}] * 2)
    nexio.on_poll("twice", {"run_id": "twice", "status": "processing"})
    with Watching(nexio):
        until_state(run, "waiting")
        other = queue("home_only.json")
        until_state(other, "submit_unknown")
    assert other.nexio_run_id == ""
    assert "another run" in other.error
    assert Run.objects.get(pk=run.pk).state == "waiting"


def test_late_202_with_another_runs_id_stays_unknown(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run]
) -> None:
    answered = threading.Event()

    def late(request: Recorded) -> Any:
        answered.set()
        return hang(then=status(202, {"run_id": "twice", "status": "queued"}))

    nexio.on_submit([late, {"run_id": "twice", "status": "queued"}])
    nexio.on_poll("twice", {"run_id": "twice", "status": "processing"})
    clock = ScaledClock(100)
    # The second takes the run for lost while the first still waits for its reply.
    with Watching(nexio, clock=clock), Watching(nexio, clock=clock):
        assert answered.wait(10)
        other = queue("home_only.json")
        until_state(other, "waiting")
        until_state(run, "submit_unknown")
        nexio.release()
        until(lambda: "late_reply" in kinds(run))
    run.refresh_from_db()
    assert (run.state, run.nexio_run_id) == ("submit_unknown", "")


def test_worker_held_up_before_sending_sends_nothing_and_queues_again(
    nexio: FakeNexio, run: Run
) -> None:
    clock = ScaledClock()

    def suspend(sender: type[RunEvent], instance: RunEvent, **_: Any) -> None:
        if instance.kind == "submitting" and run.events.count() == 2:
            clock.jump(40)

    post_save.connect(suspend, sender=RunEvent)
    try:
        with Watching(nexio, clock=clock):
            until_state(run, "waiting", "completed")
    finally:
        post_save.disconnect(suspend, sender=RunEvent)
    assert kinds(run)[:5] == ["created", "submitting", "not_sent", "submitting", "accepted"]
    assert len(nexio.recorded_submits) == 1

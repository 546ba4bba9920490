"""The table of outcomes, row by row: what each answer to a poll means for a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from quotes.models import NexioService, Run
from quotes.nexio import errors
from quotes.services import claims, outcomes
from quotes.services.runs import resume_run
from tests import runs as made
from tests.answers import Answer, close_without_reply, hang, raw, redirect, status, wire_bytes
from tests.clock import ScaledClock
from tests.factories import make_user
from tests.fake_nexio import FakeNexio, Recorded
from tests.services.watch import Watching, elsewhere, kinds, text_of, until, until_state

pytestmark = pytest.mark.django_db(transaction=True)

UNUSABLE: dict[str, Any] = {
    "not JSON": raw(200, b"<html>Maintenance</html>"),
    "a list": status(200, []),
    "without status": lambda request: {"run_id": request.run_id},
    "another run's id": {"run_id": "somebody-elses", "status": "completed", "solutions": []},
    "404": status(404, {"code": "not_found", "message": "No such run."}),
    "403": status(403, {"code": "forbidden", "message": "Not yours."}),
    "500": status(500, {"error": {"code": "internal", "message": "Sorry."}}),
    "503": status(503, {"code": "auth_unavailable", "message": "Later."}),
    "redirect": redirect("/elsewhere"),
}


@pytest.mark.parametrize("answer", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_unusable_poll_is_an_event_and_polling_goes_on(
    nexio: FakeNexio, run: Run, answer: Any
) -> None:
    nexio.on_poll(None, [answer, answer])
    with Watching(nexio):
        until_state(run, "completed")
    assert kinds(run)[2:6] == ["accepted", "bad_poll", "bad_poll", "recovered"]
    assert run.bad_polls == 0
    assert len(nexio.recorded_submits) == 1


def test_tenth_unusable_poll_in_a_row_ends_in_bad_response_and_can_be_resumed(
    nexio: FakeNexio, run: Run
) -> None:
    nexio.on_poll(None, status(500, {"code": "internal", "message": "Sorry."}))
    with Watching(nexio, clock=ScaledClock(80)):
        until_state(run, "bad_response")
        assert kinds(run).count("bad_poll") == 9
        assert "tenth" in text_of(run, "bad_response")
        assert len(nexio.recorded_polls()) == 10
        assert (run.due_at, run.http_status) == (None, 500)
        nexio.on_poll(None)
        broker = make_user("resumes", "broker")
        resumed = resume_run(run=run, actor=broker, hint=False)
        assert (resumed.state, resumed.error, resumed.bad_polls) == ("waiting", "", 0)
        until_state(run, "completed")
    assert run.events.get(kind="resumed").actor == broker
    assert len(nexio.recorded_submits) == 1


def test_readable_poll_between_resets_the_count(nexio: FakeNexio, run: Run) -> None:
    bad, good = status(502), lambda r: {"run_id": r.run_id, "status": "processing"}
    nexio.on_poll(None, [*[bad] * 5, good, *[bad] * 5])
    with Watching(nexio, clock=ScaledClock(100)):
        until_state(run, "completed")
    assert kinds(run).count("bad_poll") == 10
    assert kinds(run).count("recovered") == 2


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_429_on_a_poll_holds_the_whole_client(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run], form: str
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    headers = {"Retry-After": "60"}
    if form == "date":
        headers = {
            "Retry-After": format_datetime(now + timedelta(seconds=60), usegmt=True),
            "Date": format_datetime(now, usegmt=True),
        }
    clock = ScaledClock(60)
    other = queue("home_only.json")
    nexio.on_poll(None, lambda request: {"run_id": request.run_id, "status": "processing"})
    with Watching(nexio, clock=clock):
        until_state(run, "waiting")
        until_state(other, "waiting")
        nexio.on_poll(run.nexio_run_id, [status(429, None, headers)])
        until(lambda: "throttled" in kinds(run))
        noted = run.events.get(kind="throttled").at
        third = queue("home_auto.json")
        nexio.on_poll(None)
        for each in (run, other, third):
            until_state(each, "completed")
    assert "60 s" in text_of(run, "throttled")
    after = [clock.at(r.at) for r in nexio.requests if clock.at(r.at) > noted]
    # Whatever was already on its way when the 429 came is not held back: allow it 5 s.
    assert all(at - noted > timedelta(seconds=59) for at in after[1:])
    assert after[-1] - noted > timedelta(seconds=59)
    assert kinds(run).count("bad_poll") == 0


def test_hold_is_capped_at_a_quarter_of_an_hour(nexio: FakeNexio, run: Run) -> None:
    clock = ScaledClock(600)
    nexio.on_poll(None, [status(429, None, {"Retry-After": "86400"})])
    with Watching(nexio, clock=clock):
        until_state(run, "completed")
    first, second = (clock.at(poll.at) for poll in nexio.recorded_polls()[:2])
    assert timedelta(minutes=14) < second - first < timedelta(hours=3)
    assert "900 s" in text_of(run, "throttled")


def test_401_on_a_poll_pauses_and_then_goes_on(nexio: FakeNexio, run: Run) -> None:
    with Watching(nexio, clock=ScaledClock(120)):
        until_state(run, "waiting")
        nexio.keys = {"nx_test_another"}
        until(lambda: "key_refused" in kinds(run))
        asked = len(nexio.recorded_polls(run.nexio_run_id))
        service = NexioService.objects.get(base_url=nexio.url)
        assert service.key_refused_at
        # Two checks of the key, a minute apart, while the run itself is let be.
        total = len(nexio.requests)
        nexio.wait_until(lambda fake: len(fake.requests) >= total + 2)
        assert len(nexio.recorded_polls(run.nexio_run_id)) == asked
        run.refresh_from_db()
        assert run.state == "waiting"
        nexio.keys = None
        until_state(run, "completed")
    service.refresh_from_db()
    assert service.key_refused_at is None
    assert kinds(run).count("key_refused") == 1
    assert run.bad_polls == 0


def test_401_on_polls_of_several_runs_is_noted_once(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run]
) -> None:
    nexio.statuses = ("processing",)
    runs = [run, queue("home_only.json"), queue("home_auto.json")]
    with Watching(nexio):
        for each in runs:
            until_state(each, "waiting")
        nexio.keys = set()
        until(lambda: sum(kinds(each).count("key_refused") for each in runs))
    assert sum(kinds(each).count("key_refused") for each in runs) == 1
    assert {Run.objects.get(pk=each.pk).state for each in runs} == {"waiting"}


def test_unknown_status_is_kept_as_shown_and_polled_on(nexio: FakeNexio, run: Run) -> None:
    seen = []

    def odd(request: Recorded) -> dict[str, Any]:
        return {"run_id": request.run_id, "status": "marinating", "stage": "SOAK"}

    def look(request: Recorded) -> None:
        row = elsewhere(lambda: Run.objects.get(pk=run.pk))
        seen.append((row.state, row.nexio_status, row.stage))

    nexio.on_poll(None, [odd, odd, look])
    with Watching(nexio):
        until_state(run, "completed")
    assert seen == [("waiting", "marinating", "SOAK")]
    assert kinds(run).count("poll") == 3  # marinating once, then queued and processing


def test_regressing_status_is_ignored(nexio: FakeNexio, run: Run) -> None:
    seen = []

    def say(word: str, **more: Any) -> Callable[[Recorded], dict[str, Any]]:
        return lambda request: {"run_id": request.run_id, "status": word, **more}

    def look(request: Recorded) -> None:
        row = elsewhere(lambda: Run.objects.get(pk=run.pk))
        seen.append((row.nexio_status, row.stage))

    nexio.on_poll(None, [say("processing", stage="EVALUATE"), say("queued"), look])
    with Watching(nexio):
        until_state(run, "completed")
    assert seen == [("processing", "EVALUATE")]
    assert "queued after processing" in " ".join(e.text for e in run.events.filter(kind="poll"))


def test_unknown_status_with_completed_at_is_the_end(nexio: FakeNexio, run: Run) -> None:
    nexio.on_poll(
        None,
        lambda request: {
            "run_id": request.run_id,
            "status": "settled",
            "completed_at": "2026-03-04T03:36:44Z",
        },
    )
    with Watching(nexio):
        until_state(run, "completed")
    assert run.nexio_status == "settled"
    assert run.completed_at == datetime(2026, 3, 4, 3, 36, 44, tzinfo=UTC)


def test_failed_keeps_error_and_details(nexio: FakeNexio, run: Run) -> None:
    nexio.statuses = ("processing", "failed")
    with Watching(nexio):
        until_state(run, "failed")
    assert (run.error, run.error_details) == ("No scorecard.", {"stage": "EVALUATE"})
    assert "No scorecard." in text_of(run, "failed")
    assert bytes(run.response_body or b"").startswith(b"{")
    assert run.solutions.count() == 0


def test_failed_with_a_nested_error_keeps_its_message(nexio: FakeNexio, run: Run) -> None:
    error = {"code": "no_scores", "message": "No scorecard.", "details": {"stage": "EVALUATE"}}
    nexio.on_poll(None, lambda r: {"run_id": r.run_id, "status": "failed", "error": error})
    with Watching(nexio):
        until_state(run, "failed")
    assert (run.error, run.error_details) == ("No scorecard.", {"stage": "EVALUATE"})


def test_degraded_is_completed_with_a_reason(nexio: FakeNexio, run: Run) -> None:
    nexio.on_poll(
        None,
        lambda r: {
            "run_id": r.run_id,
            "status": "degraded",
            "output": {"degradation_reason": "Two scorecards timed out."},
            "solutions": [{"rank": 1, "est_cost_low": 100}],
        },
    )
    with Watching(nexio):
        until_state(run, "completed")
    assert (run.nexio_status, run.degraded) == ("degraded", True)
    assert run.degradation_reason == "Two scorecards timed out."
    assert run.solutions.count() == 1


def test_completed_with_zero_solutions_keeps_the_diagnostic(nexio: FakeNexio, run: Run) -> None:
    nexio.on_poll(
        None,
        lambda r: {
            "run_id": r.run_id,
            "status": "completed",
            "output": {"diagnostic": "All offerings were filtered out.", "solutions_count": 0},
            "solutions": [],
        },
    )
    with Watching(nexio):
        until_state(run, "completed")
    assert run.diagnostic == "All offerings were filtered out."
    assert run.error == ""
    assert "without a package" in text_of(run, "completed")


def test_outage_while_polling_never_ends_a_run(nexio: FakeNexio, run: Run) -> None:
    with Watching(nexio, clock=ScaledClock(200)):
        until_state(run, "waiting")
        nexio.stop_listening()
        # More than the ten polls that would end a run whose replies are nonsense.
        until(lambda: Run.objects.get(pk=run.pk).unreachable_polls >= 12)
        run.refresh_from_db()
        assert (run.state, run.bad_polls) == ("waiting", 0)
        nexio.listen()
        until_state(run, "completed")
    assert kinds(run).count("unreachable") == 1
    assert "recovered" in kinds(run) or run.unreachable_polls == 0


HUNG_UP: dict[str, Answer] = {
    "closed": close_without_reply(),
    "not HTTP": wire_bytes(b"nonsense\r\n\r\n"),
    "hangs": hang(),
}


@pytest.mark.parametrize("answer", HUNG_UP.values(), ids=HUNG_UP.keys())
def test_poll_without_a_reply_is_asked_again(nexio: FakeNexio, run: Run, answer: Answer) -> None:
    nexio.on_poll(None, [answer])
    with Watching(nexio, poll_deadline=0.4):
        until_state(run, "completed")
    assert kinds(run).count("unreachable") == 1


def test_environment_of_the_replies_is_remembered_for_the_service(
    nexio: FakeNexio, run: Run
) -> None:
    with Watching(nexio):
        until_state(run, "completed")
    assert run.environment == "test"
    assert NexioService.objects.get(base_url=nexio.url).environment == "test"


def test_request_and_terminal_reply_are_kept_byte_for_byte(nexio: FakeNexio, run: Run) -> None:
    body = b'{ "run_id" : "%s", "status":"completed","solutions":[] , "later":1.50}'
    nexio.on_poll(None, lambda r: raw(200, body % r.run_id.encode()))
    with Watching(nexio):
        until_state(run, "completed")
    assert bytes(run.request_body) == nexio.recorded_submits[0].body
    assert bytes(run.response_body or b"") == body % run.nexio_run_id.encode()
    assert run.response["later"] == Decimal("1.50")


class NoEvents:
    """No event can be written: the disk is full, or the database goes away at that moment."""

    def __call__(self, execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if sql.startswith("INSERT") and "quotes_runevent" in sql:
            raise OperationalError("disk full")
        return execute(sql, *args)


@pytest.mark.parametrize(
    "error",
    [
        errors.LostReply("Nexio hung up."),
        errors.KeyRefused("Nexio refused the key.", http_status=401),
        errors.Throttled("Nexio asked to wait.", http_status=429, retry_after=90.0),
        errors.Unusable("No JSON.", http_status=200),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failed_poll_and_its_event_are_written_together_or_not_at_all(
    error: errors.NexioError,
) -> None:
    run, now = made.waiting_run(), timezone.now()
    service = claims.service_at(run.service_url, "nx_test_key")
    Run.objects.filter(pk=run.pk).update(lease_owner="mine")
    run.refresh_from_db()
    before = kinds(run)
    with connection.execute_wrapper(NoEvents()), pytest.raises(OperationalError):
        outcomes.poll_failed(run, error, service=service, lease="mine", now=now)
    run.refresh_from_db()
    assert (run.polls, run.lease_owner) == (0, "mine")
    assert kinds(run) == before
    known = NexioService.objects.get(pk=service.pk)
    assert known.key_refused_at is None
    if isinstance(error, errors.Throttled):
        # What concerns all runs is known all the same.
        assert known.polls_held_until == now + timedelta(seconds=90)
    outcomes.poll_failed(run, error, service=known, lease="mine", now=now)
    run.refresh_from_db()
    assert (run.polls, run.lease_owner, len(kinds(run))) == (1, "", len(before) + 1)

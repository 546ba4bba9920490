"""Nexio as a hostile peer, the polls: whatever it answers, the run is asked for again and ends in
what Nexio says once it makes sense.

The real watcher and client, a real socket, a real database; the faults are `tests.hostile`'s.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client

from quotes.models import NexioService, Run
from quotes.services.schedule import poll_delay
from tests import hostile
from tests.answers import (
    Answer,
    Wire,
    after_the_head,
    close_without_reply,
    raw,
    redirect,
    reset,
    status,
)
from tests.certificates import Authority
from tests.clock import ScaledClock
from tests.factories import make_user, queued_run
from tests.fake_nexio import FakeNexio, Recorded
from tests.services.peer import Apart
from tests.services.retry_after import KINDS, wait_of
from tests.services.watch import Watching, elsewhere, kinds, text_of, until, until_state

pytestmark = pytest.mark.django_db(transaction=True)

OUTAGES: dict[str, hostile.Faults] = {
    "no reply": hostile.NO_REPLY,
    "never": hostile.NEVER,
}
UNREADABLE: dict[str, hostile.Faults] = {
    "broken off": hostile.BROKEN_OFF,
    "never whole": hostile.NEVER_WHOLE,
    **hostile.UNUSABLE,
}


def _answered_twice_by(nexio: FakeNexio, family: hostile.Faults, **client: Any) -> Apart:
    """Each run has two polls answered by its fault, then a good one, then the end."""
    nexio.statuses = ("processing", "completed")
    apart = Apart(family)
    apart.accept(nexio)
    for name, fault in family.items():
        nexio.on_poll(apart.run_id(name), [fault, fault])
    with Watching(nexio, clock=ScaledClock(20), **client):
        until(lambda: apart.all("completed"), 60)
    assert apart.posts(nexio) == dict.fromkeys(family, 1)
    for name, run in apart.runs.items():
        run.refresh_from_db()
        assert len(nexio.recorded_polls(apart.run_id(name))) == run.polls == 4
        assert (run.bad_polls, run.unreachable_polls) == (0, 0)
        assert run.solutions.count()
    return apart


@pytest.mark.parametrize("family", OUTAGES.values(), ids=OUTAGES.keys())
def test_no_reply_is_an_outage_and_is_noted_once(
    nexio: FakeNexio, transactional_db: None, family: hostile.Faults
) -> None:
    apart = _answered_twice_by(nexio, family, poll_deadline=0.5 if "silence" in family else 30.0)
    for name, run in apart.runs.items():
        told = [kind for kind in kinds(run) if kind in ("unreachable", "bad_poll", "recovered")]
        assert told == ["unreachable", "recovered"], name
        assert text_of(run, "unreachable").isprintable()


@pytest.mark.parametrize("family", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unusable_reply_is_noted_and_the_run_asked_for_again(
    nexio: FakeNexio, transactional_db: None, family: hostile.Faults
) -> None:
    deadline = 0.5 if family is hostile.NEVER_WHOLE else 30.0
    apart = _answered_twice_by(nexio, family, poll_deadline=deadline)
    for name, run in apart.runs.items():
        told = [kind for kind in kinds(run) if kind in ("unreachable", "bad_poll", "recovered")]
        assert told == ["bad_poll", "bad_poll", "recovered"], name
        assert text_of(run, "bad_poll").isprintable()


def test_what_breaks_in_the_body_may_be_seen_before_the_head(
    nexio: FakeNexio, transactional_db: None
) -> None:
    """So it is noted as one or as the other, and asked for again either way."""
    _answered_twice_by(nexio, hostile.AMID_THE_BODY)


@pytest.mark.parametrize(
    "answer",
    [
        reset(),
        close_without_reply(),
        after_the_head(reset()),
        after_the_head(close_without_reply()),
    ],
    ids=["reset", "closed", "reset after the head", "closed after the head"],
)
def test_a_connection_that_ends_before_the_request_was_read(
    nexio: FakeNexio, run: Run, answer: Answer
) -> None:
    nexio.on_connect([None, answer])  # the POST has a connection of its own
    with Watching(nexio):
        until_state(run, "completed")
    assert len(nexio.recorded_submits) == 1
    assert kinds(run).count("unreachable") == 1
    assert run.polls == len(nexio.recorded_polls()) + 1


def _moved(host: str, code: int, request: Recorded) -> Answer:
    return redirect(host + request.path, code)


def test_no_redirect_is_followed_with_the_key(nexio: FakeNexio, transactional_db: None) -> None:
    with FakeNexio() as elsewhere:
        moved: dict[str, hostile.Fault] = {
            str(code): partial(_moved, elsewhere.url, code) for code in (301, 302, 303, 307, 308)
        }
        _answered_twice_by(nexio, moved)
        assert elsewhere.connections == 0


def _unreachable_beyond(run: Run, polls: int) -> bool:
    return Run.objects.get(pk=run.pk).unreachable_polls > polls


def test_tls_that_fails_in_mid_run_is_an_outage(
    settings: Any, transactional_db: None, tmp_path: Any
) -> None:
    authority = Authority(tmp_path)
    with FakeNexio(tls=authority.server()) as nexio:
        settings.NEXIO_URL = nexio.url
        run = queued_run("home_only.json")
        with Watching(nexio.url, tls=authority.trust(), clock=ScaledClock(20)):
            until_state(run, "waiting")
            for bad in (
                authority.server(expired=True),
                authority.server(host="nexio.example"),
                authority.server(self_signed=True),
                None,
            ):
                failed, nexio.tls = Run.objects.get(pk=run.pk).unreachable_polls, bad
                nexio.drop_connections()
                until(partial(_unreachable_beyond, run, failed))
            nexio.tls = authority.server()
            until_state(run, "completed")
        assert len(nexio.recorded_submits) == 1
    assert kinds(run).count("unreachable") == 1


def _terminal(run_id: bytes, odd: bytes) -> bytes:
    """A completed reply of three packages in whose every field but the needed two stands `odd`."""
    offering = (
        b'{"id": ODD, "provider_name": ODD, "category": ODD, "coverage": {"product_name": ODD},'
        b' "attributes": {"line_premium_annual": ODD, "quote_id": ODD}}'
    )
    package = (
        b'{"rank": ODD, "cluster_label": ODD, "provider_count": ODD, "est_cost_low": ODD,'
        b' "est_cost_high": ODD, "scorecard": {"overall_level": ODD, "price": ODD},'
        b' "offerings": [%s, ODD]}' % offering
    )
    good = (
        b'{"rank": 1, "cluster_label": "recommended", "est_cost_low": 1180, "est_cost_high": 1180,'
        b' "scorecard": ODD, "offerings": [{"provider_name": "Larkspur Mutual",'
        b' "category": "home", "attributes": {"line_premium_annual": 1180}}]}'
    )
    return (
        b'{"run_id": "%s", "status": "completed", "stage": ODD, "environment": ODD, "new": ODD,'
        b' "output": {"diagnostic": ODD, "top_score": ODD}, "created_at": ODD, "duration_ms": ODD,'
        b' "completed_at": ODD, "error": ODD, "error_details": ODD,'
        b' "solutions": [%s, %s, ODD]}' % (run_id, package, good)
    ).replace(b"ODD", odd)


def test_an_odd_value_anywhere_costs_no_run(nexio: FakeNexio, transactional_db: None) -> None:
    """In the acceptance, on the way and at the end; and the run's pages show what is left."""
    broker = make_user("broker", "broker")
    apart = Apart(hostile.ODD_VALUES, broker)

    def accept(post: Recorded) -> Any:
        name = apart.name_of(post)
        assert name
        nexio.add_run(apart.run_id(name), post.json)
        return raw(
            202,
            b'{"run_id": "%s", "status": %s, "new": %s}'
            % (apart.run_id(name).encode(), *[hostile.ODD_VALUES[name]] * 2),
        )

    def on_the_way(odd: bytes) -> hostile.Fault:
        return lambda r: raw(
            200,
            b'{"run_id": "%s", "status": "processing", "stage": %s, "environment": %s}'
            % (r.run_id.encode(), odd, odd),
        )

    def at_the_end(odd: bytes) -> hostile.Fault:
        return lambda r: raw(200, _terminal(r.run_id.encode(), odd))

    nexio.on_submit(accept)
    for name, odd in hostile.ODD_VALUES.items():
        nexio.on_poll(apart.run_id(name), [on_the_way(odd), at_the_end(odd)])
    with Watching(nexio, clock=ScaledClock(20)):
        until(lambda: apart.all("completed"), 60)
    assert apart.posts(nexio) == dict.fromkeys(hostile.ODD_VALUES, 1)

    browser = Client()
    browser.force_login(broker)
    for name, run in apart.runs.items():
        run.refresh_from_db()
        assert "bad_poll" not in kinds(run), name
        assert run.solutions.count() == 3, name
        ranked = run.solutions.get(rank=1)
        assert (ranked.cluster_label, ranked.est_cost_low) == ("recommended", Decimal(1180)), name
        assert run.solutions.filter(est_cost_low__isnull=True).count() == 2, name
        for part in ("", "reply/", "export.csv", "export.xlsx"):
            page = browser.get(f"/runs/{run.pk}/{part}")
            body = page.getvalue()
            assert page.status_code == 200, (name, part)
            assert "html" not in page["Content-Type"] or b"<script>alert" not in body


@pytest.mark.parametrize("kind", KINDS)
def test_the_wait_that_a_poll_is_answered_with_is_kept(
    nexio: FakeNexio, run: Run, kind: str
) -> None:
    answer, seconds = KINDS[kind](429)
    nexio.on_poll(None, [answer])
    asked = wait_of(seconds)
    clock = ScaledClock(20)
    with Watching(nexio, clock=clock):
        until(lambda: "throttled" in kinds(run))
        if asked > 20:
            assert len(nexio.recorded_polls()) == 1
            clock.jump(asked - 5)
        until_state(run, "completed")
    told = run.events.get(kind="throttled")
    service = NexioService.objects.get(base_url=nexio.url)
    assert service.polls_held_until == service.submits_held_until
    assert service.polls_held_until
    assert (service.polls_held_until - told.at).total_seconds() == asked
    second = clock.at(nexio.recorded_polls()[1].at)
    assert second >= service.polls_held_until
    assert (second - told.at).total_seconds() >= poll_delay(1)  # never sooner than the schedule
    assert "bad_poll" not in kinds(run)
    assert len(nexio.recorded_submits) == 1


def test_503_that_says_when_holds_its_own_run_alone(nexio: FakeNexio, run: Run) -> None:
    nexio.on_poll(None, [status(503, {}, {"Retry-After": "60"})])
    clock = ScaledClock(20)
    with Watching(nexio, clock=clock):
        until(lambda: "bad_poll" in kinds(run))
        other = queued_run("home_only.json")
        until_state(other, "completed")
        run.refresh_from_db()
        assert len(nexio.recorded_polls(run.nexio_run_id)) == 1
        clock.jump(50)
        until_state(run, "completed")
    told = run.events.get(kind="bad_poll")
    second = clock.at(nexio.recorded_polls(run.nexio_run_id)[1].at)
    assert second - told.at >= timedelta(seconds=60)


def test_an_endless_429_ends_no_run(nexio: FakeNexio, run: Run) -> None:
    nexio.on_poll(None, status(429, {}, {"Retry-After": "1"}))
    with Watching(nexio, clock=ScaledClock(200)):
        until(lambda: kinds(run).count("throttled") >= 12, 30)
        nexio.on_poll(None)
        until_state(run, "completed")
    assert (run.bad_polls, kinds(run).count("bad_poll")) == (0, 0)


def test_404_for_a_while_and_then_the_run(nexio: FakeNexio, run: Run) -> None:
    """A replica that has not heard of the run yet, or a restart: nine in a row cost nothing."""
    nexio.on_poll(None, [status(404, {"code": "not_found", "message": "No such run."})] * 9)
    with Watching(nexio, clock=ScaledClock(100)):
        until_state(run, "completed", timeout=30)
    assert kinds(run).count("bad_poll") == 9
    assert kinds(run).count("recovered") == 1
    assert len(nexio.recorded_submits) == 1


def test_a_reply_too_many_on_a_kept_connection_is_taken_for_nobody_elses(
    nexio: FakeNexio, transactional_db: None
) -> None:
    """A proxy that answers twice puts every later answer one behind: none may reach the wrong
    run."""
    apart = Apart(["first", "second"])
    apart.accept(nexio)
    nexio.statuses = ("completed",)

    def twice(request: Recorded) -> Answer:
        own = b'{"run_id": "%s", "status": "queued"}' % request.run_id.encode()
        not_own = b'{"run_id": "%s", "status": "failed", "error": "not yours"}' % (
            apart.run_id("first").encode()
        )

        def write(wire: Wire) -> bool:
            for body in (own, not_own):
                wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            return True

        return Answer(write)

    nexio.on_poll(apart.run_id("second"), [twice] * 3)
    with Watching(nexio, clock=ScaledClock(20), concurrency=1):
        until(lambda: apart.all("completed"), 30)
    assert apart.posts(nexio) == {"first": 1, "second": 1}


def test_a_key_refused_in_mid_run_stops_all_tells_once_and_makes_no_storm(
    nexio: FakeNexio, transactional_db: None
) -> None:
    nexio.statuses = ("processing",)
    apart = Apart(map(str, range(12)))
    apart.accept(nexio)
    clock, places = ScaledClock(20), 4
    admin = make_user("admin", "admin", is_staff=True, is_superuser=True)
    browser = Client()
    browser.force_login(admin)
    alert = b"until an administrator puts a working key in place"
    with Watching(nexio, clock=clock, concurrency=places):
        until(lambda: apart.all("waiting"))
        assert alert not in browser.get("/").content
        nexio.keys = set()
        since = len(nexio.requests)
        until(lambda: NexioService.objects.filter(key_refused_at__isnull=False).exists())
        assert alert in browser.get("/").content
        clock.hasten(150)
        # Ten minutes without a key: what was under way, then one request a minute and no POST.
        began = clock.now()
        until(lambda: clock.now() - began > timedelta(minutes=10), 60)
        queued = queued_run("guide_request.json")
        refused = nexio.requests[since:]
        checks = [r for r in refused if r.run_id == "00000000-0000-0000-0000-000000000000"]
        polls = [r for r in refused if r not in checks]
        assert {r.method for r in refused} == {"GET"}
        assert len(polls) <= places
        assert 1 <= len(checks) <= 12
        for earlier, later in pairwise(clock.at(check.at) for check in checks):
            # A tenth of a second that the machine is busy for is fifteen of this clock's.
            assert later - earlier >= timedelta(seconds=30)
        assert set(apart.states().values()) == {"waiting"}
        clock.hasten(20)
        nexio.keys, nexio.statuses = None, ("completed",)
        until(lambda: apart.all("completed"), 30)
        until_state(queued, "completed")
    told = [run for run in apart.runs.values() if "key_refused" in kinds(run)]
    assert len(told) == 1
    assert kinds(told[0]).count("key_refused") == 1
    assert alert not in browser.get("/").content
    assert apart.posts(nexio) == Counter([*apart.runs, None])


def test_an_hour_in_processing_costs_the_schedules_requests_and_no_more(
    nexio: FakeNexio, run: Run
) -> None:
    planned: list[tuple[Any, Any, float]] = []
    clock = ScaledClock(5)

    def look(request: Recorded) -> dict[str, Any]:
        row = elsewhere(lambda: Run.objects.get(pk=run.pk))
        planned.append((row.last_polled_at or row.submitted_at, row.due_at, request.at))
        return {"run_id": request.run_id, "status": "processing", "stage": "EVALUATE"}

    nexio.on_poll(None, look)
    with Watching(nexio, clock=clock):
        until_state(run, "waiting")
        clock.hasten(1200)
        assert run.submitted_at
        ends = run.submitted_at + timedelta(hours=1)
        until(lambda: clock.now() >= ends, 30)
        run.refresh_from_db()
        assert run.state == "waiting"
        assert run.is_overdue(clock.now())
        assert not run.bad_polls
        nexio.on_poll(None)
        until_state(run, "completed")
    in_the_hour = [each for each in planned if clock.at(each[2]) <= ends]
    # Each was due by the schedule, 0 to 5 % late; none was early, and none was beside it.
    for number, (answered, due, asked) in enumerate(in_the_hour):
        delay = poll_delay(number)
        assert delay <= (due - answered).total_seconds() <= delay * 1.05
        assert clock.at(asked) >= due
    assert len(in_the_hour) <= _polls_of_an_hour()
    assert kinds(run).count("poll") <= 3  # one line on the timeline a change, not one a poll
    assert len(nexio.recorded_submits) == 1


def _polls_of_an_hour() -> int:
    """By the schedule: 2, 5, 9.5 … s after the submission, at most 30 s apart."""
    seconds, count = 0.0, 0
    while (seconds := seconds + poll_delay(count)) <= 3600:
        count += 1
    return count

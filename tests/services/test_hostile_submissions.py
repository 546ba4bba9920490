"""Nexio as a hostile peer, the POST: whatever it does, a run ends in a state that is true, and
nothing is sent a second time that may have been taken.

The real watcher and client, a real socket, a real database; the faults are `tests.hostile`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from quotes.models import NexioService, Run
from quotes.nexio import errors
from tests import hostile
from tests.answers import (
    Answer,
    after_the_head,
    close_without_reply,
    redirect,
    reset,
)
from tests.certificates import Authority
from tests.clock import ScaledClock
from tests.factories import queued_run
from tests.fake_nexio import FakeNexio, Recorded
from tests.hostile import always
from tests.services.peer import Apart
from tests.services.retry_after import KINDS, wait_of
from tests.services.watch import Watching, kinds, text_of, until, until_state

pytestmark = pytest.mark.django_db(transaction=True)

LOST: dict[str, hostile.Faults] = {
    "no reply": hostile.NO_REPLY,
    "broken off": hostile.by_name(hostile.BROKEN_OFF, hostile.AMID_THE_BODY),
    "never": hostile.by_name(hostile.NEVER, hostile.NEVER_WHOLE),
    **hostile.UNUSABLE,
}


@pytest.mark.parametrize("family", LOST.values(), ids=LOST.keys())
def test_what_may_have_been_taken_is_never_sent_again(
    nexio: FakeNexio, transactional_db: None, family: hostile.Faults
) -> None:
    apart = Apart(family)
    nexio.on_submit(apart.fault_each(family))
    deadline = 0.5 if "silence" in family else 30.0
    with Watching(nexio, submit_deadline=deadline, clock=ScaledClock(20)):
        until(lambda: apart.all("submit_unknown"), 40)
        # Another run goes all its way meanwhile: time in which a second POST could happen.
        other = queued_run("guide_request.json")
        until_state(other, "completed")
    assert apart.states() == dict.fromkeys(family, "submit_unknown")
    assert apart.posts(nexio) == Counter([*family, None])
    for run in Run.objects.filter(state="submit_unknown"):
        assert (run.due_at, run.nexio_run_id) == (None, "")
        assert run.error
        assert run.error.isprintable()
        assert len(bytes(run.response_body or b"")) <= errors.ERROR_BODY_CAP
        assert "Nothing is sent again by itself" in text_of(run, "submit_unknown")
        assert kinds(run)[-2:] == ["submitting", "submit_unknown"]


@pytest.mark.parametrize(
    "answer",
    [close_without_reply(), after_the_head(reset()), after_the_head(close_without_reply())],
    ids=["closed", "reset after the head", "closed after the head"],
)
def test_a_connection_that_ends_before_the_request_was_read(
    nexio: FakeNexio, run: Run, answer: Answer
) -> None:
    nexio.on_connect([answer])
    with Watching(nexio, clock=ScaledClock(20)):
        until_state(run, "submit_unknown")
        until_state(queued_run("home_only.json"), "completed")
    run.refresh_from_db()
    assert run.state == "submit_unknown"
    assert bytes(run.request_body) not in [post.body for post in nexio.recorded_submits]


def test_a_reset_at_once_is_sent_again_only_where_nothing_had_begun(
    nexio: FakeNexio, run: Run
) -> None:
    """It may come before the first byte was handed over, or after it; only the former is proof."""
    nexio.on_connect([reset()])
    with Watching(nexio, clock=ScaledClock(20)):
        until_state(run, "submit_unknown", "completed")
    if run.state == "completed":
        assert "not_sent" in kinds(run)
        assert len(nexio.recorded_submits) == 1
    else:
        assert nexio.recorded_submits == []


def _moved(location: str, code: int, request: Recorded) -> Answer:
    return redirect(location, code)


def test_no_redirect_is_followed_with_a_run_or_with_the_key(
    nexio: FakeNexio, transactional_db: None
) -> None:
    with FakeNexio() as elsewhere:
        moved: dict[str, hostile.Fault] = {
            str(code): partial(_moved, f"{elsewhere.url}/api/v1/jobs", code)
            for code in (301, 302, 303, 307, 308)
        }
        apart = Apart(moved)
        nexio.on_submit(apart.fault_each(moved))
        with Watching(nexio):
            until(lambda: apart.all("submit_unknown"))
        assert elsewhere.connections == 0
    assert apart.posts(nexio) == dict.fromkeys(moved, 1)


@pytest.mark.parametrize("fault", ["expired", "another host", "self-signed", "plain HTTP"])
def test_tls_that_fails_sends_nothing_and_the_run_goes_out_once_it_works(
    settings: Any, transactional_db: None, tmp_path: Any, fault: str
) -> None:
    authority = Authority(tmp_path)
    bad = {
        "expired": authority.server(expired=True),
        "another host": authority.server(host="nexio.example"),
        "self-signed": authority.server(self_signed=True),
        "plain HTTP": None,
    }
    with FakeNexio(tls=authority.server()) as nexio:
        settings.NEXIO_URL = nexio.url
        run = queued_run("home_only.json")
        nexio.tls = bad[fault]
        with Watching(settings.NEXIO_URL, tls=authority.trust(), clock=ScaledClock(20)):
            until(lambda: kinds(run).count("not_sent") >= 2)
            assert nexio.requests == []
            assert Run.objects.get(pk=run.pk).nexio_run_id == ""
            nexio.tls = authority.server()
            until_state(run, "completed")
        assert len(nexio.recorded_submits) == 1
    assert "nothing was sent" in text_of(run, "not_sent")


ASKED = [(429, kind) for kind in KINDS] + [(503, k) for k in KINDS if KINDS[k](503)[1] is not None]


@pytest.mark.parametrize(("code", "kind"), ASKED)
def test_the_wait_that_is_asked_for_is_kept(
    nexio: FakeNexio, run: Run, code: int, kind: str
) -> None:
    answer, seconds = KINDS[kind](code)
    nexio.on_submit([answer])
    asked = max(wait_of(seconds), 1.0)  # a second at least, or a zero would make a storm
    clock = ScaledClock(20)
    with Watching(nexio, clock=clock):
        until(lambda: "throttled" in kinds(run))
        if asked > 20:
            assert len(nexio.recorded_submits) == 1
            clock.jump(asked - 5)
        until_state(run, "completed")
    held = run.events.get(kind="throttled")
    service = NexioService.objects.get(base_url=nexio.url)
    assert service.submits_held_until
    assert (service.submits_held_until - held.at).total_seconds() == asked
    assert service.polls_held_until is None
    assert len(nexio.recorded_submits) == 2
    assert clock.at(nexio.recorded_submits[1].at) >= service.submits_held_until


def test_503_without_a_readable_time_leaves_the_outcome_open(
    nexio: FakeNexio, transactional_db: None
) -> None:
    made = {name: kind(503) for name, kind in KINDS.items()}
    vague = {name: always(answer) for name, (answer, seconds) in made.items() if seconds is None}
    apart = Apart(vague)
    nexio.on_submit(apart.fault_each(vague))
    with Watching(nexio):
        until(lambda: apart.all("submit_unknown"))
    assert apart.posts(nexio) == dict.fromkeys(vague, 1)


def test_many_runs_under_a_throttle_make_no_storm(nexio: FakeNexio, transactional_db: None) -> None:
    """A 429 to one holds all: of thirty runs few are refused, and none twice in a breath."""
    apart = Apart(map(str, range(30)))
    until_then = 40
    nexio.on_submit([KINDS["seconds"](429)[0]] * until_then)
    clock = ScaledClock(60)
    places = 4
    with Watching(nexio, clock=clock, concurrency=places):
        nexio.wait_until(lambda fake: len(fake.recorded_submits) >= until_then, 60)
        until(lambda: not Run.objects.filter(state__in=["queued", "submitting"]).exists(), 60)
    times = [clock.at(post.at) for post in nexio.recorded_submits[:until_then]]
    # Every seven seconds no more than are under way at once. The clock runs sixty times as fast as
    # the machine, so that a tenth of a second of its own is most of a pause: half of one must be
    # seen each time, and nearly all of them together.
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(times[::places])]
    assert min(pauses) >= 7 / 2
    assert sum(pauses) >= 7 * len(pauses) * 0.9
    assert "submit_unknown" not in apart.states().values()
    assert all(count >= 1 for count in apart.posts(nexio).values())


def test_a_run_id_another_service_gave_out_is_no_clash(
    nexio: FakeNexio, run: Run, queue: Callable[..., Run], settings: Any
) -> None:
    nexio.on_submit({"run_id": "the-same", "status": "queued"})
    with Watching(nexio):
        until_state(run, "completed")
    with FakeNexio() as another:
        settings.NEXIO_URL = another.url
        other = queued_run("home_only.json")
        another.on_submit({"run_id": "the-same", "status": "queued"})
        with Watching(another):
            until_state(other, "completed")
    assert other.nexio_run_id == run.nexio_run_id == "the-same"

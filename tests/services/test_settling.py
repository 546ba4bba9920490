"""What a person does about a run that needs one, and what comes of it on the wire."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from quotes.models import Run, User
from quotes.nexio.messages import Accepted
from quotes.services import outcomes
from quotes.services.runs import (
    NotPossible,
    abandon_run,
    link_run_id,
    may_be_running,
    next_check,
    resubmit_run,
    resume_run,
    send_again,
)
from tests.answers import reset, status
from tests.clock import ScaledClock
from tests.factories import make_user, queued_run
from tests.fake_nexio import FakeNexio
from tests.runs import (
    lost_run,
    rejected_run,
    reply_of,
    submitting_run,
    unreadable_run,
    waiting_run,
)
from tests.services.watch import Watching, text_of, until_state

pytestmark = pytest.mark.django_db(transaction=True)
FLAT = {"code": "invalid_request", "message": "input.address.state is not a state."}


def test_person_settles_a_lost_submission_by_sending_again(nexio: FakeNexio, run: Run) -> None:
    broker = make_user("settles", "broker")
    nexio.on_submit([reset()])
    with Watching(nexio):
        until_state(run, "submit_unknown")
        again = resubmit_run(run=run, actor=broker, reason="Nexio found no run.", hint=False)
        until_state(again, "completed")
    run.refresh_from_db()
    assert (run.state, again.resubmission_of_id) == ("abandoned", run.pk)
    assert len({post.body for post in nexio.recorded_submits}) == 1
    event = run.events.get(kind="resubmitted")
    assert event.actor == broker
    assert "Nexio found no run." in event.text


def test_person_settles_a_lost_submission_by_its_run_id(nexio: FakeNexio, run: Run) -> None:
    broker = make_user("links", "broker")
    nexio.on_submit([status(500, FLAT)])
    nexio.add_run("found-1", run.request)
    with Watching(nexio):
        until_state(run, "submit_unknown")
        linked = link_run_id(
            run=run, actor=broker, run_id=" found-1 ", reason="Support.", hint=False
        )
        assert (linked.error, linked.error_code, linked.http_status) == ("", "", None)
        until_state(run, "completed")
    assert run.nexio_run_id == "found-1"
    assert run.solutions.count()


def test_rejected_run_is_sent_again_after_the_mistake_was_nexios(
    nexio: FakeNexio, run: Run
) -> None:
    broker = make_user("again", "broker")
    nexio.on_submit([status(400, FLAT)])
    with Watching(nexio):
        until_state(run, "rejected")
        again = send_again(run=run, actor=broker, hint=False)
        until_state(again, "completed")
    assert Run.objects.get(pk=run.pk).state == "rejected"
    assert again.resubmission_of_id == run.pk


def test_waiting_run_that_is_given_up_is_polled_no_more(nexio: FakeNexio, run: Run) -> None:
    broker = make_user("gives-up", "broker")
    nexio.statuses = ("processing",)
    with Watching(nexio):
        until_state(run, "waiting")
        abandon_run(run=run, actor=broker, reason="The insured went elsewhere.")
    run.refresh_from_db()
    assert (run.state, run.due_at, run.lease_owner) == ("abandoned", None, "")
    polls = len(nexio.recorded_polls())
    with Watching(nexio):
        with pytest.raises(NotPossible, match="Nexio may have this already: say why"):
            send_again(run=run, actor=broker, reason=" ", hint=False)
        other = send_again(run=run, actor=broker, reason="They are back.", hint=False)
        until_state(other, "waiting")
    assert "They are back." in text_of(run, "sent_again")
    assert len(nexio.recorded_polls(run.nexio_run_id)) == polls


def test_what_the_state_does_not_allow_is_refused_and_changes_nothing(
    nexio: FakeNexio, run: Run
) -> None:
    broker = make_user("tries", "broker")
    attempts: tuple[Callable[[], Run], ...] = (
        lambda: resubmit_run(run=run, actor=broker, reason="x", hint=False),
        lambda: send_again(run=run, actor=broker, hint=False),
        lambda: resume_run(run=run, actor=broker, hint=False),
        lambda: link_run_id(run=run, actor=broker, run_id="r", reason="x", hint=False),
    )
    for attempt in attempts:
        with pytest.raises(NotPossible):
            attempt()
    assert Run.objects.get().state == "queued"
    assert run.events.count() == 1


@pytest.mark.parametrize("given", ["", "  ", "a/b", "..", "x" * 201, "a\x00b", "two\nlines"])
def test_run_id_that_cannot_be_one_is_not_linked(nexio: FakeNexio, run: Run, given: str) -> None:
    broker = make_user("links", "broker")
    Run.objects.filter(pk=run.pk).update(state="submit_unknown", due_at=None)
    with pytest.raises(NotPossible, match="not a run_id"):
        link_run_id(run=run, actor=broker, run_id=given, reason="x", hint=False)


def test_run_id_of_another_run_is_not_linked(nexio: FakeNexio, run: Run) -> None:
    broker = make_user("links", "broker")
    with Watching(nexio):
        until_state(run, "completed")
    again = lost_run_like(run)
    with pytest.raises(NotPossible, match="another run"):
        link_run_id(run=again, actor=broker, run_id=run.nexio_run_id, reason="x", hint=False)
    assert Run.objects.get(pk=again.pk).state == "submit_unknown"


def test_lost_twice_is_never_posted_a_third_time_without_a_reason(
    nexio: FakeNexio, run: Run
) -> None:
    broker = make_user("sends-again", "broker")
    nexio.on_submit([reset(), reset()])
    with Watching(nexio):
        until_state(run, "submit_unknown")
        second = resubmit_run(run=run, actor=broker, reason="Support saw nothing.", hint=False)
        until_state(second, "submit_unknown")
        run.refresh_from_db()
        for reason in ("", "Once more."):
            with pytest.raises(NotPossible, match=f"settle run {second.number} first"):
                send_again(run=run, actor=broker, reason=reason, hint=False)
        abandon_run(run=second, actor=broker, reason="Nothing there either.")
        for attempt in (run, second):
            with pytest.raises(NotPossible, match="say why"):
                send_again(run=attempt, actor=broker, hint=False)
        assert len(nexio.recorded_submits) == 2
        third = send_again(run=run, actor=broker, reason="Nexio says both are gone.", hint=False)
        until_state(third, "completed")
    assert len(nexio.recorded_submits) == 3


@pytest.fixture
def broker(db: None) -> User:
    return make_user("broker", "broker")


@pytest.mark.parametrize("settled", ["queued", "submitting", "waiting"])
def test_nothing_is_sent_again_while_a_later_attempt_is_under_way(
    broker: User, settled: str
) -> None:
    first = rejected_run(broker)
    second = send_again(run=first, actor=broker, hint=False)
    Run.objects.filter(pk=second.pk).update(state="submit_unknown", due_at=None)
    third = resubmit_run(run=second, actor=broker, reason="Not found.", hint=False)
    named = {"nexio_run_id": "nx-3"} if settled == "waiting" else {}
    Run.objects.filter(pk=third.pk).update(state=settled, **named)
    for attempt in (first, second):
        with pytest.raises(NotPossible, match=f"run {third.number} is under way"):
            send_again(run=attempt, actor=broker, reason="Again.", hint=False)
    Run.objects.filter(pk=second.pk).update(state="submit_unknown", finished_at=None)
    with pytest.raises(NotPossible, match=f"run {third.number} is under way"):
        resubmit_run(run=second, actor=broker, reason="Again.", hint=False)
    assert Run.objects.count() == 3


def test_unreadable_replies_to_an_attempt_are_settled_first(broker: User) -> None:
    first = rejected_run(broker)
    second = send_again(run=first, actor=broker, hint=False)
    Run.objects.filter(pk=second.pk).update(state="bad_response", nexio_run_id="nx-2")
    with pytest.raises(NotPossible, match=f"settle run {second.number} first"):
        send_again(run=first, actor=broker, reason="Again.", hint=False)


def test_what_nexio_may_have_is_known_of_every_attempt_at_the_same_request(broker: User) -> None:
    other = rejected_run(broker)
    assert not may_be_running(other)
    queued = queued_run(insured=other.insured)
    abandon_run(run=queued, actor=broker, reason="Never sent.")
    queued.refresh_from_db()
    assert not may_be_running(queued)
    given_up = waiting_run(broker)
    abandon_run(run=given_up, actor=broker, reason="Not wanted.")
    assert may_be_running(given_up)
    lost = lost_run(broker)
    assert may_be_running(lost)
    again = resubmit_run(run=lost, actor=broker, reason="Not found.", hint=False)
    assert may_be_running(again)
    after = send_again(run=other, actor=broker, hint=False)
    assert not may_be_running(after)
    abandon_run(run=after, actor=broker, reason="x")
    # A later attempt's fate counts for the earlier one: it is the same request.
    Run.objects.filter(pk=after.pk).update(nexio_run_id="nx-after")
    assert may_be_running(other)


def lost_run_like(run: Run) -> Run:
    """Another run of the same insured whose submission was lost."""
    lost = queued_run(insured=run.insured)
    Run.objects.filter(pk=lost.pk).update(state="submit_unknown", due_at=None)
    lost.refresh_from_db()
    return lost


def test_a_mistyped_run_id_is_corrected(nexio: FakeNexio, run: Run) -> None:
    broker = make_user("corrects", "broker")
    nexio.on_submit([reset()])
    nexio.add_run("right-1", run.request)
    with Watching(nexio, clock=ScaledClock(100)):
        until_state(run, "submit_unknown")
        link_run_id(run=run, actor=broker, run_id="wrong-1", reason="Support.", hint=False)
        until_state(run, "bad_response")
        link_run_id(run=run, actor=broker, run_id="right-1", reason="A typing slip.", hint=False)
        until_state(run, "completed")
    assert run.nexio_run_id == "right-1"


def test_a_run_nexio_named_itself_is_not_linked_to_another(nexio: FakeNexio, run: Run) -> None:
    broker = make_user("links-wrongly", "broker")
    nexio.on_poll(None, status(200, "nonsense"))
    with Watching(nexio, clock=ScaledClock(100)):
        until_state(run, "bad_response")
    with pytest.raises(NotPossible):
        link_run_id(run=run, actor=broker, run_id="other-1", reason="Why not.", hint=False)


def test_a_run_that_is_asked_for_again_is_due_at_once(broker: User) -> None:
    """And without a hint to the queue, where a worker is known to look by itself."""
    run = unreadable_run(broker)
    assert next_check(run, timezone.now()) is None
    OrmQ.objects.all().delete()
    run = resume_run(run=run, actor=broker, hint=False)
    assert next_check(run, timezone.now()) == 0
    assert next_check(run, timezone.now() - timedelta(minutes=1)) == pytest.approx(60, abs=20)
    assert not OrmQ.objects.exists()


def test_run_id_is_kept_though_the_run_is_given_up_while_it_is_written_down() -> None:
    """The reply came after all, and was to be waited for; just then somebody settled it."""
    broker = make_user("settles", "broker")
    run = submitting_run()
    outcomes.lapsed_submission(Run.objects.get(pk=run.pk), now=timezone.now())
    looks = 0

    def settle_after_the_look(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        nonlocal looks
        found = execute(sql, *rest)
        if sql.startswith("SELECT") and "nexio_run_id" in sql:
            looks += 1
            if looks == 1:
                abandon_run(run=run, actor=broker, reason="The insured went elsewhere.")
        return found

    said = reply_of(Accepted, {"run_id": "late-3", "status": "queued"}, 202)
    with connection.execute_wrapper(settle_after_the_look):
        outcomes.submission_accepted(run, said, now=timezone.now())
    run.refresh_from_db()
    assert looks
    assert (run.state, run.nexio_run_id) == ("abandoned", "")
    assert "late-3" in text_of(run, "late_reply")

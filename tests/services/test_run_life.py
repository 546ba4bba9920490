"""The run's life under every order of events that workers, Nexio and people can bring about.

A state machine plays two workers that claim, send, poll, stop, freeze and die, a Nexio that
answers anything, and a person; the database is a real one. After every step nothing may be lost,
sent twice or stepped outside the run's life; and from wherever it left off, calm leads to an end.
"""

from __future__ import annotations

import contextlib
import copy
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypedDict

import pytest
from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from quotes.models import NexioService, Run, RunFact, User
from quotes.models.run import ENDED, IN_FLIGHT, TRANSITIONS, IllegalTransition, RunMoved
from quotes.nexio import errors
from quotes.nexio.messages import Accepted, JobReply
from quotes.services import claims, outcomes, rescheduling, runs
from tests.factories import import_example, make_user, queued_run
from tests.runs import reply_of

KEY = "nx_test_life"
WORKERS = ("one", "two")
NOT_TAKEN: list[Callable[[], errors.NexioError]] = [
    lambda: errors.NotSent("Refused."),
    lambda: errors.Throttled("Later.", http_status=429, retry_after=0),
    lambda: errors.Throttled("Later.", http_status=503, retry_after=30),
    lambda: errors.Refused("No.", http_status=400, nexio_message="No such state."),
    lambda: errors.KeyRefused("Key.", http_status=401),
]
MAY_BE_TAKEN: list[Callable[[], errors.NexioError]] = [
    lambda: errors.LostReply("Gone."),
    lambda: errors.LostReply("Broken off.", http_status=202, body=b'{"run'),
    lambda: errors.ServerFault("Failed.", http_status=500, body=b"{}"),
    lambda: errors.Unusable("Nonsense.", http_status=200, body=b"<html>"),
]
REPLIES: list[dict[str, Any]] = [
    {"status": "queued"},
    {"status": "processing", "stage": "EVALUATE"},
    {"status": "marinating"},
    {"status": "processing", "environment": "test"},
]
ENDINGS: list[dict[str, Any]] = [
    {"status": "completed", "solutions": [{"rank": 1}]},
    {"status": "degraded", "solutions": []},
    {"status": "failed", "error": {"code": "e", "message": "No scorecard."}},
    {"status": "cancelled", "error": "gone", "completed_at": "2026-03-04T03:36:44Z"},
]


WHAT = ["goes on"] * 20 + [
    "an hour passes", "held up", "dies", "found dead", "stops", "key", "given up",
    "resume", "link", "link to another's",
]  # fmt: skip
POSTS: list[Any] = ["accepted"] * 5 + ["clash", *NOT_TAKEN, *MAY_BE_TAKEN]
POLLS: list[Any] = [
    *REPLIES, *REPLIES, *ENDINGS,
    *((error, times) for error in NOT_TAKEN + MAY_BE_TAKEN for times in (1, 10)),
]  # fmt: skip


class Said(TypedDict):
    actor: User
    reason: str


class RunLife(RuleBasedStateMachine):
    broker: User

    @initialize()
    def begin(self) -> None:
        self.url = f"http://127.0.0.1:9/{uuid.uuid4().hex}"
        with override_settings(NEXIO_URL=self.url):
            self.run_ = queued_run("home_only.json", self.broker, self.insured())
        self.now: datetime = timezone.now() + timedelta(seconds=1)
        self.hand: dict[str, Run] = {}
        self.sending: dict[str, Run] = {}
        self.after: list[Callable[[], None]] = []
        self.in_air = 0
        self.state = "queued"
        self.events = self.run_.events.count()

    @classmethod
    def insured(cls) -> Any:
        return cls.broker.insureds.get()

    def service(self) -> NexioService:
        return claims.service_at(self.url, KEY)

    def row(self) -> Run:
        return Run.objects.get(pk=self.run_.pk)

    # Time and workers.

    @rule(
        what=st.sampled_from(WHAT),
        worker=st.sampled_from(WORKERS),
        per_second=st.sampled_from([0.0, 20.0]),
        meanwhile=st.booleans(),
        post=st.sampled_from(POSTS),
        poll=st.sampled_from(POLLS),
        twice=st.booleans(),
    )
    def happens(self, what: str, worker: str, **how: Any) -> None:
        """One rule for all: of several, each example would leave some out, and with them the
        way to the rest."""
        match what:
            case "goes on":
                if self.state in IN_FLIGHT or self.hand or self.sending:
                    self.goes_on(worker, **how)
            case "an hour passes":
                self.now += timedelta(hours=1)
            case "held up" if self.sending:
                self.is_held_up_before_sending()
            case "dies":
                self.dies(worker)
            case "found dead":
                self.is_found_dead(worker)
            case "stops" if self.hand:
                self.stops()
            case "key":
                self.key_works_again()
            case "given up":
                self.a_person_gives_it_up()
            case _ if self.state in {"submit_unknown", "bad_response"}:
                self.a_person_settles_it(what)

    def goes_on(
        self, worker: str, per_second: float, meanwhile: bool, post: Any, poll: Any, twice: bool
    ) -> None:
        """What comes next for the run, of the worker's and of Nexio's doing."""
        free = self.state in IN_FLIGHT and len(self.hand) + len(self.sending) < 2
        if free and meanwhile and (self.hand or self.sending):
            self.now += claims.LEASE  # its holder is frozen, and another takes it over
            self.claims(worker, per_second)
        elif self.holding("queued") or self.holding("submitting"):
            self.begins_to_send()
        elif self.sending and isinstance(post, str):
            self.accepts(clash=post == "clash", twice=twice)
        elif self.sending:
            self.fails(post, twice)
        elif self.holding("waiting") and isinstance(poll, dict):
            self.tells(poll)
        elif self.holding("waiting"):
            self.answers_no_use(*poll)
        else:
            self.claims(worker, per_second)

    def claims(self, worker: str, per_second: float) -> None:
        worker = self.idle(worker)
        due_at = self.row().due_at
        assert due_at
        self.now = max(self.now, due_at)
        for run in claims.claim_due(
            service=self.service(), lease=worker, now=self.now, limit=1, sends=1,
            ahead=timedelta(seconds=1), per_second=per_second,
        ):  # fmt: skip
            self.hand[worker] = run

    def idle(self, worker: str) -> str:
        busy = {*self.hand, *self.sending}
        return worker if worker not in busy else next(each for each in WORKERS if each not in busy)

    def holding(self, state: str) -> list[str]:
        """The workers that hold the run as it was in that state when they claimed it."""
        return [each for each, run in self.hand.items() if run.state == state]

    def begins_to_send(self) -> None:
        worker = next(iter(self.holding("queued") + self.holding("submitting")), "")
        if not worker:
            return
        run = self.hand.pop(worker)
        with contextlib.suppress(RunMoved):
            if run.state == "submitting":
                outcomes.lapsed_submission(run, now=self.now)
            else:
                assert outcomes.begin_submission(run, lease=worker, now=self.now)
                self.sending[worker] = run
                self.in_air += 1

    def is_held_up_before_sending(self) -> None:
        worker, run = self.sending.popitem()
        self.in_air -= 1
        with contextlib.suppress(RunMoved):
            outcomes.not_begun(run, lease=worker, now=self.now)

    def dies(self, worker: str) -> None:
        self.hand.pop(worker, None)
        self.sending.pop(worker, None)

    def is_found_dead(self, worker: str) -> None:
        if worker not in self.hand and worker not in self.sending:
            claims.lapse(lease=worker, now=self.now)

    def stops(self) -> None:
        worker, run = self.hand.popitem()
        claims.let_go([run.pk], lease=worker)
        claims.release(lease=worker)

    # Nexio's answers to the POST.

    def accepts(self, clash: bool, twice: bool) -> None:
        _, run = self.sending.popitem()
        if clash:
            self.give_to_another("taken")
        named = "taken" if clash else f"run-{self.run_.pk}"
        reply = reply_of(Accepted, {"run_id": named, "status": "queued"}, 202)
        stale = copy.copy(run)
        outcomes.submission_accepted(run, reply, now=self.now)
        if twice:  # the database could not say that it had taken the first
            outcomes.submission_accepted(stale, reply, now=self.now)

    def give_to_another(self, run_id: str) -> None:
        if not Run.objects.filter(service_url=self.url, nexio_run_id=run_id).exists():
            other = copy.copy(self.row())
            other.pk, other.number = uuid.uuid4(), self.run_.insured.runs.count() + 1
            other.state, other.nexio_run_id = "abandoned", run_id
            other.finished_at, other.due_at = self.now, None
            other.lease_owner, other.lease_until = "", None
            other._state.adding = True
            other.save(force_insert=True)

    def fails(self, error: Callable[[], errors.NexioError], twice: bool) -> None:
        worker, run = self.sending.popitem()
        found = error()
        self.in_air -= not found.outcome_unknown
        stale = copy.copy(run)
        for each in (run, stale) if twice else (run,):
            outcomes.submission_failed(
                each, found, service=self.service(), lease=worker, now=self.now
            )

    # Nexio's answers to a poll.

    def polled(self, write: Callable[[Run, str], object]) -> None:
        for worker in self.holding("waiting")[:1]:
            run = self.hand.pop(worker)
            with contextlib.suppress(RunMoved):
                write(run, worker)

    def tells(self, reply: dict[str, Any]) -> None:
        def write(run: Run, worker: str) -> None:
            said = reply_of(JobReply, {"run_id": run.nexio_run_id, **reply})
            if rescheduling.says_nothing_new(run, said.message, self.service()):
                rescheduling.reschedule([rescheduling.Polled(run, self.now)], lease=worker)
            else:
                outcomes.poll_answered(run, said, lease=worker, now=self.now)

        self.polled(write)

    def answers_no_use(self, error: Callable[[], errors.NexioError], times: int) -> None:
        for number in range(times):
            if number:
                self.check_step()
                if self.state != "waiting" or self.hand or self.sending:
                    return
                self.claims("one", 0.0)
            self.polled(
                lambda run, worker: outcomes.poll_failed(
                    run, error(), service=self.service(), lease=worker, now=self.now
                )
            )

    def key_works_again(self) -> None:
        outcomes.key_works(self.service(), now=self.now)

    # A person.

    def a_person_gives_it_up(self) -> None:
        with contextlib.suppress(runs.NotPossible):
            runs.abandon_run(run=self.row(), actor=self.broker, reason="They went elsewhere.")

    def a_person_settles_it(self, what: str) -> None:
        run, how = self.row(), Said(actor=self.broker, reason="They said so.")
        try:
            if what == "resume":
                runs.resume_run(run=run, hint=False, **how)
            elif what == "link":
                runs.link_run_id(run=run, run_id=f"run-{run.pk}", hint=False, **how)
            else:
                self.give_to_another("taken")
                runs.link_run_id(run=run, run_id="taken", hint=False, **how)
        except runs.NotPossible:
            pass

    # What must hold after every step.

    @invariant()
    def check_step(self) -> None:
        if not hasattr(self, "state"):
            return
        run = self.row()
        events = list(run.events.order_by("id").values_list("kind", flat=True))
        if run.state != self.state:
            assert run.state in TRANSITIONS[self.state], f"{self.state} → {run.state}"
            assert len(events) > self.events, "a step without an event"
        self.state, self.events = run.state, len(events)
        assert events.count("submitting") == run.attempts
        assert self.in_air <= 1, "sent twice"
        assert run.state != "queued" or self.in_air == 0, "queued again though it may be running"
        assert (run.state in IN_FLIGHT) == (run.due_at is not None), "lost: nobody will look"
        if run.state not in IN_FLIGHT:
            assert (run.lease_owner, run.lease_until) == ("", None)
        assert (run.finished_at is not None) == (run.state in ENDED)
        assert RunFact.objects.get(run=run).state == run.state

    def teardown(self) -> None:
        """Calm: one healthy worker, an honest Nexio, a key that works."""
        if not hasattr(self, "state"):
            return
        for worker in WORKERS:
            self.dies(worker)
        outcomes.key_works(self.service(), now=self.now)
        for _ in range(8):
            if self.row().state not in IN_FLIGHT:
                return
            self.now += timedelta(seconds=1000)
            self.claims("one", 0.0)
            if not self.holding("waiting"):
                self.begins_to_send()
            self.check_step()
            if self.sending:
                self.accepts(clash=False, twice=False)
            self.check_step()
            self.tells(ENDINGS[0])
            self.check_step()
        raise AssertionError(f"stuck in {self.state}")


@pytest.mark.timeout(600)
@pytest.mark.django_db
def test_a_run_survives_any_order_of_events() -> None:
    broker = make_user("life", "broker")
    import_example("home_only.json", broker)
    life = type("Life", (RunLife,), {"broker": broker})
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),  # a busy machine is no defect
        ),
    )


@pytest.mark.django_db
@pytest.mark.parametrize("to", TRANSITIONS)
@pytest.mark.parametrize("state", TRANSITIONS)
def test_the_life_has_these_steps_and_no_others(state: str, to: str) -> None:
    run = queued_run("home_only.json")
    run.state = state
    if to in TRANSITIONS[state]:
        # The row is queued still: from any other state the step finds it moved.
        expected: type[Exception] | None = None if state == "queued" else RunMoved
    else:
        expected = IllegalTransition
    if expected is None:
        run.move(to, at=timezone.now(), kind="tried", text="A step.")
        assert Run.objects.get(pk=run.pk).state == to
    else:
        with pytest.raises(expected):
            run.move(to, at=timezone.now(), kind="tried", text="A step.")
        assert Run.objects.get(pk=run.pk).state == "queued"
        assert not run.events.filter(kind="tried").exists()

"""Runs for dashboards: several brokers and offices, every end, every decision, odd days."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from time_machine import travel

from quotes.models import DecisionKind, Office, Role, Run, User
from quotes.services import decisions, run_facts, runs
from tests import runs as made
from tests.decided import bring_to, choose, said
from tests.factories import make_people, make_user, queued_run
from tests.standing import standing

NOW = "2026-11-16 15:00:00+00:00"
"""Monday, ten o'clock in the office; the example's first prices end on Nov 30."""


def elsewhere() -> tuple[Office, User]:
    """Another office and its broker."""
    office = Office.objects.create(name="Harborside")
    return office, make_user("harbor", Role.BROKER.value, office=office)


def at(run: Run, moment: str) -> Run:
    """The run as if it had been started then, by the office's clock."""
    created = timezone.make_aware(datetime.fromisoformat(moment))
    Run.objects.filter(pk=run.pk).update(created_at=created)
    run_facts.refresh(run.pk)
    run.refresh_from_db()
    return run


def slow(run: Run, seconds: float) -> Run:
    """As if Nexio had taken that long."""
    assert run.submitted_at is not None
    end = run.submitted_at + timedelta(seconds=seconds)
    Run.objects.filter(pk=run.pk).update(finished_at=end, completed_at=None)
    run_facts.refresh(run.pk)
    return run


def seed(time_machine: Any) -> dict[str, Any]:
    """Two offices, three brokers, one run that is nobody's; everybody by name.

    Days are around both changes of the clock, the end of the year and midnight.
    """
    time_machine.move_to(NOW, tick=False)
    people: dict[str, Any] = make_people()
    broker, other = people["broker"], people["other"]
    office, harbor = elsewhere()
    at(made.completed_run(broker), "2026-11-01 00:30")  # the night the clock went back
    at(made.completed_run(broker, status="degraded"), "2026-11-01 23:59:59.999999")
    at(slow(bring_to(made.completed_run(broker), "bound", broker), 61.5), "2026-11-02 00:00")
    chosen = made.completed_run(broker)
    time_machine.shift(timedelta(hours=26))
    choose(chosen, broker, rank=1)
    time_machine.move_to(NOW, tick=False)
    at(slow(chosen, 12), "2026-11-10 09:00")
    reopened = bring_to(made.completed_run(other), "bound", other)
    decisions.reopen_decision(run=reopened, actor=other, reason="The insured called back.")
    at(reopened, "2026-11-11 12:00")
    again = bring_to(made.completed_run(other), "shown", other)
    first = again.solutions.get(rank=1)
    decisions.choose_solution(run=again, solution=first, actor=other)
    at(again, "2026-11-12 12:00")
    at(bring_to(made.completed_run(other), "declined", other), "2026-11-13 12:00")
    at(made.failed_run(other), "2026-11-14 08:00")
    at(made.rejected_run(other), "2026-11-14 09:00")
    at(made.lost_run(harbor), "2026-11-14 10:00")
    at(made.unreadable_run(harbor), "2026-11-15 10:00")
    given_up = queued_run(owner=harbor)
    runs.abandon_run(run=given_up, actor=harbor, reason="Not now.")
    at(given_up, "2026-11-15 11:00")
    empty = made.answer(made.waiting_run(harbor), {"status": "completed", "solutions": []})
    at(empty, "2026-11-16 08:00")
    at(made.waiting_run(harbor), "2026-11-16 09:00")
    worded = made.completed_run(harbor)
    second = worded.solutions.get(rank=2)
    decisions.choose_solution(
        run=worded, solution=second, actor=harbor, reason="=1+1 <b>“no”</b> " + "long " * 60
    )
    decisions.record_answer(
        run=worded, kind=DecisionKind.BOUND, actor=harbor, said=said(note="By phone at once.")
    )
    at(worded, "2026-11-16 10:00")
    at(made.completed_run(harbor), "2026-03-08 03:15")  # the night it went forward
    at(made.completed_run(broker), "2025-12-31 23:30")
    at(made.completed_run(broker), "2026-01-01 00:00")
    nobodys = made.completed_run()
    at(nobodys, "2026-11-16 10:30")
    live = bring_to(made.completed_run(broker), "chosen", broker)
    Run.objects.filter(pk=live.pk).update(sandbox=not live.sandbox)
    at(live, "2026-11-09 10:30")
    return {**people, "harbor": harbor, "harborside": office}


@pytest.fixture(scope="module")
def seeded(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """For all tests of a module, of which none may need an empty database."""
    with standing(django_db_blocker):
        with travel(NOW, tick=False) as traveller:
            people = seed(traveller)
        yield people


@pytest.fixture
def world(seeded: dict[str, Any], time_machine: Any) -> dict[str, Any]:
    """For one test to change."""
    time_machine.move_to(NOW, tick=False)
    return deepcopy(seeded)

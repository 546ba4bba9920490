"""The demo's invented past: as the app would have written it, and never over anything real."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from quotes.models import Decision, DecisionEvent, Notice, Run, RunEvent, RunFact, RunState, User
from quotes.services import demo, run_facts
from tests.standing import standing

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def runs_loaded(django_db_setup: None, django_db_blocker: Any) -> Iterator[int]:
    """The demo and its past, for all tests here: how many runs it was told to be."""
    with standing(django_db_blocker):
        with override_settings(DEMO_ACCOUNTS=True):
            assert demo.load_demo()
            loaded = demo.load_past()
        yield loaded


def test_managers_find_runs_in_every_stage_and_of_two_offices(runs_loaded):
    assert runs_loaded == Run.objects.count() >= 30
    assert set(Run.objects.values_list("decision", flat=True)) == set(Decision.values)
    assert {RunState.COMPLETED, RunState.FAILED, RunState.REJECTED} == set(
        Run.objects.values_list("state", flat=True)
    )
    manager = User.objects.get(username="manager")
    facts = RunFact.objects.visible_to(manager)
    assert facts.count() == Run.objects.count()
    assert facts.values("broker__office").distinct().count() == 2
    assert facts.filter(overridden=True).exists()
    assert facts.filter(overridden=False).exists()


def test_it_lies_in_the_past_and_no_step_precedes_the_one_before():
    now = timezone.now()
    for run in Run.objects.prefetch_related("events", "decision_events"):
        assert run.insured.created_at < run.created_at < now
        assert all(run.created_at <= event.at <= now for event in run.events.all())
        steps = [step.at for step in run.decision_events.order_by("id")]
        assert steps == sorted(steps)
        assert all(run.finished_at < at <= now for at in steps)
    assert RunEvent.objects.filter(run__state=RunState.COMPLETED, kind="completed").exists()


def test_every_reason_fits_the_package_it_was_chosen_for():
    said = DecisionEvent.objects.filter(kind="chosen").exclude(reason="")
    assert len({step.reason for step in said}) > 1
    for step in said.select_related("solution", "run"):
        if "One carrier" in step.reason:
            assert len(step.solution.carriers) == 1
            assert len(step.run.coverage_types) > 1
        if "wind deductible" in step.reason:
            assert "home" in step.run.coverage_types


def test_its_facts_are_what_the_runs_say_and_nothing_of_it_is_news():
    assert list(run_facts.refresh_many(Run.objects.values_list("pk", flat=True))) == []
    assert not Notice.objects.filter(read_at=None).exists()


def test_a_second_start_and_runs_of_ones_own_leave_everything_as_it_is(runs_loaded):
    assert demo.load_past() == 0
    assert Run.objects.count() == runs_loaded

"""What lists and reports read of runs: kept at every step, and the same when worked out anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from quotes.models import (
    Carrier,
    CarrierPart,
    Quote,
    Run,
    RunCarrier,
    RunEvent,
    RunFact,
    RunState,
    User,
)
from quotes.models.failures import failure_words
from quotes.models.run import TRANSITIONS
from quotes.services import decisions, fact_columns, run_facts, runs
from quotes.services.carriers import merge_carriers
from tests import runs as made
from tests.decided import bring_to, choose
from tests.factories import import_example, queued_run

pytestmark = pytest.mark.django_db


def as_kept() -> list[object]:
    """Every fact and every carrier's part as they stand."""
    rows: list[object] = list(RunFact.objects.order_by("run").values())
    parts = RunCarrier.objects.order_by("run", "part", "name")
    return [*rows, *parts.values_list("run", "part", "name", "carrier", "created_on")]


def anew() -> list[object]:
    """The same, forgotten and worked out anew."""
    RunCarrier.objects.all().delete()
    RunFact.objects.all().delete()
    list(run_facts.refresh_many(Run.objects.values_list("pk", flat=True)))
    return as_kept()


def every_end(broker: User) -> Iterator[Run]:
    """A run in every state the outcomes lead to, and by every door a person has."""
    yield queued_run(owner=broker)
    yield made.submitting_run(broker)
    yield made.waiting_run(broker)
    yield made.completed_run(broker)
    yield made.completed_run(broker, status="degraded")
    yield made.answer(made.waiting_run(broker), {"status": "completed", "solutions": []})
    yield made.failed_run(broker)
    yield made.rejected_run(broker)
    yield made.unreadable_run(broker)
    yield made.lost_run(broker)
    lost = made.lost_run(broker)
    yield lost
    yield runs.resubmit_run(run=lost, actor=broker, reason="Nothing came.", hint=False)
    yield runs.link_run_id(
        run=made.lost_run(broker), actor=broker, run_id="nx-found", reason="By phone.", hint=False
    )
    yield runs.resume_run(run=made.unreadable_run(broker), actor=broker, hint=False)
    given_up = runs.abandon_run(run=queued_run(owner=broker), actor=broker, reason="Not now.")
    yield given_up
    yield runs.send_again(run=given_up, actor=broker, hint=False)


def test_facts_follow_every_step_of_a_runs_life(people):
    states = {run.pk for run in every_end(people["broker"])}
    assert len(states) == 16
    assert set(RunFact.objects.values_list("state", flat=True)) == set(TRANSITIONS)
    kept = as_kept()
    assert RunFact.objects.count() == Run.objects.count()
    assert kept == anew()


@pytest.mark.parametrize("state", ["undecided", "chosen", "shown", "accepted", "declined", "bound"])
def test_facts_follow_every_step_of_a_decision(people, time_machine, state):
    time_machine.move_to("2026-11-16 15:00:00+00:00", tick=False)
    run = bring_to(made.completed_run(people["broker"]), state, people["broker"])
    fact = RunFact.objects.get(pk=run.pk)
    assert fact.decision == state
    assert fact.overridden is (None if state == "undecided" else True)
    assert (fact.bound_at is not None) is (state == "bound")
    parts = set(RunCarrier.objects.filter(run=run).values_list("part", flat=True))
    expected = {CarrierPart.QUOTED, CarrierPart.TOP}
    expected |= set() if state == "undecided" else {CarrierPart.CHOSEN}
    expected |= {CarrierPart.BOUND} if state == "bound" else set()
    assert parts == expected
    kept = as_kept()
    assert kept == anew()
    if state != "undecided":
        decisions.reopen_decision(run=run, actor=people["broker"], reason="Once more.")
        fact.refresh_from_db()
        assert (fact.decision, fact.decided_at, fact.overridden) == ("undecided", None, None)
        kept = as_kept()
        assert kept == anew()


def fact_of(run: Run) -> RunFact:
    return RunFact.objects.get(pk=run.pk)


def test_facts_say_what_the_run_says(people, time_machine):
    time_machine.move_to("2026-11-16 15:00:00+00:00", tick=False)
    start = timezone.now()
    run = made.completed_run(people["broker"])
    fact = fact_of(run)
    top = run.solutions.get(rank=1)
    assert (fact.number, fact.insured_id) == (run.number, run.insured_id)
    assert (fact.broker, fact.created_on) == (people["broker"], timezone.localdate(start))
    assert fact.lines == "home,auto,umbrella"
    assert fact.offerings == len(run.offering_lines)
    assert fact.packages == run.solutions.count()
    assert (fact.top_label, fact.top_cost) == (top.cluster_label, top.est_cost_low)
    # The example's first prices to end are good until the end of November, in the office's time.
    assert fact.expires_at is not None
    assert timezone.localtime(fact.expires_at).isoformat() == "2026-12-01T00:00:00-05:00"
    assert fact.waited == 23.0
    assert fact.first_quote_at == start
    time_machine.shift(timedelta(hours=5))
    choose(run, people["broker"], rank=2)
    fact = fact_of(run)
    assert (fact.to_decision, fact.chosen_rank, fact.overridden) == (5 * 3600.0, 2, True)
    Quote.objects.filter(insured=run.insured).delete()
    run_facts.refresh(run.pk)
    assert fact_of(run).first_quote_at == start  # a quote deleted since was there all the same


def test_waiting_is_by_nexios_clock_where_ours_allows_it(people):
    start = timezone.now()
    for ended, waited in ((20, 20.0), (-60, 30.0), (500, 30.0)):
        run = made.waiting_run(at=start)
        said = (start + timedelta(seconds=ended)).isoformat()
        value = {"status": "completed", "solutions": [], "completed_at": said}
        made.answer(run, value, at=start + timedelta(seconds=30))
        assert fact_of(run).waited == waited


def test_why_there_are_no_packages_is_one_of_a_few_codes(people):
    def code(run: Run) -> str:
        return fact_of(run).failure

    assert code(queued_run()) == ""
    assert code(made.completed_run()) == ""
    empty = made.answer(made.waiting_run(), {"status": "completed", "solutions": []})
    assert code(empty) == "no_package"
    assert code(made.failed_run()) == "failed:evaluate_timeout"
    coded = {"code": "pipeline_error", "message": "The pipeline stopped."}
    failed = made.answer(made.waiting_run(), {"status": "failed", "error": coded})
    assert code(failed) == "failed:pipeline_error"
    wordy = made.answer(made.waiting_run(), {"status": "failed", "error": "It broke, somehow."})
    assert code(wordy) == "failed"
    assert code(made.rejected_run()) == "rejected:400"
    assert code(made.lost_run()) == "submit_unknown"
    unreadable = made.unreadable_run(people["broker"])
    assert code(unreadable) == "bad_response"
    runs.resume_run(run=unreadable, actor=people["broker"], hint=False)
    assert code(unreadable) == ""
    assert failure_words("failed:pipeline_error") == "Nexio failed: pipeline error"
    assert failure_words("rejected:401") == "Request refused (401): key refused"
    assert failure_words("rejected:418") == "Request refused (418)"
    assert failure_words("") == ""


def test_premium_moved_is_what_left_its_incumbent(people, time_machine):
    time_machine.move_to("2026-11-16 15:00:00+00:00", tick=False)
    run = made.completed_run(people["broker"])
    chosen = run.solutions.get(rank=2)
    bring_to(run, "bound", people["broker"])
    in_force = fact_columns.incumbent_carriers(run.request)
    lines = list(chosen.lines.select_related("carrier"))
    assert {line.category for line in lines} == set(in_force)
    away = [line for line in lines if line.shown_carrier != in_force[line.category]]
    assert fact_of(run).moved == sum(
        (line.line_premium_annual or Decimal(0) for line in away), Decimal(0)
    )
    assert away
    # What was taken for another carrier turns out to be the incumbent by another name.
    keep, *others = {Carrier.objects.named(name) for name in in_force.values()}
    merge_carriers(into=keep, others=[*others, *(line.carrier for line in lines if line.carrier)])
    run_facts.refresh(run.pk)
    assert fact_of(run).moved == 0


def test_a_poll_that_changes_no_state_writes_no_fact(people):
    run = made.waiting_run(people["broker"])
    RunFact.objects.filter(pk=run.pk).update(nexio_status="as it was")
    made.answer(run, {"status": "processing", "stage": "EVALUATE"})
    assert fact_of(run).nexio_status == "as it was"
    assert run.nexio_status == "processing"


def test_an_insured_that_goes_to_another_broker_takes_its_facts_along(people):
    run = made.completed_run(people["broker"])
    run.insured.owner = people["other"]
    run.insured.save()
    assert run_facts.owner_changed([run.insured_id]) == 1
    assert fact_of(run).broker == people["other"]
    kept = as_kept()
    assert kept == anew()


def test_merged_and_renamed_carriers_are_told_once(people):
    run = made.completed_run(people["broker"])
    names = sorted(RunCarrier.objects.filter(run=run, part="quoted").values_list("name", flat=True))
    keep, gone = (Carrier.objects.named(name) for name in names[:2])
    merge_carriers(into=keep, others=[gone])
    quoted = RunCarrier.objects.filter(run=run, part="quoted")
    assert set(quoted.values_list("name", flat=True)) == set(names) - {gone.name}
    keep.name = "Newly Named Mutual"
    keep.save()
    run_facts.carrier_became(keep, keep)
    assert quoted.filter(name="Newly Named Mutual", carrier=keep).count() == 1


def test_the_command_says_what_differed_and_writes_it(people):
    run, other = made.completed_run(people["broker"]), made.waiting_run(people["broker"])
    right = as_kept()
    RunFact.objects.filter(pk=run.pk).update(packages=0, top_label="nonsense")
    RunFact.objects.filter(pk=other.pk).delete()
    out = StringIO()
    call_command("rebuild_facts", stdout=out)
    assert f"run {run.pk}: packages, top_label" in out.getvalue()
    assert f"run {other.pk}: had no facts" in out.getvalue()
    assert "2 looked at, 2 written anew." in out.getvalue()
    assert as_kept() == right
    out = StringIO()
    call_command("rebuild_facts", stdout=out)
    assert "2 looked at, 0 written anew." in out.getvalue()


def test_what_a_batch_costs_does_not_grow_with_its_runs(people, django_assert_max_num_queries):
    insured = import_example(owner=people["broker"]).insured
    for _ in range(6):
        made.completed_run(people["broker"], insured=insured)
    ids = list(Run.objects.values_list("pk", flat=True))
    with django_assert_max_num_queries(12) as seen:
        assert list(run_facts.refresh_many(ids)) == []
    heavy = ("request_body", '"response"', '"document"', "scorecard", "error_details")
    assert not [q for q in seen.captured_queries for name in heavy if name in q["sql"]]


def test_a_step_that_is_not_taken_changes_no_fact(people):
    run = made.waiting_run(people["broker"])
    kept, events = as_kept(), RunEvent.objects.count()
    Run.objects.filter(pk=run.pk).update(state=RunState.ABANDONED, finished_at=timezone.now())
    with pytest.raises(runs.NotPossible):
        runs.abandon_run(run=run, actor=people["broker"], reason="Late.")
    assert (as_kept(), RunEvent.objects.count()) == (kept, events)

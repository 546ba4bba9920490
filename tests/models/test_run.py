"""A run's own small questions, and its history that nothing rewrites."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from quotes.models import Run, RunEvent
from quotes.models.append_only import AppendOnly
from quotes.models.run import OVERDUE_AFTER
from tests import runs as made
from tests.factories import queued_run

pytestmark = pytest.mark.django_db


def test_a_waiting_run_is_overdue_after_ten_minutes_and_no_other_ever(people) -> None:
    now = timezone.now()
    long_ago = now - OVERDUE_AFTER - timedelta(seconds=1)
    late = made.waiting_run(people["broker"], at=long_ago)
    in_time = made.waiting_run(people["broker"], at=now)
    ended = made.completed_run(people["broker"], at=long_ago)
    assert list(Run.objects.overdue(now)) == [late]
    assert set(Run.objects.visible_to(people["broker"])) == {late, in_time, ended}
    assert not Run.objects.visible_to(people["other"])
    assert set(Run.objects.actionable_by(people["broker"])) == {late, in_time, ended}
    assert [each.is_overdue(now) for each in (late, in_time, ended)] == [True, False, False]


def test_what_is_in_flight_and_what_is_degraded(people) -> None:
    queued, waiting = queued_run(owner=people["broker"]), made.waiting_run(people["broker"])
    degraded = made.completed_run(people["broker"], status="degraded")
    failed = made.failed_run(people["broker"])
    assert set(Run.objects.in_flight()) == {queued, waiting}
    assert [each.in_flight for each in (queued, waiting, degraded, failed)] == [True] * 2 + [
        False
    ] * 2
    assert [each.degraded for each in (queued, degraded, failed)] == [False, True, False]
    assert str(queued) == f"Run {queued.number}"


def test_events_are_only_ever_added(people) -> None:
    event = queued_run(owner=people["broker"]).events.get()
    assert str(event) == event.text
    event.text = "Something else."
    for change in (event.save, event.delete, RunEvent.objects.all().delete):
        with pytest.raises(AppendOnly):
            change()
    with pytest.raises(AppendOnly):
        RunEvent.objects.update(text="Something else.")
    assert RunEvent.objects.get(pk=event.pk).text != "Something else."


def test_an_events_text_is_cut_to_what_is_kept(people) -> None:
    run = queued_run(owner=people["broker"])
    run.note(at=timezone.now(), kind="noted", text="x" * 5000)
    assert len(run.events.get(kind="noted").text) == 1000

"""Times on pages: a run of an earlier year says which, wherever it is met."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests import runs as made
from tests.decided import choose
from tests.views.pages import signed_in, words

pytestmark = pytest.mark.django_db
THEN, NOW = "2025-03-07 15:00:00+00:00", "2026-11-16 15:00:00+00:00"
NEAR_MIDNIGHT = "2026-01-01 04:30:00+00:00"
"""In office time the last evening of 2025."""


@pytest.mark.parametrize("route", ["run_detail", "insured_detail", "run_decision"])
def test_a_run_of_another_year_says_which(people, time_machine, route):
    time_machine.move_to(THEN, tick=True)
    run = made.completed_run(people["broker"])
    choose(run, people["broker"])
    address = reverse(
        f"quotes:{route}", args=[run.insured_id if route == "insured_detail" else run.pk]
    )
    assert "Mar 7, 10:00 AM" in words(signed_in(people["broker"]).get(address))
    time_machine.move_to(NOW, tick=True)
    page = words(signed_in(people["broker"]).get(address))
    assert "Mar 7, 2025, 10:00 AM" in page
    assert "Mar 7, 10:00" not in page


def test_so_do_the_lists_of_what_waits_for_a_person(people, time_machine):
    time_machine.move_to(THEN, tick=True)
    made.lost_run(people["broker"])
    time_machine.move_to(NOW, tick=True)
    for who, address in (("admin", "operations"), ("broker", "worklist")):
        page = words(signed_in(people[who]).get(reverse(f"quotes:{address}")))
        assert "Mar 7, 2025, 10:00 AM" in page


def test_a_year_ends_by_the_offices_calendar(people, time_machine):
    time_machine.move_to(NEAR_MIDNIGHT, tick=True)
    run = made.completed_run(people["broker"])
    address = reverse("quotes:insured_detail", args=[run.insured_id])
    assert "Dec 31, 11:30 PM" in words(signed_in(people["broker"]).get(address))
    time_machine.move_to("2026-01-01 05:30:00+00:00", tick=True)
    page = words(signed_in(people["broker"]).get(address))
    assert "Dec 31, 2025, 11:30 PM" in page


def test_a_step_of_a_later_year_says_so_on_the_timeline(people, time_machine):
    time_machine.move_to(THEN, tick=True)
    run = made.completed_run(people["broker"])
    time_machine.move_to("2026-01-05 15:00:00+00:00", tick=True)
    choose(run, people["broker"])
    page = words(signed_in(people["broker"]).get(reverse("quotes:run_detail", args=[run.pk])))
    assert "Jan 5, 2026, 10:00:0" in page

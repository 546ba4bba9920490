"""All months and days are kept, and something of them changes: what was kept is not shown again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import travel

from quotes.models import Carrier, KeptDay, KeptMonth, Office, Run, RunCarrier, User
from quotes.models.figures import figures_changed
from quotes.services import decisions, run_facts, runs
from quotes.services.dashboard.board import read_board
from quotes.services.dashboard.kept import MOST_SUMS, forget_sums
from quotes.services.dashboard.scope import Scope
from quotes.services.decision_step import NotConfirmed
from quotes.services.transfer import move_insured
from tests import dashboards
from tests.factories import make_user
from tests.services.kept import (
    LATER,
    PERIODS,
    boards,
    counted,
    keep,
    scopes,
    seeded,
    shown,
    world,
)
from tests.standing import standing

pytestmark = pytest.mark.django_db
__all__ = ["counted", "seeded", "world"]


@pytest.fixture(scope="module", autouse=True)
def _all_is_kept(
    django_db_blocker: Any, seeded: dict[str, Any], counted: list[Any]
) -> Iterator[None]:
    with standing(django_db_blocker):
        with travel(LATER, tick=False):
            keep(timezone.now())
        yield


def chosen_anew(people: dict[str, Any]) -> None:
    run = Run.objects.filter(decision="undecided", state="completed", solutions__rank=2).first()
    assert run is not None
    solution = run.solutions.get(rank=2)
    words = "It was said again, later."
    said = {"run": run, "solution": solution, "actor": people["broker"], "reason": words}
    try:
        decisions.choose_solution(**said)
    except NotConfirmed as doubt:
        decisions.choose_solution(**said, confirmed=doubt.words)


def moved_to_another(people: dict[str, Any]) -> None:
    run = Run.objects.filter(insured__owner=people["broker"]).first()
    assert run is not None
    move_insured(
        insured=run.insured, to_user=people["other"], actor=people["admin"], reason="Moves."
    )


def given_up(people: dict[str, Any]) -> None:
    run = Run.objects.filter(state="submit_unknown").first()
    assert run is not None
    runs.abandon_run(run=run, actor=people["admin"], reason="Nobody waits for it.")


def carrier_merged(people: dict[str, Any]) -> None:
    one, other = Carrier.objects.filter(
        pk__in=RunCarrier.objects.filter(carrier__isnull=False).values("carrier")
    ).order_by("name")[:2]
    run_facts.carrier_became(one, other)


def office_changed(people: dict[str, Any]) -> None:
    User.objects.filter(pk=people["other"].pk).update(office=people["harborside"])


@pytest.mark.parametrize(
    "change", [chosen_anew, moved_to_another, given_up, carrier_merged, office_changed]
)
def test_what_changes_later_is_in_the_figures_at_once_and_kept_again(world, counted, change):
    change(world)
    people = {name: _again(each) for name, each in world.items()}
    after = boards(people)
    assert after != counted
    with transaction.atomic():
        KeptMonth.objects.update(kept_version=None)
        KeptDay.objects.update(kept_version=None)
        assert boards(people) == after, "as counted from the facts"
        transaction.set_rollback(True)
    assert keep(timezone.now())
    assert boards(people) == after, "and as kept anew"


@pytest.mark.parametrize(
    "change", [chosen_anew, moved_to_another, given_up, carrier_merged, office_changed]
)
def test_a_sum_that_a_process_holds_is_never_shown_after_a_change(world, change):
    """Of one period, so that the sums of all who look are held at once."""
    year(world)
    change(world)
    people = {name: _again(each) for name, each in world.items()}
    at_once = year(people)
    keep(timezone.now())
    kept_anew = year(people)
    forget_sums()
    assert year(people) == kept_anew == at_once


def year(people: dict[str, Any]) -> list[Any]:
    """Of as few who look as are held twice over: with a change's month summed, and without."""
    found = [each for each in scopes(people) if each.period == PERIODS[0]]
    few = [each for each in found if each.service != "sandbox" and not each.office]
    assert len(few) * 2 <= MOST_SUMS
    return [shown(read_board(each)) for each in few]


def test_the_same_year_is_summed_once_for_all_who_see_it_and_apart_for_others(world):
    office = world["broker"].office
    one, other = (make_user(name, "manager", office=office) for name in ("one", "other_one"))

    def documents(user: User) -> int:
        with CaptureQueriesContext(connection) as seen:
            read_board(Scope(user, PERIODS[0], timezone.now()))
        return sum('"quotes_monthfigures"."data"' in each["sql"] for each in seen)

    assert documents(one) == 2
    assert documents(one) == documents(other) == 0
    elsewhere = make_user("elsewhere", "manager", office=world["harborside"])
    assert documents(elsewhere) == documents(world["admin"]) == 2


def test_the_months_before_the_latest_are_not_summed_anew_when_that_changes(world):
    latest = KeptMonth.objects.latest("month")
    admin = Scope(world["admin"], PERIODS[0], timezone.now())
    read_board(admin)
    figures_changed([latest.month])
    keep(timezone.now())
    with CaptureQueriesContext(connection) as seen:
        read_board(admin)
    asked = [each["sql"] for each in seen if '"quotes_monthfigures"."data"' in each["sql"]]
    assert len(asked) == 1
    assert f"{latest.month}" in asked[0]


def _again(each: Any) -> Any:
    """As another request reads it."""
    return type(each).objects.get(pk=each.pk) if isinstance(each, User | Office) else each


def test_a_run_that_goes_to_another_day_leaves_no_trace_of_itself(world):
    run = Run.objects.filter(created_at__lt=datetime.fromisoformat("2026-11-20T00:00Z")).first()
    assert run is not None
    dashboards.at(run, "2026-09-09 12:00")
    after = boards(world)
    keep(timezone.now())
    assert boards(world) == after


def test_another_time_zone_has_other_months(world, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    with timezone.override("Asia/Tokyo"):
        with CaptureQueriesContext(connection) as seen:
            read_board(Scope(world["admin"], PERIODS[0], timezone.now()))
        assert not [each for each in seen if "monthfigures" in each["sql"].lower()]
        assert not [each for each in seen if '"nexio"' in each["sql"].lower()]

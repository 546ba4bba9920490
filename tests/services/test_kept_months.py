"""Months and days that are kept: the dashboard says the same with them as without, at once, and
for all."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from quotes.models import (
    Carrier,
    InsuredShare,
    KeptDay,
    KeptMonth,
    MonthFigures,
    Office,
    Run,
    RunCarrier,
    RunFact,
    User,
)
from quotes.models.figures import figures_changed
from quotes.services import decisions, run_facts, runs
from quotes.services.dashboard.board import Board, read_board
from quotes.services.dashboard.keeping import keep_days, keep_months
from quotes.services.dashboard.kept import MOST_SUMS, forget_sums
from quotes.services.dashboard.period import Period
from quotes.services.dashboard.scope import Scope
from quotes.services.decision_step import NotConfirmed
from quotes.services.transfer import move_insured
from tests import dashboards
from tests import runs as made
from tests.factories import make_user

pytestmark = pytest.mark.django_db

LATER = "2027-01-05 15:00:00+00:00"
"""November is over, by more than two days."""
PERIODS = (
    Period(date(2026, 2, 1), date(2027, 1, 5)),  # months, the last one going on
    Period(date(2026, 10, 20), date(2026, 12, 20)),  # weeks or days that cut months
    Period(date(2026, 11, 1), date(2026, 11, 30)),  # nothing but a kept month, by day
    Period(date(2026, 11, 2), date(2026, 11, 30)),  # no whole month
    Period(date(2020, 1, 1), date(2027, 1, 5)),  # years
)


@pytest.fixture
def world(time_machine: Any) -> dict[str, Any]:
    people = dashboards.seed(time_machine)
    time_machine.move_to(LATER, tick=False)
    return people


def shown(board: Board) -> Any:
    """All that a page draws of a board, the codes of its numbers as well."""
    return {
        "counts": board.counts,
        "pieces": [(piece.period, piece.counts) for piece in board.pieces],
        "waiting": board.waiting,
        "deciding": board.deciding,
        "failures": board.failures,
        "reasons": board.reasons,
        "carriers": board.carriers,
        "brokers": [(each.name, each.office, each.counts, each.median) for each in board.brokers],
        "endings": board.endings,
    }


def scopes(people: dict[str, Any]) -> list[Scope]:
    now = timezone.now()
    found = []
    for period in PERIODS:
        for service in ("", "nexio", "sandbox"):
            for user in (people["admin"], people["manager"]):
                found.append(Scope(user, period, now, service=service))
        found.append(Scope(people["admin"], period, now, broker=people["broker"]))
        found.append(Scope(people["admin"], period, now, office=people["harborside"]))
        found.append(Scope(people["manager"], period, now, broker=people["other"]))
    return found


def boards(people: dict[str, Any]) -> list[Any]:
    return [shown(read_board(each)) for each in scopes(people)]


def kept() -> list[date]:
    return [each.month for each in KeptMonth.objects.order_by("month") if stands(each)]


def stands(month: KeptMonth) -> bool:
    return month.kept_version == month.version and bool(month.kept_zone)


def test_every_figure_is_the_same_with_kept_months_and_without(world):
    before = boards(world)
    assert keep_months(timezone.now()) >= 2
    assert date(2026, 11, 1) in kept()
    for was, found in zip(before, boards(world), strict=True):
        for name, value in was.items():
            assert found[name] == value
    # They are what is read: without them the figures would be others.
    MonthFigures.objects.all().delete()
    forget_sums()
    assert boards(world) != before


def test_every_figure_is_the_same_with_kept_days_and_without(world):
    before = boards(world)
    keep_months(timezone.now())
    assert keep_days(timezone.now(), most=None)
    for was, found in zip(before, boards(world), strict=True):
        for name, value in was.items():
            assert found[name] == value
    KeptDay.objects.update(nexio="", sandbox="")
    forget_sums()
    assert boards(world) != before, "they are what is read"


def test_where_nearly_no_day_stands_all_are_counted_in_one_piece(world):
    keep_days(timezone.now(), most=None)
    before = shown(read_board(Scope(world["admin"], PERIODS[3], timezone.now())))
    every_other = [each.pk for each in KeptDay.objects.order_by("day")][::2]
    KeptDay.objects.filter(pk__in=every_other).update(kept_version=None)
    KeptDay.objects.update(nexio="", sandbox="")
    assert shown(read_board(Scope(world["admin"], PERIODS[3], timezone.now()))) == before


def test_days_are_kept_when_they_are_over_by_two_and_forgotten_after_a_year_and_a_month(
    time_machine, world
):
    time_machine.move_to("2026-12-03 15:00:00+00:00", tick=False)
    keep_days(timezone.now(), most=None)
    assert KeptDay.objects.order_by("day").last() == KeptDay(day=date(2026, 11, 30))
    assert keep_days(timezone.now()) == 0
    time_machine.move_to("2027-12-20 15:00:00+00:00", tick=False)
    keep_days(timezone.now())
    assert not KeptDay.objects.filter(day__lt=date(2026, 11, 13)).exists()


def test_a_kept_year_asks_no_more_statements_of_more_months(world):
    admin = world["admin"]
    assert admin.sees_all
    keep_months(timezone.now())

    def statements(period: Period) -> int:
        forget_sums()
        with CaptureQueriesContext(connection) as seen:
            read_board(Scope(admin, period, timezone.now()))
        return len(seen)

    assert statements(PERIODS[0]) == statements(PERIODS[4])


def test_a_month_is_kept_two_days_after_its_end(time_machine, world):
    time_machine.move_to("2026-12-02 15:00:00+00:00", tick=False)
    keep_months(timezone.now())
    assert date(2026, 11, 1) not in kept()
    time_machine.move_to("2026-12-03 15:00:00+00:00", tick=False)
    keep_months(timezone.now())
    assert date(2026, 11, 1) in kept()
    assert date(2026, 12, 1) not in kept()
    assert keep_months(timezone.now()) == 0


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
def test_what_changes_later_is_in_the_figures_at_once_and_kept_again(world, change):
    keep(timezone.now())
    before = boards(world)
    change(world)
    people = {name: _again(each) for name, each in world.items()}
    after = boards(people)
    assert after != before
    KeptMonth.objects.update(kept_version=None)
    KeptDay.objects.update(kept_version=None)
    assert boards(people) == after, "as counted from the facts"
    assert keep(timezone.now())
    assert boards(people) == after, "and as kept anew"


@pytest.mark.parametrize(
    "change", [chosen_anew, moved_to_another, given_up, carrier_merged, office_changed]
)
def test_a_sum_that_a_process_holds_is_never_shown_after_a_change(world, change):
    """Of one period, so that the sums of all who look are held at once."""
    keep(timezone.now())
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
    keep(timezone.now())
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
    keep(timezone.now())
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


def keep(now: datetime) -> int:
    return keep_months(now) + keep_days(now, most=None)


def _again(each: Any) -> Any:
    """As another request reads it."""
    return type(each).objects.get(pk=each.pk) if isinstance(each, User | Office) else each


def test_a_run_that_goes_to_another_day_leaves_no_trace_of_itself(world):
    keep(timezone.now())
    run = Run.objects.filter(created_at__lt=datetime.fromisoformat("2026-11-20T00:00Z")).first()
    assert run is not None
    dashboards.at(run, "2026-09-09 12:00")
    after = boards(world)
    keep(timezone.now())
    assert boards(world) == after


def test_today_and_the_month_that_goes_on_mark_nothing(world):
    made.completed_run(world["broker"])
    assert not KeptDay.objects.filter(day=timezone.localdate()).exists()
    this = timezone.localdate().replace(day=1)
    assert not KeptMonth.objects.filter(month=this).exists()


def test_another_time_zone_has_other_months(world, settings):
    keep(timezone.now())
    settings.TIME_ZONE = "Asia/Tokyo"
    with timezone.override("Asia/Tokyo"):
        with CaptureQueriesContext(connection) as seen:
            read_board(Scope(world["admin"], PERIODS[0], timezone.now()))
        assert not [each for each in seen if "monthfigures" in each["sql"].lower()]
        assert not [each for each in seen if '"nexio"' in each["sql"].lower()]


def test_whoever_sees_shared_insureds_has_them_counted(world):
    """A manager who is a broker as well, with an insured of another office."""
    harbor = world["harborside"]
    person = make_user("both", "manager", office=world["broker"].office)
    make = Run.objects.filter(insured__owner__office=harbor).first()
    assert make is not None
    keep_months(timezone.now())
    person.groups.add(Group.objects.get(name="broker"))
    person = User.objects.get(pk=person.pk)
    seen = Scope(person, PERIODS[0], timezone.now())
    alone = read_board(seen).counts.runs
    InsuredShare.objects.create(insured=make.insured, user=person, shared_by=world["admin"])
    extra = RunFact.objects.filter(insured=make.insured).count()
    person = User.objects.get(pk=person.pk)
    assert read_board(Scope(person, PERIODS[0], timezone.now())).counts.runs == alone + extra


def test_reasons_are_kept_by_their_steps_and_not_in_words(world):
    keep_months(timezone.now())
    words = [each.words for each in read_board(scopes(world)[0]).reasons]
    assert words
    held = " ".join(MonthFigures.objects.values_list("data", flat=True))
    keep_days(timezone.now(), most=None)
    held += " ".join(KeptDay.objects.values_list("nexio", flat=True))
    assert not any(each in held for each in words)

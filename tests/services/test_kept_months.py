"""Months and days that are kept: the dashboard says the same with them as without, at once, and
for all."""

from __future__ import annotations

from datetime import date

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from quotes.models import (
    InsuredShare,
    KeptDay,
    KeptMonth,
    MonthFigures,
    Run,
    RunFact,
    User,
)
from quotes.services.dashboard.board import read_board
from quotes.services.dashboard.keeping import keep_days, keep_months
from quotes.services.dashboard.kept import forget_sums
from quotes.services.dashboard.period import Period
from quotes.services.dashboard.scope import Scope
from tests import runs as made
from tests.factories import make_user
from tests.services.kept import PERIODS, boards, counted, scopes, seeded, shown, world

pytestmark = pytest.mark.django_db
__all__ = ["counted", "seeded", "world"]


def kept() -> list[date]:
    return [each.month for each in KeptMonth.objects.order_by("month") if stands(each)]


def stands(month: KeptMonth) -> bool:
    return month.kept_version == month.version and bool(month.kept_zone)


def test_every_figure_is_the_same_with_kept_months_and_without(world, counted):
    assert keep_months(timezone.now()) >= 2
    assert date(2026, 11, 1) in kept()
    for was, found in zip(counted, boards(world), strict=True):
        for name, value in was.items():
            assert found[name] == value
    # They are what is read: without them the figures would be others.
    MonthFigures.objects.all().delete()
    forget_sums()
    assert boards(world) != counted


def test_every_figure_is_the_same_with_kept_days_and_without(world, counted):
    keep_months(timezone.now())
    assert keep_days(timezone.now(), most=None)
    for was, found in zip(counted, boards(world), strict=True):
        for name, value in was.items():
            assert found[name] == value
    KeptDay.objects.update(nexio="", sandbox="")
    forget_sums()
    assert boards(world) != counted, "they are what is read"


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


def test_today_and_the_month_that_goes_on_mark_nothing(world):
    made.completed_run(world["broker"])
    assert not KeptDay.objects.filter(day=timezone.localdate()).exists()
    this = timezone.localdate().replace(day=1)
    assert not KeptMonth.objects.filter(month=this).exists()


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

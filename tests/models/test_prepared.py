"""Prepared queries: rows as Django's own query gives them, whatever the values and whoever asks.

In every other test each prepared query is held against Django's as well: see `conftest`.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections
from django.db.models import Count, F, QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from quotes.models import Insured, Office, Run, RunFact, SolutionLine, User
from quotes.models.prepared import (
    MOST_KEPT,
    MOST_VALUES,
    NUMBER_OF_ROWS,
    Prepared,
    hand_in,
    hand_out,
    prepared,
)
from tests import runs as made
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@prepared
def runs_of(keys: Collection[UUID]) -> QuerySet[Run]:
    rows = Run.objects.select_related("insured__owner").only(
        "number", "insured__applicant_name", "insured__owner__username"
    )
    counted = rows.annotate(how_many=Count("solutions"), named=F("insured__applicant_name"))
    return counted.filter(pk__in=keys).order_by("number", "pk").prefetch_related("events")


@prepared
def facts_seen(
    user: User,
    shared: Collection[UUID],
    *,
    since: datetime,
    day: date,
    state: str,
    most: int | None,
) -> QuerySet[RunFact, UUID]:
    rows = RunFact.objects.visible_to(user, shared)
    rows = rows.filter(created_at__gte=since, created_on__gte=day, state=state)
    if most is not None:
        rows = rows.filter(number__lte=most)
    return rows.order_by("created_at", "pk").values_list("pk", flat=True)


@prepared
def how_many(keys: Collection[UUID]) -> QuerySet[Insured, int]:
    return Insured.objects.filter(pk__in=keys).order_by().values_list(NUMBER_OF_ROWS, flat=True)


def test_rows_are_those_of_the_query_with_all_that_hangs_on_them(people):
    runs = [made.completed_run(people["broker"]), made.waiting_run(people["other"])]
    for some in (runs, runs[1:], runs[:1], runs):
        found = runs_of([run.pk for run in some])
        asked = list(runs_of.build([run.pk for run in some]))
        assert found == asked
        with CaptureQueriesContext(connection) as seen:
            for mine, theirs in zip(found, asked, strict=True):
                assert mine.get_deferred_fields() == theirs.get_deferred_fields()
                assert mine.insured.owner == theirs.insured.owner
                assert list(mine.events.all()) == list(theirs.events.all())
                for name in ("how_many", "named", "number"):
                    assert getattr(mine, name) == getattr(theirs, name)
        assert len(seen) == 0


def test_a_call_finds_what_was_written_after_the_one_before(people):
    first = made.waiting_run(people["broker"])
    assert [run.number for run in runs_of([first.pk])] == [1]
    Run.objects.filter(pk=first.pk).update(number=7)
    assert [run.number for run in runs_of([first.pk])] == [7]
    assert runs_of([uuid4()]) == []


def test_who_asks_decides_what_is_seen_though_the_text_is_kept(people):
    own, others = made.waiting_run(people["broker"]), made.waiting_run(people["other"])
    east, west = Office.objects.create(name="East"), Office.objects.create(name="West")
    for name, office in (("broker", east), ("other", west)):
        people[name].office = office
        people[name].save()
    managers = [make_user(name, "manager") for name in ("of_east", "of_west", "of_both")]
    managers[0].office, managers[1].office = east, west
    for manager in managers:
        manager.save()
    managers[2].oversees.set([east, west])
    given: dict[str, Any] = {
        "since": timezone.now() - timedelta(days=1),
        "day": timezone.localdate() - timedelta(days=1),
        "state": "waiting",
        "most": None,
    }
    sees = {
        people["broker"]: {own.pk},
        people["other"]: {others.pk},
        people["admin"]: {own.pk, others.pk},
        managers[0]: {own.pk},
        managers[1]: {others.pk},
        managers[2]: {own.pk, others.pk},
        make_user("nobody", None): set(),
    }
    for _ in range(2):
        for user, keys in sees.items():
            asking = User.objects.get(pk=user.pk)
            assert set(facts_seen(asking, [], **given)) == keys, user
    leaver = User.objects.get(pk=people["broker"].pk)
    leaver.is_active = False
    assert facts_seen(leaver, [], **given) == []
    assert set(facts_seen(people["broker"], [others.insured_id], **given)) == {own.pk, others.pk}


def test_each_value_counts(people):
    run = made.waiting_run(people["broker"])
    now, day = timezone.now(), timezone.localdate(run.created_at)
    fits: dict[str, Any] = {
        "since": now - timedelta(days=1),
        "day": day,
        "state": "waiting",
        "most": 1,
    }
    assert facts_seen(people["admin"], [], **fits) == [run.pk]
    others: tuple[dict[str, Any], ...] = (
        {"since": now + timedelta(days=1)},
        {"day": day + timedelta(days=1)},
        {"state": "failed"},
        {"most": 0},
    )
    for other in others:
        assert facts_seen(people["admin"], [], **{**fits, **other}) == []


def test_rows_are_counted(people):
    keys = [made.waiting_run(people["broker"]).insured_id, uuid4()]
    assert how_many(keys) == [1]
    assert how_many([]) == []


def test_a_list_says_a_value_once_and_may_be_empty_or_long(people):
    run = made.waiting_run(people["broker"])
    assert runs_of([run.pk, run.pk]) == [run]
    assert runs_of({run.pk}) == [run]
    assert runs_of([]) == []
    assert runs_of([*(uuid4() for _ in range(MOST_VALUES + 1)), run.pk]) == [run]


def test_statements_are_sent_alike(people):
    run = made.waiting_run(people["broker"])
    runs_of([run.pk])
    with CaptureQueriesContext(connection) as mine:
        runs_of([run.pk])
    with CaptureQueriesContext(connection) as djangos:
        list(runs_of.build([run.pk]))
    assert [each["sql"] for each in mine] == [each["sql"] for each in djangos]


def test_no_more_texts_are_kept_than_a_bound(people):
    for length in range(MOST_KEPT + 10):
        how_many([uuid4() for _ in range(length)])
    assert len(how_many.kept) == MOST_KEPT


def test_a_value_that_is_reckoned_with_makes_a_query_of_each_call(people):
    @prepared
    def lately(now: datetime) -> QuerySet[Run]:
        return Run.objects.filter(created_at__gte=now - timedelta(hours=1))

    run, now = made.waiting_run(people["broker"]), timezone.now()
    assert lately(now) == [run]
    assert lately(now + timedelta(hours=2)) == []
    assert lately(now) == [run]


def test_what_depends_on_more_than_its_arguments_is_noticed(people):
    numbers = iter((1, 2, 3))

    @prepared
    def numbered(keys: Collection[UUID]) -> QuerySet[Run]:
        return Run.objects.filter(pk__in=keys, number=next(numbers))

    assert Prepared.checked
    with pytest.raises(AssertionError, match="Django's"):
        numbered([uuid4()])


def test_other_kinds_of_values_are_refused(people):
    @prepared
    def cheaper(cost: float) -> QuerySet[RunFact]:
        return RunFact.objects.filter(waited__lte=cost)

    with pytest.raises(TypeError, match="no float"):
        cheaper(1.5)


@pytest.mark.django_db(transaction=True)
def test_threads_share_texts_and_each_asks_over_its_own_connection(people):
    runs = [made.waiting_run(people["broker"]) for _ in range(3)]

    def ask(number: int) -> list[Run]:
        try:
            return runs_of([run.pk for run in runs[: number % 3 + 1]])
        finally:
            connections.close_all()

    runs_of.kept.clear()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(48)))
    assert [len(each) for each in found] == [number % 3 + 1 for number in range(48)]
    assert len(runs_of.kept) == 3
    assert all(each.compiler.connection is None for each in runs_of.kept.values() if each)


def test_rows_that_are_handed_in_and_out_are_those_that_django_would_read(people) -> None:
    run = made.completed_run(people["broker"])
    solutions = list(run.solutions.all())
    lines = list(SolutionLine.objects.filter(solution__run=run).select_related("carrier"))
    carriers = {line.carrier_id: line.carrier for line in lines if line.carrier}
    SolutionLine.objects.filter(pk=lines[0].pk).update(carrier=None)
    read = list(SolutionLine.objects.filter(solution__run=run))
    with CaptureQueriesContext(connection) as sent:
        hand_in(read, "carrier", carriers)
        hand_out(solutions, "lines", read, "solution")
        hand_in([], "carrier", {})
        known = [line.carrier for line in read]
        whose = [line.solution for line in read]
        theirs = [list(solution.lines.all()) for solution in solutions]
    assert not sent.captured_queries
    again = SolutionLine.objects.filter(solution__run=run).select_related("carrier", "solution")
    assert known == [line.carrier for line in again]
    assert None in known
    assert whose == [line.solution for line in again]
    assert all(line.solution is whose[at] for at, line in enumerate(read))
    assert theirs == [list(each.lines.all()) for each in run.solutions.all()]

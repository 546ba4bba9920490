"""What PostgreSQL keeps of prepared queries: a plan a connection, and never one that answers less.

In every other test on PostgreSQL prepared queries are asked so as well, and what they are sent is
held against Django's text: see `conftest`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import close_old_connections, connection, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from quotes.models import Insured, Run, RunEvent, RunFact
from quotes.models.prepared import Prepared, prepared
from tests import runs as made

pytestmark = pytest.mark.django_db
ODD = "100 % 'sure' \\ %s %(name)s"


@prepared
def waiting(keys: Collection[UUID], since: datetime) -> QuerySet[Run]:
    return Run.objects.filter(pk__in=keys, created_at__gte=since, state="waiting")


@prepared
def oddly_labelled(number: int) -> QuerySet[RunFact, Any]:
    rows = RunFact.objects.filter(top_label=ODD, number=number)
    return rows.values_list("pk", "top_label")


@prepared
def kinds_by_time(run: UUID) -> QuerySet[RunEvent, Any]:
    rows = RunEvent.objects.filter(run=run).order_by("at", "pk").distinct()
    return rows.values_list("kind")


@prepared
def numbered(number: int) -> QuerySet[Run, Any]:
    counted = Run.objects.filter(number=number).values("number").annotate(runs=Count("pk"))
    return counted.values_list("number", "runs")


def kept() -> list[str]:
    """The statements that this connection has plans of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [statement for (statement,) in cursor.fetchall()]


def test_what_is_asked_again_is_planned_once_with_what_is_always_the_same(people) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL's plans: set TEST_DATABASE_URL")
    runs = [made.waiting_run(people["broker"]) for _ in range(2)]
    since = timezone.now() - timedelta(days=1)
    for turn in range(12):
        run = runs[turn % 2]
        assert waiting([run.pk], since) == [run]
        assert waiting([run.pk], since + timedelta(days=turn + 1)) == []
    (text,) = [each for each in kept() if "'waiting'" in each]
    assert "$1" in text
    assert str(runs[0].pk.hex) not in text


def test_constants_may_hold_what_means_something_in_a_text(people) -> None:
    run = made.waiting_run(people["broker"])
    RunFact.objects.filter(pk=run.pk).update(top_label=ODD)
    for _ in range(4):
        assert oddly_labelled(1) == [(run.pk, ODD)]
        assert oddly_labelled(2) == []


def test_what_rows_are_only_sorted_by_is_no_part_of_them(people) -> None:
    run = made.completed_run(people["broker"])
    for _ in range(4):
        assert kinds_by_time(run.pk)
        assert all(len(row) == 1 for row in kinds_by_time(run.pk))


def planned(words: str) -> bool:
    return connection.vendor != "postgresql" or any(words in each for each in kept())


def test_a_plan_serves_in_and_after_transactions_that_are_taken_back(people) -> None:
    run = made.waiting_run(people["broker"])
    since = timezone.now() - timedelta(days=1)
    for _ in range(3):
        assert waiting([run.pk], since) == [run]
    assert planned("'waiting'")
    for _ in range(4):
        with transaction.atomic():
            Run.objects.filter(pk=run.pk).update(created_at=since - timedelta(days=1))
            assert waiting([run.pk], since) == []
            transaction.set_rollback(True)
        assert waiting([run.pk], since) == [run]
        assert planned("'waiting'")


def test_what_else_is_asked_neither_stays_in_memory_nor_pushes_plans_out(people) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL's plans: set TEST_DATABASE_URL")
    run = made.waiting_run(people["broker"])
    since = timezone.now() - timedelta(days=1)
    for _ in range(2):
        waiting([run.pk], since)
    for number in range(150):
        Insured.objects.filter(applicant_name=f"Jane Household {number}").update(city="Mobile")
    waiting([run.pk], since)
    assert planned("'waiting'")
    remembered = connection.connection._prepared
    texts = [text for kept in (remembered._counts, remembered._names) for text, _ in kept]
    assert texts
    assert not [text for text in texts if b"Jane" in text or run.pk.hex.encode() in text]


def test_numbers_of_any_size_are_found_or_not(people, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an address that somebody made up, where Django itself would ask for nothing."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's numbers end sooner")
    monkeypatch.setattr(Prepared, "checked", False)
    made.waiting_run(people["broker"])
    for _ in range(4):
        assert numbered(1) == [(1, 1)]
        assert not any(numbered(number) for number in (2**15, 2**31, 2**63, 2**80))


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_cut_meanwhile_is_replaced(
    people, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As between two commands of one process, which keeps its connection for a minute."""
    if connection.vendor != "postgresql":
        pytest.skip("needs a server to cut off")
    monkeypatch.setattr(Prepared, "checked", False)  # Django's own would look first
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
    connection.close()
    run = made.waiting_run(people["broker"])
    since = timezone.now() - timedelta(days=1)
    assert waiting([run.pk], since) == [run]
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    finally:
        other.close()
    close_old_connections()
    assert waiting([run.pk], since) == [run]

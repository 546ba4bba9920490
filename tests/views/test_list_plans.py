"""Every list and report that is measured reads along an index, as the database itself explains."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench import desk, pages, review_list, seed_runs
from bench.sizes import Ask
from quotes.models import Carrier, Role, RunFact
from quotes.models.planned import Planned
from quotes.services import run_search
from quotes.services.what_if.origin import origins_of
from tests.factories import make_user
from tests.services.plans import plan_of, read_whole, read_whole_without_values

ALLOWED = {
    # A narrow table that a count reads up to its 500th or 99th row, whatever their order.
    "SCAN quotes_runfact": "LIMIT",
    # How many insureds there are, which numbers the pages: of 20,000 in a millisecond and a half.
    "Index Only Scan of quotes_insured": "COUNT(*)",
}
"""What may be read whole, and what the statement then says."""


def measured_pages() -> dict[str, Ask]:
    """All that is measured, over a small agency's history."""
    people = seed_runs.seed(300, until=timezone.now(), brokers=5, offices=2)
    desk.lay(people.brokers[0], households=2)
    asked = {**review_list.cases(people), **pages.cases(people)}
    del asked[pages.EMPTY]
    return asked


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_no_page_reads_a_large_table_from_end_to_end(client: Client) -> None:
    found = {}
    for name, ask in measured_pages().items():
        client.force_login(ask.user)
        if ask.search:
            client.post("/runs/search/", {"text": ask.search})
        with CaptureQueriesContext(connection) as seen:
            assert client.get(ask.address).status_code == 200
        read = {
            f"{table}: {query['sql']}"
            for query in seen
            if "SELECT" in query["sql"].upper() and not query["sql"].startswith("INSERT")
            for table in read_whole(query["sql"])
            if table not in ALLOWED or ALLOWED[table] not in query["sql"]
        }
        if read:
            found[name] = read
    assert found == {}


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_nor_does_a_plan_that_serves_all_values(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL's plans: set TEST_DATABASE_URL")
    asked: dict[str, tuple[Planned, Sequence[Any]]] = {}
    rows = Planned.rows

    def noted(planned: Planned, given: Sequence[Any], database: Any) -> list[tuple[Any, ...]]:
        asked[planned.text] = planned, given
        return rows(planned, given, database)

    monkeypatch.setattr(Planned, "rows", noted)
    for ask in measured_pages().values():
        client.force_login(ask.user)
        assert client.get(ask.address).status_code == 200
    assert len(asked) > 50
    read = {
        text: tables
        for text, (planned, given) in asked.items()
        if (tables := set(read_whole_without_values(planned, given)) - ALLOWED.keys())
    }
    assert read == {}


@pytest.mark.django_db
def test_which_runs_are_what_ifs_is_read_from_an_index_of_these_alone() -> None:
    with CaptureQueriesContext(connection) as seen:
        assert origins_of([uuid4(), uuid4()]) == {}
    assert "event_what_if" in plan_of(seen[0]["sql"])


@pytest.mark.django_db
def test_a_worklist_reads_along_its_readers_own_index(client: Client) -> None:
    """And what was asked of others' runs along that of open requests: there are few."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's choice: PostgreSQL knows how many rows there are of each")
    for role, facts in ((Role.BROKER, "fact_broker"), (Role.MANAGER, "fact_latest")):
        client.force_login(make_user(f"reads-{role}", role))
        with CaptureQueriesContext(connection) as seen:
            assert client.get("/").status_code == 200
        asked = [each["sql"] for each in seen]
        (recent,) = [sql for sql in asked if '"finished_at" DESC' in sql]
        (requests,) = [sql for sql in asked if 'FROM "quotes_reviewrequest"' in sql]
        assert facts in plan_of(recent)
        assert "SCAN quotes_run " not in plan_of(recent)
        assert "review_open" in plan_of(requests)


@pytest.mark.django_db
def test_a_frequent_carrier_is_asked_of_each_run_by_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SQLite otherwise reads all rows of the carrier, once for each run."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's choice: PostgreSQL knows how many rows a carrier has")
    monkeypatch.setattr(run_search, "MANY_PARTS", -1)
    Carrier.objects.create(name="Larkspur Mutual")
    found = run_search.search_runs(
        RunFact.objects.all(), "larkspur", make_user("searches", "admin"), []
    )
    asked = [line for line in found.explain().splitlines() if "run_carrier" in line]
    assert asked
    assert all("run_id=?" in line for line in asked)


@pytest.mark.django_db
def test_a_page_of_a_carriers_runs_is_found_in_its_order(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading and sorting all its runs for fifty of them took longer than the rest of the page."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's choice: PostgreSQL knows how many rows a carrier has")
    carrier = Carrier.objects.create(name="Larkspur Mutual")
    client.force_login(make_user("made-admin", Role.ADMIN))
    plans = {}
    part = "chosen"
    for many in (500, -1):
        monkeypatch.setattr(run_search, "MANY_TO_SORT", many)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(f"/runs/?carrier={carrier.pk}&part={part}").status_code == 200
        keys = [each["sql"] for each in seen if 'run_id" AS "pk"' in each["sql"]]
        (page,) = [sql for sql in keys if "quotes_runcarrier" in sql and "LIMIT 51" in sql]
        plans[many] = plan_of(page)
    assert "B-TREE" in plans[500]
    assert "B-TREE" not in plans[-1]
    assert "fact_latest" in plans[-1]
    part = "bound"  # of the runs that were bound alone
    with CaptureQueriesContext(connection) as seen:
        assert client.get(f"/runs/?carrier={carrier.pk}&part={part}").status_code == 200
    (page,) = [
        each["sql"]
        for each in seen
        if "quotes_runcarrier" in each["sql"] and "LIMIT 51" in each["sql"]
    ]
    assert "fact_decision" in plan_of(page)
    assert "B-TREE" not in plan_of(page)


@pytest.mark.django_db
def test_where_the_index_of_names_cannot_be_had_the_upgrade_goes_on() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("an extension of PostgreSQL's: set TEST_DATABASE_URL")
    migration = import_module("quotes.migrations.0014_names_by_parts")
    with connection.cursor() as cursor:
        cursor.execute("DROP EXTENSION pg_trgm CASCADE")
        cursor.execute("CREATE SCHEMA not_searched")
        cursor.execute("CREATE EXTENSION pg_trgm SCHEMA not_searched")
        cursor.execute(migration.ON)
        cursor.execute("SELECT 1 FROM pg_indexes WHERE indexname = 'insured_name_parts'")
        assert cursor.fetchone() is None

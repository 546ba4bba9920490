"""Every list and report that is measured reads along an index, as the database itself explains."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench import desk, pages, review_list, seed_runs
from tests.services.plans import read_whole

ALLOWED = {
    # A narrow table that a count reads up to its 500th or 99th row, whatever their order.
    "SCAN quotes_runfact": "LIMIT",
    # How many insureds there are, which numbers the pages: of 20,000 in a millisecond and a half.
    "Index Only Scan of quotes_insured": "COUNT(*)",
}
"""What may be read whole, and what the statement then says."""


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_no_page_reads_a_large_table_from_end_to_end(client: Client) -> None:
    people = seed_runs.seed(300, until=timezone.now(), brokers=5, offices=2)
    desk.lay(people.brokers[0], households=2)
    asked = {**review_list.cases(people), **pages.cases(people)}
    del asked[pages.EMPTY]
    found = {}
    for name, ask in asked.items():
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

"""The app's own database role: it works, and it can change no history. PostgreSQL only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from quotes.models import AuditEvent, Run, User
from quotes.services.database_role import history_tables
from tests import runs as made
from tests.factories import PASSWORD, import_example, main_office, make_people, queued_run

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        "postgres" not in os.environ.get("TEST_DATABASE_URL", ""),
        reason="roles are PostgreSQL's: set TEST_DATABASE_URL",
    ),
]
ROLE, WORD = f"portal_app_{os.getpid()}", "role-password"


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def role() -> Iterator[str]:
    execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{WORD}'")
    yield ROLE
    execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


@pytest.fixture
def people() -> dict[str, User]:
    return make_people()


@pytest.fixture
def app(role: str, people: dict[str, User]) -> Iterator[Any]:
    """A connection as the role, to a database with history in it."""
    made.completed_run(people["broker"])
    call_command("app_role", role, verbosity=0)
    at = connection.settings_dict
    with psycopg.connect(
        host=at["HOST"], port=at["PORT"] or 5432, dbname=at["NAME"], user=role, password=WORD,
        autocommit=True,
    ) as opened:  # fmt: skip
        yield opened


HISTORY = [
    "quotes_auditevent", "quotes_comment", "quotes_decisionevent",
    "quotes_exportpart", "quotes_proposal", "quotes_proposaloption", "quotes_proposalpage",
    "quotes_runevent", "quotes_tombstone",
]  # fmt: skip
WAYS = [
    "UPDATE {0} SET id = id",
    "DELETE FROM {0}",
    "TRUNCATE {0} CASCADE",
    "DROP TRIGGER {0}_no_delete ON {0}",
    "ALTER TABLE {0} DISABLE TRIGGER ALL",
    "ALTER TABLE {0} OWNER TO {1}",
    "DROP TABLE {0} CASCADE",
    "DROP FUNCTION {0}_stays() CASCADE",
    "CREATE TRIGGER mine BEFORE INSERT ON {0} FOR EACH ROW EXECUTE FUNCTION {0}_stays()",
]


def test_history_is_what_the_models_say_is_only_added_to() -> None:
    assert history_tables() == HISTORY


@pytest.mark.parametrize("way", WAYS)
def test_no_way_to_change_history(app: Any, role: str, way: str) -> None:
    for table in HISTORY:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(way.format(table, role))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO quotes_purgepass (ref) SELECT id FROM quotes_run",
        "SELECT * FROM quotes_purgepass",
        "INSERT INTO quotes_tombstone (insured_ref) SELECT id FROM quotes_insured",
        "DELETE FROM quotes_run",
        "DELETE FROM quotes_insured",
        "DELETE FROM quotes_legalhold",
        "DELETE FROM django_migrations",
        "SET session_replication_role = replica",
        "CREATE TABLE mine (id int)",
        "CREATE ROLE another SUPERUSER",
    ],
)
def test_nor_to_let_it_go(app: Any, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(statement)


def test_a_pass_of_its_own_making_is_not_looked_at(app: Any, people: dict[str, User]) -> None:
    """A temporary table of the same name would come first in a search of names."""
    run = Run.objects.get()
    execute(f"GRANT DELETE ON quotes_runevent TO {ROLE}")
    execute(f"GRANT SELECT ON quotes_purgepass TO {ROLE}")
    app.execute("CREATE TEMPORARY TABLE quotes_purgepass (ref uuid)")
    app.execute("INSERT INTO quotes_purgepass VALUES (%s)", [run.pk])
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        app.execute("DELETE FROM quotes_runevent")


def test_the_app_works_under_it(role: str, people: dict[str, User]) -> None:
    """Importing, sending, deciding, reading, signing in and the access log, as the role."""
    import_example("home_only.json", people["other"])
    call_command("app_role", role, verbosity=0)
    execute(f"SET SESSION AUTHORIZATION {role}")
    try:
        main_office()
        client = Client()
        client.post(reverse("account_login"), {"login": "broker", "password": PASSWORD})
        run = made.completed_run(people["broker"])
        queued_run(insured=run.insured, owner=people["broker"])
        pages = [
            reverse("quotes:worklist"),
            reverse("quotes:insured_detail", args=[run.insured_id]),
            reverse("quotes:run_detail", args=[run.pk]),
            reverse("quotes:run_list"),
        ]
        assert [client.get(page).status_code for page in pages] == [200] * len(pages)
        choose = reverse("quotes:run_choose", args=[run.pk, 0])
        version = client.get(choose).context["form"]["version"].value()
        confirmed = client.get(choose).context["form"].doubts
        said = {"reason": "Fits.", "version": version, "confirmed": confirmed}
        assert client.post(choose, said).status_code == 302
        assert client.post(reverse("quotes:run_packet", args=[run.pk])).status_code == 200
        seen = set(AuditEvent.objects.values_list("deed", flat=True))
        assert seen >= {"viewed", "decided", "exported"}
    finally:
        execute("RESET SESSION AUTHORIZATION")


def test_again_is_the_same_and_takes_back_what_is_too_much(app: Any, role: str) -> None:
    execute(f"GRANT ALL ON quotes_auditevent, quotes_purgepass TO {role}")
    call_command("app_role", role, verbosity=0)
    for statement in ("DELETE FROM quotes_auditevent", "DELETE FROM quotes_purgepass"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(statement)


class TestRefused:
    def test_a_role_that_is_not_there(self) -> None:
        with pytest.raises(CommandError, match="There is no role"):
            call_command("app_role", "nobody_of_that_name")

    def test_the_owner(self) -> None:
        with pytest.raises(CommandError, match=r"superuser|owner"):
            call_command("app_role", connection.settings_dict["USER"])

    def test_rights_that_come_another_way(self, role: str) -> None:
        execute("GRANT DELETE ON quotes_auditevent TO PUBLIC")
        try:
            with pytest.raises(CommandError, match="may still DELETE quotes_auditevent"):
                call_command("app_role", role)
        finally:
            execute("REVOKE DELETE ON quotes_auditevent FROM PUBLIC")

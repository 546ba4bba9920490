# ruff: noqa: S608 - the tables are named here
"""What the database itself keeps, past the models: it lets history go only inside a purge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from quotes.models import AuditEvent, Comment, ExportPart, Proposal, PurgePass, Run, Tombstone, User
from quotes.models.retention import AUDIT_TERM
from quotes.services.audit import record, record_once
from quotes.services.proposals import make_proposal
from tests import runs as made
from tests.decided import bring_to, packages

pytestmark = pytest.mark.django_db
OF_RUNS = ["runevent", "decisionevent", "comment", "proposal", "proposaloption", "proposalpage"]
KEPT = [*OF_RUNS, "auditevent", "exportpart", "tombstone"]
LONG_AGO = datetime(2020, 3, 2, 15, tzinfo=UTC)


def history(broker: User, at: datetime) -> Run:
    """A run with a row in every table of history, all of them written at `at`."""
    with time_machine.travel(at, tick=False):
        run = bring_to(made.completed_run(broker), "chosen", broker)
        make_proposal(run=run, solutions=packages(run), notes="", actor=broker)
        Comment.objects.create(run=run, author=broker, text="Seen.", at=at)
        entry = record(actor=broker, deed="viewed", what="The run's page", run_ref=run.pk, at=at)
        ExportPart.objects.create(event=entry, at=at, insured_ref=run.insured_id)
        Tombstone.objects.create(
            insured_ref=uuid4(), purged_at=at, purged_by="root", rule="7 years", last_touched_at=at
        )
    return run


def execute(statement: str, *values: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM quotes_{table}")
        return int(cursor.fetchone()[0])


def pass_for(run: Run) -> None:
    for ref in [run.pk, *Proposal.objects.filter(run=run).values_list("pk", flat=True)]:
        PurgePass.objects.create(ref=ref)


STATEMENTS = ["UPDATE quotes_{0} SET id = id", "DELETE FROM quotes_{0}"]


@pytest.mark.parametrize("table", KEPT)
@pytest.mark.parametrize("statement", STATEMENTS)
def test_refused_whatever_the_age(people: dict[str, User], table: str, statement: str) -> None:
    history(people["broker"], LONG_AGO)
    before = count(table)
    with pytest.raises(DatabaseError, match="append-only"):
        execute(statement.format(table))
    assert count(table) == before > 0


@pytest.mark.parametrize("table", KEPT)
def test_not_even_all_at_once(people: dict[str, User], table: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("TRUNCATE is PostgreSQL's")
    with pytest.raises(DatabaseError, match="append-only"):
        execute(f"TRUNCATE quotes_{table} CASCADE")


@pytest.mark.parametrize("table", KEPT)
def test_a_pass_lets_only_its_own_go(people: dict[str, User], table: str) -> None:
    kept, goes = (history(people[name], LONG_AGO) for name in ("broker", "other"))
    before = count(table)
    pass_for(goes)
    PurgePass.objects.create(ref=goes.insured_id)
    own = {
        "proposaloption": "WHERE proposal_id IN (SELECT id FROM quotes_proposal WHERE run_id = %s)",
        "auditevent": "WHERE run_ref = %s",
        "exportpart": "WHERE event_id IN (SELECT id FROM quotes_auditevent WHERE run_ref = %s)",
    }
    own["proposalpage"] = own["proposaloption"]
    with pytest.raises(DatabaseError, match="append-only"):
        execute(f"DELETE FROM quotes_{table}")
    with pytest.raises(DatabaseError, match="append-only"):
        execute(f"UPDATE quotes_{table} SET id = id")
    assert count(table) == before
    if table == "tombstone":
        return
    if table in {"auditevent", "exportpart"}:
        PurgePass.objects.create(ref=AUDIT_TERM)
    if table == "auditevent":
        execute(f"DELETE FROM quotes_exportpart {own['exportpart']}", id_of(goes))
    if table == "proposal":
        for inner in ("proposaloption", "proposalpage", "decisionevent"):
            where = own.get(inner, "WHERE run_id = %s")
            execute(f"DELETE FROM quotes_{inner} {where}", id_of(goes))
    execute(f"DELETE FROM quotes_{table} {own.get(table, 'WHERE run_id = %s')}", id_of(goes))
    assert 0 < count(table) < before
    assert Run.objects.filter(pk=kept.pk).exists()


@pytest.mark.parametrize(
    ("table", "years"),
    [("runevent", 5), ("decisionevent", 5), ("comment", 5), ("auditevent", 3), ("exportpart", 3)],
)
def test_what_is_younger_than_the_law_asks_stays(
    people: dict[str, User], table: str, years: int
) -> None:
    young = datetime.now(UTC) - timedelta(days=365 * years - 3)
    pass_for(history(people["broker"], young))
    PurgePass.objects.create(ref=AUDIT_TERM)
    with pytest.raises(DatabaseError, match="append-only"):
        execute(f"DELETE FROM quotes_{table}")
    assert count(table)


def id_of(run: Run) -> Any:
    return run.pk.hex if connection.vendor == "sqlite" else run.pk


class TestEntries:
    def test_what_was_done_before_there_was_a_log(self, people: dict[str, User]) -> None:
        run = history(people["broker"], LONG_AGO)
        migration = import_module("quotes.migrations.0006_history")
        migration.carry_over(apps, None)
        carried = AuditEvent.objects.filter(what__startswith="From the run's history")
        found = list(carried.values_list("deed", "what", "run_ref", "insured_ref"))
        of_run = run.pk, run.insured_id
        assert ("changed", "From the run's history: created", *of_run) in found
        assert ("decided", "From the run's history: chosen", *of_run) in found
        assert all(each.actor == people["broker"] for each in carried)

    def test_a_runs_entry_names_its_insured(self, people: dict[str, User]) -> None:
        run = made.completed_run(people["broker"])
        entry = record(actor=None, deed="exported", what="Packet", run_ref=run.pk)
        assert (entry.insured_ref, entry.actor) == (run.insured_id, None)

    def test_looking_again_is_the_same_look(self, people: dict[str, User]) -> None:
        ref = uuid4()
        for minutes in (0, 1, 14, 15, 16, 40):
            for who in ("broker", "manager"):
                record_once(
                    actor=people[who], deed="viewed", what="Page", insured_ref=ref,
                    at=LONG_AGO + timedelta(minutes=minutes),
                )  # fmt: skip
        seen = AuditEvent.objects.filter(actor=people["broker"]).order_by("at")
        minutes_seen = [(each.at - LONG_AGO).seconds // 60 for each in seen]
        assert minutes_seen == [0, 15, 40]

# ruff: noqa: S608 - the tables are named by Django
"""Empties the tables after a test that commits: those alone that hold rows.

Django would empty every table there is, for which PostgreSQL writes each anew to disk, and make
every permission again. History's own triggers refuse what is done here: they are put aside for
that moment only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from quotes.models import SealedTable
from quotes.models.sealing import keyring
from quotes.services.sealed_tables import sealed_tables

KEPT = frozenset({"auth_permission", "django_content_type"})
"""What migrating a database makes, and no test changes."""


def empty_tables() -> None:
    """As a database just migrated is. Never amid the rows that a module's tests share: a test that
    commits stands in a module without any."""
    if connection.in_atomic_block:
        raise RuntimeError("A test that commits stands among tests that share their rows.")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_which_hold_rows())
        filled = [name for (name,) in cursor.fetchall()]
        with _without_triggers(cursor, filled):
            for table in filled:
                cursor.execute(f'DELETE FROM "{table}"')
        # What the migrations noted of the tables' seals is true of emptied ones as well. Noted
        # anew: what stood there last may be a test's own.
        SealedTable.objects.bulk_create(
            SealedTable(name=each.name, key_id=keyring().first.id, finished_at=timezone.now())
            for each in sealed_tables()
        )


@cache
def _which_hold_rows() -> str:
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return " UNION ALL ".join(
        f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")"
        for name in sorted(set(names) - KEPT)
    )


@contextmanager
def _without_triggers(cursor: Any, tables: list[str]) -> Iterator[None]:
    if connection.vendor == "postgresql":
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")
        return
    cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
    aside = [(name, sql) for name, table, sql in cursor.fetchall() if table in tables]
    for name, _ in aside:
        cursor.execute(f"DROP TRIGGER {name}")
    yield
    for _, sql in aside:
        cursor.execute(sql)

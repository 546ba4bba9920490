"""The rights of the database role of web and worker: enough to work, too few to change history.

Triggers refuse changes of history as well, but whoever owns a table can put its triggers away. The
app therefore works under a role that owns nothing: of history it reads and adds, no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction

from quotes.models import Insured, LegalHold, PurgePass, Run, RunEvent, SealedTable, Tombstone
from quotes.models.append_only import AppendOnlyModel

EVERYTHING: tuple[str, ...] = ("SELECT", "INSERT", "UPDATE", "DELETE")
NEVER = ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES")


class Unusable(Exception):
    """The database or the role is none that this can be done with; the message says why."""


@dataclass(frozen=True)
class Granted:
    """How many tables the role got which rights on."""

    tables: dict[str, tuple[str, ...]]

    def count(self, rights: tuple[str, ...]) -> int:
        return sum(each == rights for each in self.tables.values())


def history_tables() -> list[str]:
    """The tables whose rows are only ever added."""
    kept = [
        model for model in apps.get_models()
        if issubclass(model, AppendOnlyModel) or model is RunEvent
    ]  # fmt: skip
    return sorted(_table(model) for model in kept)


def rights() -> dict[str, tuple[str, ...]]:
    """Table → what the app does with it. What stands nowhere below is the app's to write."""
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
    ours = set(connection.introspection.django_table_names(only_existing=True))
    caches: Any = settings.CACHES
    cache = str(caches["default"]["LOCATION"])
    found = dict.fromkeys((ours | {cache, "django_migrations"}) & there, EVERYTHING)
    found |= dict.fromkeys(history_tables(), ("SELECT", "INSERT"))
    # Only the purge deletes these, writes tombstones, and holds a pass.
    for model in (Insured, Run, LegalHold):
        found[_table(model)] = ("SELECT", "INSERT", "UPDATE")
    found[_table(Tombstone)] = ("SELECT",)
    found[_table(SealedTable)] = ("SELECT",)
    found[_table(PurgePass)] = ()
    found["django_migrations"] = ("SELECT",)
    return found


def grant_app_role(role: str) -> Granted:
    """Give the role what the app needs, and take what it had beyond that; again is the same.

    All or nothing. Raises Unusable for another database than PostgreSQL, for a role that is not
    there or too mighty, and where rights reach the role another way than by its own grants.
    """
    if connection.vendor != "postgresql":
        raise Unusable("Roles are PostgreSQL's: this database has none.")
    _check_role(role)
    name = connection.ops.quote_name(role)
    tables = rights()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        schema = cursor.fetchone()[0]
        cursor.execute(f"REVOKE CREATE ON SCHEMA {schema} FROM {name}")
        cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO {name}")
        for table, allowed in sorted(tables.items()):
            quoted = f"{schema}.{connection.ops.quote_name(table)}"
            cursor.execute(f"REVOKE ALL ON TABLE {quoted} FROM {name}")
            if allowed:
                cursor.execute(f"GRANT {', '.join(allowed)} ON TABLE {quoted} TO {name}")
        for sequence in _sequences(list(tables)):
            cursor.execute(f"GRANT USAGE, SELECT ON SEQUENCE {sequence} TO {name}")
        _check_effect(role, tables)
    return Granted(tables)


def _check_role(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolcreaterole OR rolbypassrls OR rolreplication, "
            "pg_has_role(rolname, current_user, 'MEMBER') FROM pg_roles WHERE rolname = %s",
            [role],
        )
        found = cursor.fetchone()
    if found is None:
        raise Unusable(
            f"There is no role {role!r}. Make it first: CREATE ROLE … LOGIN PASSWORD '…';"
        )
    mighty, is_owner = found
    if mighty:
        raise Unusable(f"The role {role!r} is a superuser, or may become one by its attributes.")
    if is_owner:
        raise Unusable(f"The role {role!r} is the owner's, or a member of it: it owns the tables.")


def _check_effect(role: str, tables: dict[str, tuple[str, ...]]) -> None:
    """By what the role can do in the end: through PUBLIC and through other roles as well."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_schema_privilege(%s, current_schema(), 'CREATE')", [role])
        if cursor.fetchone()[0]:
            raise Unusable(
                f"The role {role!r} may still make tables here, through PUBLIC or another role. "
                "Take it away: REVOKE CREATE ON SCHEMA … FROM PUBLIC;"
            )
        kept = {*history_tables(), _table(PurgePass)}
        for table in sorted(kept):
            for right in (*NEVER, *(("INSERT",) if not tables[table] else ())):
                cursor.execute(
                    "SELECT has_table_privilege(%s, %s, %s)",
                    [role, connection.ops.quote_name(table), right],
                )
                if cursor.fetchone()[0]:
                    raise Unusable(
                        f"The role {role!r} may still {right} {table}, through PUBLIC or another "
                        "role. Take that away first."
                    )


def _sequences(tables: list[str]) -> list[str]:
    """The sequences that belong to columns of `tables`, quoted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.oid::regclass::text FROM pg_class s "
            "JOIN pg_depend d ON d.objid = s.oid AND d.deptype IN ('a', 'i') "
            "JOIN pg_class t ON t.oid = d.refobjid "
            "WHERE s.relkind = 'S' AND t.relname = ANY(%s) "
            "AND t.relnamespace = current_schema()::regnamespace",
            [tables],
        )
        return [row[0] for row in cursor.fetchall()]


def _table(model: type[models.Model]) -> str:
    return model._meta.db_table

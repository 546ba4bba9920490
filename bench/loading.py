"""Rows put into a database in bulk: COPY on PostgreSQL, prepared inserts on SQLite."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from quotes.models.sealing import seal_bytes, seal_text
from quotes.services.sealed_tables import Table, sealed_tables

_ids: dict[str, int] = {}


def next_id(table: str) -> int:
    """The next key of a table of which this is the only writer."""
    if table not in _ids:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}")  # noqa: S608 - a name of ours
            _ids[table] = cursor.fetchone()[0]
    _ids[table] += 1
    return _ids[table]


def load(table: str, rows: Iterable[dict[str, Any]]) -> None:
    rows = list(rows)
    sealed = next((each for each in sealed_tables() if each.name == table), None)
    if sealed is not None:
        rows = [_sealed(sealed, row) for row in rows]
    names = list(dict.fromkeys(name for row in rows[:50] for name in row))
    columns = ", ".join(f'"{name}"' for name in names)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor, cursor.copy(
            f"COPY {table} ({columns}) FROM STDIN"
        ) as copy:  # fmt: skip
            for row in rows:
                copy.write_row([row.get(name) for name in names])
        return
    marks = ", ".join(["?"] * len(names))
    statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - names of ours
    with connection.cursor() as cursor:
        raw: Any = cursor.cursor
        super(type(raw), raw).executemany(statement, _as_sqlite(rows, names))


def _sealed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """The row as the app would have written it."""
    given = {name: value for name, value in row.items() if value is not None}
    sealed = {
        name: (seal_bytes if name in table.bytes else seal_text)(
            given[name], f"{table.name}.{name}"
        )
        for name in table.columns
        if name in given
    }
    worked_out = {
        each.column: each.work_out(given[each.source])
        for each in table.derived
        if each.source in given
    }
    return row | sealed | worked_out


def _as_sqlite(rows: Iterable[dict[str, Any]], names: Sequence[str]) -> Iterator[list[Any]]:
    for row in rows:
        yield [_sqlite_value(row.get(name)) for name in names]


def _sqlite_value(value: Any) -> Any:
    """A value as Django's own backend writes it."""
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, datetime):
        return str(value.astimezone(UTC).replace(tzinfo=None))
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def analyze() -> None:
    """As a database in use has been: PostgreSQL's by autovacuum, SQLite's plans need none."""
    _ids.clear()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence('quotes_solution', 'id'), "
                "(SELECT COALESCE(MAX(id), 1) FROM quotes_solution))"
            )
            cursor.execute("VACUUM ANALYZE")

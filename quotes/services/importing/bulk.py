"""Many rows written by one statement each, on any database.

Django's `bulk_create` cuts its statement at 999 values for SQLite, and its `bulk_update` writes
a CASE of every row for every column: both grow with the rows, and the second with their square.
Here the driver gets one short statement and all its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Field, ForeignKey, Model, UUIDField

from quotes.models.fields import DocumentField

Row = Sequence[Any]


class JsonText(str):
    """A document that is written as JSON already."""

    __slots__ = ()


def insert_rows(model: type[Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert rows of values in the order of `columns`, which must name all that is required.

    Nothing of the model's own runs: no default, no `auto_now`, no `save`.
    """
    quoted = connection.ops.quote_name
    fields = [_field(model, name) for name in columns]
    names = ", ".join(quoted(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    table = quoted(model._meta.db_table)
    _many(f"INSERT INTO {table} ({names}) VALUES ({places})", fields, rows)  # noqa: S608


def update_rows(model: type[Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Update rows by primary key: values in the order of `columns`, then the key."""
    quoted = connection.ops.quote_name
    fields = [_field(model, name) for name in columns]
    key = model._meta.pk
    assert key is not None  # noqa: S101 - every model has one
    names = ", ".join(f"{quoted(str(field.column))} = %s" for field in fields)
    table = quoted(model._meta.db_table)
    _many(
        f"UPDATE {table} SET {names} WHERE {quoted(str(key.column))} = %s",  # noqa: S608
        [*fields, key],
        rows,
    )


def _field(model: type[Model], name: str) -> Field[Any, Any]:
    found = model._meta.get_field(name)
    assert isinstance(found, Field)  # noqa: S101 - columns, not relations to here
    return found


def _many(sql: str, fields: Sequence[Field[Any, Any]], rows: Iterable[Row]) -> None:
    columns = list(zip(*rows, strict=True))
    if columns:
        ready = [_prepared(field, values) for field, values in zip(fields, columns, strict=True)]
        with connection.cursor() as cursor:
            cursor.executemany(sql, list(zip(*ready, strict=True)))


def _prepared(field: Field[Any, Any], values: Sequence[Any]) -> Sequence[Any]:
    """A column's values as the driver wants them. What repeats down it is worked out once."""
    if isinstance(field, ForeignKey):
        field = field.target_field
    if isinstance(field, UUIDField):
        native = connection.features.has_native_uuid_field
        return values if native else [value.hex for value in values]
    known: dict[Any, Any] = {}
    if isinstance(field, DocumentField):
        # By identity: a document has no hash, and one that repeats is the same object.
        return [
            value
            if isinstance(value, JsonText)
            else known[id(value)]
            if id(value) in known
            else known.setdefault(id(value), field.get_db_prep_save(value, connection))
            for value in values
        ]
    known = {value: field.get_db_prep_save(value, connection) for value in set(values)}
    return [known[value] for value in values]

"""Rows of one table written together: one statement, made of their values and nothing else.

Django's `bulk_create` and `bulk_update` do the same, and take several times as long to put the
statement together as the database takes to carry it out; ends of runs are written with these. The
text is the same for both databases. Values go through the fields, so that what is sealed is sealed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

Key = Any
T = TypeVar("T")
if TYPE_CHECKING:
    Field = models.Field[Any, Any]


def insert(
    rows: Sequence[models.Model], *, ignore_conflicts: bool = False, keyed: bool = False
) -> None:
    """Insert new rows of one model, whose keys the database gives out; in a transaction.

    Those `keyed` get theirs. A row that is there already is an error, or is ignored.
    """
    if not rows:
        return
    database, (fields, head, back) = connections[DEFAULT_DB_ALIAS], _insertion(type(rows[0]))
    tail = (" ON CONFLICT DO NOTHING" if ignore_conflicts else "") + (back if keyed else "")
    for some in _chunks(database, rows, len(fields)):
        values = [
            field.get_db_prep_save(field.pre_save(row, True), database)
            for row in some
            for field in fields
        ]
        with database.cursor() as cursor:
            cursor.execute(head + _places(len(fields), len(some)) + tail, values)
            keys = cursor.fetchall() if keyed else []
        for row, (key,) in zip(some, keys, strict=False):
            row.pk = key
            row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def update(
    model: type[models.Model],
    rows: Mapping[Key, Mapping[str, Any]],
    *,
    where: Mapping[str, Any] | None = None,
    returning: Sequence[str] = (),
) -> dict[Key, tuple[Any, ...]]:
    """Give each row, by its key, values of its own for the same columns; in a transaction.

    Only rows that are as `where` says are written: the keys of these are returned, each with the
    columns `returning` as the database has them (`opened` reads them).
    """
    if not rows:
        return {}
    database, key, where = connections[DEFAULT_DB_ALIAS], model._meta.pk, where or {}
    names = tuple(next(iter(rows.values())))
    fields = [_field(model, name) for name in names]
    guard = [
        _field(model, name).get_db_prep_value(value, database) for name, value in where.items()
    ]
    head, tail = _updating(model, names, tuple(where), tuple(returning))
    written: dict[Key, tuple[Any, ...]] = {}
    for some in _chunks(database, list(rows.items()), len(fields) + 1, len(guard)):
        values: list[Any] = []
        for pk, row in some:
            values.append(key.get_db_prep_value(pk, database))
            for field, name in zip(fields, names, strict=True):
                values.append(field.get_db_prep_save(row[name], database))
        places = _places(len(fields) + 1, len(some))
        with database.cursor() as cursor:
            cursor.execute(f"{head} FROM (VALUES {places}) AS given{tail}", [*values, *guard])
            written |= {key.to_python(pk): tuple(rest) for pk, *rest in cursor.fetchall()}
    return written


def opened(model: type[models.Model], column: str, stored: Any) -> Any:
    """The value of a column that the database handed over as `stored`."""
    database, field = connections[DEFAULT_DB_ALIAS], _field(model, column)
    expression = field.get_col(model._meta.db_table)
    for convert in [
        *database.ops.get_db_converters(expression),
        *field.get_db_converters(database),
    ]:
        stored = convert(stored, expression, database)
    return stored


@lru_cache
def _insertion(model: type[models.Model]) -> tuple[Sequence[Field], str, str]:
    """The fields of new rows, and what stands before their values, and after for their keys."""
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(map(_column, fields))
    head = f"INSERT INTO {_quoted(model._meta.db_table)} ({columns}) VALUES "  # noqa: S608
    return fields, head, f" RETURNING {_column(model._meta.pk)}"


@lru_cache
def _updating(
    model: type[models.Model],
    names: tuple[str, ...],
    guards: tuple[str, ...],
    returned: tuple[str, ...],
) -> tuple[str, str]:
    """What stands before and after the values of an update."""
    table, key = _quoted(model._meta.db_table), model._meta.pk
    sets = ", ".join(
        f"{_column(_field(model, name))} = {_cast(_field(model, name), f'given.column{number}')}"
        for number, name in enumerate(names, 2)
    )
    same = f"{table}.{_column(key)} = given.column1"
    as_said = "".join(f" AND {table}.{_column(_field(model, name))} = %s" for name in guards)
    wanted = [key, *(_field(model, name) for name in returned)]
    back = ", ".join(f"{table}.{_column(field)}" for field in wanted)
    return f"UPDATE {table} SET {sets}", f" WHERE {same}{as_said} RETURNING {back}"  # noqa: S608


def _cast(field: Field, value: str) -> str:
    """PostgreSQL takes a column of nothing but NULL for text, and text for no time or number."""
    database = connections[DEFAULT_DB_ALIAS]
    if isinstance(field, (models.CharField, models.TextField)):
        return value
    # Coverage is taken on SQLite, which needs none; the tests run on PostgreSQL as well.
    if database.features.requires_casted_case_in_updates:  # pragma: no cover
        return f"CAST({value} AS {field.db_type(database)})"
    return value


def _chunks(
    database: BaseDatabaseWrapper, rows: Sequence[T], each: int, besides: int = 0
) -> Iterator[Sequence[T]]:
    """Parts of the rows that one statement has parameters for; `besides` are needed anyway."""
    most = database.features.max_query_params or 50_000
    step = (most - besides) // each
    for begin in range(0, len(rows), step):
        yield rows[begin : begin + step]


@lru_cache(maxsize=64)
def _places(columns: int, rows: int) -> str:
    return ", ".join(["(" + ", ".join(["%s"] * columns) + ")"] * rows)


def _field(model: type[models.Model], name: str) -> Field:
    return model._meta.get_field(name)  # type: ignore[return-value]


def _column(field: Field) -> str:
    return _quoted(field.column or "")


def _quoted(name: str) -> str:
    return connections[DEFAULT_DB_ALIAS].ops.quote_name(name)

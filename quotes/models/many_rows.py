"""Rows of one table written together: one statement, made of their values and nothing else.

Django's `bulk_create` and `bulk_update` do the same, and take several times as long to put the
statement together as the database takes to carry it out; ends of runs are written with these. The
text is the same for both databases. Values go through the fields, so that what is sealed is sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from quotes.models.as_stored import Written, written_by

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
    database = connections[DEFAULT_DB_ALIAS]
    columns, write, head, back = _insertion(type(rows[0]))
    tail = (" ON CONFLICT DO NOTHING" if ignore_conflicts else "") + (back if keyed else "")
    for some in _chunks(database, rows, len(write)):
        values = [
            written(value, database)
            for row in some
            for written, value in zip(write, columns(row), strict=True)
        ]
        with database.cursor() as cursor:
            cursor.execute(head + _places(len(write), len(some)) + tail, values)
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
    write = [written_by(field, database) for field in fields]
    guard = [
        _field(model, name).get_db_prep_value(value, database) for name, value in where.items()
    ]
    head, tail = _updating(model, names, tuple(where), tuple(returning))
    found: dict[Key, tuple[Any, ...]] = {}
    for some in _chunks(database, list(rows.items()), len(fields) + 1, len(guard)):
        values: list[Any] = []
        for pk, row in some:
            values.append(key.get_db_prep_value(pk, database))
            for written, name in zip(write, names, strict=True):
                values.append(written(row[name], database))
        places = _places(len(fields) + 1, len(some))
        with database.cursor() as cursor:
            cursor.execute(f"{head} FROM (VALUES {places}) AS given{tail}", [*values, *guard])
            found |= {key.to_python(pk): tuple(rest) for pk, *rest in cursor.fetchall()}
    return found


def opened(model: type[models.Model], column: str, stored: Any) -> Any:
    """The value of a column that the database handed over as `stored`."""
    (value,) = reader(model, [_field(model, column)])([stored])
    return value


def reader(
    model: type[models.Model], fields: Sequence[Field]
) -> Callable[[Sequence[Any]], list[Any]]:
    """What makes values of a row of these columns, as the database handed it over."""
    database, converted = connections[DEFAULT_DB_ALIAS], []
    for position, field in enumerate(fields):
        column = field.get_col(model._meta.db_table)
        for convert in [
            *database.ops.get_db_converters(column),
            *field.get_db_converters(database),
        ]:
            converted.append((position, convert, column))

    def read(row: Sequence[Any]) -> list[Any]:
        values, database = list(row), connections[DEFAULT_DB_ALIAS]
        for position, convert, column in converted:
            values[position] = convert(values[position], column, database)
        return values

    return read


@lru_cache
def _insertion(
    model: type[models.Model],
) -> tuple[Callable[[models.Model], Sequence[Any]], Sequence[Written], str, str]:
    """What reads a new row's values and what writes each, and what stands before them, and after
    for the keys."""
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    if odd := [each.name for each in fields if not _waits(each)]:
        raise TypeError(f"{model.__name__} has columns that are filled in as they are saved: {odd}")
    write = [written_by(field, connections[DEFAULT_DB_ALIAS]) for field in fields]
    columns = ", ".join(map(_column, fields))
    head = f"INSERT INTO {_quoted(model._meta.db_table)} ({columns}) VALUES "  # noqa: S608
    read = attrgetter(*[field.attname for field in fields])
    return read, write, head, f" RETURNING {_column(model._meta.pk)}"


def _waits(field: Field) -> bool:
    """Whether what is saved of a row is what stands in it."""
    if isinstance(field, models.DateField):
        return not (field.auto_now or field.auto_now_add)
    return type(field).pre_save in (models.Field.pre_save, models.ForeignKey.pre_save)


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

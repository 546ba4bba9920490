"""What is stored, as whoever has the database alone would find it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models import Model


def everything_stored() -> Iterator[tuple[str, str, bytes]]:
    """(table, column, value as bytes) of every value in every table of the database."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    for table in tables:
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names of the database
            columns = [each[0] for each in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    if isinstance(value, (bytes, memoryview)):
                        yield table, column, bytes(value)
                    elif value is not None:
                        yield table, column, str(value).encode()


def places_of(*canaries: str) -> set[str]:
    """ "table.column" of every place in which one of the texts stands readable."""
    wanted = [canary.encode() for canary in canaries]
    return {
        f"{table}.{column}"
        for table, column, value in everything_stored()
        if any(canary in value for canary in wanted)
    }


def stored(model: type[Model], column: str) -> list[tuple[Any, Any]]:
    """(key, value) of a column as it stands in the database, in the order of the keys."""
    table, key = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{key}", "{column}" FROM "{table}" ORDER BY "{key}"')  # noqa: S608
        return list(cursor.fetchall())

"""Which tables have sealed columns, and their rows as they are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import simplejson
from django.apps import apps
from django.db import connection

from quotes.models import DecisionEvent, RunEvent
from quotes.models.append_only import AppendOnlyModel
from quotes.models.sealed_fields import Sealed, SealedBinaryField
from quotes.models.sealing import SAY_NOTHING, bytes_key, mark_of, text_key
from quotes.models.vin import read_vin

ROWS_AT_ONCE = 500
WIDE_ROWS_AT_ONCE = 25
"""Of tables with whole requests or papers in them, so that a step stays small in memory."""
PLAIN = "plain"


@dataclass(frozen=True)
class Derived:
    """A column worked out from a sealed one: of what it held, by `work_out`."""

    column: str
    source: str
    work_out: Callable[[str], str]


@dataclass(frozen=True)
class Table:
    """A table's sealed columns, by name, and which of them hold bytes."""

    name: str
    key: str
    texts: tuple[str, ...]
    bytes: tuple[str, ...] = ()
    derived: tuple[Derived, ...] = ()
    history: bool = False
    at_most: int = ROWS_AT_ONCE

    @property
    def columns(self) -> tuple[str, ...]:
        return self.texts + self.bytes

    @property
    def at_once(self) -> int:
        return min(self.at_most, WIDE_ROWS_AT_ONCE) if self.bytes else self.at_most

    def key_of(self, column: str, stored: Any) -> str | None:
        """The id of the key that sealed a stored value, `PLAIN` where none did, None for a value
        with nothing in it."""
        if stored is None:
            return None
        if column in self.bytes:
            content = bytes(stored)
            return (bytes_key(content) or PLAIN) if content else None
        return None if stored in SAY_NOTHING else text_key(stored) or PLAIN


def sealed_tables() -> list[Table]:
    """Every table with sealed columns, as the models have them."""
    found = []
    for model in apps.get_app_config("quotes").get_models():
        sealed = [each for each in model._meta.concrete_fields if isinstance(each, Sealed)]
        if not sealed:
            continue
        key = model._meta.pk
        marked = (Derived("reason_mark", "reason", mark_of),) if model is DecisionEvent else ()
        found.append(
            Table(
                name=model._meta.db_table,
                key=str(key.column),
                texts=_columns(each for each in sealed if not _holds_bytes(each)),
                bytes=_columns(each for each in sealed if _holds_bytes(each)),
                derived=marked,
                history=issubclass(model, AppendOnlyModel) or model is RunEvent,
            )
        )
    return sorted(found, key=lambda table: table.name)


def vin_of(document: str) -> str:
    """The VIN that a vehicle's document states, from the document as it is stored."""
    return read_vin(simplejson.loads(document))


def _holds_bytes(each: Sealed) -> bool:
    return isinstance(each, SealedBinaryField)


def _columns(fields: Iterator[Sealed]) -> tuple[str, ...]:
    return tuple(str(each.column) for each in fields)


def stored_rows(table: Table, place: str, *, lock: bool) -> tuple[Sequence[Any], str | None]:
    """The next rows after `place`, each its key and its sealed columns as stored; the place to go
    on from, None at the end. `lock` keeps others from them until the transaction's end."""
    quoted = connection.ops.quote_name
    columns = ", ".join(quoted(name) for name in (table.key, *table.columns))
    where = f"WHERE {quoted(table.key)} > %s" if place else ""
    locked = "FOR UPDATE" if lock and connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM {quoted(table.name)} {where} "  # noqa: S608 - names of ours
            f"ORDER BY {quoted(table.key)} LIMIT {table.at_once} {locked}",
            [place] if place else [],
        )
        rows = cursor.fetchall()
    return rows, str(rows[-1][0]) if len(rows) == table.at_once else None


def count_keys(table: Table) -> dict[str, int]:
    """How many values of the table each key sealed; `PLAIN` for those that none did."""
    counts: dict[str, int] = {}
    place: str | None = ""
    while place is not None:
        rows, place = stored_rows(table, place, lock=False)
        for _, *stored in rows:
            for column, value in zip(table.columns, stored, strict=True):
                key_id = table.key_of(column, value)
                if key_id is not None:
                    counts[key_id] = counts.get(key_id, 0) + 1
    return counts

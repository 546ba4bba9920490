"""Sealing what is stored: rows from before there was sealing, and all of them when keys change.

It works through one table after another in the order of its keys, some rows a transaction, and
notes how far it came in the same transaction. Stopped anywhere, it goes on there. A row is locked
between reading and writing it, so that nothing an office writes meanwhile is lost. The triggers
that keep history let sealed columns be rewritten while a pass stands, which only the owner's role
can write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import simplejson
from django.apps import apps
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from quotes.models import DecisionEvent, KeptDay, KeptMonth, RunEvent, SealedTable
from quotes.models.append_only import AppendOnlyModel
from quotes.models.retention import RESEALING
from quotes.models.sealed_fields import Sealed, SealedBinaryField
from quotes.models.sealing import (
    SAY_NOTHING,
    DataKeyMissing,
    SealBroken,
    bytes_key,
    keyring,
    mark_of,
    open_bytes,
    open_text,
    seal_bytes,
    seal_text,
    text_key,
)
from quotes.models.vin import read_vin

ROWS_AT_ONCE = 500
WIDE_ROWS_AT_ONCE = 25
"""Of tables with whole requests or papers in them, so that a step stays small in memory."""
PLAIN = "plain"
NEWEST = "quotes_runevent"
"""Written all day by web and workers: its last row tells which key a process seals with now."""

Change = Callable[[Any, str], Any]


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


@dataclass
class Done:
    """`rows` were looked at, `changed` of them written; `lost` counts the values whose key is not
    there, by its id; `broken` says where values are that do not open with the key they name."""

    rows: int = 0
    changed: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether no value had to be left as it was."""
        return not self.lost and not self.broken

    def add(self, other: Done) -> None:
        self.rows += other.rows
        self.changed += other.changed
        for key_id, values in other.lost.items():
            self.lost[key_id] = self.lost.get(key_id, 0) + values
        self.broken += other.broken


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


def reseal(table: Table, *, after_step: Callable[[Done], None] | None = None) -> Done:
    """Bring every value of the table under the key that seals now.

    Goes on where a pass under the same key stopped, and begins anew where one came to its end.
    Values whose key is not there, or that do not open, stay as they are and are told of. Raises the
    database's error where the role may not write history.
    """
    key_id = keyring().first.id
    done, place = Done(), _place(table, key_id)
    first_left: str | None = None
    while True:
        with transaction.atomic():
            step, more = _step(table, place, _resealed, only_other_than=key_id)
            done.add(step)
            if first_left is None and not step.is_whole:
                first_left = place
            # A pass that goes on after a stop must come by what this one left, or would call the
            # table finished.
            noted = more if more is None or first_left is None else first_left
            _note(table, key_id, noted, finished=more is None and done.is_whole)
        if after_step:
            after_step(step)
        if more is None:
            return done
        place = more


def reseal_all() -> Iterator[tuple[Table, Done]]:
    """Every table in turn, as `reseal`; kept figures count by marks of a key, and are made anew
    where those changed."""
    for table in sealed_tables():
        done = reseal(table)
        if table.derived and done.changed:
            for kept in (KeptMonth, KeptDay):
                kept.objects.update(version=F("version") + 1)
        yield table, done


def unseal(table: Table) -> Done:
    """Open every value of the table for good: a migration that is taken back does.

    Raises DataKeyMissing and SealBroken: a release that knows no seals would show them as text.
    """
    done, place = Done(), ""
    while True:
        with transaction.atomic():
            step, more = _step(table, place, _opened, only_other_than=PLAIN)
            for key_id in step.lost:
                raise DataKeyMissing(key_id)
            for where in step.broken:
                raise SealBroken(where)
            done.add(step)
        if more is None:
            return done
        place = more


@dataclass(frozen=True)
class Sealing:
    """What is known of the stored values without counting them.

    `waiting` are tables with rows that may be under an older key or none; `missing` the ids of
    keys that were in use and that the settings do not name; `behind` is True where a process has
    lately sealed by another key than the first.
    """

    key_id: str
    older: int
    waiting: int
    missing: list[str]
    behind: bool


def read_sealing() -> Sealing:
    """For `doctor`: a few small rows and the newest of history. Raises the database's error."""
    ring = keyring()
    noted = {each.name: each for each in SealedTable.objects.all()}
    waiting = [
        table for table in sealed_tables() if not _done(noted.get(table.name), ring.first.id)
    ]
    newest = {
        key_id
        for table in sealed_tables()
        if table.name == NEWEST and (key_id := _newest_key(table)) is not None
    }
    used = {each.key_id for each in noted.values()} | newest - {PLAIN}
    return Sealing(
        key_id=ring.first.id,
        older=len(ring.keys) - 1,
        waiting=len(waiting),
        missing=sorted(key_id for key_id in used if key_id not in ring),
        behind=not waiting and bool(newest - {ring.first.id}),
    )


def _done(noted: SealedTable | None, key_id: str) -> bool:
    return noted is not None and noted.finished_at is not None and noted.key_id == key_id


def _newest_key(table: Table) -> str | None:
    quoted = connection.ops.quote_name
    column = table.texts[0]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {quoted(column)} FROM {quoted(table.name)} "  # noqa: S608 - names of ours
            f"ORDER BY {quoted(table.key)} DESC LIMIT 1"
        )
        row = cursor.fetchone()
    return table.key_of(column, row[0]) if row else None


def count_keys(table: Table) -> dict[str, int]:
    """How many values of the table each key sealed; `PLAIN` for those that none did."""
    counts: dict[str, int] = {}
    place: str | None = ""
    while place is not None:
        rows, place = _rows(table, place, lock=False)
        for _, *stored in rows:
            for column, value in zip(table.columns, stored, strict=True):
                key_id = table.key_of(column, value)
                if key_id is not None:
                    counts[key_id] = counts.get(key_id, 0) + 1
    return counts


def _resealed(column_is_bytes: bool, stored: Any, where: str) -> tuple[Any, Any]:
    """(what is inside, what to store)."""
    if column_is_bytes:
        content = open_bytes(bytes(stored), where)
        return content, seal_bytes(content, where)
    text = open_text(stored, where)
    return text, seal_text(text, where)


def _opened(column_is_bytes: bool, stored: Any, where: str) -> tuple[Any, Any]:
    if column_is_bytes:
        content = open_bytes(bytes(stored), where)
        return content, content
    text = open_text(stored, where)
    return text, text


def _step(
    table: Table,
    place: str,
    change: Callable[[bool, Any, str], tuple[Any, Any]],
    *,
    only_other_than: str,
) -> tuple[Done, str | None]:
    """Change the next rows after `place`; the place to go on from, None at the end."""
    rows, more = _rows(table, place, lock=True)
    done = Done(rows=len(rows))
    written = []
    for key, *stored in rows:
        row = dict(zip(table.columns, stored, strict=True))
        inside: dict[str, Any] = {}
        new = dict(row)
        for column, value in row.items():
            key_id = table.key_of(column, value)
            if key_id is None or key_id == only_other_than:
                continue
            try:
                inside[column], new[column] = change(
                    column in table.bytes, value, f"{table.name}.{column}"
                )
            except DataKeyMissing as error:
                done.lost[error.key_id] = done.lost.get(error.key_id, 0) + 1
            except SealBroken:
                done.broken.append(f"{table.name}.{column} where {table.key} is {key}")
        worked_out = [
            (each, each.work_out(inside[each.source]))
            for each in table.derived
            if each.source in inside
        ]
        if inside:
            written.append((new, worked_out, key))
    _write(table, written)
    done.changed = len(written)
    return done, more


def _rows(table: Table, place: str, *, lock: bool) -> tuple[Sequence[Any], str | None]:
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


def _write(table: Table, written: Sequence[tuple[dict[str, Any], Any, Any]]) -> None:
    if not written:
        return
    quoted = connection.ops.quote_name
    names = [*table.columns, *(each.column for each in table.derived)]
    # A derived column whose source was not opened keeps what it says.
    sets = ", ".join(
        f"{quoted(name)} = %s" if name in table.columns
        else f"{quoted(name)} = COALESCE(%s, {quoted(name)})"
        for name in names
    )  # fmt: skip
    values = []
    for new, worked_out, key in written:
        known = {each.column: value for each, value in worked_out}
        derived = [known.get(each.column) for each in table.derived]
        values.append([*(new[name] for name in table.columns), *derived, key])
    with connection.cursor() as cursor, _pass(cursor, table.history):
        cursor.executemany(
            f"UPDATE {quoted(table.name)} SET {sets} WHERE {quoted(table.key)} = %s",  # noqa: S608
            values,
        )


class _pass:
    """The pass stands for the statements inside, in a transaction that nobody else sees."""

    def __init__(self, cursor: Any, needed: bool) -> None:
        self.cursor, self.needed = cursor, needed
        self.ref = RESEALING if connection.features.has_native_uuid_field else RESEALING.hex

    def __enter__(self) -> None:
        if self.needed:
            self.cursor.execute("INSERT INTO quotes_purgepass (ref) VALUES (%s)", [self.ref])

    def __exit__(self, *how: object) -> None:
        if self.needed and how[0] is None:
            self.cursor.execute("DELETE FROM quotes_purgepass WHERE ref = %s", [self.ref])


def _place(table: Table, key_id: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key_id, place FROM quotes_sealedtable WHERE name = %s AND finished_at IS NULL",
            [table.name],
        )
        found = cursor.fetchone()
    return found[1] if found and found[0] == key_id else ""


def _note(table: Table, key_id: str, place: str | None, *, finished: bool) -> None:
    at = connection.ops.adapt_datetimefield_value(timezone.now()) if finished else None
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM quotes_sealedtable WHERE name = %s", [table.name])
        cursor.execute(
            "INSERT INTO quotes_sealedtable (name, key_id, place, finished_at) "
            "VALUES (%s, %s, %s, %s)",
            [table.name, key_id, place or "", at],
        )

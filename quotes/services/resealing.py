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

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from quotes.models import KeptDay, KeptMonth
from quotes.models.retention import RESEALING
from quotes.models.sealing import (
    DataKeyMissing,
    SealBroken,
    keyring,
    open_bytes,
    open_text,
    seal_bytes,
    seal_text,
)
from quotes.services.sealed_tables import PLAIN, Table, sealed_tables, stored_rows


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
    rows, more = stored_rows(table, place, lock=True)
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

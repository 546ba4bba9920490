"""What `doctor` and the operations page know of the sealing of stored rows."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from quotes.models import SealedTable
from quotes.models.sealing import keyring
from quotes.services.sealed_tables import PLAIN, Table, sealed_tables

NEWEST = "quotes_runevent"
"""Written all day by web and workers: its last row tells which key a process seals with now."""


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

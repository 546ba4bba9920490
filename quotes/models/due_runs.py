"""Which runs are due and nobody's, and leasing them: one statement each.

A watcher asks five times a second. Put together by Django anew, the look, the lock, the rows and
the lease took several times as long as the database needs for them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from quotes.models import many_rows
from quotes.models.run import Run

LEFT = (
    "request", "request_body", "offering_lines", "response", "response_body", "error_details",
    "diagnostic", "degradation_reason", "coverage_types",
)  # fmt: skip
"""Columns that a claim does not read: each may be megabytes."""
TABLE = '"quotes_run"'
FREE = "(lease_owner = '' OR lease_until <= %s OR lease_owner = %s)"


@dataclass(frozen=True, eq=False)
class Due:
    """Runs in this state of one service, due `by` a moment, that are in nobody's hands but the
    worker's `lease` at the time `now`; `serving` are those it is at already. One run alone where
    `only` names it."""

    state: str
    by: datetime
    service_url: str
    lease: str
    now: datetime
    serving: Collection[UUID] = ()
    only: UUID | None = None

    @property
    def _where(self) -> str:
        # By the state and the time first: that is what there is an index for.
        text = f"state = %s AND due_at <= %s AND service_url = %s AND {FREE}"
        if self.serving:
            text += f" AND id NOT IN ({', '.join(['%s'] * len(self.serving))})"
        return text if self.only is None else f"{text} AND id = %s"

    def _values(self, database: BaseDatabaseWrapper) -> list[Any]:
        moment, key = models.DateTimeField(), models.UUIDField()
        by, now = (moment.get_db_prep_value(each, database) for each in (self.by, self.now))
        ids = [*self.serving] if self.only is None else [*self.serving, self.only]
        keys = [key.get_db_prep_value(each, database) for each in ids]
        return [self.state, by, self.service_url, now, self.lease, *keys]


def which(kinds: Sequence[Due]) -> list[Due]:
    """Those of which there is any run."""
    if not kinds:
        return []
    database = connections[DEFAULT_DB_ALIAS]
    asked = [f"EXISTS (SELECT 1 FROM {TABLE} WHERE {each._where})" for each in kinds]  # noqa: S608
    with database.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(asked)}",
            [value for each in kinds for value in each._values(database)],
        )
        there = cursor.fetchone()
    return [each for each, any_ in zip(kinds, there, strict=True) if any_]


def lease(due: Due, most: int, until: datetime) -> list[Run]:
    """Lease up to `most` of them to the worker until then, the first due first. What another
    worker is leasing at this moment is left to it."""
    database = connections[DEFAULT_DB_ALIAS]
    # SQLite has no such lock, and needs none: one writes at a time.
    locks = database.features.has_select_for_update_skip_locked
    lock = " FOR UPDATE SKIP LOCKED" if locks else ""
    names, read, returned = _read(database.vendor)
    moment = models.DateTimeField().get_db_prep_value(until, database)
    with database.cursor() as cursor:
        cursor.execute(
            # Set apart, so that it is looked for once and no more than `most` are locked.
            f"WITH due AS MATERIALIZED (SELECT id FROM {TABLE} WHERE {due._where}"  # noqa: S608
            f" ORDER BY due_at LIMIT %s{lock})"
            f" UPDATE {TABLE} SET lease_owner = %s, lease_until = %s"
            f" FROM due WHERE {TABLE}.id = due.id RETURNING {returned}",
            [*due._values(database), most, due.lease, moment],
        )
        rows = cursor.fetchall()
    taken = [Run.from_db(DEFAULT_DB_ALIAS, names, read(row)) for row in rows]
    return sorted(taken, key=lambda run: run.due_at or due.by)


@lru_cache
def _read(vendor: str) -> tuple[Sequence[str], Any, str]:
    """The columns that a claim reads, what makes values of a row of them, and their text."""
    fields = [field for field in Run._meta.concrete_fields if field.attname not in LEFT]
    text = ", ".join(f'{TABLE}."{field.column}"' for field in fields)
    return [field.attname for field in fields], many_rows.reader(Run, fields), text

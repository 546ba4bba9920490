"""Statements that PostgreSQL plans once a connection, as `prepared` writes them once a process.

Django writes a statement's values into its text, so that PostgreSQL reads and plans each anew: half
of its work for a page and more. Here the values that change stay out of the text, and what a
connection has been asked twice before it keeps as a plan.

PostgreSQL decides, after five times, whether one plan serves all values or each has its own made:
it takes the one plan only where it expects that to cost no more. So that it can tell, what is the
same at every call, such as states, stands in the text: an index of open requests alone can serve a
statement that says "open", and none that leaves it open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import ClientCursor, Connection, Cursor
from psycopg.types.numeric import Int8

LARGEST = 2**63
TIMES_BEFORE = 2
"""How often a connection is asked a statement before it keeps a plan of it."""


@dataclass(frozen=True)
class Planned:
    """`text` has places for what changes, each for the value at that position."""

    text: str
    places: Sequence[int]

    @classmethod
    def of(
        cls, sql: str, parameters: Sequence[Any], places: Sequence[tuple[int, int]], database: Any
    ) -> Planned:
        """`places` say of a parameter which value goes there; all others are the same each time."""
        database.ensure_connection()
        changing = {place for place, _ in places}
        written = [
            "%s" if place in changing else _literal(parameter, database)
            for place, parameter in enumerate(parameters)
        ]
        return cls(
            sql.replace("%%", "%%%%") % tuple(written),
            [position for _, position in places],
        )

    def values(self, given: Sequence[Any]) -> list[Any]:
        """Those of the call, each in its place."""
        return [_number(given[at]) if type(given[at]) is int else given[at] for at in self.places]

    def rows(self, given: Sequence[Any], database: Any) -> list[tuple[Any, ...]]:
        """What the database answers."""
        # As Django does before each cursor: a connection that was kept may have been cut since.
        database.close_if_health_check_failed()
        database.ensure_connection()
        # As Django's own cursors are made, but for the kind: theirs write values into the text.
        connection = database.connection
        with database._prepare_cursor(Cursor(connection)) as cursor, _counting(connection):
            cursor.execute(self.text, self.values(given))
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def sent(self, given: Sequence[Any], database: Any) -> str:
        """The statement with the call's values in its text, for tests and for EXPLAIN."""
        database.ensure_connection()
        return ClientCursor(database.connection).mogrify(self.text, self.values(given))


@contextmanager
def _counting(connection: Connection[Any]) -> Iterator[None]:
    """For what is asked meanwhile, the driver counts how often it was, and makes plans.

    For nothing else: it keeps the text of what it counts, and in the text of Django's own
    statements stand names, addresses and whole documents. Neither are plans pushed out by those,
    nor thrown away by a transaction that is taken back.
    """
    connection.prepare_threshold = TIMES_BEFORE
    try:
        yield
    finally:
        connection.prepare_threshold = None


def _literal(parameter: Any, database: Any) -> str:
    """The value as text of a statement that has places."""
    return ClientCursor(database.connection).mogrify("%s", [parameter]).replace("%", "%%")


def _number(value: int) -> int:
    """As one kind of number whatever its size: for others PostgreSQL would make other plans. One
    that no column can hold stays as it is, and is found nowhere."""
    return Int8(value) if -LARGEST <= value < LARGEST else value

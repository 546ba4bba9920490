"""How a database would answer a statement: which tables it would read from end to end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.backends.postgresql.psycopg_any import mogrify

from quotes.models.planned import Planned

LARGE = frozenset(
    f"quotes_{name}"
    for name in (
        "run", "runevent", "runfact", "runcarrier", "insured", "quote", "quoteline", "solution",
        "solutionline", "decisionevent", "auditevent", "exportpart", "notice",
    )
)  # fmt: skip
"""Tables that grow with the work of years."""


DEAR = ("seqscan", "hashjoin", "mergejoin")


def read_whole(statement: str) -> list[str]:
    """The large tables that no index leads into; what a LIMIT cuts short is not read whole.

    SQLite keeps to its rules, whatever the tables hold. PostgreSQL reads small tables whatever
    indexes they have, so that it is asked for the way it has where that is dear: what is still
    read whole then has no index.
    """
    select = statement[statement.upper().find("SELECT") :]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {select}")
            return [
                detail
                for *_, detail in cursor.fetchall()
                if detail.startswith("SCAN ") and " INDEX " not in detail and _large(detail, select)
            ]
        with _dear(cursor):
            return _guideless(cursor, select)


def read_whole_without_values(planned: Planned, given: Sequence[Any]) -> list[str]:
    """The same of a plan that PostgreSQL makes for all values."""
    places = tuple(f"${number}" for number, _ in enumerate(planned.places, 1))
    with connection.cursor() as cursor, _dear(cursor):
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE explained AS {planned.text % places}")
        literals = ", ".join(["%s"] * len(places))
        values = f"({mogrify(literals, planned.values(given), connection)})" if places else ""
        try:
            return _guideless(cursor, f"EXECUTE explained {values}")
        finally:
            cursor.execute("DEALLOCATE explained")
            cursor.execute("RESET plan_cache_mode")


@contextmanager
def _dear(cursor: Any) -> Iterator[None]:
    for way in DEAR:
        cursor.execute(f"SET enable_{way} = off")
    yield
    for way in DEAR:
        cursor.execute(f"RESET enable_{way}")


def _guideless(cursor: Any, statement: str) -> list[str]:
    cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}")
    [(plan,)] = cursor.fetchall()
    plans = json.loads(plan) if isinstance(plan, str) else plan
    return list(_unguided(plans[0]["Plan"], limited=False))


def plan_of(statement: str) -> str:
    """The database's own words on how it would answer, small tables read by an index as well."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
            return "\n".join(row[-1] for row in cursor.fetchall())
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {statement}")
        return "\n".join(row[0] for row in cursor.fetchall())


def _large(detail: str, statement: str) -> bool:
    """Whether a line of SQLite's plan is of a large table: by its own name or by an alias."""
    name = detail.split()[1]
    return name in LARGE or any(f'"{table}" {name} ' in statement for table in LARGE)


def _unguided(node: dict[str, Any], *, limited: bool) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name")
    limited = limited or kind == "Limit"
    if table in LARGE and not limited:
        # An EXISTS of small tables is answered from one pass over an index instead of a look
        # into it for each row; which way is taken depends on how many rows there are.
        either = kind == "Index Only Scan" and node.get("Parent Relationship") == "SubPlan"
        along = kind in {"Index Scan", "Index Only Scan"} and not node.get("Index Cond")
        if kind == "Seq Scan" or (along and not either):
            yield f"{kind} of {table}"
    for below in node.get("Plans", []):
        yield from _unguided(below, limited=limited)

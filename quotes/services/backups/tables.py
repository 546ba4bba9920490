"""Which tables a backup has, and how each database hands its rows out and takes them back.

Left out is what says nothing a day later: sessions (a restore must revive none that was ended),
the queue's hints, workers' signs of life, what stands only within a purge, and the cache, which is
no model's table. The app's own role may read all the rest.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, transaction

from quotes.models import Attachment
from quotes.services.backups.archive import Reader, Writer, of_file

LEFT_OUT = ("django_session", "quotes_opensession", "django_q_ormq", "django_q_task",
            "django_q_schedule", "quotes_workerbeat", "quotes_purgepass")  # fmt: skip
SQLITE_FILE = "database.sqlite3"
ROWS = "tables/{}.copy"


def kept_tables() -> list[str]:
    """The tables of a backup, by name."""
    known = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(known) - set(LEFT_OUT))


def write_rows(writer: Writer) -> list[tuple[str, str]]:
    """Add all rows as they stand at one moment; returns the attachments of that moment, each as
    (path, SHA-256)."""
    return _WRITE[connection.vendor](writer)


def load_rows(reader: Reader) -> None:
    """Put the rows into the database, whose tables are those of the same release and hold no
    data. What its migrations put there is replaced."""
    _LOAD[connection.vendor](reader)


# PostgreSQL: COPY, which any role that may read can do, with no other program ----------------


def _write_postgresql(writer: Writer) -> list[tuple[str, str]]:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for table in kept_tables():
            described = connection.introspection.get_table_description(cursor, table)
            columns = [column.name for column in described]
            writer.manifest.tables[table] = columns
            with cursor.copy(f"COPY {_with_columns(table, columns)} TO STDOUT") as rows:
                writer.add(ROWS.format(table), rows)
        return list(Attachment.objects.order_by("pk").values_list("file", "sha256"))


def _load_postgresql(reader: Reader) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table in kept_tables():
            cursor.execute(f"DELETE FROM {_quoted(table)}")  # noqa: S608 - a table of our own
        for table, columns in reader.manifest.tables.items():
            with cursor.copy(f"COPY {_with_columns(table, columns)} FROM STDIN") as rows:
                for chunk in reader.chunks(ROWS.format(table)):
                    rows.write(chunk)
        # Now, and not at the end, so that what does not fit together is not built upon.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for sql in connection.ops.sequence_reset_sql(no_style(), _models()):
            cursor.execute(sql)


def _models() -> list[Any]:
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]


def _with_columns(table: str, columns: list[str]) -> str:
    return f"{_quoted(table)} ({', '.join(_quoted(column) for column in columns)})"


def _quoted(name: str) -> str:
    return str(connection.ops.quote_name(name))


# SQLite: a copy of the file, by SQLite's own means --------------------------------------------


def _write_sqlite(writer: Writer) -> list[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SQLITE_FILE
        connection.ensure_connection()
        with closing(sqlite3.connect(path)) as copy:
            connection.connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # all of it in the one file
            copy.execute("PRAGMA secure_delete = ON")  # what goes can be read in it no more
            for table in (*LEFT_OUT, "cache"):
                copy.execute(f"DELETE FROM {_quoted(table)}")  # noqa: S608 - a table of our own
            copy.commit()
            found = "SELECT file, sha256 FROM quotes_attachment ORDER BY id"
            attachments = [(str(file), str(digest)) for file, digest in copy.execute(found)]
            for table in kept_tables():
                columns = copy.execute(f"PRAGMA table_info({_quoted(table)})")
                writer.manifest.tables[table] = [row[1] for row in columns]
        writer.add(SQLITE_FILE, of_file(path))
        return attachments


def _load_sqlite(reader: Reader) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SQLITE_FILE
        with path.open("wb") as file:
            file.writelines(reader.chunks(SQLITE_FILE))
        connection.ensure_connection()
        with closing(sqlite3.connect(path)) as copy:
            # Nothing is due for a worker before it was settled: this replaces the whole file, and
            # no transaction goes round both.
            copy.execute(
                "UPDATE quotes_run SET due_at = NULL WHERE state IN ('queued', 'submitting')"
            )
            copy.commit()
            copy.backup(connection.connection)
    connection.close()  # what it knew of the tables is of the file before


_WRITE = {"postgresql": _write_postgresql, "sqlite": _write_sqlite}
_LOAD = {"postgresql": _load_postgresql, "sqlite": _load_sqlite}


def applied_migrations() -> list[str]:
    """As "quotes.0001_initial", sorted; empty before the first `migrate`."""
    from django.db.migrations.recorder import MigrationRecorder

    return sorted(".".join(key) for key in MigrationRecorder(connection).applied_migrations())

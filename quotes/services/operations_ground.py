"""What the app stands on: its database, that database's tables, and the disk."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


@dataclass(frozen=True)
class Database:
    kind: str
    answers: bool
    latency_ms: float | None


@dataclass(frozen=True)
class Files:
    """`free` in bytes; None where the folder cannot be looked at."""

    free: int | None
    attachments_writable: bool


def read_database() -> Database:
    """Which database, whether it answers and how fast."""
    kind = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}.get(connection.vendor, "Database")
    try:
        connection.ensure_connection()
        began = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseTrouble:
        return Database(kind=kind, answers=False, latency_ms=None)
    return Database(kind=kind, answers=True, latency_ms=(time.perf_counter() - began) * 1000)


def unapplied_migrations() -> list[str]:
    """Migrations that the code has and the database has not, as "app.name"."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def read_files() -> Files:
    """Room under DATA_DIR, and whether attachments can be put where they belong."""
    folder = Path(settings.ATTACHMENTS_DIR)
    # Made with the first attachment: until then it is its parent that must take it.
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    writable = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    try:
        free = shutil.disk_usage(settings.DATA_DIR).free
    except OSError:
        return Files(free=None, attachments_writable=writable)
    return Files(free=free, attachments_writable=writable)

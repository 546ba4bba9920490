"""`manage.py reseal_data`: bring every sealed value under the first of DATA_KEYS."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseTrouble

from quotes.models.sealing import keyring
from quotes.services.resealing import Done, reseal_all
from quotes.services.sealed_tables import PLAIN, count_keys, sealed_tables

MOST_NAMED = 20


class Command(BaseCommand):
    help = (
        "Seal every row with the first of DATA_KEYS: after a new key was put first, and for rows "
        "that were never sealed. Stopped in between, run it again. With PostgreSQL run it with "
        "the owner's DATABASE_URL, since it writes to history."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="change nothing; count every value by its key. Exit status 1 if any is not "
            "under the first key",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            self._check()
            return
        total = Done()
        try:
            for table, done in reseal_all():
                total.add(done)
                self.stdout.write(f"{table.name:<26} {done.rows:>9,} rows, {done.changed:,} sealed")
        except DatabaseTrouble as error:
            raise CommandError(
                f"Stopped: {error}\nWhat was sealed stays so; run it again. The app's own role may "
                "not write to history: use the owner's DATABASE_URL."
            ) from error
        self.stdout.write(f"{total.changed:,} of {total.rows:,} rows sealed anew.")
        if total.lost:
            named = ", ".join(f"{key} ({values:,})" for key, values in sorted(total.lost.items()))
            raise CommandError(
                f"Values whose key DATA_KEYS does not name: {named}. They are as they were. Put "
                "those keys behind the first and run this again."
            )
        for where in total.broken[:MOST_NAMED]:
            self.stderr.write(f"Does not open: {where}")
        if total.broken:
            raise CommandError(
                f"{len(total.broken):,} values were changed past the app, or damaged; they are as "
                "they were, and every other one is sealed anew. Restore those rows from a backup."
            )
        if len(keyring().keys) > 1:
            self.stdout.write(
                "Once no process runs with other DATA_KEYS, reseal_data --check says whether the "
                "older keys may go. Keep them as long as backups from their time."
            )

    def _check(self) -> None:
        counts: Counter[str] = Counter()
        for table in sealed_tables():
            counts.update(count_keys(table))
        first = keyring().first.id
        for key_id, values in sorted(counts.items()):
            what = (
                "never sealed" if key_id == PLAIN
                else "the first of DATA_KEYS" if key_id == first
                else "an older key" if key_id in keyring()
                else "NOT in DATA_KEYS"
            )  # fmt: skip
            self.stdout.write(f"{key_id:<10} {values:>12,}  {what}")
        if set(counts) - {first}:
            sys.exit(1)
        self.stdout.write("Every value is sealed with the first of DATA_KEYS.")

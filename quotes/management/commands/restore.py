"""`manage.py restore FILE`: a backup into a database that holds nothing yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError

from quotes.services.backups.archive import Unusable
from quotes.services.backups.restoring import Refused, restore_backup

EXIT_REFUSED, EXIT_BAD_INPUT = 1, 2


class Command(BaseCommand):
    help = (
        "Restore a backup of the same release into the new database that DATABASE_URL names, with "
        "its owner's role, and attachments into DATA_DIR. Web and workers must be stopped. Runs "
        "that had not been accepted by Nexio yet go to a person and are never sent by themselves; "
        "with --planned those that waited to be sent stay queued. "
        "Exit 0 restored; 1 refused, 2 the file is unusable, with nothing changed."
    )
    requires_system_checks: list[str] = []  # they are about the code, not about the data

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="what `manage.py backup` wrote")
        parser.add_argument(
            "--planned",
            action="store_true",
            help="a move: all workers were stopped before the backup was made, and none has served "
            "since, neither the old database nor one restored from it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["file"])
        try:
            done = restore_backup(path, planned=options["planned"])
        except Refused as error:
            raise CommandError(str(error), returncode=EXIT_REFUSED) from None
        except Unusable as error:
            raise CommandError(f"{path}: {error}", returncode=EXIT_BAD_INPUT) from None
        except ProgrammingError as error:
            if "permission denied" not in str(error):
                raise
            raise CommandError(
                "This database role may not restore. Run it with the owner's DATABASE_URL.",
                returncode=EXIT_REFUSED,
            ) from None
        except OSError as error:
            raise CommandError(
                f"{error.filename or path}: {error.strerror}", returncode=EXIT_BAD_INPUT
            ) from None
        manifest, count = done.manifest, done.unsettled
        self.stdout.write(
            f"Restored: {len(manifest.tables)} tables, {len(manifest.attachments)} attachments, "
            f"as of {manifest.moment:%Y-%m-%d %H:%M} UTC."
        )
        if count:
            self.stdout.write(
                f"{count} run{'' if count == 1 else 's'} had not been accepted by Nexio and may "
                "have been sent since: settle each on the Operations page."
            )
        if done.to_send:
            self.stdout.write(
                f"{done.to_send} run{' waits' if done.to_send == 1 else 's wait'} to be sent, and "
                "will be once a worker serves this database. Start none on the old one."
            )
        for gone in manifest.absent:
            self.stderr.write(f"An attachment's file was gone when the backup was made: {gone}")

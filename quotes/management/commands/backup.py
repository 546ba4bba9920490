"""`manage.py backup FILE`: everything that is kept, in one file."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError

from quotes.services.backups.taking import take_backup

EXIT_INCOMPLETE, EXIT_BAD_INPUT = 1, 2


class Command(BaseCommand):
    help = (
        "Write database and attachments to one file, while the app goes on. It holds households' "
        "data and people's password hashes, but no key. Exit 0 written; 1 written, but files of "
        "attachments were gone; 2 not written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the file to write; one that is there is not replaced")

    def handle(self, *args: Any, **options: Any) -> None:
        out = Path(options["file"])
        if out.exists():
            raise CommandError(f"{out} is there already", returncode=EXIT_BAD_INPUT)
        part = None
        try:
            # By mkstemp, so that only its owner may read it; under its name only when whole.
            with tempfile.NamedTemporaryFile(dir=out.parent, suffix=".part", delete=False) as file:
                part = Path(file.name)
                manifest = take_backup(file)
                file.flush()
                os.fsync(file.fileno())  # else a name may survive a power cut, and its rows not
            part.replace(out)
            _keep_name(out)
        except ProgrammingError as error:
            if "permission denied" not in str(error):
                raise
            raise CommandError(
                "This database role may not read everything. Run manage.py app_role for it, or "
                "this with the owner's DATABASE_URL.",
                returncode=EXIT_BAD_INPUT,
            ) from None
        except OSError as error:
            raise CommandError(
                f"cannot write {out}: {error.strerror}", returncode=EXIT_BAD_INPUT
            ) from None
        finally:
            if part is not None:
                part.unlink(missing_ok=True)
        count = len(manifest.attachments)
        self.stdout.write(f"{out}: {len(manifest.tables)} tables, {count} attachments")
        for path in manifest.absent:
            self.stderr.write(f"An attachment's file was gone: {path}")
        if manifest.absent:
            sys.exit(EXIT_INCOMPLETE)


def _keep_name(path: Path) -> None:
    """Have the disk hold the file's name as well before anybody is told that it is written."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

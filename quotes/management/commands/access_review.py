"""`manage.py access_review --out FILE.csv`: who may see what, for the review of access."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from quotes.models import Deed
from quotes.services.access_review import access_review_csv
from quotes.services.audit import record_command

EXIT_BAD_INPUT = 2


class Command(BaseCommand):
    help = (
        "Write every person with role, offices, what they see, last sign-in and second factor as "
        "CSV, readable by this account alone. Exit 0, or 2 where FILE cannot be written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", required=True, help="the CSV file to write")
        parser.add_argument("--force", action="store_true", help="replace FILE if it is there")

    def handle(self, *args: Any, **options: Any) -> None:
        out = Path(options["out"])
        lines = list(access_review_csv(timezone.now()))
        record_command(command="access_review", deed=Deed.EXPORTED, what="The access review as CSV")
        how = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if options["force"] else os.O_EXCL)
        try:
            with os.fdopen(os.open(out, how, 0o600), "wb") as file:
                file.writelines(lines)
        except FileExistsError:
            raise CommandError(
                f"--out: {out} is there already; --force replaces it", returncode=EXIT_BAD_INPUT
            ) from None
        except OSError as error:
            raise CommandError(
                f"--out: cannot write {out}: {error.strerror}", returncode=EXIT_BAD_INPUT
            ) from None
        self.stdout.write(f"{out}: {len(lines) - 1} people")

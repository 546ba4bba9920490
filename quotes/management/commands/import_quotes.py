"""`manage.py import_quotes FILE --owner USERNAME`: the import page without a browser."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError, transaction

from quotes.management.printing import write_json
from quotes.models import Deed, User
from quotes.services import reading
from quotes.services.audit import record_command
from quotes.services.importing.entry import Blocked, ChangedMeanwhile, Incoming, confirm, prepare
from quotes.services.importing.preview import Counts, Preview
from quotes.services.importing.stated import Problem
from quotes.services.origins import How

EXIT_FAILED, EXIT_BAD_INPUT = 1, 2
MOST_TRIES = 3
DISTURBED = "the same households or carriers are being made by somebody else; try again"


class Command(BaseCommand):
    help = (
        "Import quotes from a CSV, XLSX or JSON file for a broker: everything or nothing. Prints "
        "what was created, changed and there already. Exit 0, or 2 with nothing saved."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help='CSV, XLSX or JSON; "-" reads standard input')
        parser.add_argument("--owner", required=True, help="username of the broker whose they are")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            preview = self._import(options)
        except reading.Unreadable as error:
            preview = Preview(
                problems=[
                    Problem(each.message, column="" if each.field == "file" else each.field)
                    for each in error.mistakes
                ]
            )
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(
                f"The database cannot be used ({error}). Bring it up to date with: "
                "manage.py migrate",
                returncode=EXIT_FAILED,
            ) from None
        self._print(preview, options)
        if preview.problems:
            sys.exit(EXIT_BAD_INPUT)

    def _import(self, options: dict[str, Any]) -> Preview:
        owner = User.objects.filter(username=options["owner"], is_active=True).first()
        if owner is None or not owner.is_broker:
            raise reading.Unreadable(
                [
                    reading.Mistake(
                        "--owner",
                        f"no active broker is called {options['owner']!r}. Insureds belong to "
                        "brokers; their names stand in the admin under Users",
                    )
                ]
            )
        name = "" if options["file"] == "-" else Path(options["file"]).name
        incoming = Incoming(self._bytes(options["file"]), name, How.IMPORTED, owner)
        if options["dry_run"]:
            return prepare(incoming)
        for _ in range(MOST_TRIES):
            try:
                # Written together: an import without its entries is none.
                with transaction.atomic():
                    outcome = confirm(incoming)
                    for insured in outcome.insureds:
                        record_command(
                            command="import_quotes", deed=Deed.CHANGED,
                            what="Imported quotes from a file", insured_ref=insured,
                        )  # fmt: skip
                return outcome.preview
            except ChangedMeanwhile:
                # Nobody has seen a preview that the import must keep to.
                continue
            except Blocked as error:
                return error.preview
        raise reading.Unreadable([reading.Mistake("FILE", DISTURBED)])

    def _bytes(self, name: str) -> bytes:
        try:
            if name == "-":
                return sys.stdin.buffer.read(reading.MOST_BYTES + 1)
            with Path(name).open("rb") as file:
                return file.read(reading.MOST_BYTES + 1)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "its name is not usable"
            raise reading.Unreadable(
                [reading.Mistake("FILE", f"cannot read {name}: {why}")]
            ) from None

    def _print(self, preview: Preview, options: dict[str, Any]) -> None:
        dry_run = bool(options["dry_run"])
        none = Counts()
        refused = bool(preview.problems)
        insureds = none if refused else preview.insured_counts
        quotes = none if refused else preview.quote_counts
        if options["json"]:
            write_json(
                self.stdout,
                {
                    "insureds": insureds.as_json(),
                    "quotes": quotes.as_json(),
                    "errors": list(_as_json(preview.problems)),
                    "warnings": list(_as_json(preview.warnings)),
                    "removed": preview.removed,
                    "dry_run": dry_run,
                },
            )
            return
        for what, counts in (("Insureds", insureds), ("Quotes", quotes)):
            self.stdout.write(
                f"{what}: {counts.created} created, {counts.changed} changed, "
                f"{counts.unchanged} unchanged"
            )
        for heading in preview.removed:
            self.stderr.write(f"left out for good: {heading}")
        for warning in preview.warnings:
            self.stderr.write(f"warning: {warning}")
        for problem in preview.problems:
            self.stderr.write(f"error: {problem}")
        if refused:
            self.stderr.write("Nothing was saved. Mend the errors and import the file again.")
        elif dry_run:
            self.stdout.write("Nothing was saved: this was a dry run.")


def _as_json(problems: Iterable[Problem]) -> Iterable[dict[str, Any]]:
    for each in problems:
        yield {"row": each.row, "column": each.column, "message": each.message}

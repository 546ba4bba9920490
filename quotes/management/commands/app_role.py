"""`manage.py app_role ROLE`: what web and worker may do in the database, and no more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from quotes.models import Deed
from quotes.services.audit import record_command
from quotes.services.database_role import EVERYTHING, Unusable, grant_app_role

EXIT_BAD_INPUT = 2


class Command(BaseCommand):
    help = (
        "Give a PostgreSQL role what web and worker need, and take away what it has beyond that: "
        "history can be read and added to, never changed or deleted. Run it with the owner's "
        "DATABASE_URL, after every migrate. Exit 0, or 2 with nothing changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", help="a role that is there, and owns nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            granted = grant_app_role(options["role"])
        except Unusable as error:
            raise CommandError(str(error), returncode=EXIT_BAD_INPUT) from None
        record_command(
            command="app_role", deed=Deed.ADMINISTERED, what="Set the rights of the app's role",
            data={"role": options["role"]},
        )  # fmt: skip
        writes = granted.count(EVERYTHING)
        adds = granted.count(("SELECT", "INSERT"))
        self.stdout.write(
            f"{options['role']}: {writes} tables to read and write, {adds} of history to read and "
            f"add to, {len(granted.tables) - writes - adds} with less. "
            "Set DATABASE_URL of web and worker to this role."
        )

"""`manage.py verify_packet FILE.zip`: whether an E&O packet is as it was made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from quotes.services.packet_check import Unreadable, check_packet

EXIT_DIFFERS, EXIT_UNREADABLE = 1, 2


class Command(BaseCommand):
    help = (
        "Check an E&O packet against its manifest, the manifest's signature and the run's "
        "history. Exit 0 intact, 1 with what differs, 2 unreadable. Unpacks nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the packet's ZIP file")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            differences = check_packet(Path(options["file"]))
        except Unreadable as error:
            raise CommandError(f"FILE: {error}", returncode=EXIT_UNREADABLE) from None
        for difference in differences:
            self.stdout.write(difference)
        if differences:
            sys.exit(EXIT_DIFFERS)
        self.stdout.write("Intact: every file is as it was packed, and the manifest is ours.")

"""`manage.py show_run ID`: a run as it stands now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from quotes.management.printing import print_run
from quotes.models import Deed, Run
from quotes.services.audit import record_command


class Command(BaseCommand):
    help = "Print a run: its state, timeline and ranked packages, or all of it as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="the run's local id, or Nexio's run_id")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        run = self._local(options["id"]) or self._nexios(options["id"])
        if run is None:
            raise CommandError(f"id: no run has the id {options['id']!r}", returncode=2)
        record_command(
            command="show_run", deed=Deed.VIEWED, what="A run on the command line", run_ref=run.pk
        )
        print_run(run, self.stdout, as_json=options["json"], timeline=True)

    def _local(self, given: str) -> Run | None:
        try:
            return Run.objects.filter(pk=UUID(given)).first()
        except ValueError:
            return None

    def _nexios(self, given: str) -> Run | None:
        return Run.objects.filter(nexio_run_id=given).exclude(nexio_run_id="").first()

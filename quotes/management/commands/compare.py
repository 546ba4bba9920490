"""`manage.py compare FILE`: the main job without a browser or a worker."""

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseTrouble
from django.db import OperationalError, ProgrammingError, transaction

from quotes.management.printing import print_run, write_json
from quotes.models import Deed, Run, RunState, User
from quotes.models.run import IN_FLIGHT
from quotes.services import intake, reading, watching
from quotes.services.audit import record_command
from quotes.services.origins import How, Origin
from quotes.services.readiness import NotReady
from quotes.services.reading import Mistake
from quotes.services.runs import start_run

EXIT_FAILED, EXIT_BAD_INPUT, EXIT_TIMEOUT = 1, 2, 3
EXIT_INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Compare the quotes in a JSON file: import it, send it to Nexio, watch the run and print "
        "the ranked packages. Exit 0 completed or degraded, 1 failed, rejected or unknown "
        "outcome, 2 bad input, 3 time-out (a worker carries on)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help='an "input" value, or a whole {"input","offerings"} body')
        parser.add_argument("--owner", help="username of the broker the insured belongs to")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--timeout", type=float, default=300.0, help="seconds (default 300)")
        parser.add_argument(
            "--no-wait", action="store_true", help="leave the run to a worker and print its id"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Held from the first moment, so that a worker on the same database leaves it alone.
        lease = "" if options["no_wait"] else uuid.uuid4().hex
        try:
            run = self._start(options, lease)
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(
                f"The database cannot be used ({error}). Bring it up to date with: "
                "manage.py migrate",
                returncode=EXIT_FAILED,
            ) from None
        if options["no_wait"]:
            if options["json"]:
                write_json(self.stdout, {"id": str(run.pk), "state": run.state})
            else:
                self.stdout.write(str(run.pk))
            return
        stopped_by = ""
        try:
            try:
                self._watch(run, options["timeout"], lease)
            except KeyboardInterrupt:
                stopped_by = "Stopped"
            run.refresh_from_db()
        except DatabaseTrouble:
            raise CommandError(
                f"The database went away while the run was under way. It is not lost: look again "
                f"with: manage.py show_run {run.pk}",
                returncode=EXIT_TIMEOUT,
            ) from None
        print_run(run, self.stdout, as_json=options["json"])
        if run.state in IN_FLIGHT:
            self._say_unfinished(run, stopped_by or f"Not finished after {options['timeout']:g} s")
            sys.exit(EXIT_INTERRUPTED if stopped_by else EXIT_TIMEOUT)
        if run.state != RunState.COMPLETED:
            sys.exit(EXIT_FAILED)

    def _say_unfinished(self, run: Run, why: str) -> None:
        self.stderr.write(
            f"{why}. A worker carries on; look again with: manage.py show_run {run.pk}"
        )
        if run.sandbox and run.state == RunState.QUEUED:
            self.stderr.write(
                f"Nothing was sent yet: no sandbox answers at {run.service_url}. "
                "`make run` starts one, and so does: python -m sandbox"
            )

    def _start(self, options: dict[str, Any], lease: str) -> Run:
        owner = None
        warnings: list[Mistake] = []
        if options["owner"]:
            owner = User.objects.filter(username=options["owner"], is_active=True).first()
            if owner is None:
                raise CommandError(
                    f"--owner: no active user is called {options['owner']!r}",
                    returncode=EXIT_BAD_INPUT,
                )
        if not options["timeout"] > 0:
            raise CommandError("--timeout: must be more than 0 seconds", returncode=EXIT_BAD_INPUT)
        try:
            document = reading.read_document(self._bytes(options["file"]))
            # Imported and started together: a document that cannot be compared leaves nothing.
            with transaction.atomic():
                origin = Origin(How.IMPORTED, where=Path(options["file"]).name.strip("-"))
                imported = intake.import_document(document=document, owner=owner, origin=origin)
                run = start_run(
                    insured=imported.insured,
                    coverage_types=document.input.get("coverage_types") or [],
                    started_by=owner,
                    quotes=imported.quotes,
                    offered=imported.offered,
                    warn=warnings.extend,
                    lease=lease,
                    hint=bool(options["no_wait"]),
                )
                record_command(
                    command="compare", deed=Deed.CHANGED, what="Imported and compared a file",
                    insured_ref=run.insured_id, run_ref=run.pk,
                )  # fmt: skip
        except (reading.Unreadable, NotReady) as error:
            lines = [str(mistake) for mistake in error.mistakes]
            raise CommandError("\n".join(lines), returncode=EXIT_BAD_INPUT) from None
        for path in document.removed:
            self.stderr.write(f"{path}: taken out, it is not sent to Nexio")
        for warning in warnings:
            self.stderr.write(str(warning))
        return run

    def _bytes(self, name: str) -> bytes:
        try:
            if name == "-":
                return sys.stdin.buffer.read(reading.MOST_BYTES + 1)
            with Path(name).open("rb") as file:
                return file.read(reading.MOST_BYTES + 1)
        except OSError as error:
            raise CommandError(
                f"FILE: cannot read {name}: {error.strerror}", returncode=EXIT_BAD_INPUT
            ) from None

    def _watch(self, run: Run, timeout: float, lease: str) -> None:
        ends_at = time.monotonic() + timeout
        shown = {"text": ""}

        def stop() -> bool:
            # Before anything is asked of the database: it may be away for longer.
            if time.monotonic() > ends_at:
                return True
            now = Run.objects.defer("request", "request_body", "response", "response_body").get(
                pk=run.pk
            )
            event = now.events.order_by("-at", "-id").first()
            if event and event.text != shown["text"]:
                shown["text"] = event.text
                self.stderr.write(event.text)
            return now.state not in IN_FLIGHT

        watching.watch_runs(stop=stop, only=run.pk, lease=lease)

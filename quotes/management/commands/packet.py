"""`manage.py packet RUN_ID --out FILE.zip`: everything kept of a run, for the E&O file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from quotes.models import Deed, Run
from quotes.services.audit import record_command
from quotes.services.decisions import NotPossible
from quotes.services.packets import make_packet

EXIT_FAILED, EXIT_BAD_INPUT = 1, 2


class Command(BaseCommand):
    help = (
        "Write a run's E&O packet: request and reply byte for byte, timeline, decision, proposals "
        "and attachments with a signed manifest, whose hash is kept in the run's history. Exit 0 "
        "written, 1 not possible, 2 bad input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="the run's local id, or Nexio's run_id")
        parser.add_argument("--out", required=True, help="the ZIP file to write")
        parser.add_argument("--force", action="store_true", help="replace FILE if it is there")

    def handle(self, *args: Any, **options: Any) -> None:
        run = self._run(options["id"])
        out = Path(options["out"])
        if out.exists() and not options["force"]:
            raise CommandError(
                f"--out: {out} is there already; --force replaces it", returncode=EXIT_BAD_INPUT
            )
        part = None
        try:
            # Beside its place and then renamed: no half packet ever lies under the name asked for.
            # Made by mkstemp, so that only its owner may read it.
            with tempfile.NamedTemporaryFile(dir=out.parent, suffix=".part", delete=False) as file:
                part = Path(file.name)
                packet = make_packet(run=run, out=file)
            # Before it stands where it was asked for: without its entry no packet leaves.
            record_command(command="packet", deed=Deed.EXPORTED, what="E&O packet", run_ref=run.pk)
            part.replace(out)
        except NotPossible as error:
            raise CommandError(str(error), returncode=EXIT_FAILED) from None
        except OSError as error:
            raise CommandError(
                f"--out: cannot write {out}: {error.strerror}", returncode=EXIT_BAD_INPUT
            ) from None
        finally:
            if part is not None:
                part.unlink(missing_ok=True)
        for name in packet.absent:
            self.stderr.write(f"Left out, because its file is gone: {name}")
        self.stdout.write(f"{out}: {packet.files} files, manifest {packet.manifest_sha256}")

    def _run(self, given: str) -> Run:
        try:
            run = Run.objects.filter(pk=UUID(given)).first()
        except ValueError:
            named = Run.objects.filter(nexio_run_id=given).exclude(nexio_run_id="")
            run = named.first()
        if run is None:
            raise CommandError(f"id: no run has the id {given!r}", returncode=EXIT_BAD_INPUT)
        return run

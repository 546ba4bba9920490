"""Restoring a backup into a database that holds nothing yet.

What was being sent, or waited to be, when the backup was made may have been sent since: nobody
here can know. Such runs become `submit_unknown` for a person to settle, and none is ever sent by
itself. Runs that Nexio had taken are asked for again, which costs nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from quotes import VERSION
from quotes.models import AuditEvent, Deed, Insured, Run, RunState, User
from quotes.models.sealing import keyring
from quotes.services import audit
from quotes.services.backups.archive import ATTACHMENTS, Manifest, Reader, Unusable, reading
from quotes.services.backups.tables import applied_migrations, load_rows
from quotes.services.beats import any_fresh
from quotes.services.claims import HEAVY
from quotes.services.notices.telling import tell_of_step

UNSENT = "Restored from a backup: it may have been sent after the backup was made."


class Refused(Exception):
    """Nothing was restored; the message says why and what to do."""


@dataclass(frozen=True)
class Restored:
    manifest: Manifest
    unsettled: int
    """Runs that a person must settle, because they may have been sent since."""


def restore_backup(path: Path) -> Restored:
    """Put everything of a backup back. Raises Unusable or Refused with nothing changed, and
    OSError where the file cannot be read or an attachment not be written."""
    with reading(path) as backup:
        _refuse_unless_same_release(backup.manifest)
        _refuse_without_its_keys(backup.manifest)
        _refuse_unless_empty()
        with _attachments_of(backup):
            # The rows, and that nothing of them is sent again: both or neither. SQLite replaces
            # its whole file at once; no worker serves meanwhile, or it was refused.
            if connection.vendor == "sqlite":
                load_rows(backup)
                return _settled(backup.manifest)
            with transaction.atomic(durable=True):
                load_rows(backup)
                return _settled(backup.manifest)


def _refuse_unless_same_release(manifest: Manifest) -> None:
    if manifest.engine != connection.vendor:
        raise Refused(
            f"The backup is of {manifest.engine}, and DATABASE_URL names {connection.vendor}: "
            "restore it into the same kind of database."
        )
    if not applied_migrations():
        call_command("migrate", verbosity=0, interactive=False)
    if applied_migrations() != manifest.migrations:
        raise Refused(
            f"The backup was made by release {manifest.version}, whose tables are others than "
            f"those of this one ({VERSION}). Restore it with that release, into a new database, "
            "and upgrade then."
        )


def _refuse_without_its_keys(manifest: Manifest) -> None:
    missing = [each for each in manifest.data_keys if each not in keyring()]
    if missing:
        raise Refused(
            f"Households' data in the backup is sealed with the data key {', '.join(missing)}, "
            "which DATA_KEYS does not name here: put it there first."
        )


def _refuse_unless_empty() -> None:
    if any_fresh(timezone.now()):
        raise Refused("A worker serves this database: stop it first.")
    for model in (User, Insured, Run, AuditEvent):
        if model._default_manager.exists():
            raise Refused(
                "The database holds data already. A backup is restored into a new one: create "
                "it, and let DATABASE_URL name it."
            )


@contextmanager
def _attachments_of(backup: Reader) -> Iterator[None]:
    """The attachments' files in place; taken away again where what follows fails."""
    folder = Path(settings.ATTACHMENTS_DIR)
    if folder.exists() and any(folder.iterdir()):
        raise Refused(
            f"{folder} holds files already. Move them away, or let DATA_DIR name another folder."
        )
    try:
        for path in backup.manifest.attachments:
            target = folder / path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with target.open("xb") as file:
                target.chmod(0o600)
                file.writelines(backup.chunks(f"{ATTACHMENTS}{path}"))
        yield
    except BaseException:
        for path in backup.manifest.attachments:
            shutil.rmtree((folder / path).parent, ignore_errors=True)
        raise


@transaction.atomic
def _settled(manifest: Manifest) -> Restored:
    """What follows from time having passed since the backup, with an entry of the access log."""
    ContentType.objects.clear_cache()
    now = timezone.now()
    unsent = Run.objects.filter(state__in=[RunState.QUEUED, RunState.SUBMITTING]).defer(*HEAVY)
    count = 0
    for run in unsent.order_by("created_at", "pk"):
        _to_a_person(run, made_at=manifest.moment, now=now)
        count += 1
    audit.record_command(
        command="restore",
        deed=Deed.ADMINISTERED,
        what=f"Restored the backup of {manifest.moment:%Y-%m-%d %H:%M} UTC",
        data={"release": manifest.version, "runs_to_settle": count},
    )
    return Restored(manifest=manifest, unsettled=count)


def _to_a_person(run: Run, *, made_at: datetime, now: datetime) -> None:
    moment = f"{made_at:%Y-%m-%d %H:%M} UTC"
    if run.state == RunState.QUEUED:
        run.move(
            RunState.SUBMITTING,
            at=now,
            kind="restored",
            text=f"Restored from the backup of {moment}, when it waited to be sent.",
        )
    run.move(
        RunState.SUBMIT_UNKNOWN,
        at=now,
        kind="submit_unknown",
        text=f"{UNSENT} Whether Nexio has it, only Nexio can say. Link the run_id it names, send "
        "it again knowingly, or give it up.",
        data={"backup_of": made_at.isoformat()},
        due_at=None,
        error=UNSENT,
    )
    tell_of_step(run, now=now)


__all__ = ["Refused", "Restored", "Unusable", "restore_backup"]

"""Restoring a backup into a database that holds nothing yet.

What was being sent, or waited to be, when the backup was made may have been sent since: nobody
here can know. Such runs become `submit_unknown` for a person to settle, and none is ever sent by
itself. Runs that Nexio had taken are asked for again, which costs nothing.

A planned move is the exception: the workers were stopped first, so what waited to be sent waits
still. The operator says so; what the backup knows of it is held against that.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from quotes import VERSION
from quotes.models import AuditEvent, Deed, Insured, Run, RunState, User
from quotes.models.due_runs import LEFT
from quotes.models.sealing import keyring
from quotes.services import audit
from quotes.services.backups.archive import ATTACHMENTS, Manifest, Reader, Unusable, reading
from quotes.services.backups.tables import applied_migrations, load_rows
from quotes.services.beats import any_fresh
from quotes.services.notices.telling import tell_of_step

PLANNED_WITHIN = timedelta(hours=24)
UNSENT = "Restored from a backup: it may have been sent after the backup was made."


class Refused(Exception):
    """Nothing was restored; the message says why and what to do."""


@dataclass(frozen=True)
class Restored:
    manifest: Manifest
    unsettled: int
    """Runs that a person must settle, because they may have been sent since."""
    to_send: int
    """Runs that wait to be sent, and will be: in a planned move only."""


def restore_backup(path: Path, *, planned: bool = False) -> Restored:
    """Put everything of a backup back; `planned` where no worker served since before it was made,
    so that what was `queued` stays so. Raises Unusable or Refused with nothing changed, and
    OSError where the file cannot be read or an attachment not be written."""
    with reading(path) as backup:
        if planned:
            _refuse_unless_at_rest(backup.manifest, now=timezone.now())
        _refuse_unless_same_release(backup.manifest)
        _refuse_without_its_keys(backup.manifest)
        _refuse_unless_empty()
        with _attachments_of(backup):
            # The rows, and that nothing of them is sent again: both or neither. SQLite replaces
            # its whole file at once; no worker serves meanwhile, or it was refused.
            if connection.vendor == "sqlite":
                load_rows(backup)
                return _settled(backup.manifest, planned=planned)
            with transaction.atomic(durable=True):
                load_rows(backup)
                return _settled(backup.manifest, planned=planned)


def _refuse_unless_at_rest(manifest: Manifest, *, now: datetime) -> None:
    """What speaks against a planned move: each would send a run twice."""
    otherwise = "Or restore it without --planned: then a person settles what waited to be sent."
    if manifest.served is not False:
        raise Refused(
            "A worker served while the backup was made, or it does not say: what waited to be sent "
            "may have been sent since. Stop the workers, wait 15 seconds, take another backup and "
            f"restore that. {otherwise}"
        )
    if not timedelta(0) <= now - manifest.moment <= PLANNED_WITHIN:
        raise Refused(
            "The backup was not made within the last 24 hours: who knows what was sent since. Take "
            f"another one with the workers stopped. {otherwise}"
        )


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
def _settled(manifest: Manifest, *, planned: bool) -> Restored:
    """What follows from time having passed since the backup, with an entry of the access log."""
    ContentType.objects.clear_cache()
    now = timezone.now()
    to_send = unsettled = 0
    unsent = Run.objects.filter(state__in=[RunState.QUEUED, RunState.SUBMITTING]).defer(*LEFT)
    for run in unsent.order_by("created_at", "pk"):
        if planned and run.state == RunState.QUEUED:
            run.note(
                at=now, kind="restored",
                text=f"Moved here with the backup of {_said(manifest.moment)}; sent by itself.",
            )  # fmt: skip
            # SQLite was loaded with nothing due; elsewhere a back-off of before says nothing here.
            Run.objects.filter(pk=run.pk).update(due_at=now)
            to_send += 1
        else:
            _to_a_person(run, made_at=manifest.moment, now=now)
            unsettled += 1
    audit.record_command(
        command="restore",
        deed=Deed.ADMINISTERED,
        what=f"Restored the backup of {_said(manifest.moment)}",
        data={
            "release": manifest.version, "planned": planned,
            "runs_to_settle": unsettled, "runs_to_send": to_send,
        },
    )  # fmt: skip
    return Restored(manifest=manifest, unsettled=unsettled, to_send=to_send)


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _to_a_person(run: Run, *, made_at: datetime, now: datetime) -> None:
    if run.state == RunState.QUEUED:
        run.move(
            RunState.SUBMITTING,
            at=now,
            kind="restored",
            text=f"Restored from the backup of {_said(made_at)}, when it waited to be sent.",
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

"""Taking a backup, while the app goes on."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import connection
from django.utils import timezone

from quotes import VERSION
from quotes.models import Deed
from quotes.models.sealing import keyring
from quotes.services import audit
from quotes.services.backups.archive import ATTACHMENTS, Manifest, of_file, writing
from quotes.services.backups.tables import applied_migrations, write_rows
from quotes.services.beats import any_fresh


def take_backup(out: IO[bytes]) -> Manifest:
    """Write everything that is kept to `out`: the rows of one moment and their attachments.

    The access log has an entry of it first, so that the backup holds its own. Attachments whose
    file is gone, or was deleted while the backup was made, stand in the manifest's `absent`.
    """
    audit.record_command(command="backup", deed=Deed.EXPORTED, what="Backup of everything")
    manifest = Manifest(
        made_at=timezone.now().isoformat(),
        version=VERSION,
        engine=connection.vendor,
        migrations=applied_migrations(),
        data_keys=[key.id for key in keyring().keys],
        served=any_fresh(timezone.now()),
    )
    folder = Path(settings.ATTACHMENTS_DIR)
    with writing(out, manifest) as backup:
        for path, _ in write_rows(backup):
            try:
                backup.add(f"{ATTACHMENTS}{path}", of_file(folder / path))
            except FileNotFoundError:
                manifest.absent.append(path)
        manifest.served = manifest.served or any_fresh(timezone.now())
    return manifest

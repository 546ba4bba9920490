"""Attachment files that no row knows: left by a crash between a purge's rows and its files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings

from quotes.models import Attachment

SETTLED = timedelta(days=1)
"""A file is written before its row is: younger ones may be on their way."""
NAME = re.compile(r"[0-9a-f]{32}")


def stray_files(now: datetime) -> Iterator[Path]:
    """Files of ours in the attachments' folder without a row; what we did not name is let be."""
    root = Path(settings.ATTACHMENTS_DIR)
    for folder in sorted(root.glob("[0-9a-f][0-9a-f]")):
        found = [path for path in folder.iterdir() if path.is_file() and _ours(path)]
        named = [UUID(path.name) for path in found]
        known = set(Attachment.objects.filter(pk__in=named).values_list("pk", flat=True))
        for path in sorted(found):
            written = datetime.fromtimestamp(path.stat().st_mtime, tz=now.tzinfo)
            if UUID(path.name) not in known and written < now - SETTLED:
                yield path


def _ours(path: Path) -> bool:
    return bool(NAME.fullmatch(path.name)) and path.name.startswith(path.parent.name)

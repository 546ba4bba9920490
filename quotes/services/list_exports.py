"""The access log of an exported list: that it was asked for, whose runs left, and how it ended.

The entry is there before the first run leaves, and an insured is noted before any run of it does:
where that cannot be written, nothing more leaves. A file that was broken off has thus no run whose
insured the log does not name.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone

from quotes.models import AuditEvent, Deed, ExportPart, RunFact, User
from quotes.services.audit import MOST_AT_ONCE, NotLogged, record

log = structlog.get_logger(__name__)


def begin_export(*, actor: User, what: str, data: dict[str, Any]) -> AuditEvent:
    """Write that a list was asked for as a file. Raises NotLogged."""
    try:
        with transaction.atomic():
            return record(actor=actor, deed=Deed.EXPORTED, what=what, data=data)
    except DatabaseError as error:
        _not_written(error)
        raise NotLogged from error


def noting(
    event: AuditEvent, pieces: Generator[list[RunFact], None, None]
) -> Generator[list[RunFact], None, None]:
    """The pieces as they come, each handed on once its insureds are noted; at the end how many
    runs those were, and whether all were taken. Closed with it. Raises NotLogged.

    It holds the id of each insured it has noted, and no run.
    """
    noted: set[UUID] = set()
    runs, complete = 0, False
    try:
        with closing(pieces):
            for facts in pieces:
                fresh = {fact.insured_id for fact in facts} - noted
                _note(event, fresh)
                noted |= fresh
                runs += len(facts)
                yield facts
        complete = True
    finally:
        _end(event, runs, complete=complete)


def _note(event: AuditEvent, insureds: set[UUID]) -> None:
    now = timezone.now()
    rows = [ExportPart(event=event, at=now, insured_ref=pk) for pk in sorted(insureds)]
    try:
        with transaction.atomic():
            ExportPart.objects.bulk_create(rows, batch_size=MOST_AT_ONCE)
    except DatabaseError as error:
        _not_written(error, event)
        raise NotLogged from error


def _end(event: AuditEvent, runs: int, *, complete: bool) -> None:
    """An end that cannot be written is left out: the log then says that runs may have left."""
    try:
        with transaction.atomic():
            ExportPart.objects.create(event=event, at=timezone.now(), rows=runs, complete=complete)
    except DatabaseError as error:
        _not_written(error, event)


def _not_written(error: DatabaseError, event: AuditEvent | None = None) -> None:
    log.error(
        "access_log_not_written", deed=Deed.EXPORTED, entry=event.pk if event else None,
        problem=type(error).__name__,
    )  # fmt: skip

"""The access log: who saw, changed, exported or decided what, written as it happens."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet, Value
from django.utils import timezone

from quotes.models import AuditEvent, Run, User
from quotes.models.prepared import prepared

ONE_LOOK = timedelta(minutes=15)
"""Looking again within this time is still the same look: a page that refreshes itself every few
seconds, or a broker going back and forth, is one entry and not thousands."""

MOST_WHAT = 300
MOST_AT_ONCE = 1000


class NotLogged(Exception):
    """An export whose entry could not be written; it must not leave."""


def record(
    *,
    actor: User | AnonymousUser | None,
    deed: str,
    what: str,
    insured_ref: UUID | None = None,
    run_ref: UUID | None = None,
    data: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> AuditEvent:
    """Write one entry. Call it inside the transaction of what it tells of, where there is one.

    `actor` is None for what the app or a command did by itself; `deed` is one of `Deed`; `what`
    says it in words and names no household. A run's insured is looked up where it is not given.
    Raises the database's error: the caller decides whether the deed may stand without its entry.
    """
    if insured_ref is None and run_ref is not None:
        insured_ref = _insured_of(run_ref)
    return AuditEvent.objects.create(
        at=at or timezone.now(),
        actor=actor if isinstance(actor, User) else None,
        deed=deed,
        what=what[:MOST_WHAT],
        insured_ref=insured_ref,
        run_ref=run_ref,
        data=data or {},
    )


def record_each(
    *,
    actor: User | AnonymousUser | None,
    deed: str,
    what: str,
    insureds: Mapping[UUID, dict[str, Any]],
    at: datetime | None = None,
) -> None:
    """As `record`, one entry an insured in few queries; `insureds` holds each one's `data`."""
    at = at or timezone.now()
    by = actor if isinstance(actor, User) else None
    rows = [
        AuditEvent(at=at, actor=by, deed=deed, what=what[:MOST_WHAT], insured_ref=pk, data=data)
        for pk, data in insureds.items()
    ]
    AuditEvent.objects.bulk_create(rows, batch_size=MOST_AT_ONCE)


def record_once(
    *,
    actor: User,
    deed: str,
    what: str,
    insured_ref: UUID | None = None,
    run_ref: UUID | None = None,
    data: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> AuditEvent | None:
    """As `record`, unless the person has an entry of the same within `ONE_LOOK`: None then.

    The index `audit_lately` answers that: actor, insured and time.
    """
    now = at or timezone.now()
    if insured_ref is None and run_ref is not None:
        insured_ref = _insured_of(run_ref)
    if lately(actor, deed, what, insured_ref, run_ref, now):
        return None
    return record(
        actor=actor, deed=deed, what=what,
        insured_ref=insured_ref, run_ref=run_ref, data=data, at=now,
    )  # fmt: skip


def lately(
    actor: User,
    deed: str,
    what: str,
    insured_ref: UUID | None,
    run_ref: UUID | None,
    now: datetime,
) -> bool:
    """Whether the person has an entry of just this within `ONE_LOOK`."""
    since = now - ONE_LOOK
    return bool(_lately(actor.pk, insured_ref, run_ref, deed, what[:MOST_WHAT], since, now))


@prepared
def _lately(
    actor: int,
    insured_ref: UUID | None,
    run_ref: UUID | None,
    deed: str,
    what: str,
    since: datetime,
    until: datetime,
) -> QuerySet[AuditEvent, int]:
    rows = AuditEvent.objects.filter(actor=actor, insured_ref=insured_ref, run_ref=run_ref)
    lately = rows.filter(at__gt=since, at__lte=until, deed=deed, what=what)
    return lately.order_by().values_list(Value(1), flat=True)[:1]


def record_command(
    *,
    command: str,
    deed: str,
    what: str,
    insured_ref: UUID | None = None,
    run_ref: UUID | None = None,
    data: dict[str, Any] | None = None,
) -> AuditEvent:
    """As `record`, for a command of `manage.py`: no user did it, but an account of the system."""
    said = {"command": command, "account": system_account(), **(data or {})}
    return record(
        actor=None, deed=deed, what=what, insured_ref=insured_ref, run_ref=run_ref, data=said
    )


def system_account() -> str:
    """The name of the account that runs this process, not what its environment says it is."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _insured_of(run: UUID) -> UUID | None:
    return Run.objects.filter(pk=run).values_list("insured_id", flat=True).first()

"""Which runs a worker takes next: a lease in the row, claimed by compare-and-set.

Any number of workers on any number of hosts share the rows. A lease outlives the longest
exchange it covers; one that has lapsed means that its worker died, and the run is taken over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from quotes.models import NexioService, Run, RunState
from quotes.models.run import IN_FLIGHT, RunQuerySet
from quotes.services.leash import FileLock

log = structlog.get_logger(__name__)

HEAVY = ("request", "request_body", "response", "response_body")
LEASE = timedelta(seconds=60)
"""Twice the longest exchange (the POST's total deadline, 30 s)."""


def mark_of(key: str) -> str:
    """Sixteen characters that tell one key from another without saying it."""
    return hashlib.blake2b(key.encode(), digest_size=8, person=b"nexio-key").hexdigest()


def service_at(base_url: str, key: str) -> NexioService:
    """The row of the service at this address; a changed key lifts a hold the old one earned."""
    service, _ = NexioService.objects.get_or_create(base_url=base_url)
    mark = mark_of(key)
    if service.key_mark != mark:
        service.key_mark = mark
        service.key_refused_at = service.next_key_check_at = None
        service.environment = ""  # that of the other key
        service.save(
            update_fields=["key_mark", "key_refused_at", "next_key_check_at", "environment"]
        )
    return service


def claim_due(
    *,
    service: NexioService,
    lease: str,
    now: datetime,
    limit: int,
    only: UUID | None = None,
    serving: Collection[UUID] = (),
) -> list[Run]:
    """Lease up to `limit` due runs to the worker `lease` and return them as they now are.

    `serving` are those it is at already. Request and reply are not read: each may be megabytes.
    """
    free = Q(lease_owner="") | Q(lease_until__lte=now) | Q(lease_owner=lease)
    due = _open(service, now, only).filter(free, due_at__lte=now).exclude(pk__in=serving)
    if limit <= 0 or not due.exists():  # a look is cheaper than a transaction that may wait
        return []
    with transaction.atomic():
        rows = due.order_by("due_at")
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        ids = list(rows.values_list("pk", flat=True)[:limit])
        Run.objects.filter(free, pk__in=ids).update(lease_owner=lease, lease_until=now + LEASE)
        return list(Run.objects.filter(pk__in=ids, lease_owner=lease).defer(*HEAVY))


def next_due(service: NexioService, now: datetime, only: UUID | None = None) -> datetime | None:
    """When the next run of this service becomes due, of those nobody holds."""
    rows = _open(service, now, only).filter(lease_owner="", due_at__isnull=False)
    return rows.order_by("due_at").values_list("due_at", flat=True).first()


def release(*, lease: str) -> int:
    """Let go of every lease of a worker that stops; the runs are due for any other at once.

    A run that is being sent keeps its lease: whether the request left is for its lapse to say.
    """
    return (
        Run.objects.filter(lease_owner=lease)
        .exclude(state=RunState.SUBMITTING)
        .update(lease_owner="", lease_until=None)
    )


def lapse(*, lease: str, now: datetime) -> int:
    """End a dead worker's leases at once; its runs need not wait for them to run out."""
    held = Run.objects.filter(lease_owner=lease)
    sending = held.filter(state=RunState.SUBMITTING).update(lease_until=now, due_at=now)
    return sending + held.exclude(state=RunState.SUBMITTING).update(lease_until=now)


def take_back(lock: FileLock, *, now: datetime) -> None:
    """Lapse the leases of a watcher that died holding this lock, which the caller now holds.

    Whoever takes the lock must do this before writing a word of its own. The dead one's word
    is cleared only once its runs are free: if the database is away, the next holder finds it.
    """
    dead = lock.read()
    if dead:
        log.error("watcher_died", runs_taken_back=lapse(lease=dead, now=now))
        lock.write("")


def in_flight_at_configured_service() -> bool:
    """Whether any run of the service the settings name still has something to come."""
    return Run.objects.filter(service_url=settings.NEXIO_URL, state__in=IN_FLIGHT).exists()


def _open(service: NexioService, now: datetime, only: UUID | None) -> RunQuerySet:
    states: list[str] = [RunState.SUBMITTING]
    if not service.holds_submits(now):
        states.append(RunState.QUEUED)
    if not service.holds_polls(now):
        states.append(RunState.WAITING)
    rows = Run.objects.filter(service_url=service.base_url, state__in=states)
    return rows if only is None else rows.filter(pk=only)

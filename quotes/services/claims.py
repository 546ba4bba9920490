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
from django.db import transaction

from quotes.models import NexioService, Run, RunState, due_runs
from quotes.models.run import IN_FLIGHT
from quotes.services import pacing
from quotes.services.leash import FileLock

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
"""Twice the longest exchange (the POST's total deadline, 30 s)."""


def mark_of(key: str) -> str:
    """Sixteen characters that tell one key from another without saying it."""
    return hashlib.blake2b(key.encode(), digest_size=8, person=b"nexio-key").hexdigest()


def service_at(base_url: str, key: str) -> NexioService:
    """The row of the service at this address, for who begins with this key; a changed key lifts a
    hold the old one earned."""
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


def others_have_another(base_url: str, key: str) -> bool:
    """Whether who began last at this address did so with another key than this."""
    return (
        NexioService.objects.filter(base_url=base_url).exclude(key_mark__in=["", mark_of(key)])
    ).exists()


def read_again(service: NexioService, key: str) -> None:
    """The row as it is now, for a watcher that read it before: in the same object, which whoever
    sends or asks holds as well, so that what an answer says of the key is known to the next look.

    Where another has begun with another key since, as while a key is changed host by host, what the
    row says of a key is about that one. This watcher then goes by what its own key was told, and
    changes nothing of the other's: two that took turns would lift each other's holds for ever.
    """
    now = NexioService.objects.filter(base_url=service.base_url).first()
    mark = mark_of(key)
    if now is None or not now.key_mark or service.pk is None:
        now = service_at(service.base_url, key)
    elif now.key_mark != mark:
        now.key_mark, now.key_refused_at = mark, service.key_refused_at
        now.next_key_check_at = None
    vars(service).update(vars(now))


def claim_due(
    *,
    service: NexioService,
    lease: str,
    now: datetime,
    limit: int,
    sends: int | None = None,
    ahead: timedelta = timedelta(0),
    per_second: float = 0,
    only: UUID | None = None,
    serving: Collection[UUID] = (),
) -> list[Run]:
    """Lease due runs to the worker `lease` and return them as they now are.

    Up to `limit` that are due to be polled by `now` + `ahead`, and up to `sends` (else `limit`)
    that are due to be sent. Each returned run's `due_at` says when to begin: where no more than
    `per_second` submissions may begin, all workers' together, that is when its turn comes.
    `serving` are those it is at already. Request and reply are not read: each may be megabytes.
    """

    def due(state: RunState, by: datetime) -> due_runs.Due:
        return due_runs.Due(state.value, by, service.base_url, lease, now, serving, only)

    places = {due(RunState.SUBMITTING, now): limit}
    if not service.holds_polls(now):
        places[due(RunState.WAITING, now + ahead)] = limit
    to_send = due(RunState.QUEUED, now)
    if not service.holds_submits(now):
        places[to_send] = limit if sends is None else sends
    # A look is cheaper than a transaction that may wait.
    kinds = due_runs.which([each for each, most in places.items() if most > 0])
    if not kinds:
        return []
    taken: list[Run] = []
    with transaction.atomic():
        for each in kinds:
            if each is to_send and per_second:
                taken += _in_turn(each, places[each], service, now, per_second)
            else:
                taken += due_runs.lease(each, places[each], now + LEASE)
    return taken


def _in_turn(
    due: due_runs.Due, most: int, service: NexioService, now: datetime, per_second: float
) -> list[Run]:
    """Those whose turn comes before the next look, each `due_at` set to its turn."""
    turns = pacing.take_turns(service, now=now, most=most, per_second=per_second)
    runs = due_runs.lease(due, len(turns), now + LEASE)
    if len(runs) < len(turns):
        pacing.give_back(service, turns[len(runs)])
    for run, turn in zip(runs, turns, strict=False):
        run.due_at = turn
    return runs


def let_go(ids: Collection[UUID], *, lease: str) -> None:
    """Let go of runs that were claimed and not served: they are due as before."""
    Run.objects.filter(pk__in=ids, lease_owner=lease).update(lease_owner="", lease_until=None)


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

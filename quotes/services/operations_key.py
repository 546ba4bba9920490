"""Trying the Nexio key: one harmless request, asked for by a person."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from quotes.models import Deed, NexioService, User
from quotes.nexio import errors
from quotes.nexio.client import KeyCheck, NexioClient
from quotes.services import audit, outcomes
from quotes.services.claims import mark_of

AT_MOST_EVERY = timedelta(seconds=10)
DEADLINE = 8.0
"""Seconds for the whole exchange: a person waits for it, and so does a thread of the web."""


@dataclass(frozen=True)
class Trial:
    """What came of it in words; `level` is "success", "warning" or "error"."""

    level: str
    says: str
    latency_ms: int | None = None


def try_key(*, actor: User, now: datetime) -> Trial:
    """Ask Nexio for a run that cannot exist: 404 says that the key works, 401 that it does not.

    At most once in ten seconds for all administrators together. A key that was refused and works
    now lifts the hold, one that is refused puts it on; but not where the workers have another
    key, since their hold is about theirs. Whatever Nexio says of the key, it was heard from.
    """
    service, _ = NexioService.objects.get_or_create(base_url=settings.NEXIO_URL)
    free = Q(key_tested_at__isnull=True) | Q(key_tested_at__lte=now - AT_MOST_EVERY)
    if not NexioService.objects.filter(free, pk=service.pk).update(key_tested_at=now):
        return Trial("warning", "It was tested a moment ago. Try again in ten seconds.")
    trial, check = _asked()
    if check is not None and check.recognised:
        NexioService.objects.filter(pk=service.pk).update(last_contact_at=now)
    if check is not None and service.key_mark in {"", mark_of(settings.NEXIO_KEY)}:
        if check.ok and check.recognised and service.key_refused_at is not None:
            outcomes.key_works(service, now=now)
            trial = Trial(
                "success", f"{trial.says} The hold is lifted: runs go on.", trial.latency_ms
            )
        elif check.http_status == 401:
            outcomes.refuse_key(service, now=now)
    elif check is not None:
        says = f"{trial.says} But the workers have another key: restart them with this one."
        trial = Trial("warning", says, trial.latency_ms)
    audit.record(
        actor=actor,
        deed=Deed.ADMINISTERED,
        what="Operations: tested the connection to Nexio",
        data={"http_status": check.http_status if check else None, "level": trial.level},
        at=now,
    )
    return trial


def _asked() -> tuple[Trial, KeyCheck | None]:
    async def ask() -> KeyCheck:
        async with NexioClient(
            settings.NEXIO_URL,
            settings.NEXIO_KEY,
            connect_timeout=3.0,
            poll_deadline=DEADLINE,
            max_connections=1,
        ) as client:
            return await client.check_key()

    try:
        check = asyncio.run(ask())
    except errors.NexioError as error:
        return _failed(error), None
    return _answered(check), check


def _answered(check: KeyCheck) -> Trial:
    who = "The sandbox" if settings.NEXIO_IS_SANDBOX else "Nexio"
    where = f" Environment: {check.environment}." if check.environment else ""
    took = f"in {check.latency_ms:,} ms"
    if not check.ok:
        do = "Put a working NEXIO_API_KEY into the environment and restart."
        says = f"{who} refuses the key (HTTP {check.http_status}, {took}).{where} {do}"
        return Trial("error", says, check.latency_ms)
    if not check.recognised:
        says = (
            f"Something answered HTTP {check.http_status} {took}, but not as Nexio does. "
            "See that NEXIO_BASE_URL is right."
        )
        return Trial("warning", says, check.latency_ms)
    return Trial("success", f"{who} answered {took} and takes the key.{where}", check.latency_ms)


def _failed(error: errors.NexioError) -> Trial:
    """What to do of an answer that says nothing about the key."""
    if isinstance(error, errors.Throttled):
        asked = f"Nexio asks to wait {error.retry_after:.0f} s, so it says nothing of the key."
        return Trial("warning", f"{asked} Try again then.")
    if isinstance(error, errors.NotSent):
        do = "See that NEXIO_BASE_URL is right and that this machine may reach it."
    elif isinstance(error, errors.ServerFault):
        do = "The trouble is Nexio's: try again in a while."
    else:
        do = "Try again; where it stays, see that NEXIO_BASE_URL is right."
    return Trial("error", f"{error.message} {do}")

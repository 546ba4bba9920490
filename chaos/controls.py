"""What the app would be without each of its protections, to show that the checker sees it.

The processes under test are the app's own; where CHAOS_WITHOUT names a protection, this replaces
the function that is it as they start. Nothing of it is in the app.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.apps import AppConfig

WITHOUT = "CHAOS_WITHOUT"


class Controls(AppConfig):
    name = "chaos"

    def ready(self) -> None:
        # The queue says which of its processes is which at this level only.
        logging.getLogger("django-q").setLevel(logging.INFO)
        named = os.environ.get(WITHOUT, "")
        if named:
            PROTECTIONS[named]()


def _claim() -> None:
    """A worker takes whatever is due, whoever has it, and says nothing of it before it sends."""
    from quotes.models import Run, RunState
    from quotes.services import claims, outcomes

    def claim_due(*, service: Any, now: Any, serving: Any = (), **_: Any) -> list[Run]:
        due = Run.objects.filter(state=RunState.QUEUED, due_at__lte=now)
        return list(due.filter(service_url=service.base_url).exclude(pk__in=serving))

    def begin_submission(run: Run, *, now: Any, **_: Any) -> bytes:
        run.lease_until = now + claims.LEASE
        return bytes(run.request_body)

    claims.claim_due = claim_due
    outcomes.begin_submission = begin_submission


def _lease() -> None:
    """A claim never ends: neither by time nor when the watcher that made it has died."""
    from quotes.services import claims, outcomes

    for module in (claims, outcomes):
        vars(module)["LEASE"] = timedelta(days=10)
    claims.take_back = lambda lock, *, now: None


def _watchdog() -> None:
    """The worker does not look for signs of life."""
    from quotes.services import supervising

    supervising.Life.is_stale = lambda self: False  # type: ignore[method-assign]


def _net() -> None:
    """Work is found by hints in the queue alone: nobody asks for a watcher where none serves."""
    from quotes.services import supervising

    supervising.Supervisor._new_watcher = lambda self: None  # type: ignore[method-assign]


def _doubt() -> None:
    """A submission that its worker did not survive is taken for one that was never sent."""
    from quotes.models import Run, RunState
    from quotes.services import outcomes

    def sent_again(run: Run, *, now: Any) -> None:
        run.move(RunState.QUEUED, at=now, kind="not_sent", text="Sent again.", due_at=now)

    outcomes.lapsed_submission = sent_again


PROTECTIONS: dict[str, Callable[[], None]] = {
    "claim": _claim,
    "lease": _lease,
    "watchdog": _watchdog,
    "net": _net,
    "doubt": _doubt,
}

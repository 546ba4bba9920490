"""Puts right what a clock wrote that was ahead and has been set back since.

Whatever is to come is near: a poll or a retry within a minute, what Nexio asked to put off within
a quarter of an hour, the end of a claim within a minute. What stands further ahead would keep a
run waiting for as long as the clock was wrong.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db.models import Q

from quotes.models import NexioService, Run, RunState
from quotes.nexio.errors import MAX_RETRY_AFTER
from quotes.services.claims import LEASE
from quotes.services.outcomes import KEY_CHECK_EVERY

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=15)
"""How often a watcher looks for such times."""
STEP = timedelta(seconds=2)
"""A clock that shows less than it did before by more than this was set back."""
SLACK = timedelta(minutes=1)
"""By how much another host's clock may be ahead before what it writes is taken for wrong."""
PUT_OFF = timedelta(seconds=MAX_RETRY_AFTER)


class SetBack:
    """What one watcher knows of its clock, from look to look."""

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._next: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether to look for times that are too far ahead: every 15 seconds, and at once where
        the clock shows less than before."""
        return self._next is None or now >= self._next or self._was_set_back(now)

    def put_right(self, service: NexioService, *, now: datetime) -> None:
        """Make due what waits for a time too far ahead, and let holds and claims end in time.

        Where this watcher saw the clock being set back, a minute is too far already: what Nexio
        asked to put off is in the hold as well.
        """
        far = now + (LEASE if self._was_set_back(now) else PUT_OFF + SLACK)
        moved = _make_due(service, now, far) + _end_holds(service, now)
        if moved:
            log.warning("clock_was_ahead", rows=moved)
        self._last, self._next = now, now + EVERY

    def _was_set_back(self, now: datetime) -> bool:
        return self._last is not None and now < self._last - STEP


def _make_due(service: NexioService, now: datetime, far: datetime) -> int:
    until = now + LEASE
    runs = Run.objects.filter(service_url=service.base_url).in_flight()
    claimed = Q(lease_until__gt=until + SLACK)
    # Hardly ever is there any: one look at the runs under way tells.
    if not runs.filter(Q(due_at__gt=far) | claimed).exists():
        return 0
    idle, sending = runs.exclude(state=RunState.SUBMITTING), runs.filter(state=RunState.SUBMITTING)
    return (
        idle.filter(due_at__gt=far).update(due_at=now)
        + sending.filter(due_at__gt=until + SLACK).update(due_at=until)
        + runs.filter(claimed).update(lease_until=until)
    )


def _end_holds(service: NexioService, now: datetime) -> int:
    row = NexioService.objects.filter(pk=service.pk)
    most = {
        "polls_held_until": PUT_OFF,
        "submits_held_until": PUT_OFF,
        "next_key_check_at": KEY_CHECK_EVERY,
    }
    ahead = {name: getattr(service, name) for name in most}
    return sum(
        row.filter(**{name: ahead[name]}).update(**{name: now})
        for name, longest in most.items()
        if ahead[name] is not None and ahead[name] > now + longest + SLACK
    )

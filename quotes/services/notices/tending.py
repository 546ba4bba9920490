"""Chores, mostly for notices: done now and then by whichever worker comes first, or by cron."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import structlog
from django.db import connections
from django.utils import timezone

from quotes.models import Chore, Notice
from quotes.services.dashboard.keeping import keep_days, keep_months
from quotes.services.notices.mailing import send_due
from quotes.services.notices.sweeps import tell_of_expiring, tell_of_missed
from quotes.services.sessions import clear_expired

log = structlog.get_logger(__name__)

SWEEP_EVERY = timedelta(minutes=5)
CLEAR_EVERY = timedelta(hours=24)
SESSIONS_EVERY = timedelta(hours=1)
KEEP_EVERY = timedelta(minutes=1)
KEPT = timedelta(days=180)
LOOK_EVERY = 20.0


def tend(now: datetime) -> dict[str, int]:
    """Do what is due and say what was done: runs told of, mails sent, old notices and expired
    sessions cleared, months and days whose figures were kept for the dashboard."""
    done = {"expiring": 0, "cleared": 0, "sessions": 0, "months": 0, "days": 0}
    if take_turn("expiring", now, SWEEP_EVERY):
        tell_of_missed(now)
        done["expiring"] = tell_of_expiring(now)
    if take_turn("old_notices", now, CLEAR_EVERY):
        done["cleared"] = Notice.objects.filter(at__lt=now - KEPT).delete()[0]
    if take_turn("old_sessions", now, SESSIONS_EVERY):
        done["sessions"] = clear_expired(now)
    if take_turn("months", now, KEEP_EVERY):
        done["months"] = keep_months(now)
        done["days"] = keep_days(now)
    return done | {"mailed": send_due(now)}


def take_turn(name: str, now: datetime, every: timedelta) -> bool:
    """Whether the caller is to do the chore now: the first since it became due, on any host."""
    chore, _ = Chore.objects.get_or_create(name=name, defaults={"due_at": now})
    if chore.due_at > now:
        return False
    taken = Chore.objects.filter(name=name, due_at=chore.due_at).update(due_at=now + every)
    return bool(taken)


class Tender(threading.Thread):
    """Tends notices in a thread of its own: a slow mail server holds up nothing else.

    A daemon: a worker that ends does not wait for it. What it was at is done again by the next.
    """

    def __init__(self, every: float = LOOK_EVERY) -> None:
        super().__init__(name="notices", daemon=True)
        self.every = every
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                tend(timezone.now())
            except Exception:
                log.exception("notices_not_tended")
            finally:
                connections.close_all()
            self._stopped.wait(self.every)

    def stop(self) -> None:
        self._stopped.set()

"""Sweeps: prices that end soon while nothing is decided, and notices that were missed."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from quotes.models import Decision, Notice, NoticeKind, Run, RunFact, RunState
from quotes.models.run import NEEDS_PERSON
from quotes.services import expiry, run_people
from quotes.services.notices.telling import tell, tell_of_step

MISSED = timedelta(hours=24)
SETTLED = timedelta(minutes=2)
WITHIN = 3
"""Days before a price's last day from which it is told of; the third counts."""


def tell_of_expiring(now: datetime) -> int:
    """Tell the brokers of each undecided run one of whose packages' prices ends soon.

    Only of an insured's latest run that brought packages: an older one was superseded. Each run
    is told of once. Returns how many runs there were to tell of.
    """
    until = timezone.localdate(now) + timedelta(days=WITHIN + 1)
    later = RunFact.objects.filter(
        insured=OuterRef("insured"), state=RunState.COMPLETED, packages__gt=0,
        created_at__gt=OuterRef("created_at"),
    )  # fmt: skip
    told = Notice.objects.filter(run=OuterRef("run"), kind=NoticeKind.EXPIRING)
    due = RunFact.objects.filter(
        ~Exists(later),
        ~Exists(told),
        state=RunState.COMPLETED,
        decision=Decision.UNDECIDED,
        packages__gt=0,
        insured__owner__is_active=True,
        expires_at__gt=now,
        expires_at__lte=timezone.make_aware(datetime.combine(until, time.min)),
    ).order_by("expires_at")
    ends = dict(due.values_list("run", "expires_at"))
    rows = Run.objects.filter(pk__in=list(ends)).only("number", "insured")
    for run in list(rows):
        end = ends[run.pk]
        day = expiry.last_day(end) if end is not None else None
        tell(
            run=run,
            people=lambda run=run: run_people.brokers_of(run),  # type: ignore[misc]
            kind=NoticeKind.EXPIRING,
            key=f"expiring:{run.pk.hex}",
            text=f"Run {run.number} is undecided, and the first of its prices ends on "
            f"{day:%b} {day.day}." if day else "",
            now=now,
        )  # fmt: skip
    return len(ends)


def tell_of_missed(now: datetime) -> int:
    """Tell of runs of the last day that ended without a notice: a worker died in between, or the
    notice could not be written. Returns how many there were."""
    told = Notice.objects.filter(
        run=OuterRef("pk"), kind__in=[NoticeKind.FINISHED, NoticeKind.NEEDS_PERSON]
    )
    missed = Run.objects.filter(
        ~Exists(told),
        state__in=[RunState.COMPLETED, *NEEDS_PERSON],
        created_at__gte=now - MISSED,
        created_at__lte=now - SETTLED,
        insured__owner__is_active=True,
    )
    rows = list(missed.defer("request", "request_body", "response", "response_body"))
    for run in rows:
        tell_of_step(run, now=now)
    return len(rows)

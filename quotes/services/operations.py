"""How the place is doing, in one reading: workers, queue, runs, Nexio, database, disk.

The number of queries does not grow with the runs, and each is answered by an index. What cannot
be read (no database, tables not there yet, a role that may not look) is None, and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db.models import Count, Max, Min, Q

from quotes.models import NexioService, Run, RunEvent, RunState, User, WorkerBeat
from quotes.models.run import IN_FLIGHT, OVERDUE_AFTER
from quotes.nexio.address import key_environment
from quotes.services.beats import FRESH_FOR
from quotes.services.claims import mark_of
from quotes.services.operations_ground import (
    Database,
    Files,
    read_database,
    read_files,
    unapplied_migrations,
)
from quotes.services.queueing import Queue, read_queue
from quotes.services.sealing_state import Sealing, read_sealing

T = TypeVar("T")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATE_AFTER = timedelta(seconds=60)
"""A run that is due this long and that nobody holds is not being looked after."""
MOST_WORKERS = 20

TROUBLES: dict[str, tuple[str, str]] = {
    # kind of event: (what failed, what happened)
    "not_sent": ("Sending", "Nexio could not be reached; sent again by itself"),
    "rejected": ("Sending", "Nexio refused the request"),
    "submit_unknown": ("Sending", "The reply was lost"),
    "unreachable": ("Asking", "Nexio could not be reached; asked again by itself"),
    "bad_poll": ("Asking", "A reply that cannot be used"),
    "bad_response": ("Asking", "Ten such replies in a row"),
    "throttled": ("Sending or asking", "Nexio asked to wait"),
    "key_refused": ("Sending or asking", "Nexio refused the key"),
    "failed": ("At Nexio", "Nexio could not finish the run"),
}
HEARD = (
    "accepted",
    "poll",
    "completed",
    "failed",
    "rejected",
    "throttled",
    "bad_poll",
    "recovered",
)
"""Events that came of something Nexio said."""


@dataclass(frozen=True)
class Worker:
    """`state` is "serving", "silent" (stale without having stopped) or "stopped"."""

    host: str
    pid: int
    started_at: datetime
    beat_at: datetime
    in_hand: int
    version: str
    state: str


@dataclass(frozen=True)
class Backlog:
    """Runs under way. `late` are due for over a minute and in nobody's hands; `elsewhere` were
    sent to another address than the settings name."""

    queued: int
    submitting: int
    waiting: int
    overdue: int
    late: int
    elsewhere: int
    due_soon: int
    next_due_at: datetime | None
    oldest_queued_at: datetime | None
    oldest_waiting_at: datetime | None
    heard_at: datetime | None


@dataclass(frozen=True)
class StateCount:
    state: str
    label: str
    all: int
    day: int


@dataclass(frozen=True)
class Trouble:
    kind: str
    what: str
    says: str
    hour: int
    day: int


@dataclass(frozen=True)
class Traffic:
    """What went wrong lately, of how many requests sent."""

    sent_hour: int
    sent_day: int
    troubles: list[Trouble]
    heard_at: datetime | None

    @property
    def lost_hour(self) -> int:
        """Requests of the last hour that did not reach Nexio as they should."""
        kinds = {"not_sent", "rejected", "submit_unknown"}
        return sum(trouble.hour for trouble in self.troubles if trouble.kind in kinds)


@dataclass(frozen=True)
class Service:
    """What is known of Nexio at the configured address. `same_key` is False where the workers
    have another key than this process."""

    base_url: str
    sandbox: bool
    environment: str
    key_refused_at: datetime | None
    submits_held_until: datetime | None
    polls_held_until: datetime | None
    heard_at: datetime | None
    same_key: bool


@dataclass(frozen=True)
class Reading:
    """None for what could not be read."""

    at: datetime
    database: Database
    files: Files
    pending: list[str] | None = None
    workers: list[Worker] | None = None
    backlog: Backlog | None = None
    queue: Queue | None = None
    states: list[StateCount] | None = None
    traffic: Traffic | None = None
    service: Service | None = None
    demo_people: int | None = None
    sealing: Sealing | None = None

    @property
    def serving(self) -> list[Worker]:
        return [worker for worker in self.workers or [] if worker.state == "serving"]

    @property
    def heard_at(self) -> datetime | None:
        """When Nexio last said anything, as far as it was written down."""
        parts = (self.backlog, self.traffic, self.service)
        times = [part.heard_at for part in parts if part is not None and part.heard_at is not None]
        return max(times, default=None)


def read_operations(*, now: datetime) -> Reading:
    """Look at everything once. Never raises for a database that is away or unready."""
    database, files = read_database(), read_files()
    if not database.answers:
        return Reading(at=now, database=database, files=files)
    return Reading(
        at=now,
        database=database,
        files=files,
        pending=_tried(unapplied_migrations),
        workers=_tried(lambda: read_workers(now=now)),
        backlog=_tried(lambda: _backlog(now)),
        queue=_tried(read_queue),
        states=_tried(lambda: _states(now)),
        traffic=_tried(lambda: _traffic(now)),
        service=_tried(_service),
        demo_people=_tried(User.objects.filter(is_demo=True, is_active=True).count),
        sealing=_tried(read_sealing),
    )


def _tried(look: Callable[[], T]) -> T | None:
    try:
        return look()
    except DatabaseTrouble:
        return None


def read_workers(*, now: datetime) -> list[Worker]:
    """The workers of the last day: those that serve, then those gone silent, then the stopped."""
    rows = WorkerBeat.objects.filter(beat_at__gt=now - DAY).order_by("-beat_at")[:MOST_WORKERS]
    workers = [
        Worker(
            host=row.host,
            pid=row.pid,
            started_at=row.started_at,
            beat_at=row.beat_at,
            in_hand=row.in_hand,
            version=row.version,
            state=_state_of(row, now),
        )
        for row in rows
    ]
    order = {"serving": 0, "silent": 1, "stopped": 2}
    return sorted(workers, key=lambda worker: order[worker.state])


def _state_of(row: WorkerBeat, now: datetime) -> str:
    if row.stopped_at is not None:
        return "stopped"
    return "serving" if abs(now - row.beat_at) < FRESH_FOR else "silent"


def _backlog(now: datetime) -> Backlog:
    """All of it from the runs under way, which are few however many have ended."""
    queued, waiting = Q(state=RunState.QUEUED), Q(state=RunState.WAITING)
    free = Q(lease_owner="") | Q(lease_until__lte=now)
    here = Q(service_url=settings.NEXIO_URL)
    found: dict[str, Any] = Run.objects.filter(state__in=IN_FLIGHT).aggregate(
        queued=Count("pk", filter=queued),
        submitting=Count("pk", filter=Q(state=RunState.SUBMITTING)),
        waiting=Count("pk", filter=waiting),
        overdue=Count("pk", filter=waiting & Q(submitted_at__lt=now - OVERDUE_AFTER)),
        late=Count("pk", filter=here & free & Q(due_at__lt=now - LATE_AFTER)),
        elsewhere=Count("pk", filter=~here),
        due_soon=Count("pk", filter=waiting & here & Q(due_at__lt=now + LATE_AFTER)),
        next_due_at=Min("due_at", filter=waiting & here),
        oldest_queued_at=Min("created_at", filter=queued),
        oldest_waiting_at=Min("submitted_at", filter=waiting),
        heard_at=Max("last_polled_at", filter=waiting & Q(unreachable_polls=0)),
    )
    return Backlog(**found)


def _states(now: datetime) -> list[StateCount]:
    """Every state, in the order of a run's life; counted from the index of state and time."""
    counted = Run.objects.order_by().values("state")
    # By a column of the index: an id would have to be fetched from each row.
    today = Q(created_at__gte=now - DAY)
    rows = counted.annotate(all=Count("state"), day=Count("state", filter=today))
    found = {row["state"]: (int(row["all"]), int(row["day"])) for row in rows}
    return [
        StateCount(state, str(label), *found.get(state, (0, 0)))
        for state, label in RunState.choices
    ]


def _traffic(now: datetime) -> Traffic:
    kinds = {*TROUBLES, *HEARD, "submitting"}
    lately = RunEvent.objects.filter(at__gte=now - DAY, kind__in=kinds).order_by().values("kind")
    rows = lately.annotate(
        day=Count("kind"), hour=Count("kind", filter=Q(at__gte=now - HOUR)), last=Max("at")
    )
    found = {row["kind"]: (int(row["hour"]), int(row["day"]), row["last"]) for row in rows}
    none = (0, 0, None)
    sent_hour, sent_day, _ = found.get("submitting", none)
    heard: list[datetime] = [last for kind, (_, _, last) in found.items() if kind in HEARD]
    return Traffic(
        sent_hour=sent_hour,
        sent_day=sent_day,
        troubles=[
            Trouble(kind, what, says, *found.get(kind, none)[:2])
            for kind, (what, says) in TROUBLES.items()
        ],
        heard_at=max(heard) if heard else _heard_before(),
    )


def _heard_before() -> datetime | None:
    """Nothing in a day: the last that was heard at all, by walking back the index of times."""
    earlier = RunEvent.objects.filter(kind__in=HEARD).order_by("-at").values_list("at", flat=True)
    return earlier.first()


def _service() -> Service:
    known = NexioService.objects.filter(base_url=settings.NEXIO_URL).first()
    row = known or NexioService(base_url=settings.NEXIO_URL)
    return Service(
        base_url=row.base_url,
        sandbox=settings.NEXIO_IS_SANDBOX,
        environment=row.environment or key_environment(settings.NEXIO_KEY) or "",
        key_refused_at=row.key_refused_at,
        submits_held_until=row.submits_held_until,
        polls_held_until=row.polls_held_until,
        heard_at=row.last_contact_at,
        same_key=not row.key_mark or row.key_mark == mark_of(settings.NEXIO_KEY),
    )

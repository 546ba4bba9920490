"""Runs: one submission to Nexio and all that came of it, with its append-only timeline."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from copy import copy
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models, transaction
from django.db.models import Q

from quotes.models.append_only import AppendOnly
from quotes.models.fields import DocumentField
from quotes.models.insured import Insured
from quotes.models.lines import Appetite
from quotes.models.read_rows import ReadModel
from quotes.models.sealed_fields import (
    SealedBinaryField,
    SealedDocumentField,
    SealedTextField,
)

if TYPE_CHECKING:
    from quotes.models.user import User

OVERDUE_AFTER = timedelta(minutes=10)
"""Runs typically take 15 to 60 seconds; past this a waiting run is flagged, never failed."""


class RunState(models.TextChoices):
    QUEUED = "queued", "Queued"
    SUBMITTING = "submitting", "Sending"
    WAITING = "waiting", "Ranking"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    REJECTED = "rejected", "Rejected"
    SUBMIT_UNKNOWN = "submit_unknown", "Submission unknown"
    BAD_RESPONSE = "bad_response", "Unreadable replies"
    ABANDONED = "abandoned", "Abandoned"


class Decision(models.TextChoices):
    """How far the decision on a run's packages is; its history is in the decision events."""

    UNDECIDED = "undecided", "Undecided"
    CHOSEN = "chosen", "Chosen"
    SHOWN = "shown", "Shown"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    BOUND = "bound", "Bound"


STATE_WORDS: dict[str, str] = {value: str(label).lower() for value, label in RunState.choices}
DECISION_WORDS: dict[str, str] = {value: str(label).lower() for value, label in Decision.choices}
"""As `get_…_display` says them, which makes a dictionary of all for each that it is asked for."""
S = RunState
TRANSITIONS: dict[str, frozenset[str]] = {
    S.QUEUED: frozenset({S.SUBMITTING, S.ABANDONED}),
    S.SUBMITTING: frozenset({S.WAITING, S.QUEUED, S.REJECTED, S.SUBMIT_UNKNOWN}),
    S.WAITING: frozenset({S.COMPLETED, S.FAILED, S.BAD_RESPONSE, S.ABANDONED}),
    # A reply that was thought lost may still come, or a person knows the run_id.
    S.SUBMIT_UNKNOWN: frozenset({S.WAITING, S.ABANDONED}),
    S.BAD_RESPONSE: frozenset({S.WAITING, S.ABANDONED}),
    S.COMPLETED: frozenset(),
    S.FAILED: frozenset(),
    S.REJECTED: frozenset(),
    S.ABANDONED: frozenset(),
}
IN_FLIGHT: tuple[str, ...] = (S.QUEUED.value, S.SUBMITTING.value, S.WAITING.value)
NEEDS_PERSON: tuple[str, ...] = (
    S.REJECTED.value, S.SUBMIT_UNKNOWN.value, S.BAD_RESPONSE.value, S.FAILED.value,
)  # fmt: skip
ENDED: tuple[str, ...] = (
    S.COMPLETED.value, S.FAILED.value, S.REJECTED.value, S.ABANDONED.value,
)  # fmt: skip


class IllegalTransition(Exception):
    """The run's life has no such step; see `TRANSITIONS`."""


class RunMoved(Exception):
    """Another worker or a person changed the run first; nothing was written."""


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """A run is seen by whoever sees its insured."""
        return self.filter(insured__in=Insured.objects.visible_to(user))

    def actionable_by(self, user: User | AnonymousUser) -> Self:
        return self.filter(insured__in=Insured.objects.editable_by(user))

    def in_flight(self) -> Self:
        return self.filter(state__in=IN_FLIGHT)

    def overdue(self, now: datetime) -> Self:
        return self.filter(state=RunState.WAITING, submitted_at__lt=now - OVERDUE_AFTER)


class Run(ReadModel):
    """One submission. The row is the truth; queues and processes are only hints to look at it.

    `request_body` and `response_body` are the exact bytes; `request` and `response` the same,
    parsed. `due_at` is when a worker next has something to do for it, and the lease says which
    worker is doing it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    insured = models.ForeignKey(Insured, on_delete=models.PROTECT, related_name="runs")
    number = models.PositiveIntegerField(help_text="1 is the insured's first run.")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="runs_started",
    )
    resubmission_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="resubmissions"
    )
    state = models.CharField(max_length=20, choices=RunState.choices, default=RunState.QUEUED)
    coverage_types = DocumentField(default=list)
    appetite = models.CharField(max_length=30, blank=True, choices=Appetite.choices)

    service_url = models.CharField(max_length=300)
    sandbox = models.BooleanField(default=False)
    request = SealedDocumentField()
    request_body = SealedBinaryField()
    offering_lines = DocumentField(
        default=dict, help_text="Offering id → our quote line's id, as it was when sent."
    )

    nexio_run_id = models.CharField(max_length=200, blank=True)
    nexio_status = models.CharField(max_length=64, blank=True)
    stage = models.CharField(max_length=64, blank=True)
    environment = models.CharField(max_length=64, blank=True)
    response = SealedDocumentField(null=True, blank=True)
    response_body = SealedBinaryField(null=True, blank=True)
    diagnostic = SealedTextField(blank=True)
    degradation_reason = SealedTextField(blank=True)
    error = SealedTextField(blank=True)
    error_code = models.CharField(max_length=100, blank=True)
    error_details = SealedDocumentField(null=True, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)

    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True, help_text="As Nexio says it.")
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When we knew.")
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0, help_text="POSTs tried, sent or not.")
    polls = models.PositiveIntegerField(default=0)
    bad_polls = models.PositiveIntegerField(default=0, help_text="Unusable polls in a row.")
    unreachable_polls = models.PositiveIntegerField(
        default=0, help_text="Polls in a row that reached nobody; an outage ends no run."
    )
    last_polled_at = models.DateTimeField(null=True, blank=True)
    lease_owner = models.CharField(max_length=40, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    chosen = models.ForeignKey(
        "quotes.Solution", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decision = models.CharField(
        max_length=20, choices=Decision.choices, default=Decision.UNDECIDED, db_index=True
    )

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "id"]
        indexes = [
            models.Index(fields=["-created_at", "id"]),
            models.Index(fields=["state", "-created_at"]),
            # What is due of a state, in its order; runs that have ended are due never. By this
            # condition, since SQLite sees that a query with `due_at <= now` fulfils it.
            models.Index(
                name="run_due",
                fields=["state", "due_at"],
                condition=Q(due_at__isnull=False),
            ),
            # How long runs of this service took lately, for whoever waits for one.
            models.Index(
                name="run_answered",
                fields=["service_url", "-created_at", "id"],
                condition=Q(state=RunState.COMPLETED),
            ),
        ]
        constraints = [
            models.UniqueConstraint(name="run_number_per_insured", fields=["insured", "number"]),
            models.UniqueConstraint(
                name="run_id_once_per_service",
                fields=["service_url", "nexio_run_id"],
                condition=~Q(nexio_run_id=""),
            ),
            models.CheckConstraint(name="run_state_known", condition=Q(state__in=RunState.values)),
            models.CheckConstraint(
                name="run_polled_has_run_id",
                condition=~Q(state__in=["waiting", "completed", "failed", "bad_response"])
                | ~Q(nexio_run_id=""),
            ),
            models.CheckConstraint(
                name="run_unsent_has_no_run_id",
                condition=~Q(state__in=["queued", "submitting", "rejected", "submit_unknown"])
                | Q(nexio_run_id=""),
            ),
            models.CheckConstraint(
                name="run_answered_keeps_reply",
                condition=~Q(state__in=["completed", "failed"]) | Q(response_body__isnull=False),
            ),
            models.CheckConstraint(
                name="run_ended_has_time",
                condition=~Q(state__in=ENDED) | Q(finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="run_decision_known", condition=Q(decision__in=Decision.values)
            ),
            models.CheckConstraint(
                name="run_undecided_means_none_chosen",
                condition=Q(decision="undecided", chosen__isnull=True)
                | (~Q(decision="undecided") & Q(chosen__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"Run {self.number}"

    @property
    def in_flight(self) -> bool:
        return self.state in IN_FLIGHT

    @property
    def degraded(self) -> bool:
        return self.state == RunState.COMPLETED and self.nexio_status == "degraded"

    def is_overdue(self, now: datetime) -> bool:
        return (
            self.state == RunState.WAITING
            and self.submitted_at is not None
            and now - self.submitted_at > OVERDUE_AFTER
        )

    def move(
        self,
        to: str,
        *,
        at: datetime,
        kind: str,
        text: str,
        actor: User | None = None,
        data: dict[str, Any] | None = None,
        lease: str = "",
        **changes: Any,
    ) -> None:
        """Take one step of the run's life, write it on the timeline and in the run's facts: all
        of it or nothing. Ends that a poll brought are written together, by `services.answers`.

        The step is a compare-and-set on the state this object was read with, and on the lease
        where one is given. Raises IllegalTransition for a step the life does not have, and
        RunMoved when the row is no longer as it was read.
        """
        from quotes.models.run_fact import RunFact  # it is made of runs, and comes after them

        changes = self.step_to(to, at=at, **changes)
        row = Run.objects.filter(pk=self.pk, state=self.state)
        if lease:
            row = row.filter(lease_owner=lease)
        with transaction.atomic():
            if row.update(**changes) != 1:
                raise RunMoved(f"run {self.pk} was no longer {self.state}")
            RunEvent.of(self, at=at, kind=kind, text=text, actor=actor, data=data).save()
            RunFact.objects.stepped(self.with_values(changes))
        self.take(changes)

    def step_to(self, to: str, *, at: datetime, **changes: Any) -> dict[str, Any]:
        """What a step of the run's life writes in its row. Raises IllegalTransition for a step
        the life does not have."""
        if to not in TRANSITIONS[self.state]:
            raise IllegalTransition(f"{self.state} → {to}")
        changes = {"state": to, "lease_owner": "", "lease_until": None, **changes}
        if to in ENDED:
            changes.setdefault("finished_at", at)
            changes.setdefault("due_at", None)
        return changes

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """The run as it is once these are written."""
        after = copy(self)
        after.take(values)
        return after

    def take(self, values: Mapping[str, Any]) -> None:
        """Show what was written in the row."""
        for name, value in values.items():
            setattr(self, name, value)

    def note(
        self,
        *,
        at: datetime,
        kind: str,
        text: str,
        actor: User | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        """Write an event that changes no state."""
        RunEvent.of(self, at=at, kind=kind, text=text, actor=actor, data=data).save()


class RunEventQuerySet(models.QuerySet["RunEvent"]):
    def update(self, **kwargs: Any) -> int:
        raise AppendOnly("a run's events are never changed")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnly("a run's events are never deleted")


class RunEvent(ReadModel):
    """One thing that happened to a run: the timeline, the audit and the E&O file in one.

    Rows are only ever added. The database refuses updates by a trigger as well.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    text = SealedTextField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    data = SealedDocumentField(default=dict, blank=True)

    objects = RunEventQuerySet.as_manager()

    class Meta:
        ordering = ["at", "id"]
        indexes = [
            models.Index(fields=["run", "at"]),
            models.Index(name="event_time", fields=["at", "kind"]),
            # Every list asks which of its runs are what-ifs: few are, and each has many events.
            models.Index(name="event_what_if", fields=["run"], condition=models.Q(kind="what_if")),
        ]

    def __str__(self) -> str:
        return self.text

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None and not self._state.adding:
            raise AppendOnly("a run's events are never changed")
        self.text = self.text[:1000]
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnly("a run's events are never deleted")

    @classmethod
    def of(
        cls,
        run: Run,
        *,
        at: datetime,
        kind: str,
        text: str,
        actor: User | None = None,
        data: dict[str, Any] | None = None,
    ) -> Self:
        """An event of the run that is still to be inserted."""
        made = cls.unsaved(run_id=run.pk, at=at, kind=kind, text=text[:1000], data=data or {})
        if actor is not None:
            made.actor = actor
        return made

"""The decision on a run's packages, and the proposals shown on the way: added to, never changed."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from quotes.models.append_only import AppendOnlyModel, AppendOnlyQuerySet
from quotes.models.lines import LINES, Line
from quotes.models.run import Run
from quotes.models.sealed_fields import SealedBinaryField, SealedTextField
from quotes.models.sealing import MARK_CHARS, mark_of
from quotes.models.solution import Solution

if TYPE_CHECKING:
    from quotes.models.user import User


class DecisionKind(models.TextChoices):
    CHOSEN = "chosen", "Chosen"
    SHOWN = "shown", "Shown to the insured"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    BOUND = "bound", "Bound"
    OPTION_DECLINED = "option_declined", "Option declined"
    LIMITS_OFFERED = "higher_limits_offered", "Higher limits offered"
    LIMITS_REJECTED = "higher_limits_rejected", "Higher limits rejected"
    REOPENED = "reopened", "Reopened"


class How(models.TextChoices):
    """By what way something was shown or said."""

    IN_PERSON = "in_person", "In person"
    PHONE = "phone", "By phone"
    EMAIL = "email", "By e-mail"
    MAIL = "mail", "By mail"
    PORTAL = "portal", "Through a portal"


class ProposalQuerySet(AppendOnlyQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(run__in=Run.objects.visible_to(user))

    def actionable_by(self, user: User | AnonymousUser) -> Self:
        return self.filter(run__in=Run.objects.actionable_by(user))


class Proposal(AppendOnlyModel):
    """A proposal as it was made: the exact bytes of its PDF, and what went into it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="proposals")
    number = models.PositiveIntegerField(help_text="1 is the run's first proposal.")
    chosen = models.ForeignKey(
        Solution,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The package that was chosen when it was made.",
    )
    notes = SealedTextField(blank=True)
    pdf = SealedBinaryField()
    size = models.PositiveIntegerField(help_text="Bytes of the PDF.")
    sha256 = models.CharField(max_length=64)
    replaced = models.CharField(
        max_length=200, blank=True, help_text="Characters that no font of ours has, shown as □."
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField()

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering = ["made_at", "number"]
        constraints = [
            models.UniqueConstraint(name="proposal_number_per_run", fields=["run", "number"]),
        ]

    def __str__(self) -> str:
        return f"Proposal {self.number}"


class ProposalOption(AppendOnlyModel):
    """One package in a proposal, by the letter it has there."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="options")
    position = models.PositiveSmallIntegerField(help_text="0 is option A.")
    solution = models.ForeignKey(Solution, on_delete=models.PROTECT, related_name="+")

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        ordering = ["proposal", "position"]
        constraints = [
            models.UniqueConstraint(
                name="proposal_option_position_once", fields=["proposal", "position"]
            ),
            models.UniqueConstraint(
                name="proposal_option_solution_once", fields=["proposal", "solution"]
            ),
        ]

    def __str__(self) -> str:
        return f"Option {self.letter}"

    @property
    def letter(self) -> str:
        return "ABCDEFGH"[self.position]


class ProposalPage(AppendOnlyModel):
    """A page of a proposal as a picture, drawn when the PDF was: what the preview shows."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="pages")
    number = models.PositiveSmallIntegerField(help_text="From 1.")
    png = SealedBinaryField()

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        ordering = ["proposal", "number"]
        constraints = [
            models.UniqueConstraint(
                name="proposal_page_number_once", fields=["proposal", "number"]
            ),
        ]

    def __str__(self) -> str:
        return f"Page {self.number}"


class DecisionEventQuerySet(AppendOnlyQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(run__in=Run.objects.visible_to(user))


class DecisionEvent(AppendOnlyModel):
    """One step of a decision. `Run.chosen` and `Run.decision` follow from these rows.

    What E&O cover asks an agency to keep: what was shown to whom and when, options declined,
    higher limits offered and rejected, and why a package not ranked first was chosen.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="decision_events")
    solution = models.ForeignKey(
        Solution, on_delete=models.PROTECT, null=True, blank=True, related_name="decision_events"
    )
    proposal = models.ForeignKey(
        Proposal, on_delete=models.PROTECT, null=True, blank=True, related_name="decision_events"
    )
    kind = models.CharField(max_length=30, choices=DecisionKind.choices)
    line = models.CharField(max_length=10, blank=True, choices=Line.choices)
    reason = SealedTextField(blank=True)
    reason_mark = models.CharField(
        max_length=MARK_CHARS,
        blank=True,
        editable=False,
        db_default="",
        help_text="By what the same reason is counted and found, since it is sealed.",
    )
    how = models.CharField(max_length=20, blank=True, choices=How.choices)
    on = models.DateField(null=True, blank=True, help_text="The day it happened.")
    note = SealedTextField(blank=True)
    confirmed = models.CharField(
        max_length=1000, blank=True, help_text="What had expired when it was chosen all the same."
    )
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    objects = DecisionEventQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["run", "id"])]
        constraints = [
            models.CheckConstraint(
                name="decision_event_kind_known", condition=Q(kind__in=DecisionKind.values)
            ),
            models.CheckConstraint(
                name="decision_event_line_known", condition=Q(line="") | Q(line__in=LINES)
            ),
            models.CheckConstraint(
                name="decision_event_how_known", condition=Q(how="") | Q(how__in=How.values)
            ),
            models.CheckConstraint(
                name="decision_event_names_solution",
                condition=~Q(
                    kind__in=["chosen", "shown", "accepted", "declined", "bound", "option_declined"]
                )
                | Q(solution__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.reason_mark = mark_of(self.reason)
        super().save(*args, **kwargs)

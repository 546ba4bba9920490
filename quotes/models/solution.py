"""Solutions: the ranked packages Nexio returned, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property

from quotes.models.carrier import Carrier
from quotes.models.lines import LINE_NAMES
from quotes.models.quote import QuoteLine, carriers_own
from quotes.models.read_rows import ReadModel
from quotes.models.run import Run
from quotes.models.sealed_fields import SealedDocumentField

if TYPE_CHECKING:
    from quotes.models.user import User


class SolutionQuerySet(models.QuerySet["Solution"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.filter(run__in=Run.objects.visible_to(user))


class Solution(ReadModel):
    """One ranked package. Whatever Nexio did not state, or stated unreadably, is null."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="solutions")
    position = models.PositiveIntegerField(help_text="Its place in the reply, from 0.")
    rank = models.PositiveIntegerField(null=True, blank=True)
    cluster_label = models.CharField(max_length=200, blank=True)
    overall_level = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    provider_count = models.PositiveIntegerField(null=True, blank=True)
    est_cost_low = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    est_cost_high = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    scorecard = SealedDocumentField(default=dict)

    objects = SolutionQuerySet.as_manager()

    class Meta:
        # Nexio's rank and nothing else decides the order; an unranked one comes last.
        ordering = ["run", F("rank").asc(nulls_last=True), "position"]
        constraints = [
            models.UniqueConstraint(name="solution_position_once", fields=["run", "position"]),
        ]

    def __str__(self) -> str:
        return f"Rank {self.rank}" if self.rank is not None else "Unranked"

    @property
    def shown_label(self) -> str:
        return self.cluster_label.replace("_", " ")

    @property
    def is_range(self) -> bool:
        """Whether the cost is a range and not one figure."""
        return (
            self.est_cost_low is not None
            and self.est_cost_high is not None
            and self.est_cost_low != self.est_cost_high
        )

    @cached_property
    def returned(self) -> list[SolutionLine]:
        """Its lines as Nexio returned them, asked for once: a stored reply never changes, and a
        page of 200 packages reads each package's lines several times."""
        return list(self.lines.all())

    @property
    def carriers(self) -> list[str]:
        """The carriers of its lines, each once, in the lines' order."""
        return list(dict.fromkeys(line.shown_carrier for line in self.returned))


def shown_carrier(known: str | None, provider_name: str) -> str:
    """A returned line's carrier: as we know it, else as Nexio named it."""
    return known or provider_name or "Carrier not given"


class SolutionLine(ReadModel):
    """One carrier's line inside a solution."""

    MATCHED_BY = [
        ("id", "offering id"),
        ("premium", "carrier, line and premium"),
        ("", "not matched"),
    ]

    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    category = models.CharField(max_length=64, blank=True)
    carrier = models.ForeignKey(
        Carrier, on_delete=models.PROTECT, null=True, blank=True, related_name="solution_lines"
    )
    provider_name = models.CharField(max_length=200, blank=True)
    product_name = models.CharField(max_length=200, blank=True)
    quote_ref = models.CharField(max_length=200, blank=True)
    offering_id = models.CharField(max_length=200, blank=True)
    line_premium_annual = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True
    )
    quote_line = models.ForeignKey(
        QuoteLine, on_delete=models.SET_NULL, null=True, blank=True, related_name="solution_lines"
    )
    matched_by = models.CharField(max_length=10, blank=True, choices=MATCHED_BY)

    class Meta:
        ordering = ["solution", "position"]
        indexes = [models.Index(name="solution_line_quote_ref", fields=["quote_ref"])]
        constraints = [
            models.UniqueConstraint(
                name="solution_line_position_once", fields=["solution", "position"]
            ),
            models.CheckConstraint(
                name="solution_line_match_known",
                condition=Q(matched_by__in=["", "id", "premium"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shown_line} with {self.shown_carrier}"

    @property
    def shown_line(self) -> str:
        return LINE_NAMES.get(self.category, self.category)

    @property
    def carrier_ref(self) -> str:
        """The quote id to name to the carrier; empty where it is one of our making."""
        return carriers_own(self.quote_ref)

    @property
    def shown_carrier(self) -> str:
        carrier = self.carrier
        return shown_carrier(carrier.name if carrier else None, self.provider_name)

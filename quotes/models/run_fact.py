"""What lists and reports ask of a run, in narrow rows beside it.

A run's own row carries the request and the reply; reading a hundred thousand of those to count
them would read gigabytes. These rows hold nothing that could not be worked out again from the
run, its packages and its decision: `services.run_facts` writes them, and can write all anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from quotes.models.carrier import Carrier
from quotes.models.insured import Insured
from quotes.models.run import Decision, Run, RunState

if TYPE_CHECKING:
    from quotes.models.user import User


class RunFactQuerySet(models.QuerySet["RunFact"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """As `Run.visible_to`, by the broker's column where that decides."""
        if isinstance(user, AnonymousUser) or not user.is_active:
            return self.none()
        if user.sees_all:
            return self
        return self.filter(insured__in=Insured.objects.visible_to(user))


class RunFact(models.Model):
    """One row a run. Seconds are whole or fractional seconds, money is US dollars a year."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="fact")
    insured = models.ForeignKey(Insured, on_delete=models.CASCADE, related_name="+")
    broker = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Whose insured it is now.",
    )
    created_at = models.DateTimeField()
    created_on = models.DateField(help_text="The day, in the office's time zone.")
    state = models.CharField(max_length=20, choices=RunState.choices)
    sandbox = models.BooleanField(default=False)
    degraded = models.BooleanField(default=False)
    lines = models.CharField(max_length=40, blank=True, help_text='"home,auto,umbrella".')
    failure = models.CharField(
        max_length=60, blank=True, help_text="Why it ended without packages."
    )
    waited = models.FloatField(null=True, help_text="Seconds from the 202 until Nexio had ended.")
    packages = models.PositiveIntegerField(default=0)
    top_label = models.CharField(max_length=200, blank=True)
    top_cost = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    expires_at = models.DateTimeField(
        null=True, help_text="When the first of its packages' quotes expires."
    )
    first_quote_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=20, choices=Decision.choices, default=Decision.UNDECIDED)
    decided_at = models.DateTimeField(null=True)
    to_decision = models.FloatField(
        null=True, help_text="Seconds from the first quote to the choice."
    )
    overridden = models.BooleanField(
        null=True, help_text="Whether the chosen is not the first rank."
    )
    chosen_rank = models.PositiveIntegerField(null=True)
    chosen_label = models.CharField(max_length=200, blank=True)
    chosen_cost = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    bound_at = models.DateTimeField(null=True)
    moved = models.DecimalField(
        max_digits=14,
        decimal_places=2,
        null=True,
        help_text="Premium bound with a carrier that is not the line's incumbent.",
    )

    objects = RunFactQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "run"]
        indexes = [
            models.Index(name="fact_latest", fields=["-created_at", "run"]),
            models.Index(name="fact_broker", fields=["broker", "-created_at", "run"]),
            models.Index(name="fact_state", fields=["state", "-created_at", "run"]),
            models.Index(name="fact_decision", fields=["decision", "-created_at", "run"]),
            models.Index(name="fact_day", fields=["created_on", "broker"]),
        ]

    def __str__(self) -> str:
        return f"Facts of {self.run_id}"


class CarrierPart(models.TextChoices):
    """What a carrier was in a run."""

    QUOTED = "quoted", "Quoted"
    TOP = "top", "In the first-ranked package"
    CHOSEN = "chosen", "In the chosen package"
    BOUND = "bound", "Bound"


class RunCarrier(models.Model):
    """A carrier's part in a run: one row a carrier and part."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="carriers_in")
    carrier = models.ForeignKey(Carrier, on_delete=models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=200)
    part = models.CharField(max_length=10, choices=CarrierPart.choices)
    created_on = models.DateField(help_text="The run's day, as in its fact.")

    class Meta:
        indexes = [
            models.Index(name="run_carrier_part", fields=["carrier", "part", "created_on"]),
            models.Index(name="run_carrier_day", fields=["created_on", "part"]),
        ]
        constraints = [
            models.UniqueConstraint(name="run_carrier_once", fields=["run", "part", "name"]),
            models.CheckConstraint(
                name="run_carrier_part_known", condition=Q(part__in=CarrierPart.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.get_part_display()}"

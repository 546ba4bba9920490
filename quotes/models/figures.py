"""What the dashboard counts of months that are over, kept so that years need not be counted anew.

Nothing here that could not be counted from the facts again: `services.dashboard.keeping` writes
it, and every change of a fact of such a month marks the month as changed (`months_changed`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db import models
from django.db.models import F
from django.utils import timezone


class KeptMonth(models.Model):
    """A month of the office's calendar, by its first day; `MonthFigures` holds its figures.

    They stand while `kept_version` is `version`, and `kept_zone` the office's time zone.
    """

    month = models.DateField(primary_key=True)
    version = models.PositiveIntegerField(default=0, help_text="Counts changes since it was over.")
    kept_version = models.PositiveIntegerField(null=True)
    kept_zone = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class MonthFigures(models.Model):
    """A month's figures of one broker's runs or of everybody's, ranked by Nexio or the sandbox."""

    EVERYBODY = -1
    NOBODY = 0

    month = models.ForeignKey(KeptMonth, on_delete=models.CASCADE, related_name="figures")
    of = models.BigIntegerField(
        help_text="A broker's id; 0 for runs that are nobody's, -1 for everybody's."
    )
    sandbox = models.BooleanField()
    data = models.TextField(help_text="JSON, as services.dashboard.figures writes it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="month_figures_once", fields=["month", "of", "sandbox"]),
        ]

    def __str__(self) -> str:
        return f"Figures of {self.month_id:%Y-%m}"


def months_changed(days: Iterable[date]) -> None:
    """Mark the months of these days as changed, where they are over; the month that goes on is
    never kept, so that what changes all day long touches no row that all would wait for.

    To be called in the transaction that changed a fact or a carrier's part of a run of these
    days, after the change: see `services.dashboard.keeping` for why that is enough.
    """
    this = timezone.localdate().replace(day=1)
    months = sorted({day.replace(day=1) for day in days if day < this})
    if not months:
        return
    if KeptMonth.objects.filter(pk__in=months).update(version=F("version") + 1) < len(months):
        # One that was never kept; another may make it meanwhile, and then both count up.
        KeptMonth.objects.bulk_create(
            [KeptMonth(month=month) for month in months], ignore_conflicts=True
        )
        KeptMonth.objects.filter(pk__in=months).update(version=F("version") + 1)

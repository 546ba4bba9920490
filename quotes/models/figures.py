"""What the dashboard counts of months and days that are over, kept so that years need not be
counted anew.

Nothing here that could not be counted from the facts again: `services.dashboard.keeping` writes
it, and every change of a fact of such a day marks the day and its month (`figures_changed`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TypeVar

from django.db import models
from django.db.models import F
from django.utils import timezone


class Kept(models.Model):
    """What figures are kept of. They stand while `kept_version` is `version`, and `kept_zone` the
    office's time zone."""

    version = models.PositiveIntegerField(default=0, help_text="Counts changes since it was over.")
    kept_version = models.PositiveIntegerField(null=True)
    kept_zone = models.CharField(max_length=64, blank=True)

    class Meta:
        abstract = True


K = TypeVar("K", bound=Kept)


class KeptDay(Kept):
    """A day of the office's calendar with its figures of everybody's runs, for where a period
    cuts a month: those that Nexio ranked and those of the sandbox."""

    day = models.DateField(primary_key=True)
    nexio = models.TextField(blank=True, help_text="JSON, as services.dashboard.figures writes it.")
    sandbox = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"


class KeptMonth(Kept):
    """A month of the office's calendar, by its first day; `MonthFigures` holds its figures."""

    month = models.DateField(primary_key=True)

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


def figures_changed(days: Iterable[date]) -> None:
    """Mark these days and their months as changed, where they are over. Today and the month that
    goes on are never kept, so that what changes all day long touches no row that all would wait
    for.

    To be called in the transaction that changed a fact or a carrier's part of a run of these
    days, after the change: see `services.dashboard.keeping` for why that is enough.
    """
    today = timezone.localdate()
    over = sorted({day for day in days if day < today})
    if not over:
        return
    this = today.replace(day=1)
    _mark(
        [
            KeptMonth(pk=month)
            for month in sorted({day.replace(day=1) for day in over})
            if month < this
        ]
    )
    _mark([KeptDay(pk=day) for day in over])


def _mark(kept: list[K]) -> None:
    if not kept:
        return
    model = type(kept[0])
    rows = model._default_manager.filter(pk__in=[each.pk for each in kept])
    if rows.update(version=F("version") + 1) < len(kept):
        # One that was never kept; another may make it meanwhile, and then both count up.
        model._default_manager.bulk_create(kept, ignore_conflicts=True)
        rows.update(version=F("version") + 1)

"""How many runs a list has, as far as anybody reads: in all, and of the groups that it counts for
whoever opens it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import IntegerField, QuerySet, Subquery, Value

from quotes.models import RunCarrier, RunFact, RunState, User
from quotes.models.failures import NO_PACKAGE
from quotes.models.prepared import prepared
from quotes.models.run import IN_FLIGHT, NEEDS_PERSON, OVERDUE_AFTER
from quotes.models.run_fact import RunFactQuerySet

MOST_COUNTED = 500
"""Counting goes no further: nobody pages through more, and a count reads all it counts."""
MOST_ON_A_CHIP = 99
CHIPS = ("under_way", "needs_person", "overdue", NO_PACKAGE)
"""Groups that the list counts for whoever opens it."""


@dataclass(frozen=True)
class Counted:
    """How many rows there are, or that there are more than were counted."""

    number: int
    more: bool

    @classmethod
    def of(cls, number: int, most: int) -> Counted:
        """Of rows that were counted up to one more than `most`."""
        return cls(min(number, most), number > most)

    @property
    def words(self) -> str:
        return f"more than {self.number:,}" if self.more else f"{self.number:,}"

    @property
    def short(self) -> str:
        return f"{self.number:,}+" if self.more else f"{self.number:,}"


def counted(rows: RunFactQuerySet) -> Counted:
    number = rows.order_by()[: MOST_COUNTED + 1].values("pk").count()
    return Counted.of(number, MOST_COUNTED)


def counted_parts(parts: QuerySet[RunCarrier]) -> Counted:
    """How many runs these parts of carriers are in: where nothing else narrows the list, an index
    of parts knows it, and no run need be looked at."""
    number = parts.order_by().values("run").distinct()[: MOST_COUNTED + 1].count()
    return Counted.of(number, MOST_COUNTED)


def in_group(rows: RunFactQuerySet, group: str, late: datetime) -> RunFactQuerySet:
    """Runs of one state, or of a group of states as a reviewer thinks of them. What was submitted
    before `late` is overdue (`late_at`)."""
    if group == "under_way":
        return rows.filter(state__in=IN_FLIGHT)
    if group == "needs_person":
        return rows.filter(state__in=NEEDS_PERSON)
    if group == "overdue":
        return rows.filter(state=RunState.WAITING, submitted_at__lt=late)
    if group == "degraded":
        return rows.filter(degraded=True)
    if group == "with_packages":
        return rows.filter(packages__gt=0)
    if group == NO_PACKAGE:
        return rows.filter(failure=NO_PACKAGE)
    return rows.filter(state=group)


def late_at(now: datetime) -> datetime:
    return now - OVERDUE_AFTER


class UpTo(Subquery):
    """How many rows a query finds that is cut off where counting ends."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"

    def __init__(self, rows: RunFactQuerySet, most: int) -> None:
        super().__init__(rows.order_by().values(one=Value(1))[: most + 1], IntegerField())


@dataclass(frozen=True)
class Counts:
    """How many runs a person sees: of each chip's group, and in all where the list is whole."""

    chips: Mapping[str, Counted]
    every: Counted | None


def counts(user: User, shared: Collection[UUID], now: datetime, *, every: bool) -> Counts:
    """One statement for all, each of them as far as it is shown."""
    found = _numbers(user, shared, late_at(now), every)
    # None where no row can be what is asked for; no row where the person is gone by now.
    numbers = [number or 0 for number in found[0]] if found else [0] * (len(CHIPS) + 1)
    chips = {
        group: Counted.of(number, MOST_ON_A_CHIP)
        for group, number in zip(CHIPS, numbers, strict=False)
    }
    return Counts(chips, Counted.of(numbers[-1], MOST_COUNTED) if every else None)


@prepared
def _numbers(
    user: User, shared: Collection[UUID], late: datetime, every: bool
) -> QuerySet[User, Any]:
    # Broker by broker: what is under way or went wrong is few of an office's, and an index has
    # each broker's by their state.
    people = User.objects.filter(office__in=user.offices_seen).order_by().values("pk")
    rows = RunFact.objects.counted_for(user, people, shared)
    columns = {group: UpTo(in_group(rows, group, late), MOST_ON_A_CHIP) for group in CHIPS}
    if every:
        columns["every"] = UpTo(RunFact.objects.visible_to(user, shared), MOST_COUNTED)
    # A statement needs a table: this one's row is there while its person asks.
    return User.objects.filter(pk=user.pk).values_list(*columns.values())

"""Which months and days of a dashboard are kept, and their figures: of everybody, or broker by
broker."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import F, Q, QuerySet

from quotes.models import KeptDay, KeptMonth, MonthFigures
from quotes.models.prepared import prepared
from quotes.services.dashboard.figures import Figures
from quotes.services.dashboard.period import Period
from quotes.services.dashboard.scope import Scope

MOST_SUMS = 32
"""That a process holds in memory; of 100,000 runs a year, half a megabyte each."""
MOST_GAPS = 8
"""With days that stand here and there the rest would be asked for in as many pieces: then all of
them are counted as they stand."""
Periods = tuple[Period, ...]


class Standing(NamedTuple):
    """A month by its first day, or a day, whose kept figures stand; and how often it had been
    changed when they were kept."""

    first: date
    version: int


def standing_months(scope: Scope) -> tuple[Standing, ...]:
    """The months of the period whose kept figures stand; none where they cannot be told apart."""
    months = scope.period.months()
    if not months or _reads_shared(scope):
        return ()
    return tuple(Standing(*row) for row in _months(months, settings.TIME_ZONE))


@prepared
def _months(months: Collection[date], zone: str) -> QuerySet[KeptMonth, Any]:
    kept = KeptMonth.objects.filter(pk__in=months, kept_version=F("version"), kept_zone=zone)
    return kept.order_by("month").values_list("month", "version")


def standing_days(scope: Scope, months: Periods) -> tuple[Standing, ...]:
    """The further days of everybody's period whose kept figures stand."""
    gaps = scope.period.without(months)
    if not scope.is_everybodys or not gaps:
        return ()
    first, last = [gap.since for gap in gaps], [gap.until for gap in gaps]
    days = tuple(Standing(*row) for row in _days(first, last, settings.TIME_ZONE))
    found = [Period(each.first, each.first) for each in days]
    return days if len(scope.period.without((*months, *found))) <= MOST_GAPS else ()


@prepared
def _days(first: Collection[date], last: Collection[date], zone: str) -> QuerySet[KeptDay, Any]:
    within = Q()
    for gap in zip(first, last, strict=True):
        within |= Q(day__range=gap)
    kept = KeptDay.objects.filter(within, kept_version=F("version"), kept_zone=zone)
    return kept.order_by("day").values_list("day", "version")


def add_kept(
    found: Figures, scope: Scope, months: tuple[Standing, ...], days: tuple[Standing, ...]
) -> None:
    """Add the kept figures of these months and days: the latest month as a sum of its own, whose
    runs are still decided on, so that those before it need not be summed anew each time."""
    by_day = not scope.period.is_coarse
    sandbox = scope.service == "sandbox" if scope.service else None
    whose = tuple(_whose(scope)) if months or days else ()
    for some in (months[:-1], months[-1:]):
        if some:
            found.add_sum(_sum(some, (), settings.TIME_ZONE, whose, sandbox, by_day))
    if days:
        found.add_sum(_sum((), days, settings.TIME_ZONE, whose, sandbox, by_day))


@lru_cache(MOST_SUMS)
def _sum(
    months: tuple[Standing, ...],
    days: tuple[Standing, ...],
    zone: str,
    whose: tuple[int, ...],
    sandbox: bool | None,
    by_day: bool,
) -> Figures:
    """The sum of months and days that are over, settled; not to be changed.

    It is the same until one of them is changed, which counts its version up: so what one process
    has summed it need not read again, and all who oversee an office look at the same year.
    """
    found = Figures()
    if months:
        found.add_kept(_figures([each.first for each in months], whose, sandbox), by_day)
    if days:
        found.add_kept(
            (day.replace(day=1), data)
            for day, *documents in _documents([each.first for each in days], sandbox)
            for data in filter(None, documents)
        )
    found.settle()
    return found


forget_sums = _sum.cache_clear
"""For where versions begin anew, as between tests."""


@prepared
def _figures(
    months: Collection[date], whose: Collection[int], sandbox: bool | None
) -> QuerySet[MonthFigures, Any]:
    rows = MonthFigures.objects.filter(month__in=months, of__in=whose)
    if sandbox is not None:
        rows = rows.filter(sandbox=sandbox)
    return rows.values_list("month", "data")


@prepared
def _documents(days: Collection[date], sandbox: bool | None) -> QuerySet[KeptDay, Any]:
    columns = {True: ["sandbox"], False: ["nexio"], None: ["nexio", "sandbox"]}[sandbox]
    return KeptDay.objects.filter(pk__in=days).values_list("day", *columns)


def _reads_shared(scope: Scope) -> bool:
    """Whether the person also sees runs that no broker's figures hold apart: shared insureds'."""
    return bool(scope.whose.shared)


def _whose(scope: Scope) -> list[int]:
    """Whose figures make up the scope: as `RunFactQuerySet.visible_to` and the filters say."""
    if scope.is_everybodys:
        return [MonthFigures.EVERYBODY]
    user, whose = scope.user, scope.whose
    if not user.is_active:
        return []
    narrowed = []
    if not user.sees_all:
        narrowed.append({*whose.people, *([user.pk] if user.is_broker else [])})
    if whose.broker is not None:
        narrowed.append({whose.broker})
    if whose.of_office is not None:
        narrowed.append(set(whose.of_office))
    return sorted(set.intersection(*narrowed))

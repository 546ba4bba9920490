"""Which months and days of a dashboard are kept, and their figures: of everybody, or broker by
broker."""

from __future__ import annotations

from django.conf import settings
from django.db.models import F, Q

from quotes.models import InsuredShare, KeptDay, KeptMonth, MonthFigures, User
from quotes.services.dashboard.figures import Figures
from quotes.services.dashboard.period import Period
from quotes.services.dashboard.scope import Scope

COARSE = frozenset({"month", "quarter", "year"})
MOST_GAPS = 8
"""With days that stand here and there the rest would be asked for in as many pieces: then all of
them are counted as they stand."""
Periods = tuple[Period, ...]


def standing_months(scope: Scope) -> Periods:
    """The months of the period whose kept figures stand; none where they cannot be told apart."""
    months = scope.period.months()
    if not months or _reads_shared(scope.user):
        return ()
    standing = KeptMonth.objects.filter(
        pk__in=months, kept_version=F("version"), kept_zone=settings.TIME_ZONE
    )
    found = standing.order_by("month").values_list("month", flat=True)
    return tuple(Period.month_of(month) for month in found)


def standing_days(scope: Scope, months: Periods) -> Periods:
    """The further days of everybody's period whose kept figures stand."""
    gaps = scope.period.without(months)
    if not scope.is_everybodys or not gaps:
        return ()
    within = Q()
    for gap in gaps:
        within |= Q(day__range=(gap.since, gap.until))
    standing = KeptDay.objects.filter(
        within, kept_version=F("version"), kept_zone=settings.TIME_ZONE
    )
    days = standing.order_by("day").values_list("day", flat=True)
    found = tuple(Period(day, day) for day in days)
    return found if len(scope.period.without((*months, *found))) <= MOST_GAPS else ()


def add_months(found: Figures, scope: Scope, months: Periods) -> None:
    """Add the kept figures of these months, in one statement."""
    if not months:
        return
    firsts = [month.since for month in months]
    rows = MonthFigures.objects.filter(month__in=firsts, of__in=_whose(scope))
    if scope.service:
        rows = rows.filter(sandbox=scope.service == "sandbox")
    by_day = scope.period.unit not in COARSE
    found.add_kept(rows.values_list("month", "data"), by_day)


def add_days(found: Figures, scope: Scope, days: Periods) -> None:
    """Add the kept figures of these days, in one statement."""
    if not days:
        return
    columns = [scope.service] if scope.service else ["nexio", "sandbox"]
    rows = KeptDay.objects.filter(pk__in=[day.since for day in days])
    found.add_kept(
        (day.replace(day=1), data)
        for day, *documents in rows.values_list("day", *columns)
        for data in filter(None, documents)
    )


def _reads_shared(user: User) -> bool:
    """Whether the person also sees runs that no broker's figures hold apart: shared insureds'."""
    return user.is_broker and InsuredShare.objects.filter(user=user).exists()


def _whose(scope: Scope) -> list[int]:
    """Whose figures make up the scope: as `RunFactQuerySet.visible_to` and the filters say."""
    if scope.is_everybodys:
        return [MonthFigures.EVERYBODY]
    user, people = scope.user, User.objects.order_by()
    if not user.is_active:
        return []
    if not user.sees_all:
        seen = people.filter(office__in=user.offices_seen)
        people = seen | people.filter(pk=user.pk) if user.is_broker else seen
    if scope.broker is not None:
        people = people.filter(pk=scope.broker.pk)
    if scope.office is not None:
        people = people.filter(office=scope.office)
    return list(people.values_list("pk", flat=True))

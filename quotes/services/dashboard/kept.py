"""Which months of a dashboard are kept, and their figures: of everybody, or broker by broker."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db.models import F

from quotes.models import InsuredShare, KeptMonth, MonthFigures, User
from quotes.services.dashboard.figures import Figures
from quotes.services.dashboard.scope import Scope

COARSE = frozenset({"month", "quarter", "year"})


def standing_months(scope: Scope) -> tuple[date, ...]:
    """The months of the period whose kept figures stand; none where they cannot be told apart."""
    months = scope.period.months()
    if not months or _reads_shared(scope.user):
        return ()
    standing = KeptMonth.objects.filter(
        pk__in=months, kept_version=F("version"), kept_zone=settings.TIME_ZONE
    )
    return tuple(standing.order_by("month").values_list("month", flat=True))


def add_months(found: Figures, scope: Scope, months: tuple[date, ...]) -> None:
    """Add the kept figures of these months, in one statement."""
    if not months:
        return
    rows = MonthFigures.objects.filter(month__in=months, of__in=_whose(scope))
    if scope.service:
        rows = rows.filter(sandbox=scope.service == "sandbox")
    by_day = scope.period.unit not in COARSE
    for month, data in rows.values_list("month", "data"):
        found.add_kept(month, data, by_day)


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

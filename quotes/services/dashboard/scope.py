"""What a dashboard is about: whose runs, of which days, ranked by what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, reduce
from operator import or_
from urllib.parse import quote

from django.db.models import Q
from django.utils import timezone

from quotes.models import Office, RunFact, User
from quotes.models.run_fact import RunFactQuerySet, of_people_in
from quotes.services.dashboard.period import Period


@dataclass(frozen=True)
class Number:
    """A count of runs, and the codes by which the list of runs shows exactly these."""

    value: int
    codes: str

    def share(self, whole: Number) -> str:
        """ "63 %" of the whole, "" of nothing."""
        return f"{100 * self.value / whole.value:.0f} %" if whole.value else ""


def _any_of(conditions: Iterable[Q]) -> Q:
    """True where one of them is, and nowhere without any."""
    found = list(conditions)
    return reduce(or_, found) if found else Q(pk__in=[])


@dataclass(frozen=True)
class Scope:
    """`service` is "nexio" or "sandbox", "" for both; `now` is when one looks. `without` are
    parts of the period whose runs are not asked for."""

    user: User
    period: Period
    now: datetime
    broker: User | None = None
    office: Office | None = None
    service: str = ""
    without: tuple[Period, ...] = ()

    @property
    def today(self) -> date:
        return timezone.localdate(self.now)

    @cached_property
    def _seen(self) -> RunFactQuerySet:
        return RunFact.objects.counted_for(self.user)

    @cached_property
    def _of_office(self) -> Q:
        return of_people_in([self.office.pk]) if self.office else Q()

    def at_any_time(self) -> RunFactQuerySet:
        """The facts of the runs that the person sees and the dashboard is narrowed to."""
        rows = self._seen.order_by()
        if self.broker is not None:
            rows = rows.filter(broker=self.broker)
        if self.office is not None:
            rows = rows.filter(self._of_office)
        if self.service:
            rows = rows.filter(sandbox=self.service == "sandbox")
        return rows

    def rows(self) -> RunFactQuerySet:
        """Those of the period, by the same moments as the list's days."""
        return self._of_days(self.at_any_time())

    @property
    def is_everybodys(self) -> bool:
        """Whether nothing is left out of the period's runs but those of the other service."""
        return self.user.is_active and self.user.sees_all and not (self.broker or self.office)

    def rows_of_the_other_service(self) -> RunFactQuerySet:
        """What the service leaves out of an everybody's period."""
        return self._of_days(self._seen.order_by()).filter(sandbox=self.service != "sandbox")

    @cached_property
    def spans(self) -> list[Period]:
        """The days that are asked for, in pieces without gaps."""
        return self.period.without(self.without)

    def of_days(self) -> Q:
        """Rows of these days by `created_on`."""
        return _any_of(Q(created_on__range=(each.since, each.until)) for each in self.spans)

    def _of_days(self, rows: RunFactQuerySet) -> RunFactQuerySet:
        spans = (Q(created_at__gte=each.begins, created_at__lt=each.ends) for each in self.spans)
        return rows.filter(_any_of(spans))

    def kept_codes(self) -> dict[str, str]:
        """What the dashboard is narrowed to, without its days."""
        kept = {
            "broker": str(self.broker.pk) if self.broker else "",
            "office": str(self.office.pk) if self.office else "",
            "service": self.service,
        }
        return {name: value for name, value in kept.items() if value}

    def number(self, value: int, period: Period | None = None, **codes: str) -> Number:
        """A count of runs of the period, or of a piece of it, narrowed by more of the list's
        filters."""
        days = self.period if period is None else period
        return Number(value, self._codes(codes, days))

    def any_day(self, value: int, **codes: str) -> Number:
        """A count of runs of any day."""
        return Number(value, self._codes(codes))

    def _codes(self, codes: dict[str, str], days: Period | None = None) -> str:
        """The list's query string. What is stated anew, such as a broker, counts in place of the
        dashboard's own; a search that the list still has in mind is dropped (`all`)."""
        said = "".join(f"&{name}={quote(value)}" for name, value in {**self._kept, **codes}.items())
        if days is not None:
            said += f"&since={days.since.isoformat()}&until={days.until.isoformat()}"
        return f"all=1{said}"

    @cached_property
    def _kept(self) -> dict[str, str]:
        return self.kept_codes()

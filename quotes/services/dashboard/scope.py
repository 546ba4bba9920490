"""What a dashboard is about: whose runs, of which days, ranked by what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from django.utils import timezone

from quotes.models import Office, RunFact, User
from quotes.models.run_fact import RunFactQuerySet, in_offices
from quotes.services.dashboard.period import Period


@dataclass(frozen=True)
class Number:
    """A count of runs, and the codes by which the list of runs shows exactly these."""

    value: int
    codes: str

    def share(self, whole: Number) -> str:
        """ "63 %" of the whole, "" of nothing."""
        return f"{100 * self.value / whole.value:.0f} %" if whole.value else ""


@dataclass(frozen=True)
class Scope:
    """`service` is "nexio" or "sandbox", "" for both; `now` is when one looks."""

    user: User
    period: Period
    now: datetime
    broker: User | None = None
    office: Office | None = None
    service: str = ""

    @property
    def today(self) -> date:
        return timezone.localdate(self.now)

    def at_any_time(self) -> RunFactQuerySet:
        """The facts of the runs that the person sees and the dashboard is narrowed to."""
        rows = RunFact.objects.visible_to(self.user).order_by()
        if self.broker is not None:
            rows = rows.filter(broker=self.broker)
        if self.office is not None:
            rows = rows.filter(in_offices([self.office.pk]))
        if self.service:
            rows = rows.filter(sandbox=self.service == "sandbox")
        return rows

    def rows(self) -> RunFactQuerySet:
        """Those of the period, by the same moments as the list's days."""
        period = self.period
        return self.at_any_time().filter(created_at__gte=period.begins, created_at__lt=period.ends)

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
        since, until = days.since.isoformat(), days.until.isoformat()
        return self.any_day(value, since=since, until=until, **codes)

    def any_day(self, value: int, **codes: str) -> Number:
        """A count of runs of any day. The link drops a search that the list still has in mind."""
        return Number(value, urlencode({"all": "1", **self.kept_codes(), **codes}))

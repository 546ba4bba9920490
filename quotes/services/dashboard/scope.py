"""What a dashboard is about: whose runs, of which days, ranked by what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, reduce
from operator import or_
from typing import NamedTuple
from urllib.parse import quote
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from quotes.models import Office, RunFact, User
from quotes.models.run_fact import RunFactQuerySet, people_in, shared_with
from quotes.services.dashboard.period import Period


class Number(NamedTuple):
    """A count of runs, and the codes by which the list of runs shows exactly these: a query string
    of names, ids, days and codes, in which nothing but its "&" means anything to HTML."""

    value: int
    codes: str

    def share(self, whole: Number) -> str:
        """ "63 %" of the whole, "" of nothing."""
        return f"{100 * self.value / whole.value:.0f} %" if whole.value else ""


class Whose(NamedTuple):
    """Who looks, who works in their offices and what is shared with them; a broker, the people of
    an office and whether of the sandbox, where the dashboard is narrowed to these."""

    user: User
    people: Collection[int]
    shared: Collection[UUID]
    broker: int | None
    of_office: Collection[int] | None
    sandbox: bool | None


def at_any_time(
    user: User,
    people: Collection[int],
    shared: Collection[UUID],
    broker: int | None,
    of_office: Collection[int] | None,
    sandbox: bool | None,
) -> RunFactQuerySet:
    """The facts of the runs that the person sees and the dashboard is narrowed to."""
    rows = RunFact.objects.counted_for(user, people, shared).order_by()
    if broker is not None:
        rows = rows.filter(broker=broker)
    if of_office is not None:
        rows = rows.filter(broker__in=of_office)
    return rows if sandbox is None else rows.filter(sandbox=sandbox)


def begun(
    rows: RunFactQuerySet, begins: Collection[datetime], ends: Collection[datetime]
) -> RunFactQuerySet:
    """Those of the rows that lie in the pieces of a period, by the same moments as the list's
    days."""
    return rows.filter(
        any_of(Q(created_at__gte=a, created_at__lt=b) for a, b in zip(begins, ends, strict=True))
    )


def any_of(conditions: Iterable[Q]) -> Q:
    """True where one of them is, and nowhere without any."""
    found = list(conditions)
    return reduce(or_, found) if found else Q(pk__in=[])


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

    @cached_property
    def whose(self) -> Whose:
        """What `at_any_time` is to be told of the dashboard."""
        return Whose(
            self.user,
            [] if self.user.sees_all else people_in(self.user.offices_seen),
            [] if self.user.sees_all else shared_with(self.user),
            None if self.broker is None else self.broker.pk,
            None if self.office is None else people_in([self.office.pk]),
            self.service == "sandbox" if self.service else None,
        )

    @property
    def is_everybodys(self) -> bool:
        """Whether nothing is left out of the period's runs but those of the other service."""
        return self.user.is_active and self.user.sees_all and not (self.broker or self.office)

    @cached_property
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
        return Number(value, self.codes(self.period if period is None else period, **codes))

    def any_day(self, value: int, **codes: str) -> Number:
        """A count of runs of any day."""
        return Number(value, self.codes(None, **codes))

    def codes(self, days: Period | None, **codes: str) -> str:
        """The list's query string. What is stated anew, such as a broker, counts in place of the
        dashboard's own; a search that the list still has in mind is dropped (`all`).

        More may be put after it with `and_codes`, but nothing that it states already.
        """
        anew = codes.keys() & self.kept_codes.keys()
        return self._said(days, frozenset(anew)) + and_codes(codes)

    def _said(self, days: Period | None, anew: frozenset[str]) -> str:
        """What all numbers of the same days say, but for what some state anew; made once."""
        made = self._made.get((days, anew))
        if made is None:
            kept = {name: code for name, code in self.kept_codes.items() if name not in anew}
            made = f"all=1{and_codes(kept)}"
            if days is not None:
                made += f"&since={days.since.isoformat()}&until={days.until.isoformat()}"
            self._made[(days, anew)] = made
        return made

    @cached_property
    def _made(self) -> dict[tuple[Period | None, frozenset[str]], str]:
        return {}


def and_codes(codes: Mapping[str, str]) -> str:
    """ "&state=ranked": more of a query string, after what is there."""
    return "".join(f"&{name}={quote(value, safe='')}" for name, value in codes.items())

"""Figures counted from the facts as they stand: of the days that nothing kept answers for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import (
    Case,
    Count,
    Exists,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from quotes.models import CarrierPart, DecisionEvent, DecisionKind, MonthFigures, RunCarrier
from quotes.models.prepared import prepared
from quotes.models.run_fact import RunFactQuerySet
from quotes.services.dashboard.counts import counting, counts_of
from quotes.services.dashboard.figures import Figures, Parts, Said
from quotes.services.dashboard.period import Period
from quotes.services.dashboard.scope import Scope, any_of, at_any_time, begun

BROKER = Coalesce("broker", Value(MonthFigures.NOBODY))
"""As an expression, as the reasons below: see `counting`."""


class _Spans(NamedTuple):
    """Pieces of a period as the statements name them."""

    days: tuple[list[date], list[date]]
    """The first of each, and the last."""
    moments: tuple[list[datetime], list[datetime]]
    """Where each begins, and where it ends."""


def count(scope: Scope, pieces: Sequence[Period]) -> Figures:
    """The figures of the scope's runs in these pieces of its period, in a number of statements
    that does not grow."""
    found = Figures()
    if not pieces:
        return found
    spans = _Spans(
        ([each.since for each in pieces], [each.until for each in pieces]),
        ([each.begins for each in pieces], [each.ends for each in pieces]),
    )
    asked = (*scope.whose, *spans.moments)
    if scope.period.is_coarse:
        months = [month.since for each in pieces for month in each.in_months()]
        for month, pk, counts in counts_of(_by_month_and_broker(months, *asked)):
            found.day(months[month]).add(counts)
            found.broker(pk).counts.add(counts)
    else:
        found.days = dict(counts_of(_by_day(*asked)))
        for pk, counts in counts_of(_by_broker(*asked)):
            found.broker(pk).counts = counts
    for pk, waited, timed, code in _each_run(*asked):
        if code:
            found.failures[code] += 1
        if waited is not None:
            found.waited.new.append(waited)
        if timed is not None:
            found.timed.new.append(timed)
            found.broker(pk).timed.new.append(timed)
    for mark, *of in _reasons(*asked):
        found.say(mark, Said(*of))
    found.carriers = _known_parts(scope, spans)
    if strange := Counter(dict(_strange_parts(*spans.days, *asked))):
        found.carriers[None] = strange
    return found


# What follows is told whose runs are asked for and in which pieces of a period: `Scope.whose` and
# `_Spans.moments`, and before them `_Spans.days` where these are asked for as well.


def _rows(*asked: Any) -> RunFactQuerySet:
    *whose, begins, ends = asked
    return begun(at_any_time(*whose), begins, ends)


@prepared
def _by_month_and_broker(months: Collection[date], *asked: Any) -> QuerySet[Any, Any]:
    """Both at once, where a day counts for its month: of a year as many rows as by its days. The
    months are named by their place in `months`, their first days."""
    latest_first = [
        When(created_on__gte=first, then=Value(place)) for place, first in enumerate(months)
    ][::-1]
    return counting(_rows(*asked), Case(*latest_first, default=Value(0)), BROKER)


@prepared
def _by_day(*asked: Any) -> QuerySet[Any, Any]:
    return counting(_rows(*asked), "created_on")


@prepared
def _by_broker(*asked: Any) -> QuerySet[Any, Any]:
    return counting(_rows(*asked), BROKER)


@prepared
def _each_run(*asked: Any) -> QuerySet[Any, Any]:
    """Times are needed one by one; what else there is to count of a run costs no statement then."""
    return _rows(*asked).annotate(of=BROKER).values_list("of", "waited", "to_decision", "failure")


@prepared
def _reasons(*asked: Any) -> QuerySet[Any, Any]:
    choices = DecisionEvent.objects.filter(run=OuterRef("pk"), kind=DecisionKind.CHOSEN)
    last = Subquery(choices.order_by("-id").values("pk")[:1])
    rows = _rows(*asked).filter(overridden=True).annotate(step=last)
    steps = DecisionEvent.objects.filter(pk__in=rows.values("step")).order_by()
    said = steps.values("reason_mark").annotate(runs=Count("pk"), latest=Max("at"), by=Max("pk"))
    marks: QuerySet[Any, Any] = said.values_list("reason_mark", "runs", "latest", "by")
    return marks


def _known_parts(scope: Scope, spans: _Spans) -> Parts:
    """A known carrier stands once in a run and part, by its one name."""
    if not scope.is_everybodys:
        return _parts_of(_parts_in(*scope.whose, *spans.moments))
    # Nearly every run of these days is meant: all of them are counted in an index, and those of
    # the other service taken away, which are few or none.
    counts = _parts_of(_all_parts(*spans.days))
    if scope.service:
        *whose, sandbox = scope.whose
        others = _parts_in(*whose, not sandbox, *spans.moments)
        for carrier, of in _parts_of(others).items():
            counts[carrier].subtract(of)
    return counts


def _parts_of(rows: Iterable[Any]) -> Parts:
    counts: Parts = {}
    for carrier, part, runs in rows:
        counts.setdefault(carrier, Counter())[part] = runs
    return counts


@prepared
def _all_parts(since: Collection[date], until: Collection[date]) -> QuerySet[Any, Any]:
    return _counted(_of_days(since, until).filter(carrier__isnull=False))


@prepared
def _parts_in(*asked: Any) -> QuerySet[Any, Any]:
    # By the runs alone: an index has the parts of each.
    known = RunCarrier.objects.filter(carrier__isnull=False)
    return _counted(known.filter(run__in=_rows(*asked).values("pk")))


def _counted(rows: QuerySet[RunCarrier]) -> QuerySet[Any, Any]:
    found = rows.values("carrier", "part").annotate(runs=Count("run"))
    return found.values_list("carrier", "part", "runs")


@prepared
def _strange_parts(
    since: Collection[date], until: Collection[date], *asked: Any
) -> QuerySet[Any, Any]:
    """Part → runs with a name in it that no carrier goes by; there may be several in one."""
    # The parts are all there are: said so that the index on carrier, part and day answers.
    rows = _of_days(since, until).filter(carrier__isnull=True, part__in=CarrierPart.values)
    rows = rows.filter(Exists(_rows(*asked).filter(pk=OuterRef("run"))))
    return (
        rows.values("part").annotate(Count("run", distinct=True)).values_list("part", "run__count")
    )


def _of_days(since: Collection[date], until: Collection[date]) -> QuerySet[RunCarrier]:
    days = (Q(created_on__range=each) for each in zip(since, until, strict=True))
    return RunCarrier.objects.filter(any_of(days))

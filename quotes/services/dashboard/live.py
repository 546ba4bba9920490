"""Figures counted from the facts as they stand: of the days that nothing kept answers for."""

from __future__ import annotations

from collections import Counter

from django.db.models import Count, Exists, Max, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from quotes.models import CarrierPart, DecisionEvent, DecisionKind, MonthFigures, RunCarrier
from quotes.services.dashboard.counts import count_by
from quotes.services.dashboard.figures import Figures, Parts, Said
from quotes.services.dashboard.scope import Scope


def count(scope: Scope) -> Figures:
    """The figures of the scope's runs, in a number of statements that does not grow."""
    found = Figures()
    if not scope.spans:
        return found
    rows = scope.rows()
    found.days = dict(count_by(rows, "created_on"))
    # As expressions, here and below: see `count_by`.
    broker = Coalesce("broker", Value(MonthFigures.NOBODY))
    for pk, counts in count_by(rows, broker):
        found.broker(pk).counts = counts
    times = rows.annotate(of=broker).values_list("of", "waited", "to_decision")
    for pk, waited, timed in times:
        if waited is not None:
            found.waited.append(waited)
        if timed is not None:
            found.timed.append(timed)
            found.broker(pk).timed.append(timed)
    why = rows.values(why=Coalesce("failure", Value(""))).annotate(runs=Count("pk"))
    found.failures = Counter({code: runs for code, runs in why.values_list("why", "runs") if code})
    _add_reasons(scope, found)
    found.carriers = _known_parts(scope)
    if strange := _strange_parts(scope):
        found.carriers[None] = strange
    return found


def _add_reasons(scope: Scope, found: Figures) -> None:
    choices = DecisionEvent.objects.filter(run=OuterRef("pk"), kind=DecisionKind.CHOSEN)
    last = Subquery(choices.order_by("-id").values("pk")[:1])
    rows = scope.rows().filter(overridden=True).annotate(step=last)
    steps = DecisionEvent.objects.filter(pk__in=rows.values("step")).order_by()
    said = steps.values("reason_mark").annotate(runs=Count("pk"), latest=Max("at"), by=Max("pk"))
    for mark, *of in said.values_list("reason_mark", "runs", "latest", "by"):
        found.say(mark, Said(*of))


def _known_parts(scope: Scope) -> Parts:
    """A known carrier stands once in a run and part, by its one name."""
    known = _of_days(scope).filter(carrier__isnull=False)
    if not scope.is_everybodys:
        return _parts_of(known.filter(run__in=scope.rows().values("pk")))
    # Nearly every run of these days is meant: all of them are counted in an index, and those of
    # the other service taken away, which are few or none.
    counts = _parts_of(known)
    if scope.service:
        others = scope.rows_of_the_other_service().values("pk")
        for carrier, of in _parts_of(known.filter(run__in=others)).items():
            counts[carrier].subtract(of)
    return counts


def _parts_of(rows: QuerySet[RunCarrier]) -> Parts:
    counts: Parts = {}
    found = rows.values("carrier", "part").annotate(Count("pk"))
    for carrier, part, runs in found.values_list("carrier", "part", "pk__count"):
        counts.setdefault(carrier, Counter())[part] = runs
    return counts


def _strange_parts(scope: Scope) -> Counter[str]:
    """Part → runs with a name in it that no carrier goes by; there may be several in one."""
    # The parts are all there are: said so that the index on carrier, part and day answers.
    rows = _of_days(scope).filter(carrier__isnull=True, part__in=CarrierPart.values)
    rows = rows.filter(Exists(scope.rows().filter(pk=OuterRef("run"))))
    found = rows.values("part").annotate(Count("run", distinct=True))
    return Counter(dict(found.values_list("part", "run__count")))


def _of_days(scope: Scope) -> QuerySet[RunCarrier]:
    return RunCarrier.objects.filter(scope.of_days())

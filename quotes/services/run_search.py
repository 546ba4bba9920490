"""Finding runs by what a person remembers of them.

What fits is looked up first, in the narrow tables it stands in. Where it leads to few runs these
are named; where it leads to very many, each row of the list is asked instead while the list is
read along its order, and a page is soon full. Either way a page costs about the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from quotes.models import (
    Carrier,
    CarrierPart,
    Insured,
    QuoteLine,
    RunCarrier,
    RunFact,
    SolutionLine,
    User,
)
from quotes.models.carrier import carrier_key
from quotes.models.prepared import prepared
from quotes.models.run_fact import RunFactQuerySet

FEW = 400
MOST_NAMED = 2000
MOST_QUOTED = 400
"""Lines that one quote id stands at: an id is of one quote, but for what was typed or imported."""
MANY_PARTS = 3000
"""Up to so many parts of a carrier are read first, from an index that holds nothing else; of more
the list soon meets enough by itself."""
MANY_TO_SORT = 500
"""The same where one page is wanted, in order: so few rows are soon met, and the runs of all parts
would have to be read and sorted for them."""


@dataclass(frozen=True)
class Found:
    """What a search finds, as a condition on facts: one for a page, which is full soon, and one
    for counting. `parts` are the parts of carriers that are all it finds, None where there is
    more, or another way to it."""

    condition: Q
    counting: Q
    parts: QuerySet[RunCarrier] | None = None
    some: Q | None = None
    """Some of them, which are quickly counted and may be more than anybody counts."""


def search_runs(
    rows: RunFactQuerySet, text: str, user: User, shared: Collection[UUID]
) -> RunFactQuerySet:
    """Those of the rows that `find` finds."""
    return rows.filter(find(text, user, shared).condition)


def find(text: str, user: User, shared: Collection[UUID]) -> Found:
    """Runs of an insured by a part of the name, by a part of a carrier's name, by a quote id, by
    our own id of the run or Nexio's. Blank text finds all.

    A carrier is found where it was quoted or stands in the first-ranked or chosen package. `user`
    is who searches the runs that they see, `shared` which insureds are shared with them.
    """
    text = text.strip()
    if not text:
        return Found(Q(), Q())
    named = {*_of_quote_ids(text), *_of_run_ids(text)}
    carriers = _of_carriers(text)
    others = [*([in_parts(carriers)] if carriers else []), *_of_strangers(text, named)]
    insureds, counting = _of_insureds(text, _seen(user, shared), named, alone=not others)
    if carriers and len(others) == 1 and not (named or insureds):
        return Found(others[0], others[0], RunCarrier.objects.filter(carriers))
    # One condition alone is answered from its index; joined by OR no index would answer any.
    if named or not (others or insureds):
        others.append(Q(pk__in=named))
    page, count = (reduce(or_, [*way, *others]) for way in (insureds, counting))
    return Found(page, count, some=_some_of(text) if insureds != counting else None)


def _some_of(text: str) -> Q:
    """The runs of the first few insureds of a frequent name: the others' names need not be read."""
    people = Insured.objects.filter(applicant_name__icontains=text).order_by()
    return Q(insured__in=people.values("pk")[:FEW])


def _seen(user: User, shared: Collection[UUID]) -> QuerySet[Insured]:
    """Insureds among which a name is looked for: of a broker's few hundred fewer have it than of
    everybody's. Of an office's it takes longer to say which they are."""
    if user.sees_others:
        return Insured.objects.all()
    mine = Q(owner=user.pk)
    return Insured.objects.filter(mine | Q(pk__in=shared) if shared else mine)


def _few(ids: QuerySet[Any, Any], most: int) -> list[Any] | None:
    """The ids, None where they are too many to be named."""
    found = list(ids.order_by()[: most + 1])
    return found if len(found) <= most else None


def _of_insureds(
    text: str, seen: QuerySet[Insured], named: set[UUID], *, alone: bool
) -> tuple[list[Q], list[Q]]:
    """Says of which insureds the runs are, for a page and for counting; or adds their runs to
    `named`, where that holds some already or the insureds are not `alone` among conditions."""
    like = Q(applicant_name__icontains=text)
    insureds = _few(seen.filter(like).order_by().values_list("pk", flat=True), FEW)
    if insureds is None:
        people = Insured.objects.filter(like).order_by()
        each = Q(Exists(people.filter(pk=OuterRef("insured"))))
        return [each], [Q(insured__in=people.values("pk"))]
    if not insureds:
        return [], []
    of_these = Q(insured__in=insureds)
    if not alone or named:
        runs = _few(RunFact.objects.filter(of_these).values_list("pk", flat=True), MOST_NAMED)
        named.update(runs or [])
        if runs is not None:
            return [], []
    return [of_these], [of_these]


def _of_carriers(text: str) -> Q | None:
    """The parts of carriers by any name they go by; None where there are no such carriers."""
    key = carrier_key(text)
    if not key:
        return None
    alike = Q(name__icontains=text) | Q(aliases__key__contains=key)
    known = list(Carrier.objects.filter(alike).values_list("pk", flat=True).distinct())
    # All parts by name: else SQLite reads all rows of the carrier for each run it asks about.
    return Q(carrier__in=known, part__in=CarrierPart.values) if known else None


def _of_strangers(text: str, named: set[UUID]) -> Iterator[Q]:
    """Names that we know no carrier of."""
    if not carrier_key(text):
        return
    strange = Q(carrier__isnull=True, name__icontains=text)
    theirs = RunCarrier.objects.filter(strange).values_list("run", flat=True)
    runs = _few(theirs, MOST_NAMED)
    named.update(runs or [])
    if runs is None:
        yield Q(Exists(RunCarrier.objects.filter(strange, run=OuterRef("pk")).order_by()))


def in_parts(parts: Q, *, in_order: bool = False) -> Q:
    """Runs in which a carrier has one of these parts, as a condition on facts; `in_order` where
    the first few of an order are wanted."""
    many = MANY_TO_SORT if in_order else MANY_PARTS
    rows = RunCarrier.objects.filter(parts).order_by()
    if rows[: many + 1].values("pk").count() <= many:
        return Q(pk__in=rows.values("run"))
    return Q(Exists(rows.filter(run=OuterRef("pk"))))


def _of_quote_ids(text: str) -> Iterator[UUID]:
    """Quote ids are exact: the insured's quotes have it, or a package that came back."""
    if found := _quoted_as(text):
        theirs = RunFact.objects.filter(insured__in=found).order_by()
        yield from theirs.values_list("pk", flat=True)
    yield from _returned_as(text)


@prepared
def _quoted_as(text: str) -> QuerySet[QuoteLine, UUID]:
    lines = QuoteLine.objects.filter(quote_ref=text).order_by()
    return lines.values_list("quote__insured", flat=True)[:MOST_QUOTED]


@prepared
def _returned_as(text: str) -> QuerySet[SolutionLine, UUID]:
    lines = SolutionLine.objects.filter(quote_ref=text).order_by()
    return lines.values_list("solution__run", flat=True)[:MOST_QUOTED]


@prepared
def _known_to_nexio_as(text: str) -> QuerySet[RunFact, UUID]:
    return RunFact.objects.filter(nexio_run_id=text).order_by().values_list("pk", flat=True)


def _of_run_ids(text: str) -> Iterator[UUID]:
    yield from _known_to_nexio_as(text)
    try:
        yield UUID(text)
    except ValueError:
        return

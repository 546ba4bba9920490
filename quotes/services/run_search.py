"""Finding runs by what a person remembers of them.

What fits is looked up first, in the narrow tables it stands in. Where it leads to few runs these
are named; where it leads to very many, each row of the list is asked instead while the list is
read along its order, and a page is soon full. Either way a page costs about the same.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from quotes.models import Carrier, Insured, QuoteLine, RunCarrier, SolutionLine
from quotes.models.carrier import carrier_key
from quotes.models.run_fact import RunFactQuerySet

FEW = 400
MANY_PARTS = 3000
"""Up to so many parts of a carrier are read first, from an index that holds nothing else; of more
the list soon meets enough by itself."""


def search_runs(rows: RunFactQuerySet, text: str) -> RunFactQuerySet:
    """Runs of an insured by a part of the name, by a part of a carrier's name, by a quote id, by
    our own id of the run or Nexio's. Blank text finds all.

    A carrier is found where it was quoted or stands in the first-ranked or chosen package.
    """
    text = text.strip()
    if not text:
        return rows
    found = _of_insureds(text) | _of_carriers(text) | _of_quote_ids(text) | Q(nexio_run_id=text)
    if (own := _as_id(text)) is not None:
        found |= Q(pk=own)
    return rows.filter(found)


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _few(ids: QuerySet[Any, Any]) -> list[Any] | None:
    """The ids, None where they are too many to be named."""
    found = list(ids.order_by()[: FEW + 1])
    return found if len(found) <= FEW else None


def _of_insureds(text: str) -> Q:
    named = Insured.objects.filter(applicant_name__icontains=text)
    ids = _few(named.values_list("pk", flat=True))
    if ids is not None:
        return Q(insured__in=ids)
    return Q(Exists(named.filter(pk=OuterRef("insured"))))


def _of_carriers(text: str) -> Q:
    """Carriers by any name they go by, and names we know no carrier of."""
    key = carrier_key(text)
    if not key:
        return Q(pk__in=[])
    alike = Q(name__icontains=text) | Q(aliases__key__contains=key)
    known = list(Carrier.objects.filter(alike).values_list("pk", flat=True).distinct())
    strange = Q(carrier__isnull=True, name__icontains=text)
    return in_parts(Q(carrier__in=known) | strange if known else strange)


def in_parts(parts: Q) -> Q:
    """Runs in which a carrier has one of these parts, as a condition on facts."""
    rows = RunCarrier.objects.filter(parts).order_by()
    if len(rows.values_list("pk")[: MANY_PARTS + 1]) <= MANY_PARTS:
        return Q(pk__in=rows.values("run"))
    return Q(Exists(rows.filter(run=OuterRef("pk"))))


def carrier_in(carrier: Carrier, parts: Collection[str]) -> Q:
    """Runs in which this carrier has one of these parts, as a condition on facts."""
    return in_parts(Q(carrier=carrier, part__in=parts))


def _of_quote_ids(text: str) -> Q:
    """Quote ids are exact: the insured's quotes have it, or a package that came back."""
    insureds = QuoteLine.objects.filter(quote_ref=text).values_list("quote__insured", flat=True)
    packages = SolutionLine.objects.filter(quote_ref=text).values_list("solution__run", flat=True)
    return Q(insured__in=list(insureds.order_by()[:FEW])) | Q(
        pk__in=list(packages.order_by()[:FEW])
    )

"""Finding runs by what a person remembers of them."""

from __future__ import annotations

import contextlib
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from quotes.models import Quote, QuoteLine, SolutionLine
from quotes.models.run import RunQuerySet


def search_runs(rows: RunQuerySet, text: str) -> RunQuerySet:
    """Runs of an insured by name, by a carrier or quote id of its quotes or packages, by
    Nexio's run_id or by our own id. Blank text finds all."""
    text = text.strip()
    if not text:
        return rows
    of_insured = {"insured": OuterRef("insured")}
    packages = SolutionLine.objects.filter(
        Q(provider_name__icontains=text) | Q(carrier__name__icontains=text) | Q(quote_ref=text),
        solution__run=OuterRef("pk"),
    )
    found = (
        Q(insured__applicant_name__icontains=text)
        | Q(nexio_run_id__istartswith=text)
        | Exists(Quote.objects.filter(carrier_name__icontains=text, **of_insured))
        | Exists(QuoteLine.objects.filter(quote_ref=text, quote__insured=OuterRef("insured")))
        | Exists(packages)
    )
    with contextlib.suppress(ValueError):
        return rows.filter(found | Q(pk=UUID(text)))
    return rows.filter(found)

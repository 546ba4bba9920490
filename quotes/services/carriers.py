"""Carriers that turned out to be one and the same."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from quotes.models import Carrier, CarrierAlias, IncumbentPolicy, Quote, SolutionLine
from quotes.services.run_facts import carrier_became


@transaction.atomic
def merge_carriers(*, into: Carrier, others: Iterable[Carrier]) -> int:
    """Make `into` stand for `others` too, everywhere, and remove them; the number removed.

    Their names become aliases of `into`, so a later import finds it by any of them. What
    quotes, policies and replies call the carrier stays as written: only the link moves.
    """
    keys = {carrier.pk for carrier in others} - {into.pk}
    gone = Carrier.objects.select_for_update().filter(pk__in=keys)
    found = sorted(gone.values_list("pk", flat=True))
    for carrier in gone:
        carrier_became(into, carrier)
    for model in (Quote, IncumbentPolicy, SolutionLine, CarrierAlias):
        model._default_manager.filter(carrier__in=found).update(carrier=into)
    Carrier.objects.filter(pk__in=found).delete()
    return len(found)

"""Households and quotes to be looked over before a comparison, made a row at a time."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from quotes.models import LINES, Carrier, Driver, Insured, Quote, Vehicle
from quotes.services.documents import midnight
from quotes.services.readiness import Readiness, check_readiness

TODAY = dt.date(2027, 3, 10)
NOON = midnight(TODAY) + dt.timedelta(hours=12)


def make_household(
    *,
    state: str = "CA",
    zip_code: str = "92648",
    drivers: tuple[int | None, ...] = (20,),
    garaged: tuple[str, ...] = ("92648",),
    incumbents: tuple[str, ...] = LINES,
    owner: Any = None,
) -> Insured:
    """A household that nothing is to be said of. `drivers` are years licensed, `garaged` ZIPs."""
    insured = Insured.objects.create(
        applicant_name="Ada Fiction", state=state, zip_code=zip_code, owner=owner
    )
    for position, years in enumerate(drivers):
        Driver.objects.create(
            insured=insured,
            position=position,
            name=f"Driver {'ABCDE'[position]}",
            years_licensed=years,
        )
    for position, code in enumerate(garaged):
        Vehicle.objects.create(
            insured=insured,
            position=position,
            make="Fable",
            model="ABCDE"[position],
            garaging_zip=code,
        )
    for line in incumbents:
        insured.incumbents.create(line=line, carrier_name="Old Mutual", annual_premium=1000)
    return insured


def add_quote(
    insured: Insured,
    carrier: str,
    *,
    days: int | None = 30,
    package: str | None = None,
    term: int | None = 12,
    refs: dict[str, str] | None = None,
    **premiums: Any,
) -> Quote:
    """A quote whose last day is `days` from `TODAY`; a line of None is quoted without premium."""
    ends = None if days is None else midnight(TODAY + dt.timedelta(days=days + 1))
    quote = Quote.objects.create(
        insured=insured,
        position=insured.quotes.count(),
        carrier=Carrier.objects.named(carrier),
        carrier_name=carrier,
        package_premium_annual=None if package is None else Decimal(package),
        term_months=term,
        expires_at=ends,
    )
    for line, premium in premiums.items():
        quote.lines.create(
            line=line,
            premium_annual=None if premium is None else Decimal(premium),
            quote_ref=(refs or {}).get(line, ""),
        )
    return quote


def looked_over(insured: Insured, *lines: str, **more: Any) -> Readiness:
    """What is found for these lines (all three by default), at noon of `TODAY`."""
    stored = Insured.objects.prefetch_related("drivers", "vehicles", "incumbents").get(
        pk=insured.pk
    )
    quotes = list(stored.quotes.prefetch_related("lines"))
    return check_readiness(
        insured=stored, quotes=quotes, coverage_types=lines or LINES, now=NOON, **more
    )

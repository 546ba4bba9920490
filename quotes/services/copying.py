"""A quote's shape for another carrier or another year: what was asked for, without its price."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from quotes.models import Carrier, Insured, Quote, QuoteLine, User
from quotes.services import details
from quotes.services.origins import How, Origin, mark, typed

PRICED = frozenset(
    {"effective_date", "term", "fees", "paid_in_full", "standalone", "status"}
)  # fmt: skip
"""Details that belong to one price: another carrier states its own."""
KEPT = ("term_months", "broker")
SAME_PRESS = timedelta(seconds=10)
"""Within this the same copy is the same press of the button; later it is meant."""


@transaction.atomic
def copy_quote(*, quote: Quote, carrier_name: str, user: User) -> Quote:
    """A quote of `carrier_name` for the same insured that asks for what `quote` covers.

    Lines with their limits and deductibles and the term are copied; no premium, id, product or
    date is. A second press within `SAME_PRESS` gets the quote that the first one made.
    """
    insured = Insured.objects.select_for_update(of=("self",)).get(pk=quote.insured_id)
    carrier = Carrier.objects.named(carrier_name)
    lately = insured.quotes.filter(
        carrier=carrier, package_id="", created_at__gt=timezone.now() - SAME_PRESS
    )
    for other in lately.prefetch_related("lines"):
        if other.pk != quote.pk and _unpriced(other) and _same_lines(other, quote):
            return other
    last = insured.quotes.aggregate(last=Max("position"))["last"]
    copied = blank_copy(
        quote=quote,
        insured=insured,
        carrier_name=carrier_name,
        carrier=carrier,
        position=0 if last is None else last + 1,
        origin=Origin(How.COPIED, where=f"the {quote.carrier_name} quote", by=user.shown_name),
    )
    mark(copied, ["carrier_name"], typed(user))
    copied.save(update_fields=["origins"])
    insured.save(update_fields=["updated_at"])
    return copied


def blank_copy(
    *,
    quote: Quote,
    insured: Insured,
    carrier_name: str,
    carrier: Carrier,
    position: int,
    origin: Origin,
) -> Quote:
    """Store a quote of `insured` with `quote`'s lines, details and term, and nothing of its price.

    `quote` comes with its lines prefetched. The imported documents are not copied: they hold
    the other carrier's products, ids and prices.
    """
    copied = Quote(
        insured=insured,
        position=position,
        carrier=carrier,
        carrier_name=carrier_name,
        term_months=quote.term_months,
        broker=quote.broker,
    )
    mark(copied, ["carrier_name", *(name for name in KEPT if getattr(quote, name))], origin)
    copied.save()
    for index, line in enumerate(quote.lines.all()):
        new = QuoteLine(quote=copied, line=line.line, position=position * 10 + index)
        mark(new, _copy_details(line, new), origin)
        new.save()
    return copied


def _copy_details(line: QuoteLine, new: QuoteLine) -> list[str]:
    """Lay the line's limits and deductibles on `new`, unsaved; the codes of those it took."""
    taken = []
    for code, stated in details.details_of(line).items():
        if code in PRICED:
            continue
        try:
            details.set_detail(new, code, stated.typed or stated.shown)
        except ValueError:
            # What an imported document says in a way of its own stays with that document.
            continue
        taken.append(code)
    return taken


def _unpriced(quote: Quote) -> bool:
    return quote.package_premium_annual is None and all(
        line.premium_annual is None for line in quote.lines.all()
    )


def _same_lines(one: Quote, other: Quote) -> bool:
    return {line.line for line in one.lines.all()} == {line.line for line in other.lines.all()}

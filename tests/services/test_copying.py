"""A quote copied to another carrier: what was asked for goes along, no price does."""

from __future__ import annotations

from typing import Any

import pytest

from quotes.models import Carrier, Quote
from quotes.services import details
from quotes.services.copying import PRICED, copy_quote
from quotes.services.origins import How, origin_of
from tests.factories import import_example

pytestmark = pytest.mark.django_db


@pytest.fixture
def quote(people: Any) -> Quote:
    found = import_example(owner=people["broker"]).insured.quotes.first()
    assert found is not None
    return found


def stated(quote: Quote) -> dict[str, dict[str, str]]:
    """Every detail as shown, by line and code."""
    return {
        line.line: {code: each.shown for code, each in details.details_of(line).items()}
        for line in quote.lines.all()
    }


def test_lines_details_and_term_are_copied_and_prices_are_not(quote, people):
    home = quote.lines.get(line="home")
    details.set_detail(home, "deductibles", "$2,500 AOP, 2% hurricane")
    details.set_detail(home, "fees", "$150 a term")
    home.save()
    copied = copy_quote(quote=quote, carrier_name="Fable Mutual", user=people["broker"])
    copied = Quote.objects.get(pk=copied.pk)
    assert copied.carrier == Carrier.objects.get(name="Fable Mutual")
    assert copied.term_months == quote.term_months
    assert (copied.package_id, copied.package_premium_annual) == ("", None)
    assert (copied.expires_at, copied.generated_at, copied.document) == (None, None, {})
    expected = {
        line: {code: shown for code, shown in codes.items() if code not in PRICED}
        for line, codes in stated(quote).items()
    }
    assert expected["home"]["deductibles"] == "$2,500 AOP, 2% hurricane"
    assert stated(copied) == expected
    for line in copied.lines.all():
        assert (line.premium_annual, line.quote_ref, line.product_name) == (None, "", "")
        assert (line.offering_id, line.document, line.offering_document) == ("", {}, {})


def test_it_says_where_its_values_came_from(quote, people):
    copied = copy_quote(quote=quote, carrier_name="Fable Mutual", user=people["broker"])
    carrier, term = origin_of(copied, "carrier_name"), origin_of(copied, "term_months")
    assert carrier is not None
    assert carrier.how == How.TYPED
    assert term is not None
    assert term.words == f"Copied from the {quote.carrier_name} quote"
    home = copied.lines.get(line="home")
    for code in details.details_of(home):
        origin = origin_of(home, code)
        assert origin is not None
        assert origin.how == How.COPIED


def test_the_copied_quote_stays_as_it_was(quote, people):
    before = list(quote.lines.values()), Quote.objects.values().get(pk=quote.pk)
    copy_quote(quote=quote, carrier_name="Fable Mutual", user=people["broker"])
    assert (list(quote.lines.values()), Quote.objects.values().get(pk=quote.pk)) == before


def test_pressing_twice_makes_one_and_a_filled_in_one_another(quote, people):
    def press() -> Quote:
        return copy_quote(quote=quote, carrier_name="Fable Mutual", user=people["broker"])

    first = press()
    assert press() == first
    first.lines.filter(line="home").update(premium_annual=5000)
    assert press() != first


def test_an_alias_finds_the_carrier_and_the_quote_keeps_its_spelling(quote, people):
    carrier = Carrier.objects.named("Fable Mutual Insurance Company")
    copied = copy_quote(quote=quote, carrier_name="Fable Mutual", user=people["broker"])
    assert copied.carrier == carrier
    assert copied.carrier_name == "Fable Mutual"

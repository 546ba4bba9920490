"""A quote's form: lines come and go, dates keep their moment, bad input changes nothing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from quotes.models import Carrier, Insured, Quote, QuoteLine
from quotes.services.runs import start_run
from quotes.services.submission import build_request
from tests.factories import import_example, import_value
from tests.views.pages import form_values, signed_in, words


@pytest.fixture
def client(people):
    return signed_in(people["broker"])


@pytest.fixture
def insured(people):
    return import_example(owner=people["broker"]).insured


def new_url(insured: Insured) -> str:
    return reverse("quotes:quote_create", args=[insured.pk])


def edit_url(quote: Quote) -> str:
    return reverse("quotes:quote_edit", args=[quote.pk])


def typed(client: Client, address: str, **more: str) -> dict[str, Any]:
    return form_values(client.get(address).content.decode()) | more


def home(**more: str) -> dict[str, Any]:
    return {
        "carrier_name": "Fable Mutual",
        "package_id": "p-1",
        "lines-home-shown": "1",
        "lines-home-premium_annual": "$1,234.50",
        "lines-home-quote_ref": "q-1",
        **more,
    }


def test_a_quote_with_its_lines_is_stored_after_the_others(client, insured):
    last = insured.quotes.last()
    answer = client.post(
        new_url(insured),
        typed(client, new_url(insured), **home(quoted_on="2026-11-01", expires_on="12/31/2026")),
    )
    assert answer["Location"] == reverse("quotes:insured_detail", args=[insured.pk])
    quote = insured.quotes.get(package_id="p-1")
    assert quote.position == last.position + 1
    line = quote.lines.get()
    assert (line.line, line.premium_annual, line.quote_ref) == ("home", Decimal("1234.50"), "q-1")
    assert line.position == quote.position * 10
    # A date ends at midnight at its end, in the office's time zone.
    assert quote.expires_at.astimezone(dt.UTC) > dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    assert form_values(client.get(edit_url(quote)).content.decode())["expires_on"] == "2026-12-31"


def test_another_spelling_of_a_carrier_is_the_same_carrier(client, insured):
    before = Carrier.objects.count()
    client.post(
        new_url(insured), typed(client, new_url(insured), **home(carrier_name="LARKSPUR  mutual"))
    )
    assert Carrier.objects.count() == before
    assert insured.quotes.get(package_id="p-1").carrier.name == "Larkspur Mutual"


def test_saving_an_imported_quote_untouched_changes_nothing_of_it(client, people):
    moment = "2026-12-20T17:30:00-08:00"
    value = {
        "address": {"state": "OH", "zip_code": "43004"},
        "quotes": [
            {
                "carrier": "Fable Mutual",
                "quote_generated_at": "2026-11-01T10:11:12.345678Z",
                "quote_expires_at": moment,
                "home": {"premium_annual": 1000.5, "quote_id": "q", "extra": {"kept": [1, 2.50]}},
            }
        ],
    }
    quote = import_value(value, people["broker"]).quotes[0]
    before = request_of(quote)
    assert client.post(edit_url(quote), typed(client, edit_url(quote))).status_code == 302
    assert request_of(quote) == before
    client.post(edit_url(quote), typed(client, edit_url(quote), expires_on="2026-12-24"))
    after = request_of(quote)["input"]["quotes"][0]
    assert after["quote_expires_at"] == "2026-12-24"
    assert after["quote_generated_at"] == "2026-11-01T10:11:12.345678Z"


def request_of(quote: Quote) -> dict[str, Any]:
    insured = quote.insured
    quotes = list(insured.quotes.prefetch_related("lines"))
    return build_request(insured=insured, quotes=quotes, coverage_types=["home"]).body


def test_lines_are_added_emptied_and_removed_without_javascript(client, insured):
    quote = insured.quotes.get(package_id="pkg_quillfeather_001")
    kept = quote.lines.get(line="home")
    more = client.post(edit_url(quote), typed(client, edit_url(quote), add="lines-umbrella"))
    assert more.status_code == 200
    values = form_values(more.content.decode())
    assert "lines-umbrella-shown" in values
    assert not quote.lines.filter(line="umbrella").exists()
    values |= {"lines-umbrella-premium_annual": "900", "remove": "lines-auto"}
    less = client.post(edit_url(quote), values)
    values = form_values(less.content.decode())
    assert "lines-auto-shown" not in values
    assert values["lines-umbrella-premium_annual"] == "900"
    assert quote.lines.filter(line="auto").exists()
    assert client.post(edit_url(quote), values).status_code == 302
    assert {line.line for line in quote.lines.all()} == {"home", "umbrella"}
    assert quote.lines.get(line="home") == kept
    # A line that is emptied by hand goes as well.
    cleared = {
        f"lines-umbrella-{name}": "" for name in ("premium_annual", "quote_ref", "product_name")
    }
    client.post(edit_url(quote), typed(client, edit_url(quote), **cleared))
    assert {line.line for line in quote.lines.all()} == {"home"}


def test_lines_are_redrawn_in_place_for_htmx(client, insured):
    address = reverse("quotes:insured_form_row", args=["lines"])
    answer = client.post(address, home(add="lines-auto"), headers={"HX-Request": "true"})
    values = form_values("<main" + answer.content.decode())
    assert values["lines-home-premium_annual"] == "$1,234.50"
    assert "lines-auto-shown" in values


BAD = [
    ("carrier_name", "", "Write the carrier's name"),
    ("carrier_name", "x" * 121, "Shorten it to 120"),
    ("carrier_name", "a\x00", "not text"),
    ("package_premium_annual", "NaN", "Write dollars and cents"),
    ("package_premium_annual", "99999999", "More than $9,999,999"),
    ("lines-home-premium_annual", "Infinity", "Home, annual premium: Write dollars"),
    ("lines-home-premium_annual", "1e999", "Home, annual premium: Write dollars"),
    ("lines-home-premium_annual", "-5", "Home, annual premium: It cannot be negative"),
    ("lines-home-premium_annual", "12,34,5", "Home, annual premium: Write dollars"),
    ("lines-home-premium_annual", "0.001", "Home, annual premium: Round it"),
    ("lines-home-quote_ref", "x" * 121, "Home, quote id: Shorten"),
    ("term_months", "37", "from 1 to 36"),
    ("term_months", "12.5", "from 1 to 36"),
    ("quoted_on", "someday", "Write a date"),
    ("expires_on", "9999-12-31", "between 2000 and 2099"),
    ("expires_on", "2020-01-01", "expires before it was quoted"),
    ("package_id", "pkg_larkspur_001", "Another quote of this insured has this package id"),
]


@pytest.mark.parametrize(("field", "value", "message"), BAD)
def test_bad_input_names_the_field_keeps_what_was_typed_and_saves_nothing(
    client, insured, field, value, message
):
    count = Quote.objects.count(), QuoteLine.objects.count(), Carrier.objects.count()
    sent = typed(client, new_url(insured), **home(**{"quoted_on": "2026-11-01", field: value}))
    answer = client.post(new_url(insured), sent)
    assert answer.status_code == 422
    assert message in words(answer)
    assert f'href="#id_{field}"' in answer.content.decode()
    kept = form_values(answer.content.decode())
    for name in sent.keys() - {"overwrite"}:
        if "\x00" not in sent[name]:
            assert kept[name] == sent[name], name
    assert (Quote.objects.count(), QuoteLine.objects.count(), Carrier.objects.count()) == count


def test_a_quote_without_a_line_is_not_saved(client, insured):
    sent = typed(client, new_url(insured), carrier_name="Fable Mutual")
    answer = client.post(new_url(insured), sent)
    assert answer.status_code == 422
    assert "fill in home, auto or umbrella" in words(answer)


def test_a_stale_form_is_refused_and_may_be_saved_over(client, insured):
    quote = insured.quotes.first()
    mine = typed(client, edit_url(quote), **{"lines-home-premium_annual": "1"})
    theirs = mine | {"lines-home-premium_annual": "2"}
    assert client.post(edit_url(quote), theirs).status_code == 302
    refused = client.post(edit_url(quote), mine)
    assert refused.status_code == 422
    assert "This quote was saved meanwhile (perhaps by you in another tab)" in words(refused)
    assert "keeps this from being saved" not in words(refused), "said once"
    again = form_values(refused.content.decode()) | {"overwrite": "on"}
    assert client.post(edit_url(quote), again).status_code == 302
    assert quote.lines.get(line="home").premium_annual == 1


def test_deleting_asks_first_and_keeps_runs(client, insured):
    run = start_run(insured=insured, coverage_types=["home"], hint=False)
    quote = insured.quotes.first()
    address = reverse("quotes:quote_delete", args=[quote.pk])
    assert "cannot be brought back" in words(client.get(address))
    assert insured.quotes.filter(pk=quote.pk).exists()
    assert client.post(address).status_code == 302
    assert not insured.quotes.filter(pk=quote.pk).exists()
    run.refresh_from_db()
    assert run.request["offerings"]
    assert client.post(address).status_code == 404


def test_a_line_without_anything_stays_while_another_is_filled_in(client, insured):
    quote = Quote.objects.create(
        insured=insured, carrier=Carrier.objects.named("Fable Mutual"), carrier_name="Fable Mutual"
    )
    for line in ("home", "auto"):
        quote.lines.create(line=line)
    sent = typed(client, edit_url(quote), **{"lines-home-premium_annual": "1,000"})
    assert client.post(edit_url(quote), sent).status_code == 302
    assert {line.line: line.premium_annual for line in quote.lines.all()} == {
        "home": 1000, "auto": None,
    }  # fmt: skip
    del sent["lines-auto-shown"]
    sent["version"] = typed(client, edit_url(quote))["version"]
    assert client.post(edit_url(quote), sent).status_code == 302
    assert [line.line for line in quote.lines.all()] == ["home"]

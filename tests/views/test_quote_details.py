"""Line details on the quote's form and page: shorthand in, its reading and its origin out."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from quotes.models import Insured, Quote, QuoteLine
from quotes.services.details import details_of
from quotes.services.origins import origin_of
from quotes.services.submission import build_request
from tests.factories import import_example, import_value
from tests.views.pages import form_values, signed_in, words

pytestmark = pytest.mark.django_db
LINES = ["home", "auto", "umbrella"]


@pytest.fixture
def client(people):
    return signed_in(people["broker"])


@pytest.fixture
def insured(people):
    return import_example(owner=people["broker"]).insured


@pytest.fixture
def quote(insured):
    return insured.quotes.get(package_id="pkg_larkspur_001")


def edit_url(quote: Quote) -> str:
    return reverse("quotes:quote_edit", args=[quote.pk])


def page_url(quote: Quote) -> str:
    return reverse("quotes:quote_detail", args=[quote.pk])


def typed(client: Client, quote: Quote, **more: str) -> dict[str, Any]:
    values = form_values(client.get(edit_url(quote)).content.decode())
    return values | {f"lines-{name.replace('__', '-')}": text for name, text in more.items()}


def typed_by(row: QuoteLine, name: str) -> str:
    origin = origin_of(row, name)
    return origin.by if origin else ""


def request_of(insured: Insured) -> Any:
    quotes = list(insured.quotes.prefetch_related("lines"))
    return build_request(insured=insured, quotes=quotes, coverage_types=LINES).body


def test_saving_untouched_changes_nothing_of_what_any_quote_states(client, insured):
    before = request_of(insured)
    for quote in insured.quotes.all():
        assert client.post(edit_url(quote), typed(client, quote)).status_code == 302
        assert all(line.details == {} for line in quote.lines.all())
        assert quote.lines.first().origins == {}
    assert request_of(insured) == before


def test_the_form_holds_what_the_document_says_normalised(client, quote):
    values = typed(client, quote)
    assert values["lines-home-coverage_a"] == "$1,150,000"
    assert values["lines-home-deductibles"] == "$2,500 AOP"
    assert values["lines-auto-liability"] == "250/500/100"
    assert values["lines-umbrella-required_auto"] == "250/500"
    assert values["lines-umbrella-retention"] == "$0"
    assert values["lines-auto-pip"] == ""


def test_shorthand_is_kept_as_typed_and_shown_as_read(client, quote, people):
    more = {
        "home__coverage_a": "1.2M",
        "home__coverage_b": "10%",
        "home__deductibles": "2500 aop, 2% hurr",
        "auto__liability": "500 CSL",
        "auto__premium_annual": "2155 / 6 mo",
    }
    assert client.post(edit_url(quote), typed(client, quote, **more)).status_code == 302
    values = typed(client, quote)
    assert {name: values[f"lines-{name.replace('__', '-')}"] for name in more} == more
    shown = words(client.get(edit_url(quote)))
    for reading in (
        "Read as $1,200,000",
        "Read as 10% ($120,000)",
        "Read as $2,500 AOP, 2% hurricane ($24,000)",
        "Read as $4,310 a year: 6 months ×2, estimated",
    ):
        assert reading in shown
    auto, home = (quote.lines.get(line=line) for line in ("auto", "home"))
    assert auto.premium_annual == 4310
    assert details_of(auto)["liability"].value == {"combined": 500000}
    assert details_of(home)["deductibles"].value == {"aop": 2500, "hurricane": "2%"}
    # Only what was changed was typed by this person.
    name = people["broker"].shown_name
    assert set(home.origins) == {"coverage_a", "coverage_b", "deductibles"}
    assert typed_by(home, "coverage_a") == name
    assert set(auto.origins) == {"liability", "premium_annual", "term"}
    quote.refresh_from_db()
    assert quote.origins == {}


def test_a_mistake_is_shown_at_its_field_and_everything_typed_is_kept(client, quote):
    more = {"home__coverage_a": "850", "home__form": "ho3", "auto__liability": "500"}
    answer = client.post(edit_url(quote), typed(client, quote, **more))
    assert answer.status_code == 422
    page = answer.content.decode()
    values = form_values(page)
    assert values["lines-home-coverage_a"] == "850"
    assert values["lines-home-form"] == "ho3"
    assert 'href="#id_lines-home-coverage_a"' in page
    assert 'id="id_lines-home-coverage_a_error"' in page
    assert "$850 cannot be meant. Write 850k" in words(answer)
    assert "500 could be split or combined. Write 500 CSL, or 250/500." in words(answer)
    assert quote.lines.get(line="home").details == {}


def test_emptying_a_detail_takes_it_out_of_what_is_sent(client, insured, quote):
    client.post(edit_url(quote), typed(client, quote, home__water_backup="", home__form=""))
    sent = request_of(insured)["input"]["quotes"][0]["home"]
    assert "water_backup" not in sent
    assert "form" not in sent
    assert sent["replacement_cost"] == "extended 25%"
    assert typed(client, quote)["lines-home-water_backup"] == ""


def test_a_line_with_details_and_no_premium_yet_is_kept(client, insured):
    address = reverse("quotes:quote_create", args=[insured.pk])
    values = form_values(client.get(address).content.decode())
    values |= {"carrier_name": "Fable Mutual", "lines-auto-liability": "250/500/100"}
    assert client.post(address, values).status_code == 302
    quote = insured.quotes.get(carrier_name="Fable Mutual")
    line = quote.lines.get()
    assert (line.line, line.premium_annual) == ("auto", None)
    shown = words(client.get(page_url(quote)))
    assert "Carrier Fable Mutual Typed" in shown
    assert "Term 12 months Assumed: a year" in shown


def test_a_detail_that_somebody_else_saved_meanwhile_is_not_overwritten(client, quote):
    mine = typed(client, quote, home__form="HO-3")
    client.post(edit_url(quote), typed(client, quote, home__coverage_e="1M"))
    answer = client.post(edit_url(quote), mine)
    assert answer.status_code == 422
    assert "saved meanwhile" in words(answer)
    assert details_of(quote.lines.get(line="home"))["form"].shown == "HO-5"
    assert client.post(edit_url(quote), mine | {"overwrite": "on"}).status_code == 302
    assert details_of(quote.lines.get(line="home"))["coverage_e"].shown == "$500,000"


def read(client: Client, name: str, value: str, **more: str) -> Any:
    others = {f"lines-{each.replace('__', '-')}": text for each, text in more.items()}
    return client.post(
        reverse("quotes:read_detail"),
        {f"lines-{name}": value, **others},
        headers={"HX-Request": "true"},
    )


@pytest.mark.parametrize(
    ("name", "value", "more", "answer"),
    [
        ("home-coverage_a", "1M", {}, "Read as $1,000,000"),
        ("home-coverage_a", "$1,000,000", {}, ""),
        ("home-coverage_a", "", {}, ""),
        ("home-deductibles", "2% hurr", {"home__coverage_a": "1M"},
         "Read as 2% hurricane ($20,000)"),
        ("home-deductibles", "2% hurr", {"home__coverage_a": "?"}, "Read as 2% hurricane"),
        ("home-deductibles", "2 hurr", {}, "Is 2 dollars or percent? Write 2% or $2."),
        ("auto-liability", "500", {}, "500 could be split or combined. Write 500 CSL, or 250/500."),
        ("auto-premium_annual", "2,155 x 2", {}, "Read as $4,310 a year: 6 months ×2, estimated"),
        ("auto-premium_annual", "-1", {},
         "It cannot be negative. Write dollars and cents, such as 6,480.50."),
    ],
)  # fmt: skip
def test_a_field_is_read_as_it_is_left(client, name, value, more, answer):
    response = read(client, name, value, **more)
    assert response.status_code == 200
    assert words(response) == answer


@pytest.mark.parametrize("name", ["home-limit", "boat-form", "auto-", "carrier_name"])
def test_what_is_no_field_is_not_read(client, name):
    assert read(client, name, "1").status_code == 404


def test_a_field_left_after_signing_out_says_so_beside_the_form(quote):
    response = read(Client(), "home-form", "ho5")
    assert response.status_code == 200
    assert response["HX-Retarget"] == "#row-trouble"
    assert "What you typed is still here" in words(response)


def test_a_quotes_page_shows_what_it_states_and_where_that_came_from(client, quote, people):
    client.post(edit_url(quote), typed(client, quote, home__coverage_a="1.2M", auto__towing="no"))
    for viewer in ("broker", "manager", "admin"):
        shown = words(signed_in(people[viewer]).get(page_url(quote)))
        assert "Coverage A, dwelling $1,200,000" in shown
        assert "Towing none" in shown
        assert "Self-insured retention $0" in shown
        asked = "$1,200,000 (as typed: 1.2M) Typed " + people["broker"].shown_name
        assert f"Coverage A, dwelling {asked}" in shown
        assert "Form HO-5 Imported" in shown
        assert ("Edit quote" in shown) is (viewer == "broker")
    assert signed_in(people["other"]).get(page_url(quote)).status_code == 404


def test_a_line_that_is_not_quoted_or_states_nothing_says_so(client, people):
    value = {
        "address": {"state": "OH", "zip_code": "43004"},
        "quotes": [{"carrier": "Fable Mutual", "home": {"premium_annual": 0}}],
    }
    quote = import_value(value, people["broker"]).quotes[0]
    shown = words(client.get(page_url(quote)))
    assert "Home $0 a year Product — Quote id —" in shown
    assert "No limits, deductibles or other details are stated." in shown
    assert "Auto Not quoted. Umbrella Not quoted." in shown


def test_the_page_of_a_quote_takes_few_queries(client, quote, django_assert_max_num_queries):
    client.get(page_url(quote))  # the first request of a session notes that it is in use
    with django_assert_max_num_queries(14):
        client.get(page_url(quote))

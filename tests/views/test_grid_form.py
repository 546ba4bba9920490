"""The quote grid as one form, without JavaScript: all of it is saved, or nothing."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from quotes.models import Insured, Quote, QuoteLine
from quotes.services.editing_quote import delete_quote
from tests.factories import import_example
from tests.views.grid import row, save, url
from tests.views.pages import form_values, signed_in, words


@pytest.fixture
def client(people):
    return signed_in(people["broker"])


@pytest.fixture
def insured(people):
    return import_example(owner=people["broker"]).insured


@pytest.fixture
def quote(insured):
    return insured.quotes.get(package_id="pkg_quillfeather_001")


def sheet(client: Client, insured: Insured) -> dict[str, Any]:
    page = client.get(reverse("quotes:insured_detail", args=[insured.pk]))
    return form_of(page)


def form_of(page: Any) -> dict[str, Any]:
    """What a browser would post from the sheet alone."""
    text = page.content.decode()
    start = text.index('<form id="grid"')
    return _rows(text[start : text.index("</form>", start)])


def _rows(form: str) -> dict[str, Any]:
    values = form_values("<main>" + form)
    values["row"] = re.findall(r'name="row" value="([^"]+)"', form)
    values["new"] = re.findall(r'name="new" value="([^"]+)"', form)
    return values


def test_the_form_untouched_changes_nothing(client, insured):
    before = list(QuoteLine.objects.order_by("pk").values())
    answer = client.post(url(insured, "insured_grid_save"), sheet(client, insured), follow=True)
    assert "Nothing was changed" in words(answer)
    assert list(QuoteLine.objects.order_by("pk").values()) == before


def test_the_form_saves_edits_and_the_blank_row(client, insured, quote):
    values = sheet(client, insured)
    (new,) = values["new"]
    values |= {
        f"c-{quote.pk}-home-premium_annual": "1,111",
        f"c-{new}-carrier_name": "Fable Mutual",
        f"c-{new}-auto-premium_annual": "2155 / 6 mo",
    }
    answer = client.post(url(insured, "insured_grid_save"), values, follow=True)
    assert "The quotes were saved" in words(answer)
    assert quote.lines.get(line="home").premium_annual == 1111
    made = Quote.objects.get(pk=new)
    assert made.lines.get().premium_annual == 4310
    assert "6 months ×2, estimated" in words(answer)


def test_the_form_saves_all_or_nothing_and_keeps_what_was_typed(client, insured, quote):
    values = sheet(client, insured)
    (new,) = values["new"]
    cell = f"c-{quote.pk}-home-premium_annual"
    values |= {cell: "oops", f"c-{new}-auto-premium_annual": "55"}
    values[f"c-{quote.pk}-auto-premium_annual"] = "1,234"
    before = list(QuoteLine.objects.order_by("pk").values())
    answer = client.post(url(insured, "insured_grid_save"), values)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "The quotes were not saved" in words(answer)
    for mistaken in (cell, f"c-{new}-carrier_name"):
        assert f'href="#{mistaken}"' in page
        assert f'id="{mistaken}-say"' in page
    again = form_of(answer)
    assert again[cell] == "oops"
    assert again[f"c-{new}-auto-premium_annual"] == "55"
    assert again[f"c-{quote.pk}-auto-premium_annual"] == "1,234"
    assert list(QuoteLine.objects.order_by("pk").values()) == before
    again |= {cell: "99", f"c-{new}-carrier_name": "Fable"}
    assert client.post(url(insured, "insured_grid_save"), again).status_code == 302
    assert quote.lines.get(line="home").premium_annual == 99
    assert quote.lines.get(line="auto").premium_annual == 1234


@pytest.mark.parametrize(("choice", "kept"), [("mine", 2000), ("theirs", 1000)])
def test_the_form_shows_both_values_of_a_conflict_and_takes_the_choice(
    client, insured, quote, choice, kept
):
    values = sheet(client, insured)
    cell = f"{quote.pk}-home-premium_annual"
    seen = values[f"c-{cell}"]
    save(client, insured, row(quote.pk, {"home-premium_annual": ("1000", seen)}))
    answer = client.post(url(insured, "insured_grid_save"), values | {f"c-{cell}": "2000"})
    assert answer.status_code == 422
    assert "Theirs: $1,000" in words(answer)
    assert "Mine: 2000" in words(answer)
    again = form_of(answer)
    assert client.post(url(insured, "insured_grid_save"), again).status_code == 422, (
        "nothing chosen yet"
    )
    chosen = client.post(url(insured, "insured_grid_save"), again | {f"k-{cell}": choice})
    assert chosen.status_code == 302
    assert quote.lines.get(line="home").premium_annual == kept


def test_the_form_adds_a_deleted_quote_anew_when_asked(client, insured, quote):
    values = sheet(client, insured)
    carrier = quote.carrier_name
    delete_quote(quote=Quote.objects.get(pk=quote.pk))
    values[f"c-{quote.pk}-home-premium_annual"] = "77"
    answer = client.post(url(insured, "insured_grid_save"), values)
    assert answer.status_code == 422
    assert "deleted meanwhile" in words(answer)
    assert client.post(url(insured, "insured_grid_save"), form_of(answer)).status_code == 302
    anew = insured.quotes.get(carrier_name=carrier, lines__premium_annual=77)
    assert anew.lines.count() > 1, "the row's other cells came along"


def test_an_ended_session_keeps_the_form(insured, client):
    values = sheet(client, insured)
    form = urlencode(values, doseq=True)
    kind = "application/x-www-form-urlencoded"
    answer = Client().post(url(insured, "insured_grid_save"), form, content_type=kind)
    assert answer.status_code == 401
    assert "What you typed is kept" in words(answer)


def test_managers_read_the_matrix_and_get_no_inputs(people, insured):
    page = signed_in(people["manager"]).get(reverse("quotes:insured_detail", args=[insured.pk]))
    assert "grid-rows" not in page.content.decode()
    assert "qt_lark_home_001" in words(page)


def test_the_page_takes_the_same_number_of_queries_with_30_quotes(client, insured):
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            client.get(reverse("quotes:insured_detail", args=[insured.pk]))
        return len(found)

    queries()  # The first look is entered in the access log.
    few = queries()
    rows = [
        row(uuid4(), {"carrier_name": f"Fable {n}", "home-premium_annual": "1"}, new=True)
        for n in range(30)
    ]
    save(client, insured, *rows)
    assert queries() == few

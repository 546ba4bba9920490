"""The access log says what an edit changed: figures with both values, people's data by name."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from quotes.models import AuditEvent
from tests.factories import import_example
from tests.views.grid import row, save
from tests.views.pages import form_values, signed_in


@pytest.fixture
def client(people):
    return signed_in(people["broker"])


@pytest.fixture
def insured(people):
    return import_example(owner=people["broker"]).insured


@pytest.fixture
def quote(insured):
    return insured.quotes.get(package_id="pkg_quillfeather_001")


def changes(insured: Any) -> list[list[str]]:
    """What each entry says was changed, in order."""
    rows = AuditEvent.objects.filter(insured_ref=insured.pk, deed="changed").order_by("pk")
    return [row.data["changes"] for row in rows]


def form(client: Any, address: str, **typed: str) -> dict[str, Any]:
    return form_values(client.get(address).content.decode()) | typed


def test_cells_of_the_grid_each_time(client, insured, quote):
    was = "5120.30"
    for now in ("6600", "6700"):
        save(client, insured, row(quote.pk, {"home-premium_annual": (now, was)}))
        was = now
    name = quote.carrier_name
    assert changes(insured) == [
        [f"{name}: Home premium: $5,120.30 → $6,600"],
        [f"{name}: Home premium: $6,600 → $6,700"],
    ]


def test_a_cell_left_as_it_was_is_no_change(client, insured, quote):
    save(client, insured, row(quote.pk, {"carrier_name": quote.carrier_name}))
    assert changes(insured) == []


def test_a_quotes_form_tells_figures_and_details(client, insured, quote):
    edit = reverse("quotes:quote_edit", args=[quote.pk])
    values = {"package_premium_annual": "13,000", "lines-auto-liability": "500 CSL"}
    assert client.post(edit, form(client, edit, **values)).status_code == 302
    (said,) = changes(insured)
    name = quote.carrier_name
    assert any(
        each.startswith(f"{name}: Package premium: $") and "→ $13,000" in each for each in said
    )
    assert any("Auto liability limits: " in each and "→ 500 CSL" in each for each in said)
    assert client.post(edit, form(client, edit)).status_code == 302
    assert len(changes(insured)) == 1, "saving it unchanged is no change"


def test_people_are_not_named(client, insured, quote):
    edit = reverse("quotes:quote_edit", args=[quote.pk])
    client.post(edit, form(client, edit, **{"lines-auto-excluded_drivers": "Fictional Nephew"}))
    assert changes(insured) == [[f"{quote.carrier_name}: Auto excluded drivers"]]


def test_a_profile_tells_which_parts(client, insured):
    edit = reverse("quotes:insured_edit", args=[insured.pk])
    values = form(client, edit, street="9 Made-up Lane", **{"drivers-0-name": "Fictional Fern"})
    assert client.post(edit, values).status_code == 302
    (said,) = changes(insured)
    assert {"Street", "Drivers"} <= set(said)
    assert "Made-up" not in str(said)
    assert "Fern" not in str(said)


def test_a_deleted_quote_is_told_with_what_it_said(client, insured, quote):
    client.post(reverse("quotes:quote_delete", args=[quote.pk]))
    (said,) = changes(insured)
    assert f"{quote.carrier_name}: Carrier: {quote.carrier_name} → —" in said
    assert any("Home annual premium: $" in each for each in said)


def test_a_manager_reads_it_on_the_page_and_in_the_file(client, insured, quote, people):
    save(client, insured, row(quote.pk, {"term_months": ("12", "6")}))
    manager = signed_in(people["manager"])
    told = f"{quote.carrier_name}: Term in months: 6 mo → 12 mo"
    page = manager.get(reverse("quotes:insured_audit", args=[insured.pk])).content.decode()
    assert told in page.replace("&amp;", "&")
    file = manager.get(reverse("quotes:insured_audit_csv", args=[insured.pk]))
    assert told in file.getvalue().decode()

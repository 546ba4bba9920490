"""The form of an insured's profile: what it stores, refuses, warns of, and keeps as typed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from quotes.models import Insured
from tests.factories import import_example, import_value
from tests.views.households import household
from tests.views.pages import edit_url, form_values, signed_in, words

NEW = reverse("quotes:insured_create")
NEXT_YEAR = timezone.localdate().year + 1


@pytest.fixture
def client(people):
    return signed_in(people["broker"])


@pytest.fixture
def insured(people):
    return import_example(owner=people["broker"]).insured


def detail(insured: Insured) -> str:
    return reverse("quotes:insured_detail", args=[insured.pk])


def new_values(client: Client, **typed: str) -> dict[str, Any]:
    return form_values(client.get(NEW).content.decode()) | {"applicant_name": "Ada Fiction"} | typed


def test_an_insured_with_all_its_rows_is_stored(client, people):
    typed = new_values(
        client,
        street="1 Story Lane",
        city="Concord",
        state="MA",
        zip_code="01742",
        replacement_cost="$940,000",
        square_feet="2,180",
        claims_5yr="0",
        **{
            "drivers-0-name": "Ada Fiction",
            "drivers-0-years_licensed": "22",
            "drivers-0-violations_5yr": "0",
            "vehicles-0-year": "2021",
            "vehicles-0-make": "Honda",
            "vehicles-0-garaging_zip": "01742",
            "incumbents-home-shown": "1",
            "incumbents-home-carrier_name": "Fable Mutual",
            "incumbents-home-annual_premium": "$1,234.50",
        },
    )
    answer = client.post(NEW, typed)
    insured = Insured.objects.get()
    assert answer["Location"] == detail(insured)
    assert insured.owner == people["broker"]
    assert insured.zip_code == "01742"
    page = words(client.get(detail(insured)))
    for text in ("$940,000", "2,180", "22 years licensed, no violations", "2021 Honda",
                 "Fable Mutual, $1,234.50", "Claims, 5 years None"):  # fmt: skip
        assert text in page
    assert insured.document["residence"]["replacement_cost"] == 940000


BAD = [
    ("replacement_cost", "NaN", "Write dollars and cents"),
    ("replacement_cost", "Infinity", "Write dollars and cents"),
    ("replacement_cost", "1e999", "Write dollars and cents"),
    ("replacement_cost", "-5", "cannot be negative"),
    ("replacement_cost", "12,34,5", "Write dollars and cents"),
    ("replacement_cost", "1.0055", "Round it to the cent"),
    ("replacement_cost", "1.005", "could mean two amounts"),
    ("replacement_cost", "9" * 5000, "cannot be right"),
    ("year_built", "0", f"from 1600 to {NEXT_YEAR}"),
    ("year_built", str(NEXT_YEAR + 1), f"from 1600 to {NEXT_YEAR}"),
    ("year_built", "soon", "Write a whole number"),
    ("claims_5yr", "-1", "Write a whole number"),
    ("state", "ZZ", "Choose a state"),
    ("zip_code", "123", "Write five digits"),
    ("zip_code", "٠١٢٣٤", "Write five digits"),
    ("city", "x" * 121, "Shorten it to 120"),
    ("city", "a\x00b", "not text"),
    ("applicant_name", "", "Write the applicant"),
    ("drivers-0-years_licensed", "91", "Driver 1, years licensed: Write a whole number"),
    ("drivers-0-violations_5yr", "1.5", "Driver 1, violations, 5 years"),
    ("vehicles-0-year", "1800", "Vehicle 1, year"),
    ("vehicles-0-garaging_zip", "4300", "Vehicle 1, garaging zip"),
    ("incumbents-home-annual_premium", "10000000", "Home in force, annual premium: More than"),
]


@pytest.mark.parametrize(("field", "value", "message"), BAD)
def test_bad_input_names_the_field_keeps_what_was_typed_and_saves_nothing(
    client, field, value, message
):
    typed = new_values(client, city="Concord", **{"drivers-0-name": "Bo Fiction"})
    typed |= {"incumbents-home-shown": "1", field: value}
    answer = client.post(NEW, typed)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert message in words(answer)
    assert 'class="error-summary"' in page
    assert f'href="#id_{field}"' in page
    kept = form_values(page)
    for name in typed.keys() - {"state", "overwrite", "twice"}:
        if "\x00" not in typed[name]:  # a browser cannot be shown one
            assert kept[name] == typed[name], name
    assert not Insured.objects.exists()


def test_every_mistake_is_named_at_once(client):
    typed = new_values(client, zip_code="1", **{"drivers-0-years_licensed": "x"})
    page = words(client.post(NEW, typed | {"applicant_name": ""}))
    assert "3 things keep this from being saved" in page


def test_rows_are_added_and_removed_without_javascript_and_nothing_is_saved(client, insured):
    typed = form_values(client.get(edit_url(insured)).content.decode())
    typed["drivers-1-name"] = "Half typed"
    typed["zip_code"] = "12"  # not judged yet
    more = client.post(edit_url(insured), typed | {"add": "drivers"})
    assert more.status_code == 200
    values = form_values(more.content.decode())
    assert values["drivers-TOTAL_FORMS"] == "4"
    assert values["drivers-1-name"] == "Half typed"
    assert values["drivers-3-name"] == ""
    assert values["zip_code"] == "12"
    assert "error-summary" not in more.content.decode()
    values["drivers-3-name"] = "New Fiction"
    less = client.post(edit_url(insured), values | {"remove": "drivers-0"})
    values = form_values(less.content.decode())
    assert values["drivers-TOTAL_FORMS"] == "3"
    assert values["drivers-0-name"] == "Half typed"
    assert "Driver 1 taken out; 3 left" in words(less)
    assert insured.drivers.all()[0].name == "Marigold Fairweather"
    saved = client.post(edit_url(insured), values | {"zip_code": "92648"})
    assert saved.status_code == 302
    names = [driver.name for driver in insured.drivers.all()]
    assert names == ["Half typed", "Juniper Fairweather", "New Fiction"]
    # Rows that stayed keep what was imported with them.
    assert insured.drivers.all()[1].document["good_student"] is True


def test_an_incumbent_is_opened_emptied_and_removed_without_javascript(people, client):
    insured = import_example("home_only.json", people["broker"]).insured
    values = form_values(client.get(edit_url(insured)).content.decode())
    assert "incumbents-auto-shown" not in values
    opened = client.post(edit_url(insured), values | {"add": "incumbents-auto"})
    values = form_values(opened.content.decode())
    values |= {"incumbents-auto-carrier_name": "Fable", "incumbents-auto-annual_premium": "900"}
    closed = client.post(edit_url(insured), values | {"remove": "incumbents-home"})
    client.post(edit_url(insured), form_values(closed.content.decode()))
    assert [(i.line, i.carrier_name) for i in insured.incumbents.all()] == [("auto", "Fable")]


@pytest.mark.parametrize("junk", ["", "x", "-1", "99999999999999999999", "1e9"])
def test_tampered_row_counts_do_no_harm(client, junk):
    address = reverse("quotes:insured_form_row", args=["drivers"])
    for button in ({"add": "drivers"}, {"remove": "drivers-7"}, {"remove": f"drivers-{junk}"}):
        answer = client.post(address, {"drivers-TOTAL_FORMS": junk} | button)
        assert answer.status_code == 200
        assert answer.content.count(b"<fieldset") <= 41
    typed = new_values(client) | {"drivers-TOTAL_FORMS": junk}
    assert client.post(NEW, typed).status_code in (302, 422)


def test_the_row_fragment_keeps_what_was_typed(client):
    address = reverse("quotes:insured_form_row", args=["drivers"])
    typed = {"drivers-TOTAL_FORMS": "1", "drivers-0-name": "<b>Bo</b>", "add": "drivers"}
    values = form_values("<main" + client.post(address, typed).content.decode())
    assert values["drivers-0-name"] == "<b>Bo</b>"
    assert values["drivers-1-name"] == ""
    assert client.post(reverse("quotes:insured_form_row", args=["secrets"])).status_code == 404
    assert client.get(address).status_code == 405


def test_a_row_asked_for_after_the_session_ended_keeps_the_form(client):
    client.logout()
    answer = client.post(reverse("quotes:insured_form_row", args=["drivers"]), {"add": "drivers"})
    assert answer["HX-Retarget"] == "#row-trouble"
    assert "You are signed out" in words(answer)


def test_a_stale_form_is_refused_keeps_the_typing_and_may_be_saved_over(client, insured):
    mine = form_values(client.get(edit_url(insured)).content.decode()) | {"city": "Mine"}
    theirs = mine | {"city": "Theirs"}
    assert client.post(edit_url(insured), theirs).status_code == 302
    refused = client.post(edit_url(insured), mine)
    assert refused.status_code == 422
    assert "This insured was saved meanwhile (perhaps by you in another tab)" in words(refused)
    assert "keeps this from being saved" not in words(refused), "said once"
    assert detail(insured) in refused.content.decode()
    insured.refresh_from_db()
    assert insured.city == "Theirs"
    again = form_values(refused.content.decode())
    assert again["city"] == "Mine"
    assert client.post(edit_url(insured), again | {"overwrite": "on"}).status_code == 302
    insured.refresh_from_db()
    assert insured.city == "Mine"


def test_a_changed_driver_alone_makes_a_form_stale(client, insured):
    typed = form_values(client.get(edit_url(insured)).content.decode())
    insured.drivers.update(years_licensed=3)
    assert client.post(edit_url(insured), typed).status_code == 422


# The same household twice ----------------------------------------------------------------------


def place(**more: str) -> dict[str, str]:
    return {"state": "OH", "zip_code": "43004", "applicant_name": "Ada Fiction", **more}


def test_a_household_known_by_name_and_place_is_warned_of_and_may_be_saved_anyway(people, client):
    first = import_value(household("Ada Fiction"), people["broker"]).insured
    refused = client.post(NEW, new_values(client, **place(applicant_name="ada  FICTION")))
    assert refused.status_code == 422
    assert detail(first) in refused.content.decode()
    assert Insured.objects.count() == 1
    values = form_values(refused.content.decode()) | {"twice": "on"}
    assert client.post(NEW, values).status_code == 302
    second = Insured.objects.exclude(pk=first.pk).get()
    assert second.identity_key == ""
    # Saving the second again, unchanged in name and place, asks nothing.
    values = form_values(client.get(edit_url(second)).content.decode()) | {"city": "Elsewhere"}
    assert client.post(edit_url(second), values).status_code == 302
    # A later import of the household is still the first.
    assert import_value(household("Ada Fiction"), people["broker"]).insured == first


def test_another_brokers_household_is_not_told_of(people, client):
    import_value(household("Ada Fiction"), people["other"])
    assert client.post(NEW, new_values(client, **place())).status_code == 302


def test_a_typed_household_is_known_again_by_an_import(people, client):
    client.post(NEW, new_values(client, **place()))
    intake = import_value(household("Ada Fiction"), people["broker"])
    assert not intake.created


def test_the_key_follows_the_name_but_an_imports_own_id_stays(people, client, insured):
    named = import_value(household("Ada Fiction"), people["broker"]).insured
    for each, key in ((named, "name:ada story|OH|43004"), (insured, insured.identity_key)):
        values = form_values(client.get(edit_url(each)).content.decode())
        client.post(edit_url(each), values | {"applicant_name": "Ada Story"})
        each.refresh_from_db()
        assert each.applicant_name == "Ada Story"
        assert each.identity_key == key
    assert insured.identity_key.startswith("id:")

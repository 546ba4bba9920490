"""Starting a comparison: what is chosen, what blocks, and that it is sent once."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from quotes.models import Insured, Run
from quotes.services import runs
from tests import runs as made
from tests.factories import EXAMPLES, import_example, import_value
from tests.views.pages import edit_url, form_values, signed_in, words


@pytest.fixture
def client(people):
    return signed_in(people["broker"])


def start_url(insured: Insured) -> str:
    return reverse("quotes:run_start", args=[insured.pk])


def detail(insured: Insured) -> str:
    return reverse("quotes:insured_detail", args=[insured.pk])


def chosen(client: Client, insured: Insured) -> dict[str, Any]:
    return form_values(client.get(detail(insured)).content.decode())


def test_the_choice_starts_as_the_document_says(client, people):
    insured = import_example("home_auto.json", people["broker"]).insured
    values = chosen(client, insured)
    assert values["coverage_types"] == ["home", "auto"]
    assert values["appetite"] == ["cost_sensitive"]


def test_only_quoted_lines_are_chosen_at_first_and_no_appetite_where_none_is_stated(client, people):
    value = {
        "address": {"state": "OH", "zip_code": "43004"},
        "quotes": [{"carrier": "Fable Mutual", "auto": {"premium_annual": 700}}],
    }
    values = chosen(client, import_value(value, people["broker"]).insured)
    assert values["coverage_types"] == ["auto"]
    assert values["appetite"] == ["as_imported"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("stated", [None, "price_first", {"price": 2}])
def test_an_appetite_that_is_not_ours_or_not_stated_goes_back_as_it_came(client, people, stated):
    value = json.loads((EXAMPLES / "home_auto.json").read_bytes())
    value.pop("appetite_bucket")
    if stated is not None:
        value["appetite_bucket"] = stated
    insured = import_value(value, people["broker"]).insured
    page = words(client.get(detail(insured)))
    assert ("Not stated" in page, "As imported" in page) == (stated is None, stated is not None)
    assert ("price_first" in page) == (stated == "price_first")
    choice = chosen(client, insured)
    assert client.post(start_url(insured), choice).status_code == 302
    assert json.loads(bytes(Run.objects.get().request_body))["input"] == value
    client.post(start_url(insured), choice | {"appetite": "simplicity"})
    assert Run.objects.get(number=2).request["input"]["appetite_bucket"] == "simplicity"


def test_an_appetite_the_document_states_leaves_nothing_open(client, people):
    insured = import_example("home_auto.json", people["broker"]).insured
    assert 'value="as_imported"' not in client.get(detail(insured)).content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_queue_out_of_order_does_not_undo_or_hide_a_saved_run(client, people, monkeypatch):
    def refuse(*_: Any, **__: Any) -> None:
        raise DatabaseError("the queue's table is gone")

    monkeypatch.setattr(runs, "async_task", refuse)
    insured = import_example(owner=people["broker"]).insured
    choice = {"coverage_types": ["auto"], "appetite": "simplicity"}
    answer = client.post(start_url(insured), choice)
    assert answer["Location"] == reverse("quotes:run_detail", args=[Run.objects.get().pk])


def test_a_run_hands_its_lines_and_appetite_to_the_next(client, people):
    insured = import_example(owner=people["broker"]).insured
    chose = {"coverage_types": ["home", "umbrella"], "appetite": "simplicity"}
    page = client.post(start_url(insured), chose)["Location"]
    made.rejected_run(people["broker"], insured=insured)
    Run.objects.filter(number=1).update(state="abandoned", finished_at=timezone.now())
    again = f"{detail(insured)}?from={Run.objects.get(number=1).pk}"
    assert f'href="{again}"' in client.get(page).content.decode()
    answer = client.get(again)
    values = form_values(answer.content.decode())
    assert (values["coverage_types"], values["appetite"]) == (["home", "umbrella"], ["simplicity"])
    assert "as in run 1" in words(answer)
    assert "2 of 2 lines quoted" in words(answer)


@pytest.mark.parametrize("given", ["", "garbage", "x" * 4000, "another insured's", "1\x00"])
def test_a_run_that_is_none_of_this_insured_hands_over_nothing(client, people, given):
    insured = import_example(owner=people["broker"]).insured
    before = chosen(client, insured)
    if given.startswith("another"):
        other = import_example("home_auto.json", people["broker"]).insured
        client.post(start_url(other), {"coverage_types": ["home"], "appetite": "simplicity"})
        given = str(Run.objects.get().pk)
    answer = client.get(detail(insured), {"from": given})
    after = form_values(answer.content.decode())
    for name in ("coverage_types", "appetite"):
        assert after[name] == before[name]


def test_the_panel_follows_the_ticks(client, people):
    insured = import_example(owner=people["broker"]).insured
    html = client.get(detail(insured)).content.decode()
    address = reverse("quotes:readiness", args=[insured.pk])
    assert f'hx-get="{address}"' in html
    assert 'id="readiness"' in html

    def ticked(*lines: str) -> str:
        return words(client.get(address, {"coverage_types": lines}, headers={"HX-Request": "true"}))

    both = ticked("home", "auto")
    assert "packages possible, single carrier and mixed" in both
    assert "2 of 2 lines quoted" in both
    alone = ticked("umbrella")
    assert "packages possible" in alone
    assert "mixed" not in alone
    assert "no line chosen" in ticked()
    assert "1 of 1 line quoted" in ticked("home", "boat", "' or 1=1")


@pytest.mark.django_db(transaction=True)
def test_start_queues_one_run_and_goes_to_its_page(client, people):
    insured = import_example(owner=people["broker"]).insured
    answer = client.post(start_url(insured), {"coverage_types": ["auto"], "appetite": "simplicity"})
    run = Run.objects.get()
    assert answer["Location"] == reverse("quotes:run_detail", args=[run.pk])
    assert run.state == "queued"
    assert run.started_by == people["broker"]
    assert run.request["input"]["appetite_bucket"] == "simplicity"
    assert {o["category"] for o in run.request["offerings"]} == {"auto"}


def test_what_blocks_is_listed_and_the_choice_is_kept(client, people):
    value = {"quotes": [{"carrier": "Fable Mutual", "auto": {"premium_annual": 700}}]}
    insured = import_value(value, people["broker"]).insured
    answer = client.post(
        start_url(insured), {"coverage_types": ["auto", "umbrella"], "appetite": "coverage_first"}
    )
    assert answer.status_code == 422
    page = words(answer)
    for text in ("not started", "No carrier quotes umbrella: add an umbrella quote",
                 "The state is required", "The ZIP code is required"):  # fmt: skip
        assert text in page
    values = form_values(answer.content.decode())
    assert values["coverage_types"] == ["auto", "umbrella"]
    assert values["appetite"] == ["coverage_first"]
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"coverage_types": ["home"]},
        {"coverage_types": ["boat"], "appetite": "balanced"},
        {"coverage_types": ["home"], "appetite": "greedy"},
        {"appetite": "balanced"},
    ],
)
def test_a_choice_that_cannot_be_is_refused(client, people, choice):
    insured = import_example(owner=people["broker"]).insured
    answer = client.post(start_url(insured), choice)
    assert answer.status_code == 422
    assert "The comparison was not started" in words(answer)
    assert not Run.objects.exists()


def test_a_second_press_starts_nothing_and_leads_to_the_first(client, people):
    insured = import_example(owner=people["broker"]).insured
    choice = {"coverage_types": ["home"], "appetite": "balanced"}
    first = client.post(start_url(insured), choice)
    second = client.post(start_url(insured), choice)
    assert second["Location"] == first["Location"]
    assert "not sent twice" in words(client.get(second["Location"]))
    assert Run.objects.count() == 1
    # Another choice is another comparison; and so is the same one later.
    client.post(start_url(insured), choice | {"appetite": "simplicity"})
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=1)):
        client.post(start_url(insured), choice)
    assert Run.objects.count() == 3


def test_starting_is_a_post(client, people):
    insured = import_example(owner=people["broker"]).insured
    assert client.get(start_url(insured)).status_code == 405


@pytest.mark.parametrize(
    "name", ["example_input.json", "home_auto.json", "home_only.json", "florida_coast.json"]
)
def test_editing_only_the_city_changes_only_the_city_of_the_request(client, people, name):
    insured = import_example(name, people["broker"]).insured
    values = form_values(client.get(edit_url(insured)).content.decode()) | {"city": "Newtown"}
    assert client.post(edit_url(insured), values).status_code == 302
    choice = chosen(client, insured)
    assert client.post(start_url(insured), choice).status_code == 302
    sent = json.loads(bytes(Run.objects.get().request_body))["input"]
    imported = json.loads((EXAMPLES / name).read_bytes())
    imported["address"]["city"] = "Newtown"
    assert sent == imported


def test_an_edited_household_is_sent_as_edited_with_counts_in_step(client, people):
    insured = import_example(owner=people["broker"]).insured
    values = form_values(client.get(edit_url(insured)).content.decode())
    values = form_values(
        client.post(edit_url(insured), values | {"add": "vehicles"}).content.decode()
    )
    values |= {
        "vehicles-2-make": "Honda",
        "vehicles-2-primary_driver": "juniper fairweather",
        "drivers-0-name": "Marigold Newname",
        "incumbents-auto-annual_premium": "5,340",
        "lapses": "",
    }
    assert client.post(edit_url(insured), values).status_code == 302
    client.post(start_url(insured), chosen(client, insured))
    sent = Run.objects.get().request["input"]
    assert sent["vehicles"] == 3
    assert sent["vehicles_detail"][2] == {"make": "Honda", "primary_driver": "drv_3"}
    assert sent["vehicles_detail"][0]["primary_driver"] == "drv_1"
    assert sent["drivers"][0]["name"] == "Marigold Newname"
    assert sent["premium"] == 12940
    assert "lapses" not in sent["insurance_history"]
    assert sent["insurance_history"]["claims"]

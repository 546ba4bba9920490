"""Searching the list of runs: posted, kept in the session, and no way to what others have."""

from __future__ import annotations

import pytest
from django.urls import reverse

from quotes.models import Run
from quotes.services import run_search
from tests import runs as made
from tests.factories import queued_run
from tests.views.run_lists import URL, ids, search, shown

pytestmark = pytest.mark.django_db


def test_search_is_posted_and_kept_out_of_addresses(client, people):
    run = made.completed_run(people["broker"])
    other = made.waiting_run(people["broker"], name="home_only.json")
    client.force_login(people["broker"])
    line = run.solutions.get(rank=1).lines.all()[0]
    for text, found in (
        (run.insured.applicant_name[:6].lower(), ids(run)),
        (line.quote_ref, ids(run)),
        (other.nexio_run_id, ids(other)),
        (str(run.pk), ids(run)),
        ("no such thing", set()),
        ("'; --", set()),
        ("%", set()),
    ):
        response = client.post(reverse("quotes:run_search"), {"text": text})
        assert response["Location"] == URL
        assert shown(client) == found, text
    assert "No run fits" in client.get(URL).content.decode()
    client.post(reverse("quotes:run_search"), {"text": "x", "clear": "1"})
    assert shown(client) == ids(run, other)
    assert client.post(reverse("quotes:run_search"), {"text": "a\0b"}).status_code == 302
    assert client.get(reverse("quotes:run_search")).status_code == 405


def test_the_whole_list_forgets_the_search_and_keeps_the_codes(client, people):
    client.force_login(people["broker"])
    run = made.completed_run(people["broker"])
    client.post(reverse("quotes:run_search"), {"text": "nobody"})
    address = reverse("quotes:run_list")
    assert str(run.pk) not in client.get(address).content.decode()
    answer = client.get(address, {"all": "1", "state": "completed"})
    assert answer["Location"] == f"{address}?state=completed"
    assert str(run.pk) in client.get(answer["Location"]).content.decode()


def test_search_by_carrier_finds_quotes_and_packages(client, people):
    run = made.completed_run(people["broker"])
    client.force_login(people["broker"])
    client.post(reverse("quotes:run_search"), {"text": "larkspur"})
    assert shown(client) == ids(run)


def test_search_finds_no_other_brokers_runs(client, people):
    run = queued_run(owner=people["broker"])
    client.force_login(people["other"])
    client.post(reverse("quotes:run_search"), {"text": str(run.pk)})
    assert shown(client) == set()


def test_a_search_keeps_the_filters_and_drops_what_is_none(client, people):
    client.force_login(people["broker"])
    made.completed_run(people["broker"])
    answer = search(client, "nobody", codes="state=completed&since=nonsense&sort=-cost&x=1")
    assert answer["Location"] == f"{URL}?state=completed&sort=-cost"
    assert search(client, "", codes="https://elsewhere.invalid/")["Location"] == URL


@pytest.mark.parametrize("few", [0, 400])
def test_many_or_few_are_found_alike(client, people, monkeypatch, few):
    monkeypatch.setattr(run_search, "FEW", few)
    monkeypatch.setattr(run_search, "MANY_PARTS", few)
    run, other = made.completed_run(people["broker"]), made.waiting_run(people["broker"])
    home = made.waiting_run(people["broker"], name="home_only.json")
    client.force_login(people["broker"])
    search(client, run.insured.applicant_name[2:9].upper())
    assert shown(client) == ids(run, other)
    assert shown(client, "state=completed") == ids(run)
    assert Run.objects.filter(insured=home.insured).count() == 1
    carrier = run.solutions.get(rank=1).lines.select_related("carrier")[0].carrier
    assert carrier is not None
    search(client, "")
    assert shown(client, f"carrier={carrier.pk}&part=top") == ids(run)
    search(client, carrier.name[:7])
    assert run.pk in {*map(type(run.pk), shown(client))}

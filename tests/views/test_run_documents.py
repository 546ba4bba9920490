"""The request and the reply for reading: fetched when they are opened."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests import runs as made

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def broker(client, people):
    client.force_login(people["broker"])
    return people["broker"]


def test_the_runs_page_leads_to_both_and_holds_neither(client, broker):
    run = made.completed_run(broker)
    html = client.get(reverse("quotes:run_detail", args=[run.pk])).content.decode()
    assert "&quot;coverage_types&quot;" not in html
    for name in ("quotes:run_request", "quotes:run_reply"):
        address = reverse(name, args=[run.pk])
        assert html.count(f'"{address}"') == 2
        assert client.get(address).status_code == 200


@pytest.mark.parametrize(
    ("name", "says"),
    [("quotes:run_request", "coverage_types"), ("quotes:run_reply", "solutions")],
)
def test_opened_by_htmx_it_is_the_document_alone(client, broker, name, says):
    run = made.completed_run(broker)
    html = client.get(reverse(name, args=[run.pk]), headers=HTMX).content.decode()
    assert "<html" not in html
    assert f"&quot;{says}&quot;" in html


def test_markup_in_a_reply_is_text(client, broker):
    reply = {"status": "completed", "solutions": [], "note": "<img src=x onerror=alert(1)>"}
    run = made.answer(made.waiting_run(broker), reply)
    html = client.get(reverse("quotes:run_reply", args=[run.pk])).content.decode()
    assert "<img src=x" not in html
    assert "&lt;img src=x" in html


def test_without_a_reply_there_is_no_page_of_it(client, broker):
    run = made.waiting_run(broker)
    assert client.get(reverse("quotes:run_reply", args=[run.pk])).status_code == 404
    html = client.get(reverse("quotes:run_detail", args=[run.pk])).content.decode()
    assert reverse("quotes:run_reply", args=[run.pk]) not in html

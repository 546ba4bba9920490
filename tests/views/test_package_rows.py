"""The rows of the ranked list: what each line covers, and filters that contradict themselves."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from quotes.models import QuoteLine, Run
from tests import runs as made
from tests.views.pages import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker(people, client):
    client.force_login(people["broker"])
    return people["broker"]


def page(client: Client, run: Run, query: str = "") -> Any:
    response = client.get(reverse("quotes:run_detail", args=[run.pk]) + query)
    assert response.status_code == 200
    return response


def said(client: Client, run: Run) -> str:
    return words(page(client, run))


def ranks(response: Any) -> list[str]:
    return re.findall(r"<dt>Rank</dt><dd>([^<]*)</dd>", response.content.decode())


def test_a_carrier_is_not_both_included_and_left_out(client, broker):
    run = made.completed_run(broker)
    own = run.solutions.get(rank=1).lines.all()[0].carrier_id
    both = page(client, run, f"?with={own}&without={own}")
    assert ranks(both) == ranks(page(client, run, f"?with={own}"))
    assert "leaving out the very carrier to include" in words(both)
    way = f'id="leave-out-{own}"'.encode()
    assert way not in both.content
    assert way in page(client, run).content


def test_every_line_says_its_limits_and_deductibles_as_sent(client, broker):
    run = made.completed_run(broker, name="florida_coast.json")
    before = said(client, run)
    assert "HO-5 · Cov A $1.5M · $10,000 AOP · 3% named storm, 3% hurricane" in before
    assert "500 CSL · $250/$500" in before
    for line in QuoteLine.objects.filter(line="home"):
        QuoteLine.objects.filter(pk=line.pk).update(document={}, offering_document={}, details={})
    assert "HO-5 · Cov A $1.5M" in said(client, run), "as sent, whatever was edited since"


def test_a_line_that_states_no_limits_says_so(client, broker):
    run = made.waiting_run(broker)
    unsent = {"id": "?", "category": "home", "provider_name": "X"}
    odd = made.answer(
        run, {"status": "completed", "solutions": [{"rank": 1, "offerings": [unsent]}]}
    )
    text = said(client, odd)
    assert "Limits and deductibles: — not stated" in text

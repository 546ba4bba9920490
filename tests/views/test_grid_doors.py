"""The quote grid and what is no cell: rubbish, strangers, ended sessions, great numbers."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from quotes.models import Quote
from tests.factories import import_example
from tests.views.grid import post, row, save, url
from tests.views.pages import signed_in


@pytest.fixture
def client(people):
    return signed_in(people["broker"])


@pytest.fixture
def insured(people):
    return import_example(owner=people["broker"]).insured


@pytest.fixture
def quote(insured):
    return insured.quotes.get(package_id="pkg_quillfeather_001")


def body(cells: dict[str, Any], **more: str) -> bytes:
    sent = {"id": "00000000-0000-4000-8000-000000000000", "cells": cells, **more}
    return json.dumps({"rows": [sent]}).encode()


RUBBISH = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'{"rows": []}',
    b'{"rows": [{"id": "x", "cells": {}}]}',
    body({"owner": {"value": "1"}}),
    body({"carrier_name": {"value": 1}}),
    body({}, insured="x"),
    b'{"rows": NaN}',
    b"\xff\xfe",
    b'{"rows":' + b"[" * 100_000,
    b'{"rows": "' + b"x" * 300_000 + b'"}',
]


@pytest.mark.parametrize("sent", RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish_is_refused_in_a_sentence_and_stores_nothing(client, insured, sent):
    before = list(Quote.objects.order_by("pk").values())
    for name in ("grid", "grid_paste"):
        answer = client.post(url(insured, name), sent, content_type="application/json")
        assert answer.status_code == 400
        assert "nothing was saved" in answer.json()["message"]
    assert list(Quote.objects.order_by("pk").values()) == before


def test_more_than_200_rows_or_a_row_twice_are_refused(client, insured):
    rows = [row(uuid4(), {"carrier_name": "F"}, new=True) for _ in range(201)]
    assert post(client, insured, *rows).status_code == 400
    assert post(client, insured, rows[0], rows[0]).status_code == 400


@pytest.mark.parametrize("who", ["other", "manager", "admin"])
def test_it_is_absent_for_everybody_but_the_insureds_broker(people, insured, quote, who):
    stranger = signed_in(people[who])
    cells = row(quote.pk, {"home-premium_annual": "1"})
    assert post(stranger, insured, cells).status_code == 404
    assert stranger.get(url(insured)).status_code == 404
    assert (
        stranger.post(url(insured, "insured_grid_save"), {"row": str(quote.pk)}).status_code == 404
    )


def test_an_ended_session_is_a_401_and_signing_in_gives_a_token_to_go_on_with(insured, people):
    client = Client(enforce_csrf_checks=True)
    page = client.get(reverse("account_login"), {"next": url(insured)})
    token = str(page.context["csrf_token"])
    headers = {"X-CSRFToken": token}
    body = json.dumps({"rows": [row(uuid4(), {"carrier_name": "Fable"}, new=True)]})

    def send() -> Any:
        return client.post(url(insured), body, content_type="application/json", headers=headers)

    refused = send()
    assert refused.status_code == 401
    assert "What you typed is kept" in refused.json()["message"]
    entered = client.post(
        reverse("account_login"),
        {
            "login": "broker",
            "password": "test-password",
            "next": url(insured),
            "csrfmiddlewaretoken": token,
        },
        follow=True,
    )
    answer = entered.json()
    assert answer["user"] == people["broker"].shown_name
    assert send().status_code == 403, "the old token is another session's"
    headers["X-CSRFToken"] = answer["token"]
    assert send().status_code == 200


def test_saving_200_rows_takes_a_bounded_number_of_queries_a_row(client, insured):
    def queries(count: int) -> int:
        rows = [
            row(uuid4(), {"carrier_name": "Fable", "home-premium_annual": "1"}, new=True)
            for _ in range(count)
        ]
        with CaptureQueriesContext(connection) as found:
            save(client, insured, *rows)
        return len(found)

    few, many = queries(2), queries(12)
    assert (many - few) / 10 <= 2.5, "an insert for the quote and one for its line"

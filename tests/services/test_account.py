"""What a run's page says of its reply beside the packages, by its last event or by the reply."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from quotes.models import Run, RunEvent
from quotes.services.account import Account, account_of
from tests import runs as made
from tests.fake_nexio import completed


def account(reply: Any, **told: Any) -> Account:
    events = [RunEvent(kind="submitted"), RunEvent(kind="completed", data=told)]
    return account_of(Run(request={}, response=reply), events, stored=2)


@pytest.mark.parametrize(
    ("reply", "seconds", "unread"),
    [
        ({"duration_ms": 18233, "solutions": [{}, {}, {}]}, 18.233, 1),
        ({"duration_ms": "soon", "solutions": [{}]}, None, 0),
        ({"solutions": "many"}, None, 0),
        (None, None, 0),
    ],
)
def test_a_run_whose_event_says_nothing_of_its_reply(reply, seconds, unread):
    found = account(reply, status="completed")
    assert (found.seconds, found.unread) == (seconds, unread)


def test_a_run_whose_event_tells_of_its_reply():
    found = account({"duration_ms": 1}, status="degraded", duration_ms=18233, unread=3)
    assert (found.seconds, found.unread) == (18.233, 3)


def test_a_page_of_packages_does_not_open_the_reply(client, people):
    run = made.waiting_run(people["broker"])
    run = made.answer(run, {"status": "completed", "duration_ms": 18233, **completed(run.request)})
    client.force_login(people["broker"])
    with CaptureQueriesContext(connection) as asked:
        page = client.get(reverse("quotes:run_detail", args=[run.pk])).content.decode()
    assert "Nexio counts 18 s" in page
    assert "Reply as received" in page
    columns = [each["sql"].split(" FROM ")[0] for each in asked.captured_queries]
    assert not [each for each in columns if '"quotes_run"."response",' in each]

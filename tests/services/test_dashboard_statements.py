"""What a dashboard asks of the database does not grow with what it shows."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from quotes.services.dashboard.board import read_board
from quotes.services.dashboard.period import Period
from quotes.services.dashboard.scope import Scope
from tests import runs as made
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_the_number_of_statements_is_the_same_for_few_and_many(people):
    assert people["admin"].sees_all  # asked for once a request, and known from then on

    def statements() -> int:
        today = timezone.localdate()
        with CaptureQueriesContext(connection) as seen:
            read_board(Scope(people["admin"], Period.preset("12m", today), timezone.now()))
        return len(seen)

    made.completed_run(people["broker"])
    few = statements()
    for n in range(12):
        made.completed_run(make_user(f"more{n}", "broker"), name="home_only.json")
        made.failed_run(people["other"], name="home_auto.json")
    assert statements() == few <= 14

"""What storing a run's end asks of the database: runs that end together wait for each other."""

from __future__ import annotations

from itertools import islice, product
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.results_page import LINES, household, solution
from quotes.models import Notice, Role, Run, RunFact, User
from quotes.nexio.messages import JobReply
from quotes.services import outcomes
from tests import factories
from tests import runs as made

pytestmark = pytest.mark.django_db
MOST = 10
"""Beside BEGIN, SAVEPOINT and the like."""


def ended(broker: User, packages: int) -> tuple[Run, list[str]]:
    """A run answered with so many packages, and the statements that storing its end took."""
    run = made.waiting_run(broker, insured=household(broker, f"Fictional {packages}"))
    offered = [[o for o in run.request["offerings"] if o["category"] == line] for line in LINES]
    found = [solution(n, each) for n, each in enumerate(islice(product(*offered), packages))]
    value: dict[str, Any] = {"run_id": run.nexio_run_id, "status": "completed", "solutions": found}
    reply = made.reply_of(JobReply, value)
    Run.objects.filter(pk=run.pk).update(lease_owner=made.LEASE)
    run = Run.objects.defer("request", "request_body", "response", "response_body").get(pk=run.pk)
    with CaptureQueriesContext(connection) as seen:
        outcomes.poll_answered(run, reply, lease=made.LEASE, now=timezone.now())
    sent = [each["sql"] for each in seen.captured_queries]
    return run, [sql for sql in sent if sql.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))]


def test_an_end_takes_few_statements_however_many_packages(broker: User) -> None:
    few_run, few = ended(broker, 2)
    many_run, many = ended(broker, 24)
    assert len(few) == len(many) <= MOST
    assert [few_run.solutions.count(), many_run.solutions.count()] == [2, 24]
    assert RunFact.objects.get(pk=many_run.pk).packages == 24
    assert set(Notice.objects.values_list("user", "run")) == {
        (broker.pk, few_run.pk),
        (broker.pk, many_run.pk),
    }


def test_nothing_is_read_that_was_just_written(broker: User) -> None:
    _, sent = ended(broker, 2)
    read = [sql for sql in sent if sql.startswith("SELECT")]
    written = ("quotes_run", "quotes_runfact", "quotes_runevent")
    for table in (*written, "quotes_solution", "quotes_solutionline"):
        assert not [sql for sql in read if f'FROM "{table}"' in sql]
    for table in ("quotes_carrieralias", "quotes_quoteline"):
        assert len([sql for sql in read if f'FROM "{table}"' in sql]) == 1


@pytest.fixture
def broker(db: None) -> User:
    return factories.make_user("ana", Role.BROKER)

"""The database goes away while Nexio answers: what Nexio said is written down all the same."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from django.utils import timezone

from quotes.models import Run
from quotes.nexio import errors
from quotes.services import claims, outcomes
from tests.answers import status
from tests.fake_nexio import FakeNexio
from tests.services.watch import Watching, kinds, until, until_state

pytestmark = pytest.mark.django_db(transaction=True)


class Outage:
    """From `begin` on, the next statements of the watcher's connection fail, `failures` of them."""

    def __init__(self, failures: int) -> None:
        self.left = failures
        self.begun = threading.Event()
        self.seen = 0

    def begin(self) -> None:
        self.begun.set()

    def __call__(self, execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if self.begun.is_set() and self.left:
            self.left -= 1
            self.seen += 1
            raise OperationalError("the database is away")
        return execute(sql, *args)

    def attach(self, sender: Any, connection: Any, **kwargs: Any) -> None:
        if threading.current_thread().name.startswith("watcher-db"):
            connection.execute_wrappers.append(self)


@pytest.fixture
def outage() -> Iterator[Outage]:
    trouble = Outage(failures=6)
    connection_created.connect(trouble.attach)
    yield trouble
    connection_created.disconnect(trouble.attach)


def test_a_run_id_is_written_down_once_the_database_is_back(
    nexio: FakeNexio, run: Run, outage: Outage
) -> None:
    def accept_as_the_database_goes(request: Any) -> None:
        outage.begin()

    nexio.on_submit([accept_as_the_database_goes])
    with Watching(nexio):
        until_state(run, "completed")
    assert outage.seen == 6
    assert len(nexio.recorded_submits) == 1
    assert kinds(run).count("accepted") == 1
    assert "submit_unknown" not in kinds(run)


def test_a_refusal_is_written_down_once_the_database_is_back(
    nexio: FakeNexio, run: Run, outage: Outage
) -> None:
    def refuse_as_the_database_goes(request: Any) -> Any:
        outage.begin()
        return status(400, {"code": "invalid_request", "message": "no such state"})

    nexio.on_submit([refuse_as_the_database_goes])
    with Watching(nexio):
        until_state(run, "rejected")
    assert run.error == "no such state"


def test_a_watcher_outlives_an_outage_while_it_looks_for_work(
    nexio: FakeNexio, queue: Callable[..., Run], outage: Outage
) -> None:
    with Watching(nexio):
        outage.left = 3
        outage.begin()
        until(lambda: outage.left == 0)
        until_state(queue(), "completed")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server to cut off")
def test_every_connection_cut_in_mid_submission_loses_nothing(nexio: FakeNexio, run: Run) -> None:
    def cut(request: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connection.close()

    nexio.on_submit([cut])
    with Watching(nexio):

        def ended() -> bool:
            try:
                return Run.objects.get(pk=run.pk).state == "completed"
            except OperationalError:
                connection.close()  # this test's own connection was cut as well
                return False

        until(ended)
    assert len(nexio.recorded_submits) == 1


def test_an_outcome_written_twice_leaves_another_workers_attempt_alone(
    nexio: FakeNexio, run: Run
) -> None:
    """The database took the first writing and could not say so; the row has moved on since."""
    first, second = "first-worker", "second-worker"
    service = claims.service_at(nexio.url, "nx_test_watched")
    now = timezone.now()
    [mine] = claims.claim_due(service=service, lease=first, now=now, limit=1)
    outcomes.begin_submission(mine, lease=first, now=now)
    stale = copy.copy(mine)
    refused = errors.NotSent("Nexio could not be reached; nothing was sent.")
    outcomes.submission_failed(mine, refused, service=service, lease=first, now=now)
    later = now + timedelta(seconds=5)
    [theirs] = claims.claim_due(service=service, lease=second, now=later, limit=1)
    outcomes.begin_submission(theirs, lease=second, now=later)

    outcomes.submission_failed(stale, refused, service=service, lease=first, now=later)
    run.refresh_from_db()
    assert (run.state, run.lease_owner, run.attempts) == ("submitting", second, 2)
    assert kinds(run)[-1] == "late_reply"

"""The disk is full: SQLite refuses what needs a page more. What Nexio said is not lost by it,
nothing is half-stored, and all goes on once there is room."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from django.urls import reverse

from quotes.models import Run, RunEvent, RunFact
from tests.answers import raw
from tests.factories import import_example, make_people
from tests.fake_nexio import FakeNexio, completed
from tests.services.watch import Watching, kinds, until, until_state
from tests.views.pages import signed_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="a page limit is SQLite's"),
]

NO_LIMIT = 1_073_741_823


class Disk:
    """What the connections of some threads may fill; `refused` counts what did not fit."""

    def __init__(self, thread: str) -> None:
        self.thread = thread
        self.full = threading.Event()
        self.refused = 0

    def attach(self, sender: Any, connection: Any, **kwargs: Any) -> None:
        if threading.current_thread().name.startswith(self.thread):
            connection.execute_wrappers.append(self)

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        raw = context["connection"].connection
        pages = raw.execute("PRAGMA page_count").fetchone()[0] if self.full.is_set() else NO_LIMIT
        raw.execute(f"PRAGMA max_page_count = {pages}")
        try:
            return execute(sql, params, many, context)
        except OperationalError as error:
            self.refused += "full" in str(error)
            raise


@pytest.fixture
def pack() -> Callable[[], None]:
    """Take what is free inside of the database's file: earlier tests have left room there."""

    def vacuum() -> None:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")

    return vacuum


@pytest.fixture
def disk(request: pytest.FixtureRequest) -> Iterator[Disk]:
    made = Disk(getattr(request, "param", "watcher-db"))
    connection_created.connect(made.attach)
    yield made
    connection_created.disconnect(made.attach)


NOTE = "".join(random.Random(7).choices([chr(code) for code in range(0x4E00, 0x9FFF)], k=9000))
"""In a reply it makes what is kept of that longer than a page has room for, however packed."""


def test_a_run_id_is_written_down_once_there_is_room(
    nexio: FakeNexio, run: Run, disk: Disk, pack: Callable[[], None]
) -> None:
    def fills_up(request: Any) -> Any:
        pack()
        disk.full.set()
        nexio.add_run("nx-full", request.json)
        return raw(202, f'{{"run_id": "nx-full", "status": "queued", "note": "{NOTE}"}}'.encode())

    nexio.on_submit([fills_up])
    with Watching(nexio):
        until(lambda: disk.refused >= 2)
        run.refresh_from_db()
        assert (run.state, kinds(run)) == ("submitting", ["created", "submitting"])
        disk.full.clear()
        until_state(run, "completed")
    assert run.nexio_run_id == "nx-full"
    assert kinds(run).count("accepted") == 1
    assert len(nexio.recorded_submits) == 1


def test_packages_are_stored_whole_once_there_is_room(
    nexio: FakeNexio, run: Run, disk: Disk, pack: Callable[[], None]
) -> None:
    packages = completed(json.loads(bytes(run.request_body), parse_float=Decimal))

    def fills_up(request: Any) -> Any:
        pack()
        disk.full.set()
        return {"run_id": request.run_id, "status": "completed", "note": NOTE, **packages}

    nexio.statuses = ("completed",)
    nexio.on_poll(None, [fills_up])
    with Watching(nexio):
        until(lambda: disk.refused)
        run.refresh_from_db()
        assert (run.state, run.response_body) == ("waiting", None)
        assert not run.solutions.exists()
        disk.full.clear()
    with Watching(nexio):
        until_state(run, "completed")
    assert run.solutions.exists()
    assert kinds(run).count("completed") == 1
    assert len(nexio.recorded_submits) == 1


@pytest.mark.parametrize("disk", ["MainThread"], indirect=True)
def test_a_run_that_cannot_be_saved_is_not_started_and_the_page_says_so(
    nexio: FakeNexio, disk: Disk, pack: Callable[[], None]
) -> None:
    people = make_people()
    insured = import_example("home_auto.json", people["broker"]).insured
    client = signed_in(people["broker"])
    client.raise_request_exception = False
    connection.close()
    start = reverse("quotes:run_start", args=[insured.pk])
    choice = {"coverage_types": "auto", "appetite": "simplicity"}
    pack()
    disk.full.set()
    answer = client.post(start, choice)
    assert answer.status_code == 500
    assert "What was saved before is still there" in answer.content.decode()
    assert disk.refused
    for kind in (Run, RunEvent, RunFact):
        assert not kind.objects.exists()
    disk.full.clear()
    assert client.post(start, choice).status_code == 302
    assert Run.objects.count() == 1

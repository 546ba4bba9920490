"""What happens to the queue and to the tables under a worker while runs are in flight."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone
from django_q import core_signing
from django_q.conf import Conf
from django_q.models import OrmQ

from quotes.models import Run, RunState
from tests.answers import hang
from tests.factories import queued_run
from tests.fake_nexio import Recorded
from tests.processes.conftest import SIGNED_WITH
from tests.processes.ground import Ground, comes_to, is_whole
from tests.processes.worker import eventually

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]


# The queue ------------------------------------------------------------------------------------


def test_a_queue_that_is_emptied_loses_no_run(ground: Ground) -> None:
    """Neither one under way, nor one whose hint was in it, nor the watcher that comes next."""
    ground.nexio.on_poll(None, [hang()])
    polled = queued_run()
    ground.nexio.wait_until(lambda nexio: bool(ground.posts and nexio.recorded_polls()), 60)
    waiting = queued_run(insured=polled.insured)
    OrmQ.objects.all().delete()
    ground.kill_watcher()
    OrmQ.objects.all().delete()
    for run in (polled, waiting):
        comes_to(run, RunState.COMPLETED)
        assert is_whole(run)
    assert ground.posts == 2


def package(func: str, *args: Any, key: str = SIGNED_WITH, content: bytes | None = None) -> str:
    """A payload as django-q queues it, or one around this `content`, signed with this key."""
    now = timezone.now()
    task = {"id": func, "name": func, "func": func, "args": args, "kwargs": {}, "started": now}

    class Pickled:
        def dumps(self, value: Any) -> bytes:
            return content or pickle.dumps(value)

    signed: str = core_signing.dumps(task, key=key, salt=Conf.PREFIX, serializer=Pickled)
    return signed


once_is_enough = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="it is about the queue's payloads, not about a database"
)
GONE = b"\x80\x04\x8c\x0cquotes.tasks\x8c\x0cGoneForGoods\x93."
"""A pickle that names a class which `quotes.tasks` does not have."""


@once_is_enough
@pytest.mark.parametrize(
    "payload",
    [
        package("quotes.tasks.poll_run", 7),
        package("quotes.tasks.watch", 7, "some-run"),
        package("quotes.tasks.watch", key="the key before this one, of which nobody told"),
        "no package at all",
    ],
    ids=["function gone", "older arguments", "older key", "unreadable"],
)
def test_an_old_releases_payload_stops_nothing_and_goes(ground: Ground, payload: str) -> None:
    old = OrmQ.objects.create(key=Conf.CLUSTER_NAME, payload=payload, lock=timezone.now())
    run = queued_run()
    comes_to(run, RunState.COMPLETED)
    assert is_whole(run)
    eventually(lambda: not OrmQ.objects.filter(pk=old.pk).exists(), 30, "it left the queue")
    ground.kill_watcher()
    comes_to(queued_run(insured=run.insured), RunState.COMPLETED)
    assert ground.posts == 2


@once_is_enough
def test_a_payload_of_a_class_that_is_gone_stops_nothing(ground: Ground) -> None:
    """It cannot even be read, and takes the process down that tries."""
    OrmQ.objects.create(
        key=Conf.CLUSTER_NAME, payload=package("gone", content=GONE), lock=timezone.now()
    )
    eventually(lambda: "GoneForGoods" in ground.worker.log.read_text(), 30, "it was tried")
    ground.kill_watcher()
    run = queued_run()
    comes_to(run, RunState.COMPLETED)
    assert is_whole(run)


# Migrations -----------------------------------------------------------------------------------


@contextmanager
def in_flight(ground: Ground) -> Iterator[tuple[Run, Run]]:
    """A run between two polls, and one whose submission is answered when the block is over."""
    ground.nexio.on_poll(None, lambda request: {"run_id": request.run_id, "status": "queued"})
    waiting = queued_run()
    comes_to(waiting, RunState.WAITING)
    over = threading.Event()

    def answered(request: Recorded) -> dict[str, Any]:
        over.wait(25)
        return {"run_id": f"nx-{request.port}", "status": "queued"}

    ground.nexio.on_submit([answered])
    sending = queued_run(insured=waiting.insured)
    ground.nexio.wait_until(lambda nexio: ground.posts == 2, timeout=60)
    try:
        yield waiting, sending
    finally:
        over.set()
        ground.nexio.on_poll(None)


def test_the_newest_migration_undone_and_applied_while_runs_are_in_flight(ground: Ground) -> None:
    graph = MigrationLoader(connection).graph
    (newest,) = graph.leaf_nodes("quotes")
    (before,) = [each.key for each in graph.node_map[newest].parents if each.key[0] == "quotes"]
    with in_flight(ground) as runs:
        try:
            call_command("migrate", *before, verbosity=0)
        finally:
            call_command("migrate", verbosity=0)
    for run in runs:
        comes_to(run, RunState.COMPLETED)
        assert is_whole(run)
    assert ground.posts == 2


def test_a_column_that_the_next_release_adds_while_runs_are_in_flight(ground: Ground) -> None:
    """The table of the runs itself is changed, under workers that do not know of it."""
    column: models.Field[Any, Any] = models.IntegerField(null=True)
    column.set_attributes_from_name("of_the_next_release")
    column.model = Run
    with in_flight(ground) as runs, connection.schema_editor() as editor:
        editor.add_field(Run, column)
    try:
        for run in [*runs, queued_run(insured=runs[0].insured)]:
            comes_to(run, RunState.COMPLETED)
            assert is_whole(run)
        assert ground.posts == 3
    finally:
        with connection.schema_editor() as editor:
            editor.remove_field(Run, column)

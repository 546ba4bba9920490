"""Twenty processes that write at the same time, beside a watcher at work."""

from __future__ import annotations

import multiprocessing
from uuid import UUID

import pytest
from django.db import connections

from quotes.models import Insured, Run
from tests.factories import import_example, make_user, queued_run
from tests.fake_nexio import FakeNexio
from tests.services.watch import Watching, kinds, until

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS, EACH = 20, 3


def write(insured_id: UUID) -> str:
    """Import and start runs for one household, in a process of its own; what went wrong."""
    try:
        insured = Insured.objects.get(pk=insured_id)
        for _ in range(EACH):
            import_example("home_auto.json", insured.owner)
            queued_run(insured=insured)
    except Exception as error:
        return repr(error)
    finally:
        connections.close_all()
    return ""


def test_none_is_turned_away_and_every_run_ends(nexio: FakeNexio) -> None:
    brokers = [make_user(f"broker{number}", "broker") for number in range(WRITERS)]
    insureds = [import_example("home_auto.json", broker).insured.pk for broker in brokers]
    nexio.statuses = ("completed",)
    connections.close_all()  # none may be shared with a process that is forked
    with multiprocessing.get_context("fork").Pool(WRITERS) as pool:
        writing = pool.map_async(write, insureds, chunksize=1)
        with Watching(nexio):
            assert writing.get(90) == [""] * WRITERS
            until(lambda: Run.objects.filter(state="completed").count() == WRITERS * EACH, 60)
    numbers = {(run.insured_id, run.number) for run in Run.objects.all()}
    assert numbers == {(pk, number) for pk in insureds for number in range(1, EACH + 1)}
    assert all(kinds(run).count("completed") == 1 for run in Run.objects.all())
    assert len(nexio.recorded_submits) == WRITERS * EACH

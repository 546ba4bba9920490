"""What stands in the queue and was not put there by us is thrown away, unread."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import PickleSerializer

from quotes.models import Run, RunState
from tests.factories import make_user, queued_run
from tests.processes.conftest import eventually

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]


class Evil:
    """What runs a command when it is unpickled, which is before anybody looks at it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.mark}",)


def put(payload: str) -> int:
    return int(OrmQ.objects.create(key="brokerportal", payload=payload, lock=timezone.now()).pk)


def payloads(mark: Path) -> dict[str, str]:
    """Payloads of somebody who writes to the queue and does not have our SECRET_KEY."""
    task: dict[str, Any] = {
        "id": "a" * 32,
        "name": "x",
        "func": "os.system",
        "args": (f"touch {mark}",),
        "kwargs": {},
        "started": timezone.now(),
    }
    foreign = {"key": "another key altogether, of some length", "salt": "brokerportal"}

    def signed(value: Any, **how: Any) -> str:
        return signing.dumps(value, **{**foreign, **how}, serializer=PickleSerializer)

    body = signed(Evil(mark))
    ours = signed(task)
    return {
        "a pickle that runs a command, signed with another key": body,
        "the same, its signature cut off": body.rsplit(":", 1)[0],
        "a task that names os.system": ours,
        "a body under another's signature": f"{body.split(':')[0]}:{ours.split(':', 1)[1]}",
        "a bare pickle": pickle.dumps(Evil(mark), protocol=0).decode("ascii"),
        "compressed": signed(Evil(mark), compress=True),
        "an empty signature": f"{body.split(':')[0]}::",
        "nothing": "",
        "no payload of any kind": "\u2028{{7*7}}",
    }


def test_a_tampered_payload_runs_nothing_and_the_worker_goes_on(
    start_worker, fake_nexio, settings, tmp_path
):
    settings.NEXIO_URL = fake_nexio.url
    mark = tmp_path / "it-ran"
    given = payloads(mark)
    pickle.loads(pickle.dumps(Evil(tmp_path / "control")))  # noqa: S301 - it does run where loaded
    assert (tmp_path / "control").exists()
    put_in = [put(payload) for payload in given.values()]
    worker = start_worker()
    eventually(
        lambda: not OrmQ.objects.filter(pk__in=put_in).exists(), 90, "the payloads are thrown away"
    )
    run = queued_run(owner=make_user("broker", "broker"))
    eventually(
        lambda: Run.objects.get(pk=run.pk).state == RunState.COMPLETED, 90, "a run is served after"
    )
    assert worker.process.poll() is None
    assert not mark.exists()
    log = worker.log.read_text()
    assert log.count("Failed to push task to queue") >= len(given)
    assert str(mark) not in log

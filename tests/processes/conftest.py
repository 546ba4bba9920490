"""The app's own processes, started as an operator starts them and ended by pid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHROMIUM_LAUNCH
from tests.fake_nexio import FakeNexio
from tests.processes.ground import Ground
from tests.processes.halts import FOLDER, Traps
from tests.processes.worker import ROOT, WorkerProcess, database_url, eventually

__all__ = ["ROOT", "WorkerProcess", "database_url", "eventually"]

SIGNED_WITH = "what the workers under test sign with, 0123456789"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, **CHROMIUM_LAUNCH}


@pytest.fixture
def start_worker(
    tmp_path: Path, fake_nexio, transactional_db
) -> Iterator[Callable[..., WorkerProcess]]:
    """Starts workers that talk to the fake Nexio; whatever still lives at the end is ended."""
    started: list[WorkerProcess] = []

    def start(*options: str, **environment: str) -> WorkerProcess:
        folder = tmp_path / f"worker{len(started)}"
        started.append(WorkerProcess(fake_nexio.url, folder, *options, **environment))
        return started[-1]

    yield start
    for worker in started:
        worker.end()


@pytest.fixture(scope="module")
def living(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("living")
    traps = Traps(folder / "traps")
    with FakeNexio(statuses=("completed",)) as nexio:
        worker = WorkerProcess(
            nexio.url,
            folder / "worker",
            DJANGO_SETTINGS_MODULE="tests.processes.settings",
            SECRET_KEY=SIGNED_WITH,
            **{FOLDER: str(folder / "traps")},
        )
        try:
            yield Ground(worker, nexio, traps)
        finally:
            worker.end()


@pytest.fixture
def ground(living: Ground, transactional_db: None, settings: Any) -> Ground:
    """The worker of the module, at rest: the tables are empty, and its Nexio behaves."""
    settings.NEXIO_URL = living.nexio.url
    living.nexio.on_submit()
    living.nexio.on_poll(None)
    living.sent_before = len(living.nexio.recorded_submits)
    living.watcher()
    return living

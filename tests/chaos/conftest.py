"""Storms in tests: the app's own worker processes on the test database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaos.processes import Peer
from chaos.storm import Outcome, Plan, Storm
from tests.processes.conftest import database_url


@pytest.fixture
def storm(tmp_path: Path, settings: Any, transactional_db) -> Callable[[Plan], Outcome]:
    """Lets a storm rage by a plan, and tells what came of it."""

    def rage(plan: Plan) -> Outcome:
        peer = Peer(tmp_path, plan.script)
        settings.NEXIO_URL = peer.url
        env = {"DATABASE_URL": database_url(), "DATA_DIR": str(tmp_path)}
        return Storm(plan, peer, tmp_path, env).run()

    return rage

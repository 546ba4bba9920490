"""Runs queued for the Nexio that the settings name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from quotes.models import Run
from tests.factories import queued_run
from tests.fake_nexio import FakeNexio


@pytest.fixture
def queue(nexio: FakeNexio, transactional_db: None) -> Callable[..., Run]:
    """Queue one more run for that Nexio."""
    return lambda name="guide_request.json": queued_run(name)


@pytest.fixture
def run(queue: Callable[..., Run]) -> Run:
    return queue()

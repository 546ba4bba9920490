"""Rows that all tests of a module share: written once, for each test as they were written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction


@contextmanager
def standing(blocker: Any) -> Iterator[None]:
    """What is written here stays until the end, and is then gone as if it had never been.

    A test that commits nothing is a savepoint within; none that commits may be in the module.
    `blocker` is the fixture `django_db_blocker`, of a fixture that asks for `django_db_setup`.
    """
    block: Any = transaction.atomic()
    block._from_testcase = True  # as a test's own: what must be outermost takes it for nothing
    with blocker.unblock(), block:
        yield
        transaction.set_rollback(True)

"""What a watcher that died held is taken back by whoever takes its lock next."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from quotes import tasks
from quotes.models import Run
from quotes.services import claims, leash
from tests.factories import queued_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(tmp_path, monkeypatch, settings, fake_nexio):
    """A worker's folder whose worker has let go: a watcher started in it ends at once."""
    settings.NEXIO_URL = fake_nexio.url
    monkeypatch.setenv(leash.LEASH_ENV, str(tmp_path))
    return tmp_path


@pytest.fixture
def held(folder) -> Run:
    """A run that a watcher held when it was killed."""
    run = queued_run()
    lease = uuid.uuid4().hex
    Run.objects.filter(pk=run.pk).update(
        lease_owner=lease, lease_until=timezone.now() + timedelta(minutes=1)
    )
    leash.watcher_lock(folder).path.write_text(lease)
    return run


def is_free(run: Run) -> bool:
    run.refresh_from_db()
    return run.lease_until is None or run.lease_until <= timezone.now()


def test_the_next_watcher_takes_its_runs_back_even_before_the_worker_looks(held):
    """A hint still queued may start one within milliseconds of the death."""
    tasks.watch()
    assert is_free(held)


def test_its_word_stays_until_the_runs_are_free(held, folder, monkeypatch):
    lock = leash.watcher_lock(folder)
    assert lock.take()
    with monkeypatch.context() as patch:
        patch.setattr(claims, "lapse", _database_away)
        with pytest.raises(OperationalError):
            claims.take_back(lock, now=timezone.now())
    assert not is_free(held)
    claims.take_back(lock, now=timezone.now())
    assert is_free(held)
    lock.drop()
    assert lock.path.read_text() == ""


def _database_away(**kwargs: object) -> int:
    raise OperationalError("the database is away")

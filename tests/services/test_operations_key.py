"""Trying the key: one request, told in words, and the key in none of them."""

from __future__ import annotations

import logging

import pytest
from django.utils import timezone

from quotes.models import AuditEvent, NexioService, User
from quotes.services import claims, outcomes
from quotes.services.operations_key import AT_MOST_EVERY, Trial, try_key
from tests.answers import hang, status
from tests.factories import make_user
from tests.fake_nexio import FakeNexio

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "nx_test_watched"


@pytest.fixture
def admin(db: None) -> User:
    return make_user("admin", "admin")


def tried(admin: User, after: int = 0) -> Trial:
    return try_key(actor=admin, now=timezone.now() + after * AT_MOST_EVERY)


def service(nexio: FakeNexio) -> NexioService:
    return NexioService.objects.get(base_url=nexio.url)


def test_a_key_that_works(nexio: FakeNexio, admin: User, caplog) -> None:
    with caplog.at_level(logging.DEBUG):
        trial = tried(admin)
    assert trial.level == "success"
    assert "takes the key" in trial.says
    assert "Environment: test" in trial.says
    assert f"{trial.latency_ms} ms" in trial.says
    assert len(nexio.recorded_polls()) == 1
    assert not nexio.recorded_submits
    assert KEY not in trial.says + caplog.text + str(AuditEvent.objects.get().data)


def test_a_key_that_is_refused_puts_the_hold_on_and_one_that_works_lifts_it(
    nexio: FakeNexio, admin: User
) -> None:
    claims.service_at(nexio.url, KEY)
    nexio.on_poll(None, [status(401, {"code": "unauthorized", "message": f"not {KEY}"})])
    refused = tried(admin)
    assert (refused.level, "HTTP 401" in refused.says) == ("error", True)
    assert KEY not in refused.says
    assert service(nexio).key_refused_at is not None
    works = tried(admin, after=1)
    assert "The hold is lifted" in works.says
    assert service(nexio).key_refused_at is None


def test_the_workers_hold_on_another_key_stays(nexio: FakeNexio, admin: User) -> None:
    other = claims.service_at(nexio.url, "nx_test_the_workers_own")
    outcomes.refuse_key(other, now=timezone.now())
    trial = tried(admin)
    assert trial.level == "warning"
    assert "another key" in trial.says
    assert service(nexio).key_refused_at is not None
    assert service(nexio).key_mark == other.key_mark


def test_once_in_ten_seconds_for_all(nexio: FakeNexio, admin: User) -> None:
    tried(admin)
    assert "a moment ago" in tried(make_user("admin2", "admin")).says
    assert len(nexio.recorded_polls()) == 1
    assert tried(admin, after=1).level == "success"


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [
        (status(500, {"code": "x", "message": "y"}), "error", "trouble is Nexio's"),
        (status(429, None, {"Retry-After": "7"}), "warning", "wait 7 s"),
        (status(404, None), "warning", "not as Nexio does"),
    ],
)
def test_answers_that_say_nothing_of_the_key(
    nexio: FakeNexio, admin: User, answer, level: str, words: str
) -> None:
    nexio.on_poll(None, [answer])
    trial = tried(admin)
    assert trial.level == level
    assert words in trial.says
    assert service(nexio).key_refused_at is None


def test_nobody_is_there(settings, admin: User) -> None:
    settings.NEXIO_URL, settings.NEXIO_KEY = "http://127.0.0.1:9", KEY
    trial = tried(admin)
    assert trial.level == "error"
    assert "NEXIO_BASE_URL" in trial.says


def test_a_service_that_hangs_holds_nobody_up(nexio: FakeNexio, admin: User, monkeypatch) -> None:
    monkeypatch.setattr("quotes.services.operations_key.DEADLINE", 0.2)
    nexio.on_poll(None, [hang()])
    assert tried(admin).level == "error"

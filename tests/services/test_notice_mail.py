"""Notices by e-mail, over real SMTP on loopback: what is said, to whom, and never lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from quotes.models import Notice, User
from quotes.services import inbox
from quotes.services.notices import mailing, tending
from tests import runs as made
from tests.smtp import MailServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings) -> Iterator[MailServer]:
    with MailServer() as server:
        settings.MAIL_ON = True
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.MAIL_FROM = "Portal <portal@example.com>"
        settings.PORTAL_URL = "https://portal.example.com"
        yield server


@pytest.fixture
def broker(people) -> User:
    people["broker"].email = "broker@example.com"
    people["broker"].save()
    return User.objects.get(username="broker")


def test_off_by_default_nothing_is_mailed(broker, settings):
    assert not settings.MAIL_ON
    made.completed_run(broker)
    assert Notice.objects.get().mail_due_at is None
    assert mailing.send_due(timezone.now()) == 0


def test_says_what_happened_links_to_it_and_names_nobody(server, broker):
    run = made.completed_run(broker)
    now = timezone.now() + timedelta(minutes=1)
    assert mailing.send_due(now) == 1
    (mail,) = server.messages
    body = mail.get_content()
    assert (mail["To"], mail["From"]) == ("broker@example.com", "Portal <portal@example.com>")
    assert mail["Subject"].startswith("Run 1 finished with ")
    assert f"https://portal.example.com/runs/{run.pk}/" in body
    whole = server.taken[0].decode()
    for personal in (*run.insured.applicant_name.split(), run.insured.street, "$"):
        assert personal not in whole
    notice = Notice.objects.get()
    assert (notice.mailed_at, notice.mail_due_at) == (now, None)
    assert mailing.send_due(now + timedelta(days=1)) == 0
    assert len(server.taken) == 1


def test_several_at_once_are_one_mail(server, broker):
    for _ in range(3):
        made.failed_run(broker)
    assert mailing.send_due(timezone.now() + timedelta(minutes=1)) == 1
    (mail,) = server.messages
    assert mail["Subject"] == "3 notices from the broker portal"
    assert mail.get_content().count("/runs/") == 3


def test_a_server_that_refuses_is_tried_again_ever_more_rarely_and_given_up(server, broker):
    made.completed_run(broker)
    server.refusing = True
    now = timezone.now() + timedelta(minutes=1)
    tried = []
    while (notice := Notice.objects.get()).mail_due_at is not None:
        now = max(now, notice.mail_due_at)
        tried.append(now)
        mailing.send_due(now)
    assert server.refused == mailing.MOST_TRIES
    pauses = [after - before for before, after in pairwise(tried)]
    assert pauses[:3] == [timedelta(minutes=2), timedelta(minutes=4), timedelta(minutes=8)]
    assert max(pauses) == mailing.LONGEST_RETRY
    assert (notice.mailed_at, server.taken) == (None, [])


def test_one_that_comes_back_takes_what_waited(server, broker):
    made.completed_run(broker)
    server.refusing = True
    now = timezone.now() + timedelta(minutes=1)
    assert mailing.send_due(now) == 0
    server.refusing = False
    assert mailing.send_due(now + timedelta(minutes=1)) == 0, "not before its time"
    assert mailing.send_due(now + timedelta(minutes=3)) == 1


def test_nobody_at_the_address_is_no_more_than_a_try(server, broker, settings):
    made.completed_run(broker)
    server.__exit__(None, None, None)
    assert mailing.send_due(timezone.now() + timedelta(minutes=1)) == 0
    assert Notice.objects.get().mail_tries == 1


def test_a_worker_that_dies_after_sending_repeats_the_mail_and_loses_none(
    server, broker, monkeypatch
):
    made.completed_run(broker)
    now = timezone.now() + timedelta(minutes=1)
    send = mailing._send

    def and_die(*args: object) -> None:
        send(*args)  # type: ignore[arg-type]
        raise SystemExit

    monkeypatch.setattr(mailing, "_send", and_die)
    with pytest.raises(SystemExit):
        mailing.send_due(now)
    monkeypatch.undo()
    assert mailing.send_due(now + timedelta(minutes=1)) == 0, "another worker leaves it alone"
    assert mailing.send_due(now + timedelta(minutes=3)) == 1
    assert len(server.taken) == 2


@pytest.mark.parametrize("why", ["read", "off", "left", "moved", "no address"])
def test_what_no_longer_concerns_a_person_is_not_mailed(server, broker, people, why):
    run = made.completed_run(broker)
    now = timezone.now() + timedelta(minutes=1)
    if why == "read":
        inbox.mark_read(broker, now=now)
    elif why == "off":
        inbox.mail_notices(broker, on=False)
    elif why == "left":
        User.objects.filter(pk=broker.pk).update(is_active=False)
    elif why == "no address":
        User.objects.filter(pk=broker.pk).update(email="")
    else:
        run.insured.owner = people["other"]
        run.insured.save()
    assert mailing.send_due(now) == 0
    assert Notice.objects.get().mail_due_at is None
    assert server.taken == []


def test_who_wants_none_gets_none(server, broker):
    inbox.mail_notices(broker, on=False)
    made.completed_run(broker)
    assert Notice.objects.get().mail_due_at is None


def test_by_the_command_for_cron(server, broker, capsys, time_machine):
    made.completed_run(broker)
    time_machine.move_to(timezone.now() + timedelta(minutes=1))
    call_command("send_notices")
    assert "1 mails sent" in capsys.readouterr().out
    assert len(server.taken) == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_goes_on_tending_after_an_error(server, broker, monkeypatch):
    """In a thread of its own, on a connection of its own."""
    made.failed_run(broker)  # one of which there is nothing else to tell, whatever day it is
    tend, calls = tending.tend, []

    def fails_once(now):
        calls.append(now)
        if len(calls) == 1:
            raise OperationalError("the database is away")
        return tend(now)

    monkeypatch.setattr(tending, "tend", fails_once)
    tender = tending.Tender(every=0.01)
    tender.start()
    try:
        assert server.one_taken.wait(30)
    finally:
        tender.stop()
        tender.join(30)
    assert not tender.is_alive()
    assert Notice.objects.get().mailed_at is not None

"""Mailing notices, where mail is set up: claimed by compare-and-set, tried a few times.

A worker that dies between sending and writing that down makes the mail go out again; none is
lost. A mail says that something happened to a run and links to it: no insured, no amount, nobody.
"""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.urls import reverse

from quotes.models import Notice, User
from quotes.models.review import NoticeQuerySet

log = structlog.get_logger(__name__)

MOST_TRIES = 10
FIRST_RETRY = timedelta(minutes=2)
LONGEST_RETRY = timedelta(hours=6)
MOST_PEOPLE = 50
MOST_IN_ONE = 30
NOT_SENT = (smtplib.SMTPException, OSError)
"""What a mail server that is away, slow or unwilling raises; time-outs are OSErrors."""


def send_due(now: datetime) -> int:
    """Mail what is due, one mail a person, and return how many mails the server took.

    Nothing is sent where mail is off, or to whom it no longer concerns: who does not see the run
    any more, has read the notice meanwhile, has left, or wants no mail.
    """
    if not settings.MAIL_ON:
        return 0
    due = Notice.objects.filter(mail_due_at__lte=now)
    people = list(due.order_by().values_list("user", flat=True).distinct()[:MOST_PEOPLE])
    sent = 0
    for person in User.objects.filter(pk__in=people):
        mine = _claim(person, now)
        if not mine:
            continue
        try:
            _send(person, mine)
        except NOT_SENT as error:
            # What the server says may repeat an address; the kind of trouble is enough.
            log.warning("notices_not_mailed", user=person.pk, error=type(error).__name__)
            continue
        Notice.objects.filter(pk__in=[each.pk for each in mine]).update(
            mailed_at=now, mail_due_at=None
        )
        sent += 1
    return sent


def _claim(person: User, now: datetime) -> list[Notice]:
    """The person's due notices, each put off to its next try in case this one fails."""
    due = Notice.objects.filter(user=person, mail_due_at__lte=now)
    wanted = due.none()
    if person.is_active and person.notices_by_mail and person.email:
        wanted = due.of(person).filter(read_at__isnull=True, mail_tries__lt=MOST_TRIES)
    keys = list(wanted.order_by("at", "pk").values_list("pk", flat=True)[:MOST_IN_ONE])
    _let_go(due, wanted)
    mine = []
    for notice in Notice.objects.filter(pk__in=keys).order_by("at", "pk"):
        claimed = Notice.objects.filter(pk=notice.pk, mail_due_at=notice.mail_due_at).update(
            mail_due_at=now + retry_in(notice.mail_tries), mail_tries=notice.mail_tries + 1
        )
        if claimed:
            mine.append(notice)
    return mine


def _let_go(due: NoticeQuerySet, wanted: NoticeQuerySet) -> None:
    """Mail nothing of what is due and not wanted: it stays in the inbox."""
    gone = list(due.exclude(pk__in=wanted.order_by().values("pk")).values_list("pk", "mail_tries"))
    if not gone:
        return
    Notice.objects.filter(pk__in=[pk for pk, _ in gone]).update(mail_due_at=None)
    given_up = sum(tries >= MOST_TRIES for _, tries in gone)
    if given_up:
        log.error("notices_given_up", count=given_up)


def retry_in(tries: int) -> timedelta:
    """How long after try `tries` (from 0) the next one is: 2 min, 4, 8 … at most 6 h."""
    return min(FIRST_RETRY * int(2**tries), LONGEST_RETRY)


def _send(person: User, notices: Sequence[Notice]) -> None:
    count = len(notices)
    subject = notices[0].text if count == 1 else f"{count} notices from the broker portal"
    message = EmailMessage(
        subject=" ".join(subject.split()),
        body=body_of(notices),
        from_email=settings.MAIL_FROM,
        to=[person.email],
        headers={"Auto-Submitted": "auto-generated"},
        connection=get_connection(timeout=settings.EMAIL_TIMEOUT),
    )
    message.send(fail_silently=False)


def body_of(notices: Sequence[Notice]) -> str:
    """What the mail says: each notice with the address of its run, and where to turn mails off."""
    said = [f"{each.text}\n{address_of('quotes:run_detail', each)}" for each in notices]
    head = "About one of the insureds you work with:" if len(said) == 1 else (
        "About insureds you work with:"
    )  # fmt: skip
    foot = f"Mails like this are turned off in your inbox: {settings.PORTAL_URL}/inbox/"
    return "\n\n".join([head, *said, foot]) + "\n"


def address_of(name: str, notice: Notice) -> str:
    return f"{settings.PORTAL_URL}{reverse(name, args=[notice.run_id])}"

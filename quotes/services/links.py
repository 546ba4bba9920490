"""Links by which people set a password of their own: invitations, and forgotten passwords.

A link works once, for `settings.PASSWORD_RESET_TIMEOUT` seconds, and only while it is the last
that was made for the person. What it holds is not stored: Django's token machinery signs it over
the person's password, last sign-in and address, and here over the time it was made.
"""

from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django_q.tasks import async_task

from quotes.models import Deed, User
from quotes.services import audit
from quotes.services.sessions import end_sessions

log = structlog.get_logger(__name__)

MOST_NAMESAKES = 3
"""Accounts of one e-mail address that are written to."""
NOT_SENT = (smtplib.SMTPException, OSError)


class NoLink(Exception):
    """No link is made, or none works; the message says why, to the person."""


class LinkTokens(PasswordResetTokenGenerator):
    """Tokens that also end when a later link is made, and that no inactive person has."""

    key_salt = "quotes.services.links"

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        made = user.link_made_at.isoformat() if user.link_made_at else ""
        return f"{super()._make_hash_value(user, timestamp)}{made}{user.is_active}"

    def check_token(self, user: Any, token: str | None) -> bool:
        allowed = bool(user) and user.is_active and not user.is_demo
        return allowed and user.link_made_at is not None and super().check_token(user, token)


tokens = LinkTokens()


def lifetime() -> timedelta:
    return timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)


def refusal(person: User) -> str:
    """Why the person gets no link; "" where they do."""
    if not person.is_active:
        return f"{person.shown_name} is inactive: make them active first."
    if person.is_demo:
        return "A demo account keeps its public password."
    return ""


@transaction.atomic
def make_link(*, person: User, actor: User | None) -> str:
    """The path of a new link; all earlier ones end. `actor` is the admin, or None where the
    person asked for it. Raises NoLink."""
    person = User.objects.select_for_update().get(pk=person.pk)
    if said := refusal(person):
        raise NoLink(said)
    person.link_made_at = timezone.now()
    person.save(update_fields=["link_made_at"])
    first = not person.has_usable_password()
    audit.record(
        actor=actor,
        deed=Deed.ADMINISTERED,
        what=f"Made a link for {person.username} to set "
        + ("a first password" if first else "a new password"),
        data={"user": person.pk},
    )
    uid = urlsafe_base64_encode(force_bytes(person.pk))
    return reverse("password_link", args=[uid, tokens.make_token(person)])


def mail_link(*, person: User, path: str) -> bool:
    """Mail the link; whether the server took it. The log names neither the link nor the address."""
    if not settings.MAIL_ON or not person.email:
        return False
    hours = round(lifetime().total_seconds() / 3600)
    until = f"{hours // 24} days" if hours % 24 == 0 and hours > 24 else f"{hours} hours"
    first = not person.has_usable_password()
    body = (
        f"Your username is {person.username}.\n\n"
        f"Set your {'' if first else 'new '}password here:\n{settings.PORTAL_URL}{path}\n\n"
        f"The link works once, and for {until}. "
        + (
            "If you do not know what this is about, leave it: nothing happens."
            if first
            else "If you did not ask for it, leave it: your password stays as it is."
        )
    )
    message = EmailMessage(
        subject="Your account at the broker portal" if first else "A new password",
        body=body + "\n",
        from_email=settings.MAIL_FROM,
        to=[person.email],
        headers={"Auto-Submitted": "auto-generated"},
        connection=get_connection(timeout=settings.EMAIL_TIMEOUT),
    )
    try:
        message.send(fail_silently=False)
    except NOT_SENT as error:
        log.warning("link_not_mailed", user=person.pk, error=type(error).__name__)
        return False
    return True


def ask_for_link(stated: str) -> None:
    """Somebody who forgot their password names their account, by username or e-mail address.

    What follows is the worker's, whether there is such an account or not: the answer takes as
    long either way, and tells nobody who has one.
    """
    people = User.objects.filter(is_active=True, is_demo=False).exclude(email="")
    found = people.filter(Q(username__iexact=stated) | Q(email__iexact=stated)).order_by("pk")
    pks = list(found.values_list("pk", flat=True)[:MOST_NAMESAKES])
    async_task("quotes.tasks.mail_links", pks, save=False)


def mail_links(people: list[int]) -> int:
    """Make and mail a link for each; how many the server took."""
    sent = 0
    for person in User.objects.filter(pk__in=people):
        try:
            path = make_link(person=person, actor=None)
        except NoLink:
            continue
        sent += mail_link(person=person, path=path)
    return sent


@transaction.atomic
def set_by_link(*, person: User, token: str, password: str) -> None:
    """Set the password, which is valid, by a link; the link is used up, all sessions end.

    Raises NoLink where it was used, replaced or ran out between the page and the press.
    """
    person = User.objects.select_for_update().get(pk=person.pk)
    if not tokens.check_token(person, token):
        raise NoLink("This link was used or replaced meanwhile.")
    first = not person.has_usable_password()
    person.set_password(password)
    person.link_made_at = None
    person.save(update_fields=["password", "link_made_at"])
    ended = end_sessions(person)
    audit.record(
        actor=person,
        deed=Deed.ADMINISTERED,
        what=f"Set {'a first' if first else 'a new'} password by a link",
        data={"user": person.pk, "sessions_ended": ended},
    )


@transaction.atomic
def change_password(*, person: User, password: str, keep: str | None) -> None:
    """Change one's own password, which is valid: links made before and every session but
    `keep` end."""
    person.set_password(password)
    person.link_made_at = None
    person.save(update_fields=["password", "link_made_at"])
    ended = end_sessions(person, keep=keep)
    audit.record(
        actor=person,
        deed=Deed.ADMINISTERED,
        what="Changed their own password",
        data={"user": person.pk, "sessions_ended": ended},
    )

"""What the app says of a storm to whoever looks after it, on pages that name no household."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import Group
from django.test import Client

from quotes.models import Role, User

ADDRESSES = ("/healthz", "/readyz", "/operations/", "/admin/", "/admin/quotes/user/")
ANSWERS = (200, 503)
"""Well, or that something is not: after a storm no worker serves any more."""


def pages_for_operators() -> Iterator[bytes]:
    """Each page as an administrator gets it, its headers too. Raises RuntimeError where one does
    not answer, since a page that was not seen is not clean."""
    browser = Client(SERVER_NAME="localhost", raise_request_exception=False)
    browser.force_login(_admin())
    for address in ADDRESSES:
        answer = browser.get(address)
        if answer.status_code not in ANSWERS:
            raise RuntimeError(f"{address} answered {answer.status_code}")
        yield repr(dict(answer.headers)).encode() + answer.content


def _admin() -> User:
    person, created = User.objects.get_or_create(
        username="storm-admin", defaults={"is_staff": True, "is_superuser": True}
    )
    if created:
        person.set_unusable_password()
        person.save()
        person.groups.add(Group.objects.get(name=Role.ADMIN))
    return person

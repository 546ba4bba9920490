"""What the app says of a storm to whoever looks after it, on pages that name no household."""

from __future__ import annotations

from collections.abc import Iterator

from django.test import Client

from chaos.loading import somebody
from quotes.models import Role

ADDRESSES = ("/healthz", "/readyz", "/operations/", "/admin/", "/admin/quotes/user/")
ANSWERS = (200, 503)
"""Well, or that something is not: after a storm no worker serves any more."""


def pages_for_operators() -> Iterator[bytes]:
    """Each page as an administrator gets it, its headers too. Raises RuntimeError where one does
    not answer, since a page that was not seen is not clean."""
    browser = Client(SERVER_NAME="localhost", raise_request_exception=False)
    admin = somebody("storm-admin", Role.ADMIN, is_staff=True, is_superuser=True)
    browser.force_login(admin)
    for address in ADDRESSES:
        answer = browser.get(address)
        if answer.status_code not in ANSWERS:
            raise RuntimeError(f"{address} answered {answer.status_code}")
        yield repr(dict(answer.headers)).encode() + answer.content

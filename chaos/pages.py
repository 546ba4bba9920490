"""What the app says of a storm to whoever looks after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.test import Client

from chaos.loading import somebody
from quotes.models import Role

NAMELESS = ("/healthz", "/readyz", "/admin/", "/admin/quotes/user/", "/access-log/?deed=signed_in")
"""Pages that name no household. The list of runs to see to does, to administrators."""
NAMING = ("/operations/", "/operations/?group=lost")
ANSWERS = (200, 503)
"""Well, or that something is not: after a storm no worker serves any more."""


def pages_for_operators(addresses: Iterable[str]) -> Iterator[bytes]:
    """Each of these pages as an administrator gets it, its headers too. Raises RuntimeError where
    one does not answer, since a page that was not seen is not clean."""
    browser = Client(SERVER_NAME="localhost", raise_request_exception=False)
    admin = somebody("storm-admin", Role.ADMIN, is_staff=True, is_superuser=True)
    browser.force_login(admin)
    for address in addresses:
        answer = browser.get(address)
        if answer.status_code not in ANSWERS:
            raise RuntimeError(f"{address} answered {answer.status_code}")
        yield repr(dict(answer.headers)).encode() + answer.content

"""Asking as somebody who means harm, and comparing what comes back with what should."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver

from tests.access.rules import body_of
from tests.access.world import ROUTES, World, address, admin_address

TOKEN = re.compile(rb"\b[A-Za-z0-9]{64}\b|\b[A-Za-z0-9]{32}\b")
"""A form's token, masked anew on every page, or its secret in the cookie."""
OWN = frozenset({"X-Request-ID", "Date", "Expires"})
"""Headers that differ from one answer to the next by themselves."""
ASIDE = frozenset({"quotes_auditevent", "quotes_exportpart", "quotes_opensession", "cache"})
"""What looking may write: who looked, that a session lives, and how often somebody asked."""


def fingerprint(response: Any, *ids: object) -> tuple[Any, ...]:
    """All that can be told of an answer: status, headers and body, with ``ids`` taken out."""
    body = body_of(response)
    headers = {k: v for k, v in response.headers.items() if k not in OWN}
    for pk in ids:
        shown = str(pk)
        body = body.replace(shown.encode(), b"<id>")
        headers = {name: value.replace(shown, "<id>") for name, value in headers.items()}
    cookies = {name: morsel["path"] for name, morsel in response.cookies.items()}
    headers.pop("Content-Length", None)
    return response.status_code, headers, cookies, TOKEN.sub(b"<token>", body)


def tables(aside: Iterable[str] = ASIDE) -> dict[str, str]:
    """A digest of every table of the database, many-to-many ones too, but for those left aside."""
    left = set(aside)
    found = {}
    with connection.cursor() as cursor:
        for table in sorted(set(connection.introspection.table_names(cursor)) - left):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            rows = sorted(repr(row) for row in cursor.fetchall())
            found[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | after if before.get(name) != after.get(name))


NAMED = sorted(name for name in ROUTES if not set(name) & set("<(^"))
"""Every address that has a name; the admin's catch-alls have none and lead nowhere."""


def every_address(world: World) -> dict[str, str]:
    """Each route's address about what is there, ours and the admin's."""
    return {
        name: admin_address(name) if name.startswith("admin:") else address(name, world)
        for name in NAMED
        if name not in {"admin:login", "admin:logout"}  # shadowed by our own doors
    }


def every_view(resolver: Any = None) -> Iterable[tuple[str, Any]]:
    """Every view that an address leads to."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from every_view(entry)
        elif isinstance(entry, URLPattern):
            yield entry.name or str(entry.pattern), entry.callback

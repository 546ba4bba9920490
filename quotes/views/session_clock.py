"""How long a session still goes on, and what counts as using it.

Only what a person does counts as use. Pages that refresh themselves ask for addresses that are
named here, and those extend nothing; what the browser says of a request can shorten a session's
life and never lengthen it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from quotes.views.browsers import note_browser

SIGNED_IN_AT, USED_AT = "signed_in_at", "used_at"
"""Where the session keeps them, in seconds of the epoch."""
AUTOMATIC = frozenset(
    {
        "quotes:run_status",
        "quotes:run_notices_read",
        "quotes:readiness",
        "session_left",
        "healthz",
        "readyz",
    }
)
"""Addresses that pages ask for by themselves."""
REFRESHED = frozenset({"quotes:worklist", "quotes:operations"})
"""Pages that refresh parts of themselves from their own address, which htmx then says."""
AGAIN = "again"
"""Stands in the address by which a page reloads itself where there is no JavaScript."""
COARSE = 60
"""Seconds: a use is written when the last one written is older, and not with every click."""


@dataclass(frozen=True)
class Left:
    """How long a session goes on: `seconds`, and which limit comes first, "idle" or "whole"."""

    seconds: int
    limit: str


def left_of(request: HttpRequest) -> Left | None:
    """What is left of the session of whoever is signed in; None where it has not begun."""
    session, now = request.session, time.time()
    signed_in, used = session.get(SIGNED_IN_AT), session.get(USED_AT)
    if signed_in is None or used is None:
        return None
    idle = used + settings.SESSION_IDLE_MINUTES * 60 - now
    whole = signed_in + settings.SESSION_HOURS * 3600 - now
    return Left(int(whole), "whole") if whole <= idle else Left(int(idle), "idle")


def limits_of(request: HttpRequest) -> dict[str, int]:
    """For a page's own clock: seconds without use, and the moment at which all ends (0 while that
    is not known). The same on all pages of a session, so that none tells when it was asked for."""
    signed_in = request.session.get(SIGNED_IN_AT)
    ends = int(signed_in + settings.SESSION_HOURS * 3600) if signed_in is not None else 0
    return {"idle": settings.SESSION_IDLE_MINUTES * 60, "ends": ends}


def begin(request: HttpRequest) -> None:
    """The session's time runs from now: somebody has just signed in."""
    request.session[SIGNED_IN_AT] = request.session[USED_AT] = time.time()
    note_browser(request)


def use(request: HttpRequest, response: HttpResponse) -> None:
    """Count an answered request as a use where a person did something."""
    used = request.session.get(USED_AT)
    if used is None:
        begin(request)
    elif time.time() - used >= COARSE and is_act(request, response):
        request.session[USED_AT] = time.time()


def is_act(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether a person did something, as far as the address tells."""
    match = request.resolver_match
    if match is None or match.view_name in AUTOMATIC or response.status_code >= 400:
        return False
    by_itself = match.view_name in REFRESHED and request.headers.get("HX-Request") == "true"
    return not by_itself and AGAIN not in request.GET

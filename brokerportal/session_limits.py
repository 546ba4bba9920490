"""Sessions end: after a time without use, and after a time in any case."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from quotes.views.session_clock import left_of, use

log = structlog.get_logger(__name__)


class SessionLimitsMiddleware:
    """Stands behind authentication and before the door: whose session is over is nobody there,
    and is treated as anybody whose session ended."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            left = left_of(request)
            if left is not None and left.seconds <= 0:
                log.info("session_over", user=request.user.pk, limit=left.limit)
                logout(request)
        response = self.get_response(request)
        if request.user.is_authenticated:
            use(request, response)
        return response

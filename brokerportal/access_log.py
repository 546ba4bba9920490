"""The middleware that has the access log written of every answer."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from quotes.services.audit import NotLogged
from quotes.views.access import passing
from quotes.views.access_log import log_access


class AccessLogMiddleware:
    """Innermost of all: it sees the view's own answer, and nothing goes out that it did not see."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with passing() as passage:
            response = self.get_response(request)
        try:
            log_access(request, response, passage)
        except NotLogged:
            page = _not_exported(request)
            # Its files are closed with the page that goes out instead. Closing it here would tell
            # Django that the request is over, and so end its connections.
            page._resource_closers += response._resource_closers  # type: ignore[attr-defined]
            return page
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """For an export that writes its entry itself, before the answer is there."""
        return _not_exported(request) if isinstance(error, NotLogged) else None


def _not_exported(request: HttpRequest) -> HttpResponse:
    return render(request, "503_not_logged.html", status=503)

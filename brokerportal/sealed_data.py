"""A page that needs a sealed value which does not open says so, and how it is mended."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from quotes.models.sealing import DataKeyMissing, Unopened

log = structlog.get_logger(__name__)


class SealedDataMiddleware:
    """In place of a page of faults: nothing is lost, and an administrator can mend it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Unopened):
            return None
        key_id = error.key_id if isinstance(error, DataKeyMissing) else ""
        log.error("sealed_value_unopened", key=key_id, hint=str(error))
        context = {"key_id": key_id}
        return render(request, "503_sealed.html", context, status=HTTPStatus.SERVICE_UNAVAILABLE)

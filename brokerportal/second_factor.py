"""The gate: whoever needs a second factor reaches the pages to set it up, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from quotes.models import User
from quotes.views.second_factor.gate import reaches, stands_before
from quotes.views.second_factor.refusal import led_to_set_up


class SecondFactorMiddleware:
    """Deny by default, after the sign-in door: an address is open only where the gate names it.

    Stands inside the check of a form's token, since what was posted is shown again.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Pages leave their navigation out by it, also those of an address that is nowhere.
        request.before_gate = stands_before(request)  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        user, match = request.user, request.resolver_match
        if not stands_before(request) or not isinstance(user, User):
            return None
        if match is not None and reaches(user, match.view_name):
            return None
        return led_to_set_up(request)

"""Fragments that refresh themselves, and what becomes of one whose session has ended."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect

from quotes.views.access import PortalRequest

P = ParamSpec("P")
View = Callable[Concatenate[PortalRequest, P], HttpResponse]


def refreshing(*, page: str) -> Callable[[View[P]], Callable[..., HttpResponse]]:
    """Mark a view whose answer may be swapped into the page named `page` (same arguments).

    The site-wide redirect to the sign-in page would be followed by htmx and end up inside a
    panel, so such a view sees to signing in itself: htmx is told to go there as a page, with the
    way back to `page`. Whoever opens the fragment's own address is sent to the page.
    """

    def decorate(view: View[P]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def answer(request: Any, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            home = reverse(page, args=args, kwargs=kwargs)
            response = _answer(request, home, lambda: view(request, *args, **kwargs))
            patch_vary_headers(response, ["HX-Request"])
            return response

        return login_not_required(answer)

    return decorate


def _answer(request: Any, home: str, view: Callable[[], HttpResponse]) -> HttpResponse:
    if not request.user.is_authenticated:
        if request.htmx:
            return HttpResponseClientRedirect(redirect_to_login(home).url)
        return redirect_to_login(home)
    if not request.htmx and request.path != home:
        return redirect(home)
    return view()

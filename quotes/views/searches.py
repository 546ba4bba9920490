"""A list's search is kept in the session; a link that promises the whole list forgets it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpResponse
from django.shortcuts import redirect

from quotes.views.access import PortalRequest

View = Callable[[PortalRequest], HttpResponse]


def forgetting(key: str) -> Callable[[View], View]:
    """Mark a list whose search is kept under `key`: `?all=1` drops it and goes to the plain list.

    What else narrows the list (codes in the query string) stays.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: PortalRequest) -> HttpResponse:
            if "all" not in request.GET:
                return view(request)
            request.session.pop(key, None)
            kept = request.GET.copy()
            del kept["all"]
            return redirect(f"{request.path}?{kept.urlencode()}" if kept else request.path)

        return answer

    return decorate

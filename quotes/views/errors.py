"""Pages for what went wrong, and what monitors ask."""

from __future__ import annotations

import structlog
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.urls import Resolver404, resolve
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from quotes.services.operations_ready import recently, recently_aside

log = structlog.get_logger(__name__)


@login_not_required
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    too_large = isinstance(exception, RequestDataTooBig)
    return render(request, "400.html", {"too_large": too_large}, status=400)


@login_not_required
def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", status=403)


@login_not_required
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def no_page(request: HttpRequest) -> HttpResponse:
    """An address that only takes what a form sends, opened as a page: a refused form stood there,
    and its address was entered again or its tab restored. It leads back to where the form is."""
    return render(request, "405.html", {"back": _page_above(request.path_info)}, status=405)


def _page_above(path: str) -> str:
    """The nearest address of the app above `path`, "" where only the worklist is."""
    while path := path.rstrip("/").rpartition("/")[0]:
        try:
            found = resolve(f"{path}/")
        except Resolver404:
            continue
        return f"{path}/" if found.namespaces == ["quotes"] else ""
    return ""


@login_not_required
def server_error(request: HttpRequest) -> HttpResponse:
    # Without context processors: the database may be what failed.
    return HttpResponse(get_template("500.html").render({}), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token. The reason may hold an address that somebody chose: not logged."""
    match = request.resolver_match
    log.warning("form_refused", view=match.view_name if match else None, user=_who(request))
    return render(request, "403_csrf.html", status=403)


def _who(request: HttpRequest) -> object:
    return getattr(getattr(request, "user", None), "pk", None)


@login_not_required
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Liveness: the process answers. It touches no database and names nothing."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Readiness: 200 where the database answers, is up to date, and a worker serves, with a line
    for what something else stands in for; else 503 with what is missing, a line each."""
    missing = recently()
    if not missing:
        lines = "".join(f"{line}\n" for line in ["ready", *recently_aside()])
        return HttpResponse(lines, content_type="text/plain")
    lines = "".join(f"{line}\n" for line in ["not ready", *missing])
    return HttpResponse(lines, content_type="text/plain", status=503)

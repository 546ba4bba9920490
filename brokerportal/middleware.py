"""Small concerns of every request: its id in the logs, and pages that no cache may keep."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render, resolve_url
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from quotes.views.accounts import sign_in_keeping
from quotes.views.errors import no_page

log = structlog.get_logger(__name__)
Handler = Callable[[HttpRequest], HttpResponse]


class RequestLogMiddleware:
    """Give each request an id that every log line of it carries, and that the reply names; and
    log it: which page by its pattern, never by its address, and who by number."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        page = request.resolver_match
        if page is not None or response.status_code >= HTTPStatus.BAD_REQUEST:
            log.info(
                "request",
                method=request.method if request.method in KnownMethodsMiddleware.KNOWN else "?",
                page=page.route if page is not None else "",
                status=response.status_code,
                milliseconds=round((time.perf_counter() - began) * 1000, 1),
                # Only where the request asked who it is: this line is no reason to look it up.
                user=getattr(getattr(request, "_cached_user", None), "pk", None),
            )
        return response


class MonitorsMiddleware:
    """Whoever asks a monitor's address is nobody, whatever cookie came along: looking a session up
    would ask the database, of which these addresses answer whether it is there.

    Stands above sessions.
    """

    ADDRESSES = ("/healthz", "/readyz")

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in self.ADDRESSES:
            request.COOKIES = {}
        return self.get_response(request)


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Deny by default: a view is open only where it says so.

    A form posted after its session ended is kept: signing in leads to sending it on. Otherwise,
    after signing in, the person is back on the page they were on. What htmx asks for goes into a
    panel, so there the whole page is sent to sign in; and the address of a form that was posted
    may answer no GET, so the way back is to the page with the form on it.
    """

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        by_htmx = request.headers.get("HX-Request") == "true"
        if request.method == "POST" and not by_htmx and (kept := sign_in_keeping(request)):
            return kept
        if request.method in {"GET", "HEAD"} and not by_htmx:
            return super().handle_no_permission(request, view_func)
        page = HtmxDetails(request).current_url if by_htmx else request.headers.get("Referer")
        here = {request.get_host()}
        if not url_has_allowed_host_and_scheme(page, here, require_https=request.is_secure()):
            page = "/"
        path = urlsplit(page or "/")._replace(scheme="", netloc="", fragment="").geturl()
        door = resolve_url(self.get_login_url(view_func))
        target = f"{door}?{urlencode({'next': path})}"
        return HttpResponseClientRedirect(target) if by_htmx else HttpResponseRedirect(target)


class LargestRequestMiddleware:
    """Refuse a request that is larger than any form of ours, before its body is read.

    Whoever is not signed in has no files to send. A body without a stated length is not read at
    all by WSGI. Stands below authentication: the check of a form's token, which reads the body,
    comes after every middleware.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        signed_in = request.user.is_authenticated
        most = settings.LARGEST_UPLOAD if signed_in else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if length <= most:
            return self.get_response(request)
        context = {"megabytes": most // (1024 * 1024)}
        return render(request, "413.html", context, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


class PrivatePagesMiddleware:
    """Tell browsers and proxies to keep no page: each may hold a household's data."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response


class CompressPagesMiddleware(GZipMiddleware):
    """Compress pages and fragments, each to a length that tells nothing of what is in it.

    A page that repeats what it was asked for beside a secret could be read by its length (BREACH).
    The form token is masked anew in every page, up to 100 random bytes are added to each, and
    another site's requests come without the session (SameSite). Downloads are left as they are: an
    XLSX or PDF is compressed already, and a stream keeps its pace.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "")
        if not isinstance(response, HttpResponse) or not kind.startswith("text/html"):
            return response
        return super().process_response(request, response)


class FormsAddressMiddleware:
    """Where an address takes forms only, whoever opens it as a page gets one with a way back.

    Stands below messages, which the page shows.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        bare = isinstance(response, HttpResponseNotAllowed) and not response.content
        if not bare or request.method != "GET" or request.headers.get("HX-Request") == "true":
            return response
        page = no_page(request)
        page["Allow"] = response["Allow"]
        return page


class KnownMethodsMiddleware:
    """Refuse every method but those that pages and forms use, whoever asks and whatever it is.

    Some libraries' views take a PUT for a POST; nobody should have to know which.
    """

    KNOWN = ("GET", "HEAD", "POST")

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in self.KNOWN:
            return HttpResponseNotAllowed(self.KNOWN)
        return self.get_response(request)

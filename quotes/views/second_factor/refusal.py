"""What somebody gets who must set up a second factor first: the way there, and what they typed."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django_htmx.middleware import HtmxDetails

from quotes.views.kept_forms import KeptForm

SAID = "A second factor is needed first. What you typed is kept; set it up in another tab."


def led_to_set_up(request: HttpRequest) -> HttpResponse:
    """A page is led to the set-up, and htmx leads the whole page there. A form is refused and
    stays on the page that says so, to be sent on from there; a script is told what to do."""
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(status=403)
        response["HX-Redirect"] = _set_up(_page_of(request))
        return response
    if request.method in {"GET", "HEAD"}:
        return HttpResponseRedirect(_set_up(request.get_full_path()))
    if request.content_type == "application/json":
        return JsonResponse({"message": SAID}, status=401)
    context = {"kept": KeptForm.posted(request), "set_up": _set_up("/")}
    return render(request, "account/second_factor_first.html", context, status=403)


def _page_of(request: HttpRequest) -> str:
    """The path of the page that htmx asks from; "/" where it is none of ours."""
    page = HtmxDetails(request).current_url
    here = {request.get_host()}
    if not url_has_allowed_host_and_scheme(page, here, require_https=request.is_secure()):
        return "/"
    return urlsplit(page or "/")._replace(scheme="", netloc="", fragment="").geturl()


def _set_up(path: str) -> str:
    return f"{reverse('mfa_index')}?{urlencode({'next': path})}"

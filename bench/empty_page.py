"""The app's addresses and one more: a page with nothing on it but what every page has.

It is what the real pages are held against: the same middleware, session, person, navigation,
inbox count and templates (`base.html`), and no content.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from brokerportal import urls
from brokerportal.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

ADDRESS = "/empty/"


def empty(request: HttpRequest) -> HttpResponse:
    return render(request, "base.html")


urlpatterns = [path(ADDRESS.strip("/") + "/", empty, name="empty"), *urls.urlpatterns]

"""A run's request and reply for reading: fetched when they are opened, not with every page."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from quotes.models import Run
from quotes.services.as_sent import pretty
from quotes.services.worklist import HEAVY
from quotes.views.access import PortalRequest, get_or_absent

TITLES = {"request": "Request as sent", "response": "Reply as received"}


@require_safe
def run_document(request: PortalRequest, pk: UUID, which: str) -> HttpResponse:
    """The parsed document, indented; a page of its own where it is not asked for by htmx.

    `which` is "request" or "response". Absent for a run that has no such document.
    """
    others = [name for name in HEAVY if name != which]
    rows = Run.objects.visible_to(request.user).select_related("insured").defer(*others)
    run = get_or_absent(rows, pk)
    value = getattr(run, which)
    if value is None:
        raise Http404("No such page.")
    page = "quotes/partials/run_document.html" if request.htmx else "quotes/run_document.html"
    context = {"run": run, "title": TITLES[which], "document": pretty(value)}
    return render(request, page, context)

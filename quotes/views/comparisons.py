"""Starting a comparison from an insured's page."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from quotes.forms.start import StartForm
from quotes.models import Insured
from quotes.services.readiness import NotReady
from quotes.services.starting import AlreadyStarted, start_comparison
from quotes.views.access import PortalRequest, get_or_absent, touched
from quotes.views.insured_page import draw_insured


@require_POST
def run_start(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Queue a run and go to its page; what blocks it is shown on the insured's page instead."""
    insured = get_or_absent(
        Insured.objects.editable_by(request.user)
        .select_related("owner")
        .prefetch_related("drivers", "vehicles", "incumbents"),
        pk,
    )
    form = StartForm(request.POST)
    if not form.is_valid():
        return draw_insured(request, insured, form=form, status=422)
    try:
        run = start_comparison(
            insured=insured,
            coverage_types=form.cleaned_data["coverage_types"],
            appetite=form.cleaned_data["appetite"],
            started_by=request.user,
        )
    except NotReady as error:
        return draw_insured(request, insured, form=form, refused=error.mistakes, status=422)
    except AlreadyStarted as error:
        messages.info(
            request,
            "This comparison was started a moment ago and is under way: it was not sent twice.",
        )
        run = error.run
    touched(run)
    return redirect("quotes:run_detail", pk=run.pk)

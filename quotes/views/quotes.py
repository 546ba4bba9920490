"""A quote's form: add, edit, delete."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from quotes.forms.base import is_redraw
from quotes.forms.quote import QuoteEditor
from quotes.models import Carrier, Insured, Quote
from quotes.services.editing import ChangedMeanwhile, PackageIdTaken, delete_quote, save_quote
from quotes.views.access import PortalRequest, get_or_absent

CHANGED = (
    "Somebody else saved this quote after you opened it. Look at it as it is now, then come back "
    "and save yours over it or cancel."
)
TAKEN = "Another quote of this insured has this package id. Write this carrier's own, or none."


@require_http_methods(["GET", "HEAD", "POST"])
def quote_create(request: PortalRequest, pk: UUID) -> HttpResponse:
    return _edit(request, get_or_absent(Insured.objects.editable_by(request.user), pk), None)


@require_http_methods(["GET", "HEAD", "POST"])
def quote_edit(request: PortalRequest, pk: UUID) -> HttpResponse:
    quote = _editable(request, pk)
    return _edit(request, quote.insured, quote)


@require_http_methods(["GET", "HEAD", "POST"])
def quote_delete(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask first, on a page of its own; then delete."""
    quote = _editable(request, pk)
    if request.method != "POST":
        context = {"quote": quote, "insured": quote.insured}
        return render(request, "quotes/quote_delete.html", context)
    delete_quote(quote=quote)
    messages.success(request, f"The quote of {quote.carrier_name} was deleted.")
    return redirect("quotes:insured_detail", pk=quote.insured_id)


def _editable(request: PortalRequest, pk: UUID) -> Quote:
    rows = Quote.objects.editable_by(request.user).select_related("insured")
    return get_or_absent(rows.prefetch_related("lines"), pk)


def _edit(request: PortalRequest, insured: Insured, quote: Quote | None) -> HttpResponse:
    if request.method != "POST":
        return _form(request, insured, QuoteEditor(quote))
    if is_redraw(request.POST):
        return _form(request, insured, QuoteEditor.redrawn(quote, request.POST))
    editor = QuoteEditor(quote, request.POST)
    if not editor.is_valid():
        return _form(request, insured, editor, status=422)
    try:
        save_quote(
            insured=insured,
            quote=quote,
            columns=editor.columns(),
            lines=editor.line_columns(),
            version=editor.form.cleaned_data["version"],
            overwrite=editor.form.cleaned_data["overwrite"],
        )
    except PackageIdTaken:
        editor.form.add_error("package_id", TAKEN)
        return _form(request, insured, editor, status=422)
    except ChangedMeanwhile:
        return _form(request, insured, editor, status=422, conflict="changed")
    messages.success(request, "The quote was saved.")
    return redirect("quotes:insured_detail", pk=insured.pk)


def _form(
    request: PortalRequest,
    insured: Insured,
    editor: QuoteEditor,
    *,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    context = {
        "insured": insured,
        "quote": editor.quote,
        "editor": editor,
        "carriers": Carrier.objects.values_list("name", flat=True)[:300],
    }
    return render(request, "quotes/quote_form.html", context | extra, status=status)

"""A quote: its page, its form (add, edit, delete), and how what is typed there is read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from quotes.forms.base import is_redraw
from quotes.forms.quote import KIND, QuoteEditor
from quotes.forms.shorthand import COVERAGE_A, PREMIUM, read_text
from quotes.models import LINES, Carrier, Insured, Quote
from quotes.services import details, matrix
from quotes.services.editing import ChangedMeanwhile
from quotes.services.editing_quote import PackageIdTaken, delete_quote, save_quote
from quotes.services.origins import typed
from quotes.services.quote_origins import quote_origins
from quotes.views.access import PortalRequest, get_or_absent, may_edit, touched
from quotes.views.attachments import attachments_context

CHANGED = (
    "Somebody else saved this quote after you opened it. Look at it as it is now, then come back "
    "and save yours over it or cancel."
)
TAKEN = "Another quote of this insured has this package id. Write this carrier's own, or none."


@require_safe
def quote_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """All that a quote states, for whoever may see its insured, and where it came from."""
    rows = Quote.objects.visible_to(request.user).select_related("insured", "insured__owner")
    quote = get_or_absent(rows.prefetch_related("lines"), pk)
    package, remark = matrix.package_remark(quote)
    context = {
        "quote": quote,
        "insured": quote.insured,
        "editable": may_edit(request.user, quote.insured),
        "package": package,
        "remark": remark,
        "last_day": matrix.last_day(quote),
        "warning": matrix.expiry_warning(quote, timezone.now()),
        "lines": [_shown_line(quote, line) for line in LINES],
        "origins": quote_origins(quote),
    }
    return render(
        request,
        "quotes/quote_detail.html",
        context | attachments_context(request.user, quote.insured, quote),
    )


def _shown_line(quote: Quote, name: str) -> dict[str, Any]:
    """A line of business as the quote's page shows it; `row` is None where it is not quoted."""
    row = quote.line(name)
    if row is None:
        return {"name": name, "row": None}
    stated = details.details_of(row)
    term = stated.pop("term", None)
    dwelling = stated[COVERAGE_A].value if COVERAGE_A in stated else None
    return {
        "name": name,
        "row": row,
        "term": term,
        "term_words": details.term_words(term.value) if term else "",
        "details": [
            (each, details.reading(name, code, each.value, dwelling))
            for code, each in stated.items()
        ],
    }


@login_not_required
@require_POST
def read_detail(request: PortalRequest) -> HttpResponse:
    """How one field of the quote's form, the first that is posted, is read. Stores nothing.

    It answers within a form, so it sees to signing in itself, as the form's rows do.
    """
    if not request.user.is_authenticated:
        response = render(request, "quotes/partials/signed_out.html")
        response["HX-Retarget"], response["HX-Reswap"] = "#row-trouble", "innerHTML"
        return response
    if not request.user.is_broker:
        raise PermissionDenied
    name = next(iter(request.POST), "")
    kind, _, rest = name.partition("-")
    line, _, code = rest.partition("-")
    if kind != KIND or (code != PREMIUM and (line, code) not in details.BY_CODE):
        raise Http404("No such field.")
    dwelling = request.POST.get(f"{KIND}-home-{COVERAGE_A}", "")
    reading = read_text(line, code, request.POST.get(name, ""), dwelling)
    return render(request, "quotes/partials/detail_reading.html", {"reading": reading})


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
    touched(changes=delete_quote(quote=quote))
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
        saved = save_quote(
            insured=insured,
            quote=quote,
            columns=editor.columns(),
            lines=editor.typed_lines(),
            version=editor.form.cleaned_data["version"],
            overwrite=editor.form.cleaned_data["overwrite"],
            origin=typed(request.user),
        )
    except PackageIdTaken:
        editor.form.add_error("package_id", TAKEN)
        return _form(request, insured, editor, status=422)
    except ChangedMeanwhile:
        return _form(request, insured, editor, status=422, conflict="changed")
    touched(changes=saved.changes)
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
        "origins": quote_origins(editor.quote) if editor.quote else [],
    }
    return render(request, "quotes/quote_form.html", context | extra, status=status)

"""The insureds: the list and its search, one insured's page, and its form."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from quotes.forms.base import is_redraw, redrawn_lines
from quotes.forms.insured import (
    MOST_ROWS,
    InsuredEditor,
    incumbent_parts,
    redrawn_rows,
)
from quotes.forms.quote import quote_lines
from quotes.models import Carrier, Insured, Run
from quotes.services import directory
from quotes.services.changes_told import told_parts
from quotes.services.editing import AlreadyThere, ChangedMeanwhile, save_insured
from quotes.views.access import PortalRequest, get_or_absent, touched
from quotes.views.fragments import refreshing
from quotes.views.insured_page import draw_insured, shown_insured
from quotes.views.readiness_panel import draw_readiness
from quotes.views.searches import forgetting

SEARCH = "insured_search"


@require_safe
@forgetting(SEARCH)
def insured_list(request: PortalRequest) -> HttpResponse:
    """The user's insureds, or everybody's for managers and admins; newest change first."""
    text = str(request.session.get(SEARCH, ""))
    rows: Any = directory.Everyone(request.user)
    if text.strip():
        rows = directory.listed(Insured.objects.visible_to(request.user), text)
    page = Paginator(rows, directory.PAGE_SIZE).get_page(request.GET.get("page"))
    insureds = list(page.object_list)
    runs, lines = directory.last_runs(insureds), directory.lines_quoted(insureds)
    shown = [
        {"insured": each, "run": runs.get(each.pk), "lines": lines[each.pk]} for each in insureds
    ]
    context = {
        "page": page,
        "rows": shown,
        "search": text,
        "all_brokers": request.user.sees_others,
        "may_create": request.user.is_broker,
    }
    return render(request, "quotes/insured_list.html", context)


@require_POST
def insured_search(request: PortalRequest) -> HttpResponse:
    """Keep the text in the session: names and ZIP codes stay out of addresses and logs."""
    text = " ".join(request.POST.get("q", "").replace("\x00", " ").split())[: directory.MOST_TEXT]
    if text and "clear" not in request.POST:
        request.session[SEARCH] = text
    else:
        request.session.pop(SEARCH, None)
    return redirect("quotes:insured_list")


@require_safe
def insured_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The insured; `?from=` a run of theirs takes over that run's lines and appetite."""
    insured = shown_insured(request, pk)
    return draw_insured(request, insured, earlier=_earlier(request, insured))


@require_safe
@refreshing(page="quotes:insured_detail")
def readiness(request: PortalRequest, pk: UUID) -> HttpResponse:
    """What stands against comparing the ticked lines, as the page's panel says it."""
    insured = shown_insured(request, pk)
    return draw_readiness(request, insured, request.GET.getlist("coverage_types"))


@require_http_methods(["GET", "HEAD", "POST"])
def insured_create(request: PortalRequest) -> HttpResponse:
    if not request.user.is_broker:
        raise PermissionDenied
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def insured_edit(request: PortalRequest, pk: UUID) -> HttpResponse:
    return _edit(request, _to_edit(request, pk))


@login_not_required
@require_POST
def insured_form_row(request: PortalRequest, kind: str) -> HttpResponse:
    """The rows of one kind as typed so far, with one more or one less. Stores nothing.

    It answers within a form, so it sees to signing in itself: the site-wide redirect would put
    the sign-in page in the place of what was typed.
    """
    if not request.user.is_authenticated:
        response = render(request, "quotes/partials/signed_out.html")
        response["HX-Retarget"], response["HX-Reswap"] = "#row-trouble", "innerHTML"
        return response
    if not request.user.is_broker:
        raise PermissionDenied
    data = request.POST
    if kind in ("drivers", "vehicles"):
        context = {"part": redrawn_rows(kind, data), "most": MOST_ROWS}
        return render(request, "quotes/partials/insured_rows.html", context)
    if kind == "incumbents":
        parts = redrawn_lines(incumbent_parts(data), data, kind)
        return render(request, "quotes/partials/insured_incumbents.html", {"incumbents": parts})
    if kind == "lines":
        parts = redrawn_lines(quote_lines(data), data, kind)
        return render(request, "quotes/partials/quote_lines.html", {"lines": parts})
    raise Http404("No such rows.")


def _to_edit(request: PortalRequest, pk: UUID) -> Insured:
    rows = Insured.objects.editable_by(request.user).select_related("owner")
    return get_or_absent(rows.prefetch_related("drivers", "vehicles", "incumbents"), pk)


def _earlier(request: PortalRequest, insured: Insured) -> Run | None:
    """The run whose page led here; None for anything that is no run of this insured."""
    try:
        wanted = UUID(request.GET.get("from", ""))
    except ValueError:
        return None
    runs = Run.objects.visible_to(request.user).filter(insured=insured, pk=wanted)
    return runs.only("number", "coverage_types", "appetite", "request", "offering_lines").first()


def _edit(request: PortalRequest, insured: Insured | None) -> HttpResponse:
    if request.method != "POST":
        return _form(request, InsuredEditor(insured))
    if is_redraw(request.POST):
        return _form(request, InsuredEditor.redrawn(insured, request.POST))
    editor = InsuredEditor(insured, request.POST)
    if not editor.is_valid():
        return _form(request, editor, status=422)
    values = editor.form.cleaned_data
    try:
        saved = save_insured(
            profile=editor.profile(),
            owner=request.user,
            insured=insured,
            version=values["version"],
            overwrite=values["overwrite"],
            twice=values["twice"],
        )
    except ChangedMeanwhile:
        return _form(request, editor, status=422, conflict="changed")
    except AlreadyThere as error:
        return _form(request, editor, status=422, conflict="twice", **_alike(request, error))
    touched(saved.insured, changes=told_parts(saved.changed))
    messages.success(request, "The profile was saved." if insured else "The insured was added.")
    return redirect("quotes:insured_detail", pk=saved.insured.pk)


def _alike(request: PortalRequest, error: AlreadyThere) -> dict[str, Any]:
    """Of a shared insured the likeness may be its broker's alone: named, and no way to it."""
    pks = [each.insured.pk for each in error.alike]
    seen = Insured.objects.visible_to(request.user).filter(pk__in=pks)
    return {"alike": error.alike, "openable": set(seen.values_list("pk", flat=True))}


def _form(
    request: HttpRequest, editor: InsuredEditor, *, status: int = 200, **extra: Any
) -> HttpResponse:
    context = {
        "editor": editor,
        "insured": editor.insured,
        "most": MOST_ROWS,
        "carriers": Carrier.objects.values_list("name", flat=True)[:300],
    }
    return render(request, "quotes/insured_form.html", context | extra, status=status)

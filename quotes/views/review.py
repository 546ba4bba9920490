"""The list of runs: a broker's own, for managers their offices', for admins everybody's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_POST, require_safe

from quotes.forms.drawn_fields import FILTERS
from quotes.forms.filter_words import filter_words
from quotes.forms.run_filters import FEW_FILTERS, RunFilter, SearchForm, ViewNameForm
from quotes.models import SavedView
from quotes.models.run_fact import RunFactQuerySet, shared_with
from quotes.services import run_counts, saved_views
from quotes.services import run_list as listing
from quotes.services.exports.streams import csv_stream, xlsx_file
from quotes.services.keyset import keys_of
from quotes.services.list_exports import begin_export, noting
from quotes.services.run_search import find, search_runs
from quotes.views.access import PortalRequest, get_or_absent
from quotes.views.searches import forgetting

SEARCH_KEY = "run_search"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADINGS = ("cost", "decided", "expires", "waited", "started")
ANOTHER_SEARCH = (
    "the search was changed meanwhile, perhaps in another tab. Below is what it leaves now."
)
CHIPS = (
    ("", "All"),
    ("under_way", "Under way"),
    ("needs_person", "Went wrong"),
    ("overdue", "Overdue"),
    ("no_package", "No package"),
)


def _narrowed(request: PortalRequest, data: QueryDict) -> tuple[RunFilter, RunFactQuerySet]:
    """The filters that `data` sets, and what they and the session's search leave of the runs."""
    chosen = _chosen(request, data)
    return chosen, search_runs(chosen.qs, _searched(request), request.user, chosen.shared)


def _chosen(request: PortalRequest, data: QueryDict) -> RunFilter:
    shared = shared_with(request.user)
    return RunFilter(data, user=request.user, shared=shared)


def _searched(request: PortalRequest) -> str:
    return str(request.session.get(SEARCH_KEY, ""))


def _search_mark(request: PortalRequest) -> str:
    """Names the search that a page shows without saying it, "" for none.

    All tabs share one search. An export or a view says by this mark which search its page showed,
    so that it takes no other after somebody searched anew, or opened the whole list, elsewhere.
    """
    text = _searched(request)
    if not text:
        return ""
    return salted_hmac(SEARCH_KEY, f"{request.session.session_key} {text}").hexdigest()[:12]


def _searched_anew(request: PortalRequest, data: QueryDict) -> bool:
    """Whether the page that `data` comes from showed another search than the session has now."""
    return data.get("searched", mark := _search_mark(request)) != mark


def _sort(data: QueryDict) -> str:
    sort = data.get("sort", "")
    return sort if sort.removeprefix("-") in listing.ORDERS else listing.LATEST


def _codes(chosen: RunFilter, sort: str) -> str:
    """Filters and order as a query string, "" for the plain list."""
    return _coded(chosen.codes_by_name(), sort)


def _coded(kept: Mapping[str, Any], sort: str) -> str:
    codes = dict(kept)
    if sort != listing.LATEST:
        codes["sort"] = sort
    return urlencode(codes, doseq=True)


@require_safe
@forgetting(SEARCH_KEY)
def run_list(request: PortalRequest) -> HttpResponse:
    """Runs in their order, narrowed by the query string's codes and the session's search."""
    return _show(request, ViewNameForm())


def _show(
    request: PortalRequest, naming: ViewNameForm, data: QueryDict | None = None, status: int = 200
) -> HttpResponse:
    data = request.GET if data is None else data
    chosen, text = _chosen(request, data), _searched(request)
    sort, now, user = _sort(data), timezone.now(), request.user
    kept = chosen.codes_by_name()
    codes = _coded(kept, sort)
    # There is no reason to choose from here: the dashboard's links bring one.
    fields = [field for field in chosen.form if field.name != "reason" or field.data]
    drawn = {field.name: FILTERS.drawn(field, chosen.form) for field in fields}
    whole, found = not (chosen.used or text.strip()), find(text, user, chosen.shared)
    counts = run_counts.counts(user, chosen.shared, now, every=whole)
    keys = (
        listing.every_run(user, chosen.shared)
        if whole
        else keys_of(chosen.in_order.filter(found.condition))
    )
    context: dict[str, Any] = {
        "page": listing.run_page(keys, sort, data.get("at", ""), now),
        "count": counts.every or chosen.count(found),
        "few": [drawn[name] for name in drawn if name in FEW_FILTERS],
        "more": [drawn[name] for name in drawn if name not in FEW_FILTERS],
        "more_open": chosen.more_used,
        "narrowed": bool(kept),
        "codes": codes,
        "sort": sort if sort != listing.LATEST else "",
        "headings": {code: _heading(kept, sort, code) for code in HEADINGS},
        "chips": _chips(counts.chips, kept.get("state", [""])[0]),
        "search": SearchForm(initial={"text": text}),
        "search_text": text,
        "search_mark": _search_mark(request),
        "sees_others": request.user.sees_others,
        "sees_all": request.user.sees_all,
        "in_sandbox": settings.NEXIO_IS_SANDBOX,
        "views": [
            {"view": view, "current": view.codes == codes and view.search == text}
            for view in saved_views.views_of(request.user)
        ],
        "naming": naming,
    }
    return render(request, "quotes/run_list.html", context, status=status)


def _heading(kept: Mapping[str, Any], sort: str, code: str) -> dict[str, str]:
    """How a column's heading sorts: latest and largest first, the other way when it does so."""
    current = sort.removeprefix("-") == code
    turned = code if sort == f"-{code}" else f"-{code}"
    direction = "descending" if sort.startswith("-") else "ascending"
    return {
        "codes": _coded(kept, turned),
        "direction": direction if current else "",
        "next": "ascending" if turned == code else "descending",
    }


def _chips(counts: Mapping[str, run_counts.Counted], current: str) -> list[dict[str, Any]]:
    """The short ways into the list, with counts that an index answers."""
    return [
        {"code": code, "label": label, "count": counts.get(code), "current": code == current}
        for code, label in CHIPS
    ]


@require_POST
def run_search(request: PortalRequest) -> HttpResponse:
    """Keep the search in the session, so that no name stands in an address or a log."""
    form = SearchForm(request.POST)
    if form.is_valid():
        wanted = "" if "clear" in request.POST else form.cleaned_data["text"].strip()
        request.session[SEARCH_KEY] = wanted
    return _back(request, QueryDict(request.POST.get("codes", "")))


def _back(request: PortalRequest, data: QueryDict) -> HttpResponse:
    """To the list with the codes that make sense of what was posted."""
    chosen, _ = _narrowed(request, data)
    codes = _codes(chosen, _sort(data))
    return redirect(reverse("quotes:run_list") + (f"?{codes}" if codes else ""))


@require_safe
def run_list_export(request: PortalRequest, kind: str) -> HttpResponseBase:
    """Every run that the filters and the search leave, in the list's order. The access log says
    who took it, before the first byte leaves, and whose runs it held. Where the search has become
    another than the page showed, nothing leaves."""
    if _searched_anew(request, request.GET):
        messages.error(request, f"Nothing was exported: {ANOTHER_SEARCH} Export again if it fits.")
        return _back(request, request.GET)
    chosen, rows = _narrowed(request, request.GET)
    sort, now = _sort(request.GET), timezone.now()
    entry = begin_export(
        actor=request.user,
        what=f"The list of runs as {kind.upper()}",
        data={
            "filters": filter_words(chosen) or "none",
            "searched": bool(request.session.get(SEARCH_KEY)),
            "codes": _codes(chosen, sort),
        },
    )
    cells = listing.export_rows(noting(entry, listing.export_pieces(rows, sort)), now)
    name = f"runs-{timezone.localdate(now)}.{kind}"
    response: HttpResponseBase
    if kind == "csv":
        stream = csv_stream(listing.COLUMNS, cells)
        response = StreamingHttpResponse(stream, content_type="text/csv; charset=utf-8")
    else:
        file = xlsx_file("Runs", listing.COLUMNS, cells, "Runs")
        response = FileResponse(file, content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
def view_save(request: PortalRequest) -> HttpResponse:
    """Keep the filters, the order and the search that are shown under a name."""
    data = QueryDict(request.POST.get("codes", ""))
    if _searched_anew(request, request.POST):
        messages.error(request, f"No view was saved: {ANOTHER_SEARCH}")
        return _back(request, data)
    form = ViewNameForm(request.POST)
    if form.is_valid():
        chosen, _ = _narrowed(request, data)
        try:
            view = saved_views.save_view(
                owner=request.user,
                name=form.cleaned_data["name"],
                codes=_codes(chosen, _sort(data)),
                search=str(request.session.get(SEARCH_KEY, "")),
            )
        except saved_views.NotSaved as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"View “{view.name}” is saved.")
            return _back(request, data)
    return _show(request, form, data, status=422)


@require_POST
def view_open(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Go to the list as the view has it: its search is kept in the session like any other."""
    view = get_or_absent(SavedView.objects.filter(owner=request.user), pk)
    request.session[SEARCH_KEY] = view.search
    return _back(request, QueryDict(view.codes))


@require_POST
def view_replace(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Keep what is shown now under the view's name."""
    view = get_or_absent(SavedView.objects.filter(owner=request.user), pk)
    data = QueryDict(request.POST.get("codes", ""))
    if _searched_anew(request, request.POST):
        messages.error(request, f"View “{view.name}” is as it was: {ANOTHER_SEARCH}")
        return _back(request, data)
    chosen, _ = _narrowed(request, data)
    try:
        saved_views.replace_view(
            view=view,
            codes=_codes(chosen, _sort(data)),
            search=str(request.session.get(SEARCH_KEY, "")),
        )
    except saved_views.NotSaved as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"View “{view.name}” now has what is shown.")
    return _back(request, data)


@require_POST
def view_delete(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Delete the view; what is shown stays."""
    view = get_or_absent(SavedView.objects.filter(owner=request.user), pk)
    name = view.name
    view.delete()
    messages.success(request, f"View “{name}” is deleted.")
    return _back(request, QueryDict(request.POST.get("codes", "")))

"""The list of runs: a broker's own, and for managers and admins everybody's."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from quotes.forms.run_filters import RunFilter, SearchForm
from quotes.models import Run
from quotes.models.run import IN_FLIGHT, NEEDS_PERSON, OVERDUE_AFTER, RunState
from quotes.services.run_search import search_runs
from quotes.services.worklist import listed, with_first_package
from quotes.views.access import PortalRequest
from quotes.views.searches import forgetting

PAGE_ROWS = 50
SEARCH_KEY = "run_search"


@require_safe
@forgetting(SEARCH_KEY)
def run_list(request: PortalRequest) -> HttpResponse:
    """Runs, latest first, narrowed by the query string's codes and the session's search."""
    visible = Run.objects.visible_to(request.user)
    sees_all = request.user.sees_all
    chosen = RunFilter(request.GET, queryset=visible, request=request, all_brokers=sees_all)
    text = str(request.session.get(SEARCH_KEY, ""))
    rows = search_runs(chosen.qs, text).order_by("-created_at", "id")
    # Counted without the columns of the list, and cut to the page before its packages are read.
    page = Paginator(with_first_package(listed(rows)), PAGE_ROWS).get_page(request.GET.get("page"))
    kept = {
        name: request.GET[name]
        for name in chosen.form.fields
        if request.GET.get(name) and name not in chosen.form.errors
    }
    context: dict[str, Any] = {
        "page": page,
        "pages": list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)),
        "form": chosen.form,
        "narrowed": bool(kept),
        "query": urlencode(kept),
        "chips": _chips(visible, kept.get("state", "")),
        "search": SearchForm(initial={"text": text}),
        "search_text": text,
        "sees_all": sees_all,
    }
    return render(request, "quotes/run_list.html", context)


@require_POST
def run_search(request: PortalRequest) -> HttpResponse:
    """Keep the search in the session, so that no name stands in an address or a log."""
    form = SearchForm(request.POST)
    if form.is_valid():
        wanted = "" if "clear" in request.POST else form.cleaned_data["text"].strip()
        request.session[SEARCH_KEY] = wanted
    return redirect("quotes:run_list")


def _chips(visible: Any, chosen: str) -> list[dict[str, Any]]:
    """The short ways into the list, with counts that an index answers."""
    late = timezone.now() - OVERDUE_AFTER
    counts = visible.filter(state__in=[*IN_FLIGHT, *NEEDS_PERSON]).aggregate(
        under_way=Count("pk", filter=Q(state__in=IN_FLIGHT)),
        needs_person=Count("pk", filter=Q(state__in=NEEDS_PERSON)),
        overdue=Count("pk", filter=Q(state=RunState.WAITING, submitted_at__lt=late)),
    )
    words = [
        ("", "All"),
        ("under_way", "Under way"),
        ("needs_person", "Went wrong"),
        ("overdue", "Overdue"),
        ("no_package", "No package"),
    ]
    return [
        {"code": code, "label": label, "count": counts.get(code), "current": code == chosen}
        for code, label in words
    ]

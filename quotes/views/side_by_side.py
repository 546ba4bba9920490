"""A run's packages side by side, with or without what is in force."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from quotes.models import Run
from quotes.services.compared import compare_packages
from quotes.services.picks import read_picks
from quotes.services.ranked import rank_packages
from quotes.services.side_by_side import SideBySide, lay_out
from quotes.services.worklist import HEAVY
from quotes.views.access import PortalRequest, get_or_absent
from quotes.views.decisions import decision_context
from quotes.views.results import solutions_of


@require_safe
def run_side_by_side(request: PortalRequest, pk: UUID) -> HttpResponse:
    """What the address picks; a page that says what to pick where that is too little."""
    rows = (
        Run.objects.visible_to(request.user)
        .select_related("insured__owner", "started_by", "chosen")
        .defer(
            *(name for name in HEAVY if name != "request"),
            "insured__document",
            "insured__body_document",
        )
    )
    run = get_or_absent(rows, pk)
    ranking = rank_packages(run, solutions_of(run))
    compared = compare_packages(run, ranking)
    in_force = compared.incumbent is not None
    query = dict(request.GET.lists())
    picks, said = read_picks(query, len(ranking.packages), in_force=in_force)
    now = timezone.now()
    context: dict[str, Any] = {
        "run": run,
        "ranking": ranking,
        "picks": picks,
        "said": said,
        "in_force": in_force,
        "now": now,
        **decision_context(request, run),
    }
    if picks.enough and picks.places:
        page = lay_out(ranking, compared, picks, now)
        context |= {"page": page, "proposal_query": _proposal_query(page)}
    return render(request, "quotes/run_side_by_side.html", context)


def _proposal_query(page: SideBySide) -> str:
    shown = [each.placed.solution.position for each in page.columns if each.placed is not None]
    return "?" + urlencode([("packages", position) for position in shown])

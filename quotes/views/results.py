"""A completed run's packages: the ranked list with its filters, and what is said beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from quotes.models import (
    Carrier,
    QuoteLine,
    Run,
    RunEvent,
    RunState,
    Solution,
    SolutionLine,
    User,
)
from quotes.models.prepared import hand_in, prepared
from quotes.models.run import RunQuerySet
from quotes.services import workspace
from quotes.services.account import account_of
from quotes.services.choice import SORTS
from quotes.services.compared import compare_packages
from quotes.services.cost_chart import draw_costs
from quotes.services.decision_summary import MOST_OTHERS
from quotes.services.package_rows import card_of, draw_rows
from quotes.services.ranked import Ranking, rank_packages
from quotes.services.reconciliation import reconcile
from quotes.services.run_changes import compare_runs
from quotes.services.run_people import works_on_shown
from quotes.services.what_if.origin import IS_WHAT_IF
from quotes.services.worklist import HEAVY
from quotes.views.access import PortalRequest, get_or_absent
from quotes.views.decisions import decision_context


def ranked_context(
    request: PortalRequest,
    run: Run,
    events: Sequence[RunEvent],
    others: Sequence[Run],
    *,
    may_act: bool,
    complete: bool,
) -> dict[str, Any]:
    """What the page of a completed run shows of its packages, and beside them.

    `events` are its latest, or all of them where they are `complete`; `others` are its insured's.
    """
    ranking = rank_packages(run, solutions_of(run))
    count = len(ranking.packages)
    timeline = events if complete else None
    return {
        **_list_context(request, run, ranking, may_act=may_act, timeline=timeline, others=others),
        "package_count": count,
        "reconciliation": reconcile(run.request, ranking, run.submitted_at or run.created_at),
        "account": account_of(run, events, count),
    }


def asks_for_list(request: PortalRequest) -> bool:
    """Whether htmx asks for the list alone; going back in the browser it asks for the page."""
    htmx = request.htmx
    return bool(htmx) and htmx.target == "results" and not htmx.history_restore_request


def draw_list(request: PortalRequest, run: Run) -> HttpResponse:
    """The list and the chart as the address's query asks, to be swapped into the page."""
    ranking = rank_packages(run, solutions_of(run))
    may_act = works_on_shown(request.user, run)
    context = {
        "run": run,
        "can_act": may_act,
        **_list_context(request, run, ranking, may_act=may_act),
    }
    shown: workspace.Workspace = context["workspace"]
    order = f", sorted by {shown.sorted_by}" if shown.sorted_by else ", in Nexio's order"
    context["announcement"] = f"{shown.matching} of {shown.total} packages shown{order}."
    response = render(request, "quotes/partials/run_results.html", {**context, "shown": context})
    address = reverse("quotes:run_detail", args=[run.pk])
    response["HX-Push-Url"] = address + shown.choice.query(page=shown.choice.page)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _list_context(
    request: PortalRequest,
    run: Run,
    ranking: Ranking,
    *,
    may_act: bool,
    timeline: Sequence[RunEvent] | None = None,
    others: Sequence[Run] | None = None,
) -> dict[str, Any]:
    shown = workspace.arrange(ranking, dict(request.GET.lists()))
    choice = shown.choice
    compared = compare_packages(run, ranking)
    return {
        **decision_context(request, run, may_decide=may_act, timeline=timeline, others=others),
        "ranking": ranking,
        "workspace": shown,
        "compared": compared,
        "rows": draw_rows(
            ranking,
            shown.shown,
            compared,
            end=run.finished_at,
            now=timezone.now(),
            picks=choice.picks,
        ),
        "picked_elsewhere": [ranking.packages[place] for place in shown.picked_elsewhere],
        "some_shown": choice.narrowed or bool(shown.pages > 1 and shown.page),
        "chart": draw_costs(shown.shown, ranking.incumbent.total),
        "leave_out": [
            (each, choice.query(without=(*choice.without, each.code)))
            for each in ranking.carriers
            if each.code not in (*choice.without, choice.carrier)
        ],
        "carrier_options": workspace.options(ranking.carriers, [choice.carrier]),
        "label_options": workspace.options(ranking.labels, [choice.label]),
        "sort_options": [(code, words, code == choice.sort) for code, words in SORTS.items()],
    }


def solutions_of(run: Run, *, scorecards: bool = False) -> list[Solution]:
    """All packages of a run in Nexio's order, with their lines and carriers, and their scorecards
    where these are shown: each is sealed, and opened for itself."""
    found, lines = _solutions(run.pk, scorecards), _lines(run.pk)
    names = {line.carrier_id: line.carrier_name for line in lines}  # type: ignore[attr-defined]
    hand_in(lines, "carrier", {pk: Carrier(pk=pk, name=name) for pk, name in names.items() if pk})
    returned: dict[int, list[SolutionLine]] = defaultdict(list)
    for line in lines:
        returned[line.solution_id].append(line)
    hand_in(found, "run", {run.pk: run})
    for solution in found:
        solution.returned = returned[solution.pk]
    return found


@prepared
def _solutions(run: UUID, scorecards: bool) -> QuerySet[Solution]:
    rows = Solution.objects.filter(run=run)
    if not scorecards:
        rows = rows.defer("scorecard")
    return rows.order_by(F("rank").asc(nulls_last=True), "position")


@prepared
def _lines(run: UUID) -> QuerySet[SolutionLine]:
    """Those of all the run's packages, with their carriers' names: they have a few carriers."""
    rows = SolutionLine.objects.filter(solution__run=run)
    rows = rows.annotate(carrier_name=F("carrier__name"))
    return rows.order_by("solution_id", "position")


PARTS = {
    "why": "Why this rank",
    "lines": "Products and quote ids",
    "checks": "What our checks compared",
    "unlike": "Not like for like with the incumbent",
}
"""What stands folded under a package of the list."""


@require_safe
def run_package(request: PortalRequest, pk: UUID, position: int) -> HttpResponse:
    """What stands folded under a package: `?part=` of it for htmx, all of it as a page.

    Absent for a run without packages, and for a position that none of its packages has.
    """
    run = get_or_absent(_with_request(request.user), pk)
    ranking = _packages(run, scorecards=True)
    placed = next((one for one in ranking.packages if one.solution.position == position), None)
    if placed is None:
        raise Http404("No such page.")
    _name_quotes(placed.solution.returned)
    compared = compare_packages(run, ranking)
    (row,) = draw_rows(ranking, [placed], compared, end=run.finished_at, now=timezone.now())
    part = request.GET.get("part", "")
    context = {
        "run": run,
        "package": row,
        "card": card_of(ranking, placed),
        "insured_address": reverse("quotes:insured_detail", args=[run.insured_id]),
        "part": part,
        "parts": [
            (code, title)
            for code, title in PARTS.items()
            if code != "unlike" or not row.saving.likeness.alike
        ],
    }
    alone = bool(request.htmx) and part in PARTS
    template = "quotes/partials/package_part.html" if alone else "quotes/run_package.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _name_quotes(lines: Sequence[SolutionLine]) -> None:
    """Read the quotes of ours that a package's lines were matched to, one query for all."""
    keys = {line.quote_line_id for line in lines if line.quote_line_id is not None}
    ours = {line.pk: line for line in _quoted(keys)}
    for line in lines:
        if line.quote_line_id is not None:
            line.quote_line = ours.get(line.quote_line_id)


@prepared
def _quoted(lines: Collection[UUID]) -> QuerySet[QuoteLine]:
    return QuoteLine.objects.filter(pk__in=lines).only("quote").order_by()


def other_runs(run: Run) -> list[Run]:
    """Other runs of the same insured, latest first, to compare with; numbers and states only.

    Whoever sees a run sees its insured's other runs.
    """
    return _others(run.insured_id, run.pk)


@prepared
def _others(insured: UUID, run: UUID) -> QuerySet[Run]:
    rows = Run.objects.filter(insured=insured).exclude(pk=run).order_by("-number")
    rows = rows.annotate(supposed=IS_WHAT_IF)
    return rows.only("number", "state", "nexio_status", "created_at")[:MOST_OTHERS]


def beside(run: Run, others: Sequence[Run]) -> Run | None:
    """The run one would compare with first: the latest before this one that was of what was
    quoted, and no what-if; without one the next after."""
    quoted = [each for each in others if not getattr(each, "supposed", False)] or others
    earlier = [each for each in quoted if each.number < run.number]
    return earlier[0] if earlier else quoted[-1] if quoted else None


@require_safe
def run_against(request: PortalRequest, pk: UUID, other: UUID) -> HttpResponse:
    """Two runs of one insured: what was sent differently, and how ranks and costs moved.

    Always read from the earlier to the later run, whichever the address names first.
    """
    rows = _with_request(request.user)
    run, against = get_or_absent(rows, pk), get_or_absent(rows, other)
    if run.pk == against.pk or run.insured_id != against.insured_id:
        raise Http404("No such page.")
    earlier, later = sorted((run, against), key=lambda each: each.number)
    changes = compare_runs(earlier, later, _packages(earlier), _packages(later))
    context = {
        "run": run,
        "earlier": earlier,
        "later": later,
        "changes": changes,
        "others": [each for each in other_runs(run) if each.pk != against.pk],
    }
    return render(request, "quotes/run_against.html", context)


def _with_request(user: User) -> RunQuerySet:
    """Runs the user may see, of what may be megabytes the request alone."""
    rows = Run.objects.visible_to(user).select_related("insured", "started_by")
    others = [name for name in HEAVY if name != "request"]
    return rows.defer(*others, "insured__document", "insured__body_document")


def _packages(run: Run, *, scorecards: bool = False) -> Ranking:
    completed = run.state == RunState.COMPLETED
    return rank_packages(run, solutions_of(run, scorecards=scorecards) if completed else [])

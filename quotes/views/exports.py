"""A run's comparison to take along: the packages that the list's address shows, as a file."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from quotes.models import Run, RunState
from quotes.services import workspace
from quotes.services.compared import compare_packages
from quotes.services.exports import files, tables
from quotes.services.frozen import Frozen
from quotes.services.ranked import rank_packages
from quotes.services.what_if.origin import supposed_premiums, what_if_of
from quotes.services.worklist import HEAVY
from quotes.views.access import PortalRequest, get_or_absent
from quotes.views.results import solutions_of

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@require_safe
def run_export(request: PortalRequest, pk: UUID, kind: str) -> HttpResponse:
    """All packages the filters leave, in the order shown, whatever page of them is looked at."""
    rows = Run.objects.visible_to(request.user).select_related("insured", "started_by")
    kept_away = [name for name in HEAVY if name != "request"]
    run = get_or_absent(rows.defer(*kept_away, "insured__document", "insured__body_document"), pk)
    ranking = rank_packages(run, solutions_of(run) if run.state == RunState.COMPLETED else [])
    shown = workspace.arrange(ranking, {**dict(request.GET.lists()), "page": ["all"]})
    frozen = Frozen(run.request, run.offering_lines)
    origin = what_if_of(run)
    supposed = supposed_premiums(run)
    now = timezone.now()
    packages = tables.packages_table(
        run, shown.shown, compare_packages(run, ranking), origin is not None, supposed, now
    )
    if kind == "csv":
        content = files.write_csv(packages)
    else:
        said = "" if origin is None else f"of run {origin.number}: {origin.said}"
        facts = tables.facts_table(run, ranking, shown, said, supposed, now)
        offerings = tables.offerings_table(run, ranking, frozen, supposed)
        content = files.write_xlsx([packages, offerings, facts], f"Run {run.number}")
    response = HttpResponse(content, content_type=TYPES[kind])
    response["Content-Disposition"] = f'attachment; filename="run-{run.number}.{kind}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response

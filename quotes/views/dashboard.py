"""The dashboard: the figures of a period, for managers of their offices and admins of all."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from quotes.forms.dashboard import DashboardForm
from quotes.models import RunFact
from quotes.services.dashboard.board import Board, read_board
from quotes.services.dashboard.charts import draw_outcomes
from quotes.services.dashboard.period import PRESETS, Period
from quotes.services.dashboard.tables import tables_of
from quotes.services.exports.files import write_xlsx
from quotes.views.access import PortalRequest, touched

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
def dashboard(request: PortalRequest) -> HttpResponse:
    """The period and whose runs stand in the address, by codes."""
    _overseers_only(request)
    form = DashboardForm(request.GET, user=request.user, now=timezone.now())
    board = read_board(form.scope())
    kept, period = form.codes(board.scope), board.scope.period
    context: dict[str, Any] = {
        "form": form,
        "board": board,
        "period": period,
        "presets": [
            {
                "label": label,
                "codes": urlencode({"period": code, **kept}),
                "current": code == period.code,
            }
            for code, label in PRESETS.items()
        ],
        "codes": urlencode({**_days(period), **kept}),
        "plain": not kept,
        "outcomes": draw_outcomes(board.pieces, period.unit),
        "any_runs": bool(board.counts.runs) or _any_runs(request),
        "sees_all": request.user.sees_all,
    }
    return render(request, "quotes/dashboard.html", context)


@require_safe
def dashboard_export(request: PortalRequest) -> HttpResponse:
    """The tables of what is shown as a workbook; the access log says who took which days of it."""
    _overseers_only(request)
    form = DashboardForm(request.GET, user=request.user, now=timezone.now())
    board = read_board(form.scope())
    period = board.scope.period
    touched(days=f"{period.since} to {period.until}", runs=board.counts.runs)
    file = write_xlsx(tables_of(board), _title(board))
    response = HttpResponse(file, content_type=XLSX)
    name = f"dashboard-{period.since}-{period.until}.xlsx"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def _overseers_only(request: PortalRequest) -> None:
    if not request.user.sees_others:
        raise PermissionDenied


def _any_runs(request: PortalRequest) -> bool:
    """Whether an empty period is one of many: what to do then is another."""
    return RunFact.objects.visible_to(request.user).order_by().exists()


def _days(period: Period) -> dict[str, str]:
    if period.code:
        return {"period": period.code}
    return {"since": period.since.isoformat(), "until": period.until.isoformat()}


def _title(board: Board) -> str:
    return f"Dashboard, {board.scope.period.since} to {board.scope.period.until}"

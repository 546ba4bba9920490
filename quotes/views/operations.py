"""Operations: how the place is doing, and runs that an administrator settles one by one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from quotes.forms.runs import LinkForm, ReasonForm
from quotes.models import Run, RunState
from quotes.services import operations_runs
from quotes.services.operations import read_operations
from quotes.services.operations_acts import OFFERS, act_on_run, offers_for
from quotes.services.operations_checks import check_all
from quotes.services.operations_key import try_key
from quotes.services.runs import NotPossible
from quotes.services.worklist import HAS_PACKAGE, HEAVY
from quotes.views.access import PortalRequest, get_or_absent
from quotes.views.fragments import refreshing

MOST_EVENTS = 100


@require_safe
@refreshing(page="quotes:operations")
def operations(request: PortalRequest) -> HttpResponse:
    """The whole place on one page; htmx takes its middle every ten seconds."""
    _admins_only(request)
    now = timezone.now()
    reading = read_operations(now=now)
    checks = check_all(reading)
    groups = operations_runs.count_groups(user=request.user, now=now)
    chosen = _group(request, groups)
    rows, after = operations_runs.page_of(
        chosen.code, user=request.user, now=now, after=_after(request)
    )
    still = "still" in request.GET
    kept = {"group": chosen.code, **({"still": "1"} if still else {})}
    context: dict[str, Any] = {
        "now": now,
        "reading": reading,
        "checks": [check for check in checks if check.level != "ok"],
        "well": [check for check in checks if check.level == "ok"],
        "next_in": _seconds_until(reading.backlog.next_due_at if reading.backlog else None, now),
        "groups": groups,
        "chosen": chosen,
        "rows": rows,
        "still": still,
        "next_query": urlencode({**kept, "after": after}) if after else "",
        "this_query": _query(request, chosen.code),
        "first_query": urlencode(kept) if "after" in request.GET else "",
    }
    return render(request, "quotes/operations.html", context)


@require_safe
def operations_run(request: PortalRequest, pk: UUID) -> HttpResponse:
    _admins_only(request)
    return _run_page(request, pk)


@require_POST
def operations_act(request: PortalRequest, pk: UUID, code: str) -> HttpResponse:
    """One act on one run: 422 for a bad form, 409 where the run has moved on."""
    _admins_only(request)
    run = get_or_absent(Run.objects.visible_to(request.user).defer(*HEAVY), pk)
    if code not in OFFERS:
        raise Http404("No such act.")
    form = _form(code, request.POST)
    if not form.is_valid():
        return _run_page(request, pk, status=422, forms={code: form})
    said = form.cleaned_data
    try:
        settled = act_on_run(
            code=code,
            run=run,
            actor=request.user,
            reason=said["reason"],
            run_id=said.get("run_id", ""),
            now=timezone.now(),
        )
    except NotPossible as reason:
        messages.warning(request, str(reason))
        return _run_page(request, pk, status=409, forms={code: form})
    messages.success(request, OFFERS[code].done)
    return redirect("quotes:operations_run", pk=settled.pk)


@require_POST
def operations_key(request: PortalRequest) -> HttpResponse:
    """Try the key; what came of it is told on the page it leads back to."""
    _admins_only(request)
    trial = try_key(actor=request.user, now=timezone.now())
    tell = {"success": messages.success, "warning": messages.warning, "error": messages.error}
    tell[trial.level](request, trial.says)
    return redirect("quotes:operations")


def _admins_only(request: PortalRequest) -> None:
    if not request.user.sees_all:
        raise PermissionDenied


def _group(request: PortalRequest, groups: list[operations_runs.Group]) -> operations_runs.Group:
    """The group asked for, else the first that has runs, else the first."""
    asked = [group for group in groups if group.code == request.GET.get("group")]
    full = [group for group in groups if group.count]
    return (asked or full or groups)[0]


def _seconds_until(moment: datetime | None, now: datetime) -> int:
    """0 for what is due, or never."""
    return 0 if moment is None else max(int((moment - now).total_seconds()), 0)


def _after(request: PortalRequest) -> UUID | None:
    try:
        return UUID(request.GET.get("after", ""))
    except ValueError:
        return None


def _query(request: PortalRequest, group: str) -> str:
    """The address of what is shown now, for refreshing it: known codes only.

    A group that nobody asked for is not held on to: the fullest need may be another in a minute.
    """
    kept = {"group": group} if "group" in request.GET else {}
    after = _after(request)
    return urlencode({**kept, **({"after": str(after)} if after else {})})


def _form(code: str, data: Any = None) -> ReasonForm:
    kind = LinkForm if OFFERS[code].asks_run_id else ReasonForm
    return kind(data, name=code)


def _run_page(
    request: PortalRequest,
    pk: UUID,
    *,
    status: int = 200,
    forms: dict[str, ReasonForm] | None = None,
) -> HttpResponse:
    others = (f"resubmission_of__{name}" for name in HEAVY)
    rows = (
        Run.objects.visible_to(request.user)
        .select_related("insured__owner", "started_by", "resubmission_of")
        .defer(*HEAVY, "insured__document", "insured__body_document", *others)
        .annotate(has_package=HAS_PACKAGE)
    )
    run = get_or_absent(rows, pk)
    given = forms or {}
    offers = offers_for(run)
    latest = run.events.select_related("actor").order_by("-at", "-id")[:MOST_EVENTS]
    context: dict[str, Any] = {
        "run": run,
        "now": timezone.now(),
        "events": list(latest)[::-1],
        "ways": [(offer, given.get(offer.code) or _form(offer.code)) for offer in offers],
        "errors_in": next((form for form in given.values() if form.errors), None),
        "attempts": list(run.resubmissions.defer(*HEAVY).annotate(has_package=HAS_PACKAGE)),
        "sending": run.state == RunState.SUBMITTING,
    }
    return render(request, "quotes/operations_run.html", context, status=status)

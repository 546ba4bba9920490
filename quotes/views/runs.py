"""A run's page in every state, the fragment that follows it, and what its broker may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from quotes.forms.runs import LinkForm, ReasonForm
from quotes.models import Run, RunEvent, RunState, User
from quotes.models.prepared import prepared
from quotes.models.run import RunQuerySet
from quotes.models.sealed_fields import size_of, stored_sizes
from quotes.services import progress, runs
from quotes.services.as_sent import left_out_lines, pretty
from quotes.services.comparison import carriers_sent, lines_offered, requested_lines
from quotes.services.run_people import works_on
from quotes.services.what_if.origin import what_if_of
from quotes.services.worklist import HAS_PACKAGE, HEAVY
from quotes.views import results
from quotes.views.access import PortalRequest, get_or_absent, one_or_absent, touched
from quotes.views.fragments import refreshing
from quotes.views.run_review import review_context

MOST_EVENTS = 200
AS_RECEIVED = ("request_body", "response_body", "response", "error_details")
Forms = dict[str, ReasonForm]


@require_safe
def run_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    if results.asks_for_list(request):
        run = one_or_absent(Run, pk, _run_for_list(request.user, pk))
        if run.state == RunState.COMPLETED:
            return results.draw_list(request, run)
    return _page(request, _run(request, pk))


@require_safe
@refreshing(page="quotes:run_detail")
def run_status(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The part of an unfinished run's page that changes; the whole once it is finished.

    While nothing but time has passed that is one sentence, which says when to ask again.
    """
    if (still := _still(request, pk)) is not None:
        return still
    run = get_or_absent(_readable(request.user).defer(*HEAVY), pk)
    events = _events(run)
    context = {"run": run, "events": events}
    following = None
    if run.in_flight:
        following = progress.follow(run, now=timezone.now(), events=events)
    code = following.code if following else progress.seen_code(run)
    # Said only when it changed: a screen reader must not repeat the same words at every look.
    if request.GET.get("seen") != code:
        context["announcement"] = following.said if following else progress.announcement(run)
    if following:
        context["progress"] = following
        response = render(request, "quotes/partials/run_status.html", context)
        response["HX-Retarget"] = "#run-progress"
        return response
    full = _run(request, pk)
    response = render(
        request, "quotes/partials/run_body.html", _context(request, full) | context | {"run": full}
    )
    response["HX-Retarget"] = "#run"
    response["HX-Reswap"] = "outerHTML"
    return response


def _still(request: PortalRequest, pk: UUID) -> HttpResponse | None:
    """The sentence alone, where the page that asks shows all else as it is."""
    shown = request.GET.get("as")
    if not shown:
        return None
    run = get_or_absent(Run.objects.visible_to(request.user).defer(*HEAVY), pk)
    following = progress.follow(run, now=timezone.now()) if run.in_flight else None
    if following is None or following.mark != shown:
        return None
    # Without what every whole page knows: none of it is drawn here.
    context = {"run": run, "progress": following}
    return HttpResponse(render_to_string("quotes/partials/run_still.html", context))


@require_POST
def run_abandon(request: PortalRequest, pk: UUID) -> HttpResponse:
    return _settle(
        request,
        pk,
        form=ReasonForm(request.POST, name="abandon"),
        name="abandon",
        act=lambda run, said: runs.abandon_run(run=run, actor=request.user, reason=said["reason"]),
        done="The run was given up.",
    )


@require_POST
def run_resubmit(request: PortalRequest, pk: UUID) -> HttpResponse:
    return _settle(
        request,
        pk,
        form=ReasonForm(request.POST, name="resubmit"),
        name="resubmit",
        act=lambda run, said: runs.resubmit_run(run=run, actor=request.user, reason=said["reason"]),
        done="The same request is being sent again.",
    )


@require_POST
def run_link(request: PortalRequest, pk: UUID) -> HttpResponse:
    return _settle(
        request,
        pk,
        form=LinkForm(request.POST, name="link"),
        name="link",
        act=lambda run, said: runs.link_run_id(
            run=run, actor=request.user, run_id=said["run_id"], reason=said["reason"]
        ),
        done="The run is linked and is being watched.",
    )


@require_POST
def run_resume(request: PortalRequest, pk: UUID) -> HttpResponse:
    return _settle(
        request,
        pk,
        act=lambda run, said: runs.resume_run(run=run, actor=request.user),
        done="Checking goes on.",
    )


@require_POST
def run_send_again(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Asks for a reason only where Nexio may have an earlier attempt already."""
    run = get_or_absent(Run.objects.actionable_by(request.user).defer(*HEAVY), pk)
    return _settle(
        request,
        pk,
        form=ReasonForm(request.POST, name="send_again") if _asks_reason(run) else None,
        name="send_again",
        act=lambda run, said: runs.send_again(
            run=run, actor=request.user, reason=said.get("reason", "")
        ),
        done="The same request is being sent again.",
    )


def _settle(
    request: PortalRequest,
    pk: UUID,
    *,
    act: Callable[[Run, dict[str, Any]], Run],
    done: str,
    form: ReasonForm | None = None,
    name: str = "",
) -> HttpResponse:
    """Let the run's own broker act on it: 404 for others, 422 for a bad form, 409 too late."""
    run = get_or_absent(Run.objects.actionable_by(request.user).defer(*HEAVY), pk)
    if form is not None and not form.is_valid():
        return _page(request, _run(request, pk), status=422, forms={name: form})
    try:
        settled = act(run, form.cleaned_data if form is not None else {})
    except runs.NotPossible as reason:
        messages.warning(request, str(reason))
        kept = {name: form} if form is not None else {}
        return _page(request, _run(request, pk), status=409, forms=kept)
    touched(settled)
    messages.success(request, done)
    return redirect("quotes:run_detail", pk=settled.pk)


def _readable(user: User) -> RunQuerySet:
    """Runs the user may see, with their people; other documents than the run's own stay away."""
    others = (f"resubmission_of__{name}" for name in HEAVY)
    return (
        Run.objects.visible_to(user)
        .select_related("insured__owner", "started_by", "resubmission_of")
        .defer("insured__document", "insured__body_document", *others)
        .annotate(has_package=HAS_PACKAGE)
    )


def _run(request: PortalRequest, pk: UUID) -> Run:
    """The run with its parsed documents, and of the exact bytes only how many they are."""
    run = one_or_absent(Run, pk, _run_for_page(request.user, pk))
    run.request_size = size_of(run, "request_body")  # type: ignore[attr-defined]
    run.response_size = size_of(run, "response_body")  # type: ignore[attr-defined]
    return run


@prepared
def _run_for_page(user: User, pk: UUID) -> QuerySet[Run]:
    rows = _readable(user).defer("request_body", "response_body").filter(pk=pk)
    return rows.annotate(**stored_sizes("request_body", "response_body"))[:1]


@prepared
def _run_for_list(user: User, pk: UUID) -> QuerySet[Run]:
    return _readable(user).defer(*AS_RECEIVED).filter(pk=pk)[:1]


def _events(run: Run) -> list[RunEvent]:
    return _latest_events(run.pk)[::-1]


@prepared
def _latest_events(run: UUID) -> QuerySet[RunEvent]:
    events = RunEvent.objects.filter(run=run).select_related("actor")
    return events.order_by("-at", "-id")[:MOST_EVENTS]


@prepared
def _attempts(run: UUID) -> QuerySet[Run]:
    """What the run was sent again as."""
    rows = Run.objects.filter(resubmission_of=run).defer(*HEAVY)
    return rows.annotate(has_package=HAS_PACKAGE)


def _page(
    request: PortalRequest, run: Run, *, status: int = 200, forms: Forms | None = None
) -> HttpResponse:
    context = _context(request, run, forms)
    context |= review_context(request, run, works=context["can_act"])
    return render(request, "quotes/run_detail.html", context, status=status)


def _context(request: PortalRequest, run: Run, forms: Forms | None = None) -> dict[str, Any]:
    """What the page of a run in any state shows."""
    now = timezone.now()
    lines = requested_lines(run.request) or list(run.coverage_types)
    others = results.other_runs(run)
    offered = lines_offered(run.request, lines)
    context: dict[str, Any] = {
        "run": run,
        "now": now,
        "can_act": works_on(request.user, run),
        "events": _events(run),
        "attempts": _attempts(run.pk),
        "lines": lines,
        "other_runs": others,
        "compare_with": results.beside(run, others),
        "sent_carriers": carriers_sent(run.request),
        "left_out": left_out_lines(run.request, lines),
        "offered": offered,
        "none_offered": [each for each in offered if not each.count],
        "error_details": pretty(run.error_details) if run.error_details is not None else "",
        "may_link": runs.may_link(run),
        "forms": {
            "abandon": ReasonForm(name="abandon"),
            "resubmit": ReasonForm(name="resubmit"),
            "link": LinkForm(name="link"),
            "send_again": ReasonForm(name="send_again"),
            **(forms or {}),
        },
        "errors_in": next((form for form in (forms or {}).values() if form.errors), None),
        "hold_still": "still" in request.GET,
        "asks_reason": _asks_reason(run),
    }
    if run.in_flight:
        context["progress"] = progress.follow(run, now=now, events=context["events"])
    elif run.state == RunState.ABANDONED:
        closing = run.events.filter(kind__in=["abandoned", "resubmitted"])
        context["closing"] = closing.select_related("actor").order_by("-at", "-id").first()
    elif run.state == RunState.COMPLETED:
        context |= results.ranked_context(
            request,
            run,
            context["events"],
            may_act=context["can_act"],
            complete=len(context["events"]) < MOST_EVENTS,
        )
    decision = context.get("decision")
    context["what_if"] = what_if_of(run) if decision is None else decision.origin
    return context


def _asks_reason(run: Run) -> bool:
    """Whether sending the run again needs a reason; False where it cannot be sent again."""
    ended = run.state in {RunState.REJECTED, RunState.FAILED, RunState.ABANDONED}
    return ended and runs.may_be_running(run)

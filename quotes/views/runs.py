"""A run's page in every state, the fragment that follows it, and what its broker may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from quotes.forms.runs import LinkForm, ReasonForm
from quotes.models import (
    Comment,
    DecisionEvent,
    Insured,
    Notice,
    Proposal,
    ReviewRequest,
    Run,
    RunEvent,
    RunState,
    User,
)
from quotes.models.prepared import may_have, prepared
from quotes.models.run import RunQuerySet
from quotes.models.sealed_fields import size_of, stored_sizes
from quotes.services import progress, runs
from quotes.services.as_sent import left_out_lines, pretty
from quotes.services.comparison import carriers_sent, lines_offered, requested_lines
from quotes.services.run_people import works_on_shown
from quotes.services.what_if.origin import IS_WHAT_IF, what_if_of
from quotes.services.worklist import HAS_PACKAGE, HEAVY
from quotes.views import results
from quotes.views.access import PortalRequest, get_or_absent, one_or_absent, touched
from quotes.views.fragments import refreshing
from quotes.views.run_review import review_context

MOST_EVENTS = 200
AS_RECEIVED = ("request_body", "response_body", "response", "error_details")


def _all_but(at: str, model: type[Model], *shown: str) -> list[str]:
    """Columns of a row that is read along with a run, but for those its page shows."""
    names = [column.name for column in model._meta.concrete_fields if not column.primary_key]
    return [f"{at}__{name}" for name in names if name not in shown]


NAME = ("first_name", "last_name", "username")
NOT_SHOWN = (
    *_all_but("insured", Insured, "owner", "applicant_name", "city", "state", "zip_code"),
    *_all_but("insured__owner", User, *NAME, "office"),
    *_all_but("started_by", User, *NAME),
    *_all_but("resubmission_of", Run, "number", "resubmission_of"),
)


BEFORE_AN_END = {
    "progress": None,
    "compare_with": None,
    "ranking": None,
    "package_count": 0,
    "decision": None,
}
"""Of what the head of a page names, that which a run in another state has not."""


class Forms(dict[str, ReasonForm]):
    """A run's forms by name: those that came back, and each other made where it is drawn."""

    def __missing__(self, name: str) -> ReasonForm:
        made = self[name] = LinkForm(name=name) if name == "link" else ReasonForm(name=name)
        return made


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
    shown = _context(request, full) | context | {"run": full}
    response = render(request, "quotes/partials/run_body.html", {**shown, "shown": shown})
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
    """Runs the user may see, with the names of their people; other documents than the run's own
    stay away."""
    return (
        Run.objects.visible_to(user)
        .select_related("insured__owner", "started_by", "resubmission_of")
        .defer(*NOT_SHOWN)
        .annotate(has_package=HAS_PACKAGE)
    )


def _run(request: PortalRequest, pk: UUID) -> Run:
    """The run with its parsed request; of the exact bytes only how many they are, and the reply,
    of which its last event tells what is shown, only where somebody reads it."""
    run = one_or_absent(Run, pk, _run_for_page(request.user, pk))
    run.request_size = size_of(run, "request_body")  # type: ignore[attr-defined]
    run.response_size = size_of(run, "response_body")  # type: ignore[attr-defined]
    return run


@prepared
def _run_for_page(user: User, pk: UUID) -> QuerySet[Run]:
    """With what few runs have: their page asks for that only where there is any."""
    of = OuterRef("pk")
    rows = _readable(user).defer("request_body", "response_body", "response").filter(pk=pk)
    return rows.annotate(
        **stored_sizes("request_body", "response_body"),
        has_attempts=Exists(Run.objects.filter(resubmission_of=of).order_by()),
        has_what_if=IS_WHAT_IF,
        has_steps=Exists(DecisionEvent.objects.filter(run=of)),
        has_proposals=Exists(Proposal.objects.filter(run=of)),
        has_comments=Exists(Comment.objects.filter(run=of)),
        has_requests=Exists(ReviewRequest.objects.filter(run=of)),
        has_unread=Exists(Notice.objects.filter(user=user, run=of, read_at__isnull=True)),
    )[:1]


@prepared
def _run_for_list(user: User, pk: UUID) -> QuerySet[Run]:
    return _readable(user).defer(*AS_RECEIVED).filter(pk=pk)[:1]


def _events(run: Run) -> list[RunEvent]:
    return _latest_events(run.pk)[::-1]


@prepared
def _latest_events(run: UUID) -> QuerySet[RunEvent]:
    events = RunEvent.objects.filter(run=run).select_related("actor")
    events = events.defer(*_all_but("actor", User, *NAME))
    return events.order_by("-at", "-id")[:MOST_EVENTS]


@prepared
def _attempts(run: UUID) -> QuerySet[Run]:
    """What the run was sent again as."""
    rows = Run.objects.filter(resubmission_of=run).defer(*HEAVY)
    return rows.annotate(has_package=HAS_PACKAGE)


def _page(
    request: PortalRequest,
    run: Run,
    *,
    status: int = 200,
    forms: dict[str, ReasonForm] | None = None,
) -> HttpResponse:
    context = _context(request, run, forms)
    review = review_context(request, run, works=context["can_act"])
    return render(
        request, "quotes/run_detail.html", {**context, **review, "shown": context}, status=status
    )


def _context(
    request: PortalRequest, run: Run, forms: dict[str, ReasonForm] | None = None
) -> dict[str, Any]:
    """What the page of a run in any state shows."""
    lines = requested_lines(run.request) or list(run.coverage_types)
    offerings = run.request.get("offerings")
    context: dict[str, Any] = {
        **BEFORE_AN_END,
        "run": run,
        "sees_others": request.user.sees_others,
        "can_act": works_on_shown(request.user, run),
        "events": _events(run),
        "attempts": _attempts(run.pk) if may_have(run, "attempts") else [],
        "lines": lines,
        "offering_count": len(offerings) if isinstance(offerings, list) else 0,
        "sent_carriers": carriers_sent(run.request),
        "left_out": left_out_lines(run.request, lines),
        "forms": Forms(forms or {}),
        "errors_in": next((form for form in (forms or {}).values() if form.errors), None),
        "hold_still": "still" in request.GET,
    }
    if run.in_flight:
        context["progress"] = progress.follow(run, now=timezone.now(), events=context["events"])
    else:
        context |= _ended_context(request, run, context)
    decision = context["decision"]
    context["what_if"] = what_if_of(run) if decision is None else decision.origin
    return context


def _ended_context(request: PortalRequest, run: Run, context: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown of a run that nobody works on any more: its packages, or how to go on."""
    others = results.other_runs(run)
    found: dict[str, Any] = {"compare_with": results.beside(run, others)}
    if run.state == RunState.COMPLETED:
        found |= results.ranked_context(
            request,
            run,
            context["events"],
            others,
            may_act=context["can_act"],
            complete=len(context["events"]) < MOST_EVENTS,
        )
        if found["ranking"].packages:
            return found
    elif run.state == RunState.ABANDONED:
        closing = run.events.filter(kind__in=["abandoned", "resubmitted"])
        found["closing"] = closing.select_related("actor").order_by("-at", "-id").first()
    offered = lines_offered(run.request, context["lines"])
    return found | {
        "offered": offered,
        "none_offered": [each for each in offered if not each.count],
        "error_details": pretty(run.error_details) if run.error_details is not None else "",
        "may_link": runs.may_link(run),
        "asks_reason": _asks_reason(run),
    }


def _asks_reason(run: Run) -> bool:
    """Whether sending the run again needs a reason; False where it cannot be sent again."""
    ended = run.state in {RunState.REJECTED, RunState.FAILED, RunState.ABANDONED}
    return ended and runs.may_be_running(run)

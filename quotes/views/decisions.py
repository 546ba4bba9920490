"""The decision on a run: choosing a package, and recording what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from tempfile import SpooledTemporaryFile
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from quotes.forms.decisions import ASKED, ChooseForm, StepForm
from quotes.models import LINES, DecisionKind, Run, RunEvent, RunState, Solution
from quotes.models.run import RunQuerySet
from quotes.services import decisions, packets
from quotes.services.decision_summary import Summary, decision_of
from quotes.services.doubts import doubts_about
from quotes.services.proposals import MOST_OPTIONS
from quotes.services.review.approval_rule import missing_words
from quotes.services.review.approvals import standing
from quotes.services.weighed import weigh
from quotes.views.access import PortalRequest, get_or_absent

K = DecisionKind
FIRST_OFFERED = 40
"""Packages a form offers from the head of Nexio's order, beside those decided on or asked for."""
SPOOLED = 8_000_000
TITLES = {
    K.SHOWN: "Shown to the insured",
    K.ACCEPTED: "The insured accepted",
    K.DECLINED: "The insured declined",
    K.BOUND: "Bound with the carriers",
    K.OPTION_DECLINED: "An option was declined",
    K.LIMITS_OFFERED: "Higher limits were offered",
    K.LIMITS_REJECTED: "Higher limits were rejected",
    K.REOPENED: "Reopen the decision",
}


def decision_context(
    request: PortalRequest,
    run: Run,
    *,
    may_decide: bool | None = None,
    timeline: Sequence[RunEvent] | None = None,
    others: Sequence[Run] | None = None,
) -> dict[str, Any]:
    """What the run's page shows of its decision: `decision`, None but for a completed run."""
    decision = decision_of(
        run, request.user, may_decide=may_decide, timeline=timeline, others=others
    )
    return {"decision": decision}


@require_safe
def run_decision(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Where the decision stands, its history, and forms for what can be recorded next."""
    return _page(request, get_or_absent(_readable(request), pk))


@require_http_methods(["GET", "HEAD", "POST"])
def run_choose(request: PortalRequest, pk: UUID, position: int) -> HttpResponse:
    """Choose the package at `position` of the reply, on a page that says what it is."""
    run = get_or_absent(Run.objects.actionable_by(request.user).select_related("insured"), pk)
    solution = _solutions(run).filter(position=position).first()
    decision = decision_of(run, request.user)
    if solution is None or decision is None:
        raise Http404("No such page.")
    why = decisions.needs_reason(solution, list(run.solutions.values_list("rank", flat=True)))
    how: dict[str, Any] = {
        "must_say_why": why,
        "version": decision.version,
        "doubts": doubts_about(run, solution),
    }
    form = ChooseForm(request.POST or None, **how)
    context = {
        "run": run, "solution": solution, "decision": decision, "form": form,
        "must_say_why": why, "weighed": weigh(run, solution, timezone.now()),
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "quotes/decision_choose.html", context)
    if not form.is_valid():
        return render(request, "quotes/decision_choose.html", context, status=422)
    try:
        decisions.choose_solution(
            run=run,
            solution=solution,
            actor=request.user,
            reason=form.cleaned_data["reason"],
            confirmed=request.POST.get("confirmed", ""),
            version=form.cleaned_data["version"],
        )
    except decisions.NotConfirmed as error:
        form.doubts = error.words
        form.add_error(None, str(error))
        return render(request, "quotes/decision_choose.html", context, status=422)
    except decisions.NotPossible as error:
        form = ChooseForm(_redated(request, decision), **how)
        context |= {"form": form, "refused": str(error)}
        return render(request, "quotes/decision_choose.html", context, status=409)
    messages.success(request, f"{solution!s} is chosen.")
    # What was compared on the way here begins ticked in the proposal.
    return redirect(reverse("quotes:run_decision", args=[run.pk]) + _compared(request))


@require_POST
def run_record(request: PortalRequest, pk: UUID, kind: str) -> HttpResponse:
    """Record one step: shown, accepted, declined, bound, limits, reopened."""
    run = get_or_absent(Run.objects.actionable_by(request.user).select_related("insured"), pk)
    if kind not in ASKED:
        raise Http404("No such page.")
    decision = decision_of(run, request.user)
    if decision is None:
        messages.warning(request, "Only packages of a completed run are decided on.")
        return redirect("quotes:run_detail", pk=run.pk)
    offered = offered_solutions(run, decision, positions_of(request.POST.getlist("packages")))
    how: dict[str, Any] = {
        "kind": kind,
        "version": decision.version,
        "solutions": offered,
        "doubts": _doubts(run, decision, kind),
        "lines": _lines(decision, kind),
    }
    form = StepForm(request.POST, **how)
    if not form.is_valid():
        return _page(request, run, forms={kind: form}, status=422)
    try:
        _record(request, run, form, offered)
    except decisions.NotPossible as error:
        # As typed, but drawn from the decision as it is now: sending it again is knowing.
        again = StepForm(_redated(request, decision), **how)
        if isinstance(error, decisions.NotConfirmed):
            again.doubts = error.words
        return _page(request, run, forms={kind: again}, refused=str(error), status=409)
    messages.success(request, f"Recorded: {TITLES[K(kind)].lower()}.")
    return redirect("quotes:run_decision", pk=run.pk)


@require_POST
def run_packet(request: PortalRequest, pk: UUID) -> HttpResponseBase:
    """The run's E&O packet to download. Whoever sees the run may have it; the history says who."""
    run = get_or_absent(Run.objects.visible_to(request.user).only("id"), pk)
    file = SpooledTemporaryFile(max_size=SPOOLED)  # noqa: SIM115 - the response closes it
    try:
        packet = packets.make_packet(run=run, out=file, actor=request.user)
    except decisions.NotPossible as error:
        file.close()
        messages.warning(request, str(error))
        return redirect("quotes:run_detail", pk=run.pk)
    file.seek(0)
    response = FileResponse(
        file, as_attachment=True, filename=packets.file_name(run), content_type="application/zip"
    )
    response["X-Packet-Manifest"] = packet.manifest_sha256
    return response


def _record(request: PortalRequest, run: Run, form: StepForm, offered: Sequence[Solution]) -> None:
    by_position = {str(each.position): each for each in offered}
    given, said = form.cleaned_data, form.said()
    how: dict[str, Any] = {"run": run, "actor": request.user, "version": given["version"]}
    if form.kind == K.SHOWN:
        shown = [by_position[position] for position in given["packages"]]
        decisions.mark_shown(solutions=shown, said=said, **how)
    elif form.kind == K.OPTION_DECLINED:
        decisions.decline_option(solution=by_position[given["package"]], said=said, **how)
    elif form.kind == K.REOPENED:
        decisions.reopen_decision(reason=said.reason, **how)
    elif form.kind in {K.LIMITS_OFFERED, K.LIMITS_REJECTED}:
        decisions.record_limits(kind=form.kind, said=said, **how)
    else:
        confirmed = request.POST.get("confirmed", "")
        decisions.record_answer(kind=form.kind, said=said, confirmed=confirmed, **how)


def _compared(request: PortalRequest) -> str:
    """The query of the packages that were compared side by side; "" without any."""
    places = positions_of(request.GET.getlist("packages"))[:MOST_OPTIONS]
    return "?" + urlencode([("packages", place) for place in places]) if places else ""


def _redated(request: PortalRequest, decision: Summary) -> Any:
    """What was posted, as if from a page drawn now."""
    data = request.POST.copy()
    data["version"] = str(decision.version)
    return data


def _readable(request: PortalRequest) -> RunQuerySet:
    return Run.objects.visible_to(request.user).select_related("insured__owner").defer(
        "request_body", "response_body", "response", "insured__document", "insured__body_document"
    )  # fmt: skip


def _solutions(run: Run) -> Any:
    return run.solutions.prefetch_related("lines__carrier").defer("scorecard")


def positions_of(given: Sequence[str]) -> list[int]:
    return [int(each) for each in given if each.isascii() and each.isdigit() and len(each) < 7]


def offered_solutions(run: Run, decision: Summary, asked: Sequence[int] = ()) -> list[Solution]:
    """The packages a form offers: the chosen and shown ones, those asked for by position, and
    the first of Nexio's order."""
    first = list(run.solutions.values_list("pk", flat=True)[:FIRST_OFFERED])
    wanted = {run.chosen_id, *decision.shown, *first}
    by_position = run.solutions.filter(position__in=list(asked)[:20]).values_list("pk", flat=True)
    return list(_solutions(run).filter(pk__in={pk for pk in wanted if pk} | set(by_position)))


def _doubts(run: Run, decision: Summary, kind: str) -> str:
    """What a step about the chosen package asks to be confirmed."""
    if decision.chosen is None or kind not in {K.ACCEPTED, K.BOUND}:
        return ""
    return doubts_about(run, decision.chosen)


def _lines(decision: Summary, kind: str) -> list[str]:
    """The lines of the chosen package that a step asks about one by one."""
    if decision.chosen is None or kind != K.BOUND:
        return []
    named = {line.category for line in decision.chosen.returned}
    return [line for line in LINES if line in named]


def _forms(run: Run, decision: Summary, asked: dict[str, StepForm]) -> list[dict[str, Any]]:
    """A form for each step that can be recorded now; one that was refused stands open, as typed."""
    offered = offered_solutions(run, decision)
    chosen = [each.position for each in offered if each.pk == run.chosen_id]
    found = []
    for kind in [*decision.open_kinds, *(k for k in asked if k not in decision.open_kinds)]:
        of_kind = offered
        if kind == K.OPTION_DECLINED:
            open_ones = decision.shown - decision.declined - {run.chosen_id}
            of_kind = [each for each in offered if each.pk in open_ones]
        form = asked.get(kind) or StepForm(
            kind=kind,
            version=decision.version,
            solutions=of_kind,
            ticked=chosen,
            doubts=_doubts(run, decision, kind),
            lines=_lines(decision, kind),
        )
        found.append({"kind": kind, "title": TITLES[K(kind)], "form": form, "open": kind in asked})
    return found


def _page(
    request: PortalRequest,
    run: Run,
    *,
    forms: dict[str, StepForm] | None = None,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    decision = decision_of(run, request.user)
    context = {
        "run": run,
        "decision": decision,
        "forms": _forms(run, decision, forms or {}) if decision and decision.may_decide else [],
        "errors_in": next((form for form in (forms or {}).values() if form.errors), None),
        "refused": refused,
        "approval_missing": missing_words(standing(run)) if decision else "",
        "decided_on": run.state == RunState.COMPLETED,
        "weighed": weigh(run, decision.chosen, timezone.now())
        if decision and decision.chosen
        else None,
        "proposal_query": _compared(request),
    }
    return render(request, "quotes/decision_detail.html", context, status=status)

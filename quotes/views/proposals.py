"""Proposals: made from ranked packages, looked at page by page, downloaded, delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from quotes.forms.decisions import ProposalForm, StepForm
from quotes.models import DecisionKind, Proposal, Run, Solution
from quotes.services import decisions, proposals
from quotes.services.decision_summary import Summary, decision_of
from quotes.views.access import PortalRequest, get_or_absent
from quotes.views.decisions import offered_solutions, positions_of

K = DecisionKind


@require_http_methods(["GET", "HEAD", "POST"])
def run_proposal(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Make a proposal of packages. `?packages=` positions, or else the chosen and the shown, begin
    ticked; `?like=` begins with an earlier proposal's packages and notes."""
    run = get_or_absent(
        Run.objects.actionable_by(request.user).select_related("insured", "chosen"), pk
    )
    decision = decision_of(run, request.user)
    if decision is None or not run.solutions.exists():
        raise Http404("No such page.")
    refused = proposals.never_proposed(run)
    there = run.solutions.count() - len(refused)
    asked = positions_of((request.POST or request.GET).getlist("packages"))
    like = _like(request, run)
    asked += [option.solution.position for option in like.options.all()] if like else []
    kept_out = {each.pk for each in refused}
    offered = [each for each in offered_solutions(run, decision, asked) if each.pk not in kept_out]
    fewest = min(proposals.FEWEST_OPTIONS, there)
    form = ProposalForm(
        request.POST or None,
        solutions=offered,
        ticked=_ticked(decision, offered, asked),
        marks={each.position: decision.mark_of(each) for each in offered},
        fewest=fewest,
        most=proposals.MOST_OPTIONS,
        notes=like.notes if like else "",
    )
    context = {
        "run": run, "form": form, "decision": decision, "fewest": fewest, "refused": refused,
        "there": there,
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "quotes/proposal_form.html", context)
    if not form.is_valid():
        return render(request, "quotes/proposal_form.html", context, status=422)
    by_position = {each.position: each for each in offered}
    try:
        proposal = proposals.make_proposal(
            run=run,
            solutions=[by_position[place] for place in form.cleaned_data["packages"]],
            notes=form.cleaned_data["notes"],
            actor=request.user,
        )
    except decisions.NotPossible as error:
        form.add_error(None, str(error))
        return render(request, "quotes/proposal_form.html", context, status=409)
    return redirect("quotes:proposal_detail", pk=proposal.pk)


def _ticked(decision: Summary, offered: Sequence[Solution], asked: Sequence[int]) -> list[int]:
    """The chosen package with those asked for, else with those that were shown; never one that
    the insured has declined, and none because of its rank alone."""
    left = [each for each in offered if each.pk not in decision.declined]
    chosen = [each.position for each in left if each.pk == decision.run.chosen_id]
    wanted = asked or [each.position for each in left if each.pk in decision.shown]
    there = {each.position for each in left}
    return list(dict.fromkeys([*chosen, *(p for p in wanted if p in there)]))[
        : proposals.MOST_OPTIONS
    ]


def _like(request: PortalRequest, run: Run) -> Proposal | None:
    try:
        wanted = UUID(request.GET.get("like", ""))
    except ValueError:
        return None
    rows = run.proposals.prefetch_related("options__solution").defer("pdf")
    found: Proposal | None = rows.filter(pk=wanted).first()
    return found


@require_safe
def proposal_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """What the insured will get, page by page, and the form that records that they got it."""
    return _page(request, _proposal(request, pk))


@require_safe
def proposal_pdf(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The PDF, byte for byte as it was made. Its name tells of nobody."""
    proposal = get_or_absent(Proposal.objects.visible_to(request.user).only("id", "pdf"), pk)
    response = HttpResponse(bytes(proposal.pdf), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="proposal-{proposal.pk.hex[:12]}.pdf"'
    return response


@require_safe
def proposal_page(request: PortalRequest, pk: UUID, number: int) -> HttpResponse:
    """One page as a picture."""
    proposal = get_or_absent(Proposal.objects.visible_to(request.user).only("id"), pk)
    page = proposal.pages.filter(number=number).first()
    if page is None:
        raise Http404("No such page.")
    return HttpResponse(bytes(page.png), content_type="image/png")


@require_POST
def proposal_deliver(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Record that the insured got it: its packages are shown to the insured with it."""
    rows = Proposal.objects.actionable_by(request.user).select_related("run__insured")
    proposal = get_or_absent(rows.defer("pdf"), pk)
    decision = decision_of(proposal.run, request.user)
    form = _deliver_form(decision, request.POST)
    if not form.is_valid():
        return _page(request, _proposal(request, pk), form=form, status=422)
    try:
        proposals.deliver_proposal(
            proposal=proposal,
            actor=request.user,
            said=form.said(),
            version=form.cleaned_data["version"],
        )
    except decisions.NotPossible as error:
        data = request.POST.copy()
        data["version"] = str(decision.version if decision else 0)
        form = _deliver_form(decision, data)
        return _page(request, _proposal(request, pk), form=form, refused=str(error), status=409)
    messages.success(request, "Recorded: the insured got this proposal.")
    return redirect("quotes:proposal_detail", pk=proposal.pk)


def _deliver_form(decision: Summary | None, data: Any = None) -> StepForm:
    form = StepForm(data, kind=K.SHOWN, version=decision.version if decision else 0)
    # A proposal shows what is in it; which packages is no question.
    del form.fields["packages"]
    form.fields["on"].label = "Delivered on"
    return form


def _proposal(request: PortalRequest, pk: UUID) -> Proposal:
    rows = Proposal.objects.visible_to(request.user).select_related(
        "run__insured__owner", "made_by", "chosen"
    )
    lines = "options__solution__lines__carrier"
    found: Proposal = get_or_absent(rows.defer("pdf").prefetch_related(lines), pk)
    return found


def _page(
    request: PortalRequest,
    proposal: Proposal,
    *,
    form: StepForm | None = None,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    decision = decision_of(proposal.run, request.user)
    deliveries = proposal.decision_events.select_related("actor").order_by("id")
    context = {
        "proposal": proposal,
        "run": proposal.run,
        "decision": decision,
        "pages": list(proposal.pages.values_list("number", flat=True)),
        "deliveries": {(e.on, e.how, e.actor_id): e for e in deliveries}.values(),
        "form": form or _deliver_form(decision),
        "refused": refused,
        "changed_choice": proposal.chosen_id != proposal.run.chosen_id,
    }
    return render(request, "quotes/proposal_detail.html", context, status=status)

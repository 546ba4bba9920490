"""What-if: our arithmetic over what a run was sent, and the way from there to a real rerun."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods, require_safe

from quotes.models import Carrier, Run, RunState
from quotes.models.run import RunQuerySet
from quotes.services.as_sent import pretty
from quotes.services.comparison import carriers_sent, in_words, line_word
from quotes.services.frozen import Frozen
from quotes.services.ranked import Ranking, rank_packages
from quotes.services.readiness import NotReady
from quotes.services.runs import NotPossible
from quotes.services.starting import AlreadyStarted
from quotes.services.what_if.changes import Changes, read_changes, wrong_premiums
from quotes.services.what_if.judged import work_out
from quotes.services.what_if.offers import Offer, Offers, read_offers
from quotes.services.what_if.origin import what_if_of
from quotes.services.what_if.rerun import rerun, suppose
from quotes.services.worklist import HEAVY
from quotes.views.access import PortalRequest, get_or_absent, touched
from quotes.views.results import solutions_of

MOST_DROPPED = 50


@dataclass(frozen=True)
class Case:
    """A run with its offerings, and what the address supposes of them."""

    run: Run
    frozen: Frozen
    ranking: Ranking
    offers: Offers
    changes: Changes
    ignored: list[str]
    wrong: dict[int, str]


@dataclass(frozen=True)
class Row:
    """An offering in the form: what stands in its field, and the lines it was quoted with."""

    offer: Offer
    out: bool
    text: str
    beside: str
    bundle_price: Decimal | None
    wrong: str


@dataclass(frozen=True)
class LineForm:
    """A requested line in the form: its lock's choices as (code, words, taken), its offerings."""

    line: str
    lock: str
    carriers: list[tuple[str, str, bool]]
    single: list[tuple[str, Offer, bool]]
    rows: list[Row]


@require_safe
def run_what_if(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The form with what comes of it; what htmx asks for is what comes of it alone."""
    case = _case(request, Run.objects.visible_to(request.user), pk)
    outcome = work_out(case.offers, case.changes, case.ranking, case.frozen, timezone.now())
    context: dict[str, Any] = {
        "run": case.run,
        "changes": case.changes,
        "ignored": case.ignored,
        "ranking": case.ranking,
        "offers": case.offers,
        "can_act": Run.objects.actionable_by(request.user).filter(pk=pk).exists(),
        "completed": case.run.state == RunState.COMPLETED,
        "most_dropped": MOST_DROPPED,
        "outcome": outcome,
    }
    htmx = request.htmx
    if htmx and htmx.target == "what-if" and not htmx.history_restore_request:
        best = outcome.cheapest[0].package.total if outcome.cheapest else None
        context["announcement"] = (
            f"{len(outcome.remaining)} of {len(case.ranking.packages)} packages remain. "
            + ("No package can be made." if best is None else f"The cheapest costs ${best:,.2f}.")
        )
        # Of every field with something in it, so that one that was mended loses its complaint.
        typed = [n for n in case.offers.by_number if f"p{n}" in request.GET]
        context["wrong_premiums"] = [(n, case.wrong.get(n, "")) for n in typed]
        response = render(request, "quotes/partials/what_if_outcome.html", context)
        address = reverse("quotes:run_what_if", args=[pk])
        response["HX-Push-Url"] = address + case.changes.query
    else:
        context |= _form(request, case)
        response = render(request, "quotes/what_if.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def run_what_if_rerun(request: PortalRequest, pk: UUID) -> HttpResponse:
    """What would be sent, to be confirmed; sent by POST to the same address."""
    case = _case(request, Run.objects.actionable_by(request.user), pk)
    if request.method != "POST":
        return _confirm(request, case)
    try:
        new = rerun(run=case.run, offers=case.offers, changes=case.changes, actor=request.user)
    except (NotPossible, NotReady) as reason:
        if isinstance(reason, NotPossible):
            messages.warning(request, str(reason))
        return _confirm(request, case, status=409 if isinstance(reason, NotPossible) else 422)
    except AlreadyStarted as error:
        messages.info(
            request, "This was sent a moment ago and is under way: it was not sent twice."
        )
        new = error.run
    touched(new)
    return redirect("quotes:run_detail", pk=new.pk)


def _case(request: PortalRequest, rows: RunQuerySet, pk: UUID) -> Case:
    kept_away = [name for name in HEAVY if name != "request"]
    run = get_or_absent(
        rows.select_related("insured").defer(
            *kept_away, "insured__document", "insured__body_document"
        ),
        pk,
    )
    frozen = Frozen(run.request, run.offering_lines)
    solutions = solutions_of(run) if run.state == RunState.COMPLETED else []
    ranking = rank_packages(run, solutions)
    carriers = Carrier.objects.by_key(carriers_sent(run.request))
    offers = read_offers(run.request, frozen, ranking.lines, carriers)
    query = dict(request.GET.lists())
    changes, ignored = read_changes(query, offers)
    return Case(run, frozen, ranking, offers, changes, ignored, wrong_premiums(query, offers))


def _confirm(request: PortalRequest, case: Case, status: int = 200) -> HttpResponse:
    supposed = suppose(case.run, case.offers, case.changes)
    context = {
        "run": case.run,
        "query": case.changes.query,
        "ignored": case.ignored,
        "supposed": supposed,
        "lines": case.ranking.lines,
        "completed": case.run.state == RunState.COMPLETED,
        "carriers": carriers_sent(supposed.body),
        "request_json": pretty(supposed.body),
    }
    return render(request, "quotes/what_if_rerun.html", context, status=status)


def _form(request: PortalRequest, case: Case) -> dict[str, Any]:
    changes = case.changes
    typed = {name: values[-1] for name, values in request.GET.lists()}
    return {
        "origin": what_if_of(case.run),
        "everywhere": [(each, each.code == changes.everywhere) for each in case.offers.carriers],
        "without": [(each, each.code in changes.without) for each in case.offers.carriers],
        "line_forms": [_line_form(line, case, typed) for line in case.offers.lines],
    }


def _line_form(line: str, case: Case, typed: dict[str, str]) -> LineForm:
    own = case.offers.of_line(line)
    lock = case.changes.locks.get(line, "")
    names = dict.fromkeys((each.carrier_code, each.carrier) for each in own)
    return LineForm(
        line=line,
        lock=lock,
        carriers=[(code, name, code == lock) for code, name in names],
        single=[(f"o{each.number}", each, f"o{each.number}" == lock) for each in own],
        rows=[_row(each, case, typed) for each in own],
    )


def _row(offer: Offer, case: Case, typed: dict[str, str]) -> Row:
    bundle = case.offers.bundle_of.get(offer.number)
    beside = [line_word(line) for line in offer.policy.package_lines if line != offer.line]
    return Row(
        offer=offer,
        out=offer.number in case.changes.left_out,
        text=typed.get(f"p{offer.number}", "")[:20],
        beside=in_words(beside),
        bundle_price=bundle.price if bundle else None,
        wrong=case.wrong.get(offer.number, ""),
    )

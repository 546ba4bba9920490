"""One insured's page, drawn the same after opening it and after a comparison was refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from quotes.forms.start import StartForm, appetite_cards
from quotes.models import LINES, Insured, Line, Quote, Run
from quotes.models.lines import Appetite
from quotes.services import directory, matrix, profile
from quotes.services.readiness import check_readiness
from quotes.services.reading import Mistake
from quotes.views.access import PortalRequest

MOST_RUNS = 50
PLACES = {
    "input.address.state": "id_state",
    "input.address.zip_code": "id_zip_code",
    "input.drivers": "s-drivers",
    "input.vehicles_detail": "s-vehicles",
    "input.current_coverage": "s-incumbents",
}
"""Where on the insured's form a finding is mended."""


def draw_insured(
    request: PortalRequest,
    insured: Insured,
    *,
    form: StartForm | None = None,
    refused: Sequence[Mistake] = (),
    earlier: Run | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of `insured`, which comes with drivers, vehicles and incumbents prefetched.

    `form` is the refused choice of a comparison, and `refused` what blocked it. `earlier` is a
    run of the insured whose lines and appetite are chosen at first.
    """
    now = timezone.now()
    quotes = list(insured.quotes.prefetch_related("lines"))
    rows = matrix.matrix_rows(quotes=quotes, now=now)
    runs = list(directory.runs_of(insured)[: MOST_RUNS + 1])
    context = {
        "insured": insured,
        "editable": request.user.is_broker and insured.owner_id == request.user.pk,
        "rows": rows,
        "lines": Line,
        "line_count": sum(len(quote.lines.all()) for quote in quotes),
        "carrier_count": len({quote.carrier_id for quote in quotes}),
        "incumbents": matrix.incumbent_summary(insured.incumbents.all()),
        "runs": runs[:MOST_RUNS],
        "more_runs": len(runs) > MOST_RUNS,
        "vehicles": [
            (vehicle, profile.shown_driver(vehicle, list(insured.drivers.all())))
            for vehicle in insured.vehicles.all()
        ],
        "residence": profile.readable(insured.document.get("residence")),
        "history": profile.readable(insured.document.get("insurance_history")),
        "other": profile.other_details(insured),
        "start": form,
        "refused": refused,
        "earlier": earlier,
        **_choice(insured, quotes, form, earlier),
    }
    context |= _readiness(insured, quotes, context["chosen"], rows)
    return render(request, "quotes/insured_detail.html", context, status=status)


def draw_readiness(
    request: PortalRequest, insured: Insured, coverage_types: Sequence[str]
) -> HttpResponse:
    """What the panel says of these lines once they are ticked; words that are no line are left
    out. `insured` comes as for its page."""
    quotes = list(insured.quotes.prefetch_related("lines"))
    chosen = [line for line in LINES if line in coverage_types]
    context = {
        "insured": insured,
        "editable": request.user.is_broker and insured.owner_id == request.user.pk,
        **_readiness(
            insured, quotes, chosen, matrix.matrix_rows(quotes=quotes, now=timezone.now())
        ),
    }
    return render(request, "quotes/partials/insured_readiness.html", context)


def _choice(
    insured: Insured, quotes: list[Quote], form: StartForm | None, earlier: Run | None
) -> dict[str, Any]:
    """The lines and the appetite that are chosen when the page opens."""
    counts = matrix.carriers_per_line(quotes)
    appetite = ""
    if form is not None:
        chosen = [line for line in LINES if line in form["coverage_types"].value()]
        appetite = form.data.get("appetite", "")
    elif earlier is not None:
        chosen = [line for line in LINES if line in earlier.coverage_types]
        appetite = earlier.appetite if earlier.appetite in Appetite.values else ""
    else:
        requested = insured.requested_lines
        chosen = [line for line in requested if counts[line]] or requested
    return {
        "choices": [(line, line in chosen, counts[line]) for line in LINES],
        "appetites": appetite_cards(insured, appetite),
        "chosen": chosen,
    }


def _readiness(
    insured: Insured, quotes: list[Quote], chosen: list[str], rows: list[matrix.MatrixRow]
) -> dict[str, Any]:
    counts = matrix.carriers_per_line(quotes)
    readiness = check_readiness(insured=insured, quotes=quotes, coverage_types=chosen)
    return {
        "blocking": _placed(readiness.blocking),
        # Without a line chosen every quote would be warned of as not requested.
        "warnings": _placed(readiness.warnings) if chosen else [],
        "expiring": [row for row in rows if row.warning],
        "covered": sum(bool(counts[line]) for line in chosen),
        "chosen": chosen,
        "possible": matrix.packages_possible(quotes, chosen),
    }


def _placed(mistakes: Sequence[Mistake]) -> list[tuple[str, str]]:
    """Findings in words, each with the place on the insured's form where it is mended."""
    return [
        (each.message[:1].upper() + each.message[1:], PLACES.get(each.field, ""))
        if not each.message.startswith("is ")
        else (f"{NAMES.get(each.field, 'It')} {each.message}", PLACES.get(each.field, ""))
        for each in mistakes
    ]


NAMES = {
    "input.coverage_types": "A line",
    "input.address.state": "The state",
    "input.address.zip_code": "The ZIP code",
}

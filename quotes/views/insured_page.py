"""One insured's page, drawn the same after opening it and after a comparison was refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from quotes.forms.start import StartForm, appetite_cards
from quotes.models import (
    LINES,
    Attachment,
    Carrier,
    Driver,
    IncumbentPolicy,
    Insured,
    InsuredShare,
    LegalHold,
    Line,
    Quote,
    QuoteLine,
    Run,
    User,
    Vehicle,
)
from quotes.models.lines import Appetite
from quotes.models.prepared import hand_out, prepared
from quotes.services import directory, matrix, profile
from quotes.services.details import LineDetails
from quotes.services.findings import AllStated
from quotes.services.reading import Mistake
from quotes.services.sheet import SheetRow, blank_row, sheet_rows
from quotes.views.access import PortalRequest, may_edit, one_or_absent
from quotes.views.audit import hold_context
from quotes.views.insured_more import more_context
from quotes.views.readiness_panel import panel_context
from quotes.views.sharing import sharing_context

BLANK = UUID(int=0)
"""The id in the row that the page's script makes new rows of."""


def shown_insured(request: PortalRequest, pk: UUID) -> Insured:
    """The insured as its page reads it, with drivers, vehicles and incumbents."""
    insured = one_or_absent(Insured, pk, _insured(request.user, pk))
    for accessor, rows in (
        ("drivers", _drivers(pk)), ("vehicles", _vehicles(pk)), ("incumbents", _incumbents(pk)),
    ):  # fmt: skip
        hand_out([insured], accessor, rows, "insured")
    return insured


@prepared
def _insured(user: User, pk: UUID) -> QuerySet[Insured]:
    """With what hangs on few of them: its page asks for that only where there is any."""
    of = OuterRef("pk")
    rows = Insured.objects.visible_to(user).select_related("owner").defer("body_document")
    return rows.annotate(
        has_hold=Exists(LegalHold.objects.filter(insured=of, lifted_at__isnull=True)),
        has_shares=Exists(InsuredShare.objects.filter(insured=of)),
        has_attachments=Exists(Attachment.objects.filter(insured=of)),
        has_renewals=Exists(Insured.objects.filter(renewal_of=of)),
    ).filter(pk=pk)[:1]


@prepared
def _drivers(insured: UUID) -> QuerySet[Driver]:
    return Driver.objects.filter(insured=insured)


@prepared
def _vehicles(insured: UUID) -> QuerySet[Vehicle]:
    return Vehicle.objects.filter(insured=insured)


@prepared
def _incumbents(insured: UUID) -> QuerySet[IncumbentPolicy]:
    return IncumbentPolicy.objects.filter(insured=insured)


def quotes_of(insured: Insured, *, whole: bool) -> list[Quote]:
    """Its quotes as its page reads them, with their lines; `whole` with what a request would be
    made of as well."""
    quotes = _quotes(insured.pk, whole)
    for quote in quotes:
        quote.insured = insured
    hand_out(quotes, "lines", _lines([quote.pk for quote in quotes]), "quote")
    return quotes


@prepared
def _quotes(insured: UUID, whole: bool) -> QuerySet[Quote]:
    rows = Quote.objects.filter(insured=insured).select_related("carrier").defer("origins")
    return rows if whole else rows.defer("document")


@prepared
def _lines(quotes: Collection[UUID]) -> QuerySet[QuoteLine]:
    return QuoteLine.objects.filter(quote__in=quotes).defer("origins")


@prepared
def _carriers() -> QuerySet[Carrier, str]:
    return Carrier.objects.values_list("name", flat=True)[:300]


def draw_insured(
    request: PortalRequest,
    insured: Insured,
    *,
    form: StartForm | None = None,
    refused: Sequence[Mistake] = (),
    earlier: Run | None = None,
    sheet: Sequence[SheetRow] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of `insured`, which comes with drivers, vehicles and incumbents prefetched.

    `form` is the refused choice of a comparison, and `refused` what blocked it. `earlier` is a
    run of the insured whose lines and appetite are chosen at first. `sheet` is the grid as it
    was typed and refused.
    """
    now = timezone.now()
    quotes = quotes_of(insured, whole=earlier is not None)
    editable = may_edit(request.user, insured)
    runs = directory.runs_of(insured.pk)
    # Read once, for the sheet and the panel beside it.
    stated: AllStated = {line.pk: LineDetails(line) for quote in quotes for line in quote.held}
    context = {
        "insured": insured,
        "editable": editable,
        "quotes": quotes,
        "lines": Line.choices,
        "meta": sheet_meta(quotes),
        "runs": runs[: directory.MOST_RUNS],
        "more_runs": len(runs) > directory.MOST_RUNS,
        "start": form,
        "refused": refused,
        "earlier": earlier,
        **_household(insured),
        **hold_context(request, insured),
        **sharing_context(request.user, insured),
        **more_context(request.user, insured, quotes, earlier),
        **_choice(insured, quotes, form, earlier),
    }
    context |= panel_context(insured, quotes, context["chosen"], stated)
    if editable:
        context |= _grid(quotes, sheet, now, stated)
    else:
        context["rows"] = matrix.matrix_rows(quotes=quotes, now=now)
    context["shown"] = context  # what compiled templates draw of it
    return render(request, "quotes/insured_detail.html", context, status=status)


def _household(insured: Insured) -> dict[str, Any]:
    """What the profile shows, but for what stands in the head."""
    drivers = list(insured.drivers.all())
    return {
        "incumbents": matrix.incumbent_summary(insured.incumbents.all()),
        "vehicles": [
            (vehicle, profile.shown_driver(vehicle, drivers)) for vehicle in insured.vehicles.all()
        ],
        "residence": profile.readable(insured.document.get("residence")),
        "history": profile.readable(insured.document.get("insurance_history")),
        "other": profile.other_details(insured),
    }


def sheet_meta(quotes: Sequence[Quote]) -> str:
    """ "4 carriers · 9 lines": what the head of the quotes says; empty without a quote."""
    if not quotes:
        return ""
    carriers = len({quote.carrier_id for quote in quotes})
    lines = sum(len(quote.held) for quote in quotes)
    return (
        f"{carriers} carrier{'' if carriers == 1 else 's'} · "
        f"{lines} line{'' if lines == 1 else 's'} · annual premiums"
    )


def _grid(
    quotes: list[Quote],
    typed: Sequence[SheetRow] | None,
    now: dt.datetime,
    stated: AllStated,
) -> dict[str, Any]:
    """The sheet the broker writes in: the quotes, and one blank row at the end."""
    rows = sheet_rows(quotes, now, stated) if typed is None else list(typed)
    troubled = [(row, cell) for row in rows for cell in row.cells.values() if cell.troubled]
    return {
        "sheet": [*rows, blank_row(uuid4())],
        "blank": [blank_row(BLANK)],
        "gone": [row for row in rows if row.error],
        "troubled": troubled,
        "carriers": _carriers(),
    }


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

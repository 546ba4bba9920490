"""The quote grid: saved cell by cell by the page's script, or as one form without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from quotes.forms.grid import (
    TypedRow,
    Unusable,
    judged,
    read_block,
    read_posted,
    read_rows,
)
from quotes.models import Insured, Quote
from quotes.services import grid as service
from quotes.services.changes_told import shortened, told_cells
from quotes.services.grid import CellResult, Outcome, RowResult, State
from quotes.services.grid_paste import pasted_block
from quotes.services.sheet import (
    SheetRow,
    blank_row,
    label,
    raw_cell,
    sheet_rows,
    shown,
    who_changed,
)
from quotes.views.access import PortalRequest, get_or_absent, touched
from quotes.views.insured_page import draw_insured, sheet_meta

P = ParamSpec("P")
View = Callable[Concatenate[PortalRequest, P], HttpResponse]

SIGNED_OUT = "Your session ended. What you typed is kept; sign in to save it."
GONE = "This quote was deleted meanwhile. What you typed is kept here."
NEEDS_CARRIER = "Write the carrier's name; without it this row cannot be saved."


def answering_json(view: View[P]) -> Callable[..., HttpResponse]:
    """Mark a view that a script talks to: who is signed out gets a 401 to act on, not a page."""

    @wraps(view)
    def answer(request: Any, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return JsonResponse({"message": SIGNED_OUT}, status=401)
        try:
            return view(request, *args, **kwargs)
        except Unusable as error:
            return JsonResponse({"message": str(error)}, status=400)

    return login_not_required(answer)


@require_http_methods(["GET", "POST"])
@answering_json
def grid(request: PortalRequest, pk: UUID) -> HttpResponse:
    """POST: save cells, and say what became of each. GET: who is signed in, with a token for
    the page to go on with."""
    insured = get_or_absent(Insured.objects.editable_by(request.user), pk)
    if request.method == "GET":
        return JsonResponse({"token": get_token(request), "user": request.user.shown_name})
    edits = judged(read_rows(request.body))
    try:
        results = service.save_cells(insured=insured, rows=edits, user=request.user)
    except Insured.DoesNotExist:
        raise Http404("No such page.") from None
    _log(results)
    quotes = _quotes(insured)
    asked = {row.pk for row in edits}
    drawn = sheet_rows((quote for quote in quotes if quote.pk in asked), timezone.now())
    rows = {row.pk: row for row in drawn}
    return JsonResponse(
        {
            "rows": [_row_json(result, rows.get(result.pk)) for result in results],
            "meta": sheet_meta(quotes),
            "at": service.shown_clock(timezone.localtime()),
        }
    )


@require_POST
@answering_json
def grid_paste(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Which cells a pasted block fills, from the cell it was pasted into. Stores nothing."""
    get_or_absent(Insured.objects.editable_by(request.user), pk)
    cell, text = read_block(request.body)
    block = pasted_block(text, cell)
    return JsonResponse({"rows": block.rows, "notes": block.notes, "by_heading": block.by_heading})


@require_POST
def grid_save(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The whole sheet as one form: all of it is stored, or none and every reason is told."""
    mine = Insured.objects.editable_by(request.user).select_related("owner")
    insured = get_or_absent(mine.prefetch_related("drivers", "vehicles", "incumbents"), pk)
    try:
        typed = [row for row in read_posted(request.POST) if not (row.new and row.blank)]
    except Unusable as error:
        messages.error(request, str(error))
        return redirect("quotes:insured_detail", pk=pk)
    results = service.save_cells(insured=insured, rows=judged(typed), user=request.user, whole=True)
    if all(result.whole for result in results):
        _log(results)
        changed = any(row.cells for row in typed)
        messages.success(request, "The quotes were saved." if changed else "Nothing was changed.")
        return redirect("quotes:insured_detail", pk=pk)
    sheet = as_typed(sheet_rows(_quotes(insured), timezone.now()), typed, results)
    return draw_insured(request, insured, sheet=sheet, status=422)


def _log(results: Sequence[RowResult]) -> None:
    steps = [
        each
        for row in results
        for each in told_cells(
            row.carrier, [(label(cell), shown(was), shown(now)) for cell, was, now in row.changed]
        )
    ]
    touched(changes=shortened(steps))


def _quotes(insured: Insured) -> list[Quote]:
    return list(insured.quotes.select_related("carrier").prefetch_related("lines"))


def _row_json(result: RowResult, row: SheetRow | None) -> dict[str, Any]:
    answer: dict[str, Any] = {"id": str(result.pk), "state": result.state.value}
    if result.state is State.GONE or (row is None and result.state is State.STORED):
        return answer | {"state": State.GONE.value, "message": GONE, "cells": {}}
    if result.state is State.WAITING:
        answer["message"] = NEEDS_CARRIER
    if row is not None:
        answer |= {"stored": row.was, "notes": row.notes.as_json()}
    return answer | {"cells": {k: _cell_json(k, v) for k, v in result.cells.items()}}


def _cell_json(name: str, cell: CellResult) -> dict[str, str]:
    answer = {"outcome": cell.outcome.value}
    if cell.outcome is Outcome.MISTAKE:
        answer["message"] = cell.message
    if cell.outcome is Outcome.CONFLICT:
        answer["raw"] = raw_cell(name, cell.theirs)
        answer["shown"] = shown(cell.theirs)
        answer["who"] = who_changed(cell.origin)
    return answer


def as_typed(
    sheet: list[SheetRow], typed: Sequence[TypedRow], results: Sequence[RowResult]
) -> list[SheetRow]:
    """The stored rows with what was typed laid over them, and with what stands against it."""
    rows = {row.pk: row for row in sheet}
    for row, result in zip(typed, results, strict=True):
        shown_row = rows.get(row.pk)
        if shown_row is None:
            shown_row = rows[row.pk] = blank_row(row.pk)
        if result.state is State.GONE:
            shown_row.error = f"{GONE} Save to add it anew, or empty the row."
        for name in row.texts if result.state is State.GONE else row.cells:
            shown_row.cells[name].text = row.texts[name]
        if result.state is State.WAITING and not shown_row.carrier.text.strip():
            shown_row.carrier.error = NEEDS_CARRIER
        for name, found in result.cells.items():
            drawn = shown_row.cells[name]
            drawn.error = found.message
            if found.outcome is Outcome.CONFLICT:
                drawn.theirs, drawn.theirs_raw = shown(found.theirs), raw_cell(name, found.theirs)
                drawn.who = who_changed(found.origin)
    return list(rows.values())

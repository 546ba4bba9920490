"""The ready-to-compare panel: what a page says of an insured's quotes before they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import capfirst
from django.urls import reverse

from quotes.models import LINES, Insured, Quote, QuoteLine
from quotes.services import matrix
from quotes.services.findings import AllStated, Finding, Place, which_quote
from quotes.services.readiness import Readiness, check_readiness
from quotes.views.access import PortalRequest, may_edit

MOST_SHOWN = 6
"""Warnings and notes seen at once; more are unfolded."""


@dataclass(frozen=True)
class Link:
    """A way to what mends a finding. `key` tells it from the page's other links, so that the
    keyboard stays where it was when the panel is drawn anew."""

    words: str
    address: str
    key: str


@dataclass(frozen=True)
class ShownFinding:
    tone: str
    text: str
    small: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class PanelRow:
    """A quote, which of its carrier's it is, and its lines among the chosen ones, None where it
    does not quote one."""

    quote: Quote
    which: str
    cells: tuple[tuple[str, QuoteLine | None], ...]


def draw_readiness(
    request: PortalRequest, insured: Insured, coverage_types: Sequence[str]
) -> HttpResponse:
    """What the panel says of these lines once they are ticked; words that are no line are left
    out. `insured` comes as for its page."""
    quotes = list(insured.quotes.prefetch_related("lines"))
    chosen = [line for line in LINES if line in coverage_types]
    context = {
        "insured": insured,
        "editable": may_edit(request.user, insured),
        **panel_context(insured, quotes, chosen),
    }
    # A screen reader is told only what has changed since it was told last.
    context["announce"] = context["said"] != request.GET.get("said")
    return render(request, "quotes/partials/insured_readiness.html", context)


def panel_context(
    insured: Insured, quotes: list[Quote], chosen: list[str], stated: AllStated | None = None
) -> dict[str, Any]:
    """What the panel's templates read, for the `chosen` lines. `quotes` come with lines, and
    `insured` with its rows: nothing is asked of the database."""
    counts = matrix.carriers_per_line(quotes)
    readiness = check_readiness(
        insured=insured, quotes=quotes, coverage_types=chosen, stated=stated
    )
    which = which_quote(quotes)
    possible = matrix.packages_possible(quotes, chosen)
    looks = _looks(insured, readiness) if chosen else []
    return {
        "blocking": [_shown(insured, "error", each) for each in readiness.blocking],
        "looks": looks[:MOST_SHOWN],
        "more_looks": looks[MOST_SHOWN:],
        "panel_rows": [
            PanelRow(quote, which[quote.pk], tuple((line, quote.line(line)) for line in chosen))
            for quote in quotes
        ],
        "counts": counts.items(),
        "covered": sum(bool(counts[line]) for line in chosen),
        "chosen": chosen,
        "possible": possible,
        "said": f"{possible}-" + "-".join(each.code for each in readiness.blocking),
    }


def _looks(insured: Insured, readiness: Readiness) -> list[ShownFinding]:
    """Warnings, then notes. Without a line chosen nobody would know what they mean."""
    return [
        *(_shown(insured, "warning", each) for each in readiness.warnings),
        *(_shown(insured, "note", each) for each in readiness.notes),
    ]


def _shown(insured: Insured, tone: str, finding: Finding) -> ShownFinding:
    return ShownFinding(
        tone=tone,
        text=capfirst(finding.message),
        small=finding.small,
        links=tuple(_links(insured, finding.code, finding.places)),
    )


def _links(insured: Insured, code: str, places: Iterable[Place]) -> Iterable[Link]:
    for number, place in enumerate(places):
        yield Link(place.words, _address(insured, place), f"f-{code}-{number}-{_anchor(place)}")


def _anchor(place: Place) -> str:
    """The id of what mends it, on whichever page that is."""
    match place.on:
        case "profile" | "quote":
            return f"id_{place.field}"
        case "section":
            return f"s-{place.field}"
        case "cell":
            return f"c-{place.quote}-{place.field}"
        case "choice":
            return f"c-{place.field}"
        case "new_quote":
            return ""


def _address(insured: Insured, place: Place) -> str:
    """Cells and the choice of lines stand on the page that holds the panel."""
    match place.on:
        case "new_quote":
            return reverse("quotes:quote_create", args=[insured.pk])
        case "quote":
            page = reverse("quotes:quote_edit", args=[place.quote])
        case "profile" | "section":
            page = reverse("quotes:insured_edit", args=[insured.pk])
        case "cell" | "choice":
            page = ""
    return f"{page}#{_anchor(place)}"

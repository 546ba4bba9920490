"""The request and the reply of a run as its page shows them, read from the frozen documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import simplejson

from quotes.models import LINES
from quotes.models.carrier import carrier_key
from quotes.services import documents as doc
from quotes.services.comparison import line_word
from quotes.services.grouping import KNOWN_BY, line_words

MOST_SHOWN = 200_000
"""Characters of a document shown on a page; the bytes are kept whole whatever their size."""


def pretty(value: Any) -> str:
    """A JSON value indented for reading, cut at `MOST_SHOWN` characters with a remark."""
    text: str = simplejson.dumps(
        value, indent=2, use_decimal=True, allow_nan=False, ensure_ascii=False
    )
    if len(text) <= MOST_SHOWN:
        return text
    return f"{text[:MOST_SHOWN]}\n… cut here for reading; it is kept whole."


def left_out_lines(request: Mapping[str, Any], lines: Sequence[str]) -> list[str]:
    """Quoted lines that went into no offering, with the reason, such as "Larkspur umbrella
    (not requested)". Nexio ignores offerings outside `coverage_types`, so none are sent."""
    stated = request.get("input")
    quotes = stated.get("quotes") if isinstance(stated, dict) else None
    offered = _offered(request)
    found = []
    for quote in quotes if isinstance(quotes, list) else []:
        if not isinstance(quote, dict):
            continue
        carrier = str(quote.get("carrier") or "A quote's")[:120]
        for line in LINES:
            if not isinstance(quote.get(line), dict):
                continue
            stated_line = doc.read_fields(quote[line], KNOWN_BY)
            if line not in lines:
                found.append(f"{carrier} {line_word(line)} (not requested)")
            elif stated_line["premium_annual"] is None:
                found.append(f"{carrier} {line_word(line)} (no premium)")
            elif offered.isdisjoint(_signs(line, carrier, stated_line)):
                found.append(f"{carrier} {line_word(line)} (not among the imported offerings)")
    return found


def _offered(request: Mapping[str, Any]) -> set[tuple[Any, ...]]:
    """By what a quoted line is known to stand among the request's offerings."""
    found: set[tuple[Any, ...]] = set()
    for offering in request.get("offerings") or []:
        said = doc.read_fields(line_words(offering), KNOWN_BY)
        found.update(
            _signs(str(offering.get("category")), str(offering.get("provider_name")), said)
        )
    return found


def _signs(line: str, carrier: str, said: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Its quote id, and its carrier and premium."""
    if said["quote_ref"]:
        yield line, said["quote_ref"]
    yield line, carrier_key(carrier), said["premium_annual"]

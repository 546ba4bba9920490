"""Line details stated by a table, compared with what a quote line says already."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from quotes.models import QuoteLine
from quotes.services import details
from quotes.services.importing.preview import DASH, Change, label


def new_details(line: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """The `details` of a quote line that is made from a table, not to be changed afterwards.

    Raises ValueError.
    """
    return _details(line, tuple(texts.items())) if texts else NONE


NONE: dict[str, Any] = {}


@lru_cache(maxsize=4096)
def _details(line: str, texts: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """A price list says the same few words in every row."""
    return {code: _stored(line, code, text) for code, text in texts}


@lru_cache(maxsize=4096)
def _stored(line: str, code: str, text: str) -> dict[str, Any]:
    """One detail as a quote line keeps it."""
    row = QuoteLine(line=line)
    details.set_detail(row, code, text)
    stored: dict[str, Any] = row.details.get(code, {})
    return stored


def changed_details(
    line: QuoteLine, texts: Mapping[str, str], premium: Decimal | None
) -> tuple[dict[str, Any], list[Change], set[str]]:
    """What `line.details` becomes, what that changes in words, and the codes it changes.

    `premium` is the line's as it will be, in dollars a year. `line` itself is left as it is. A
    detail in other words that says the same is no change. Raises ValueError.
    """
    if not texts:
        return line.details, [], set()
    row = QuoteLine(
        line=line.line,
        premium_annual=premium,
        document=line.document,
        offering_document=line.offering_document,
        details=dict(line.details),
    )
    before = details.details_of(row)
    codes = set()
    for code, text in texts.items():
        known = before.get(code)
        if known is None or known.value != details.parse_detail(line.line, code, text):
            details.set_detail(row, code, text)
            codes.add(code)
    now = details.details_of(row)
    changes = [
        Change(
            detail_label(line.line, code),
            before[code].shown if code in before else DASH,
            now[code].shown if code in now else DASH,
        )
        for code in texts
        if code in codes
    ]
    return row.details, changes, codes


def detail_label(line: str, code: str) -> str:
    """ "Home coverage A", "Auto UM/UIM": a detail as a page calls it among all lines."""
    word = details.detail_named(line, code).label
    return label(word[:1].lower() + word[1:] if word[1:2].islower() else word, line)

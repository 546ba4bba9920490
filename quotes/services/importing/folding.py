"""Line details as the text a person would type, from cells that spell them in parts.

A table may give each deductible and each part of the limits a column of its own; a quote line
keeps "$2,500 AOP, 2% hurricane" and "250/500/100".
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from functools import lru_cache

from quotes.services.details import parse_detail
from quotes.services.importing.cells import Cell, cell_text
from quotes.services.importing.dates import day_or_moment
from quotes.services.importing.values import is_declined, said
from quotes.services.shorthand import parse_limits

TRIGGER_WORDS = {
    "deductible_aop": "AOP",
    "deductible_wind_hail": "wind/hail",
    "deductible_named_storm": "named storm",
    "deductible_hurricane": "hurricane",
    "deductible_earthquake": "earthquake",
}
LIMIT_PARTS = ("bi_per_person", "bi_per_accident", "property_damage", "combined_single_limit")
FOLDED = {
    **dict.fromkeys(TRIGGER_WORDS, "deductibles"),
    **dict.fromkeys(LIMIT_PARTS, "liability"),
}
"""Codes of columns that are a part of a detail, and that detail's code."""
SHARES = frozenset({"coverage_b", "coverage_c", "coverage_d", "ordinance_or_law", "deductibles"})
"""Where a spreadsheet's 0.02 can only be its way of keeping 2%."""
LETTERS = re.compile(r"[a-z]{2,}", re.IGNORECASE)
MONEY_CODES = frozenset({"paid_in_full", "fees", "standalone"})


def detail_text(cell: Cell, code: str) -> tuple[str, str]:
    """A detail's cell as typed text ("" where it states nothing), and a note.

    Raises ValueError for a cell the spreadsheet has changed.
    """
    text = said(cell)
    if not text or is_declined(cell):
        # "Declined" in a detail is a coverage not taken, which only the detail can judge.
        return text, ""
    if code == "effective_date":
        day, note = day_or_moment(cell)
        date = day.date() if isinstance(day, dt.datetime) else day
        return (date.isoformat() if date else ""), note
    if isinstance(cell, bool):
        return ("yes" if cell else "no"), ""
    if isinstance(cell, dt.date):
        raise ValueError(
            f"became the date {cell_text(cell)} in the spreadsheet; make the column text and type "
            "it again"
        )
    if isinstance(cell, Decimal) and 0 < cell < 1 and FOLDED.get(code, code) in SHARES:
        share = f"{(cell * 100).normalize():f}%"
        return share, ""
    if isinstance(cell, (int, Decimal)):
        return _figures(cell), ""
    return text, ""


def _figures(value: int | Decimal) -> str:
    """A number as dollars are typed; the cents of a spreadsheet's number are no statement."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def folded(texts: dict[str, str]) -> dict[str, str]:
    """The texts by code with the parts put together, in the order they stand."""
    if FOLDED.keys().isdisjoint(texts):
        return texts
    out = {code: text for code, text in texts.items() if code not in FOLDED}
    triggers = [
        _with_trigger(texts[code], words) for code, words in TRIGGER_WORDS.items() if code in texts
    ]
    if triggers:
        out["deductibles"] = ", ".join([*filter(None, [out.get("deductibles")]), *triggers])
    if any(code in texts for code in LIMIT_PARTS):
        out["liability"] = _limits(texts)
    return out


def _with_trigger(text: str, trigger: str) -> str:
    if LETTERS.search(re.sub(r"(?i)ded(uctible)?s?|usd|dollars?|of|cov(erage)?", "", text)):
        plain = text.casefold()
        return text if any(word in plain for word in _stems(trigger)) else f"{text} {trigger}"
    if re.fullmatch(r"[0-9][0-9,]*(\.[0-9]+)?", text):
        text = f"${text}"
    return f"{text} {trigger}"


def _stems(trigger: str) -> list[str]:
    return [word.casefold()[:4] for word in re.split(r"[ /]", trigger)] + (
        ["w/h", "all"] if trigger in {"wind/hail", "AOP"} else []
    )


def _limits(texts: dict[str, str]) -> str:
    figure = texts.get("combined_single_limit", "")
    combined = figure if not figure or "csl" in figure.casefold() else f"{figure} CSL"
    if combined and texts.keys() & {"liability", "bi_per_person", "bi_per_accident"}:
        # Two structures at once: together they read as neither, and the broker is told.
        split = texts.get("liability") or f"{texts.get('bi_per_person')}/"
        return f"{split} {combined}"
    if combined:
        # Property damage beside a combined limit is within it.
        return combined
    person, accident = texts.get("bi_per_person", ""), texts.get("bi_per_accident", "")
    split = texts.get("liability") or "/".join(part for part in (person, accident) if part)
    damage = texts.get("property_damage", "")
    if not damage or "csl" in split.casefold():
        return split or damage
    if split.count("/") > 1 and _same_limits(f"{split.rpartition('/')[0]}/{damage}", split):
        return split
    return f"{split}/{damage}" if split else damage


def _same_limits(one: str, other: str) -> bool:
    try:
        return parse_limits(one) == parse_limits(other)
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def mistake_in(line: str, code: str, text: str) -> str:
    """What is wrong with a detail's text, "" when nothing is. A table repeats the same few."""
    try:
        parse_detail(line, code, text)
    except ValueError as error:
        return str(error)
    return ""

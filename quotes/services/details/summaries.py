"""A line's details in a few trade words, for a cell of a table."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from quotes.models import QuoteLine
from quotes.services.details.catalogue import shown_detail
from quotes.services.details.stated import LineDetails, StatedDetail
from quotes.services.shorthand import (
    short_value,
    shown_deductibles,
    shown_dollars,
    shown_limits,
)
from quotes.services.shorthand.deductibles import in_dollars

Stated = Mapping[str, StatedDetail]


def summary(line: QuoteLine, stated: Stated | None = None) -> list[str]:
    """Short phrases, at most some five: ["HO-5 · A $1.2M", "$2,500 AOP, 2% hurricane"].

    Empty where nothing is stated. `stated` spares reading the line's details again.
    """
    stated = LineDetails(line) if stated is None else stated
    phrases = {"home": _home, "auto": _auto, "umbrella": _umbrella}[line.line](stated)
    return [phrase for phrase in [*phrases, *_common(stated)] if phrase]


def _home(stated: Stated) -> list[str]:
    form, coverage_a = stated.get("form"), stated.get("coverage_a")
    head = [form.shown] if form else []
    if coverage_a:
        head.append(f"A {short_value(coverage_a.value)}")
    deductibles = stated.get("deductibles")
    return [" · ".join(head), deductibles.shown if deductibles else ""]


def _auto(stated: Stated) -> list[str]:
    liability = stated.get("liability")
    limits = liability.shown if liability else ""
    comprehensive, collision = stated.get("comprehensive"), stated.get("collision")
    if comprehensive and collision:
        return [limits, f"{comprehensive.shown} / {collision.shown}"]
    one = comprehensive or collision
    word = "comp" if comprehensive else "collision"
    return [limits, f"{word} {one.shown}" if one else ""]


def _umbrella(stated: Stated) -> list[str]:
    limit, auto = stated.get("limit"), stated.get("required_auto")
    coverage_e = stated.get("required_coverage_e")
    needs = []
    if auto:
        needs.append(shown_limits(auto.value))
    if coverage_e:
        needs.append(f"E {short_value(coverage_e.value)}")
    return [short_value(limit.value) if limit else "", f"needs {', '.join(needs)}" if needs else ""]


def _common(stated: Stated) -> list[str]:
    phrases = []
    term, status = stated.get("term"), stated.get("status")
    if term:
        phrases.append(term_words(term.value))
    if status and status.value == "indicative":
        phrases.append("indicative")
    return phrases


def term_words(term: Any) -> str:
    """ "6 months ×2, estimated": how a term's premium was made a year's."""
    months = int(term["months"])
    factor = f"{(Decimal(12) / months).quantize(Decimal('0.01')).normalize():f}"
    return f"{months} month{'' if months == 1 else 's'} ×{factor}, estimated"


def percent_in_dollars(value: Any, coverage_a: Decimal | int | None) -> Decimal | None:
    """A deductible in dollars, given coverage A in dollars: "2%" of 1,200,000 is 24,000.

    None where it cannot be told: coverage A is not stated, or the peril is excluded.
    """
    return in_dollars(value, coverage_a)


def reading(line: str, code: str, value: Any, coverage_a: Any = None) -> str:
    """How a typed detail is read, in full, percentages of coverage A in dollars as well:
    "$2,500 AOP, 2% hurricane ($24,000)"."""
    known = coverage_a if isinstance(coverage_a, (int, Decimal)) else None
    if code == "deductibles" and known is not None:
        return ", ".join(_with_dollars(trigger, item, known) for trigger, item in value.items())
    shown = shown_detail(line, code, value)
    if line == "home" and known is not None and shown.endswith("%") and code != "valuation":
        return f"{shown} ({shown_dollars(in_dollars(value, known) or 0)})"
    return shown


def _with_dollars(trigger: str, item: Any, coverage_a: Decimal | int) -> str:
    shown = shown_deductibles({trigger: item})
    share = in_dollars(item, coverage_a) if isinstance(item, str) else None
    return shown if share is None else f"{shown} ({shown_dollars(share)})"

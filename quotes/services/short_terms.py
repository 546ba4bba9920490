"""What a line covers, in the few words a broker says it with: its limits and deductibles."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from quotes.services.shorthand import (
    TRIGGERS,
    short_value,
    shown_amount,
    shown_deductibles,
    shown_limits,
)
from quotes.services.shorthand.amounts import NONE

NOT_STATED = "—"
UNBROKEN = re.compile(r"(?<![·,]) ")
"""Where no line may break: "2% hurricane" stays whole, and so does "Cov A $650k"."""
Details = Mapping[str, Any]
"""Values by code, as `details.parse_detail` gives them."""


def short_terms(line: str, details: Details) -> str:
    """ "HO-5 · Cov A $650k · $2,500 AOP", "250/500/100 · $500/$1,000", "$2M".

    A part that is not stated is "—" in its place, which is neither none nor zero; "—" alone where
    no part of it is stated.
    """
    phrases = SAID[line](details) if line in SAID else {}
    if not any(phrases.values()):
        return NOT_STATED
    whole = " · ".join(said or f"{word} {NOT_STATED}" for word, said in phrases.items())
    return UNBROKEN.sub("\u00a0", whole)


def _home(details: Details) -> dict[str, str]:
    """Form, dwelling and the deductible for all other perils, with the others as stated."""
    deductibles = details.get("deductibles") or {}
    others = {trigger: deductibles[trigger] for trigger in TRIGGERS if trigger in deductibles}
    aop = {"aop": others.pop("aop")} if "aop" in others else {}
    said = {
        "form": str(details.get("form", "")),
        "Cov A": f"Cov A {short_value(details['coverage_a'])}" if "coverage_a" in details else "",
        "AOP": shown_deductibles(aop),
    }
    return said | ({"others": shown_deductibles(others)} if others else {})


def _auto(details: Details) -> dict[str, str]:
    """Liability, then comprehensive and collision in this order."""
    cars = [details.get(code) for code in ("comprehensive", "collision")]
    both = "/".join(_vehicles(each) for each in cars)
    return {
        "liability": shown_limits(details["liability"]) if "liability" in details else "",
        "comp/coll": both if any(each is not None for each in cars) else "",
    }


def _vehicles(value: Any) -> str:
    """ "$500", "$250–$1,000" over several vehicles, "none–$500" where one goes without."""
    if not isinstance(value, (list, tuple)):
        return NOT_STATED if value is None else shown_amount(value)
    amounts = sorted(each for each in value if isinstance(each, (int, Decimal)))
    words = [each for each in dict.fromkeys(value) if isinstance(each, str)]
    ends = [shown_amount(each) for each in dict.fromkeys([*amounts[:1], *amounts[-1:]])]
    return "–".join([*words, *ends]) or NOT_STATED


def _umbrella(details: Details) -> dict[str, str]:
    """Its limit, and what the insured keeps where that is stated."""
    said = {"limit": short_value(details["limit"]) if "limit" in details else ""}
    if "retention" in details:
        kept = shown_amount(details["retention"])
        said["SIR"] = "no SIR" if kept == NONE else f"{kept} SIR"
    return said


SAID: Mapping[str, Callable[[Details], dict[str, str]]] = {
    "home": _home,
    "auto": _auto,
    "umbrella": _umbrella,
}

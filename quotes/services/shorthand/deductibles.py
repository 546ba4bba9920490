"""Deductibles: those of a home by what triggers them, those of an auto by vehicle."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from quotes.services.shorthand.amounts import (
    PERCENT,
    number,
    parse_money,
    parse_percentage,
    shown_amount,
    shown_dollars,
    tidy,
)

TRIGGERS = {
    "aop": "AOP",
    "wind_hail": "wind/hail",
    "named_storm": "named storm",
    "hurricane": "hurricane",
    "earthquake": "earthquake",
}
"""What a home's deductible answers to, as it is shown."""
SYNONYMS = {
    "": "aop",
    "aop": "aop",
    "all other perils": "aop",
    "all other peril": "aop",
    "all perils": "aop",
    "all peril": "aop",
    "all other": "aop",
    "base": "aop",
    "standard": "aop",
    "w h": "wind_hail",
    "wh": "wind_hail",
    "wind": "wind_hail",
    "w&h": "wind_hail",
    "hail": "wind_hail",
    "wind hail": "wind_hail",
    "wind and hail": "wind_hail",
    "wind or hail": "wind_hail",
    "windstorm": "wind_hail",
    "windstorm hail": "wind_hail",
    "windstorm or hail": "wind_hail",
    "ns": "named_storm",
    "named storm": "named_storm",
    "named storms": "named_storm",
    "named": "named_storm",
    "tropical storm": "named_storm",
    "hurr": "hurricane",
    "hur": "hurricane",
    "hurricane": "hurricane",
    "eq": "earthquake",
    "quake": "earthquake",
    "earthquake": "earthquake",
}
MOST_SHARE = Decimal(25)
"""Percent of coverage A; 1 to 15 is usual."""
MOST_VEHICLES = 100
LEAST_OF_A_VEHICLE, MOST_OF_A_VEHICLE = 50, 25_000
GROUPED = re.compile(r"(?<![0-9.])(?<![0-9],)([0-9]{1,3}(?:,[0-9]{3})+)(?![0-9]|,[0-9])")
VALUE = re.compile(
    r"(?P<share>[0-9.]+\s*(?:%|percent|pct))|(?P<money>(?:\$\s*)?[0-9.]+\s*(?:k\b)?)"
    r"|(?P<out>\b(?:excluded|excl|not covered)\b)",
    re.IGNORECASE,
)
SEPARATOR = re.compile(
    r"[,;+]|\s&\s|\sand\s(?!hail\b)|\swith\s|\sw/\s|\s/\s(?=[$.]?[0-9])|(?<=[0-9%k])/(?=[$.]?[0-9])",
    re.IGNORECASE,
)
"""Not the "and" nor the slash of wind/hail: a slash with an amount after it."""
NEGATIVE = re.compile(r"[-−]\s*[$0-9.]")
FILLING = re.compile(
    r"\b(of (coverage|cov\.?) a|of (the )?dwelling|of a|deductibles?|ded\.?)(?=\W|$)",
    re.IGNORECASE,
)
EACH = "Write one deductible, or one for each vehicle: 500, 1000, none."
NO_COVER = frozenset(("none", "no", "n", "excluded", "excl", "not covered", "liability only", "x"))


def parse_deductibles(text: str) -> dict[str, Any]:
    """ "$2,500 AOP, 2% hurricane" → {"aop": 2500, "hurricane": "2%"}, in the order of TRIGGERS.

    A value is dollars, a percentage of coverage A, or "excluded" where the peril is not covered.
    Without a trigger it is AOP. A trigger stated twice is a mistake.
    """
    plain = GROUPED.sub(lambda found: found[1].replace(",", ""), tidy(text))
    found: dict[str, Any] = {}
    for item in _items(plain):
        trigger, value = _deductible(item)
        if trigger in found:
            raise ValueError(f"The {TRIGGERS[trigger]} deductible stands twice. Leave one.")
        found[trigger] = value
    if not found:
        raise ValueError("Write each deductible with its trigger: $2,500 AOP, 2% hurricane.")
    return {trigger: found[trigger] for trigger in TRIGGERS if trigger in found}


def _items(plain: str) -> list[str]:
    """The items between commas, semicolons, plus signs and "and", each holding one value."""
    parts = re.split(SEPARATOR, plain)
    return [part.strip() for part in parts if part.strip()]


def _deductible(item: str) -> tuple[str, Any]:
    values = list(VALUE.finditer(item))
    if len(values) != 1:
        raise ValueError(
            f"“{item}” needs one amount or percentage and one trigger, as in $2,500 AOP, "
            "2% hurricane (separated by commas)."
        )
    one = values[0]
    if NEGATIVE.match(item):
        raise ValueError("A deductible cannot be negative.")
    words = FILLING.sub(" ", item[: one.start()] + " " + item[one.end() :]).casefold()
    key = " ".join(re.sub(r"[/\-:.()=@]", " ", words).split())
    trigger = SYNONYMS.get(key)
    if trigger is None:
        raise ValueError(
            f"“{key}” is no trigger known here. Write AOP, wind/hail, named storm, hurricane or "
            "earthquake."
        )
    if one["out"]:
        return trigger, "excluded"
    if one["share"]:
        return trigger, parse_percentage(one["share"], most=MOST_SHARE)
    money = one["money"].strip()
    amount = parse_money(money)
    if 0 < amount <= MOST_SHARE and not money.startswith("$"):
        raise ValueError(f"Is {money} dollars or percent? Write {money}% or ${money}.")
    return trigger, number(amount)


def shown_deductibles(value: dict[str, Any]) -> str:
    """ "$2,500 AOP, 2% hurricane"."""
    return ", ".join(
        f"{TRIGGERS[trigger]} excluded"
        if item == "excluded"
        else f"{shown_amount(item)} {TRIGGERS[trigger]}"
        for trigger, item in value.items()
    )


def in_dollars(value: Any, coverage_a: Decimal | int | None) -> Decimal | None:
    """A deductible in dollars: a percentage is one of coverage A. None where it cannot be told."""
    if isinstance(value, str):
        if not PERCENT.fullmatch(value) or coverage_a is None:
            return None
        share = Decimal(value.removesuffix("%"))
        return (share * Decimal(coverage_a) / 100).quantize(Decimal("0.01"))
    return Decimal(value)


def parse_vehicles(text: str) -> Any:
    """ "500" → 500 for every vehicle; "500, 1000, none" → a list in the vehicles' order.

    "none" is a vehicle without that coverage.
    """
    plain = tidy(text)
    if re.search(r"[0-9]\s*/\s*\$?[0-9]", plain):
        raise ValueError(
            "Comprehensive and collision have a field each. For several vehicles write their "
            "deductibles in order: 500, 1000."
        )
    bare = re.sub(
        r"\s*\b(each|all( vehicles)?|per vehicle|ded(uctible)?)\b\.?", "", plain, flags=re.I
    )
    parts = [part.strip() for part in re.split(r"[,;]", GROUPED.sub(_ungrouped, bare))]
    if not all(parts):
        raise ValueError(EACH)
    if len(parts) > MOST_VEHICLES:
        raise ValueError(f"Write at most {MOST_VEHICLES} vehicles.")
    found = [_vehicle(part) for part in parts]
    return found[0] if len(found) == 1 else found


def _ungrouped(found: re.Match[str]) -> str:
    """ "1,000" is a thousand dollars, while "500,500" are two vehicles."""
    joined = found[1].replace(",", "")
    parts = found[1].split(",")
    if parts[0].startswith("0"):
        return found[1]
    several = int(joined) > MOST_OF_A_VEHICLE and not any(part.startswith("0") for part in parts)
    return found[1] if several else joined


def _vehicle(text: str) -> Any:
    if text.casefold() in NO_COVER:
        return "none"
    try:
        amount = parse_money(text)
    except ValueError:
        raise ValueError(EACH) from None
    if amount > MOST_OF_A_VEHICLE or 0 < amount < LEAST_OF_A_VEHICLE:
        raise ValueError(
            f"{shown_dollars(amount)} is no vehicle's deductible. Put a space after each comma: "
            "500, 1,000."
        )
    return number(amount)


def shown_vehicles(value: Any) -> str:
    """ "$500", "$500, $1,000, none"."""
    if isinstance(value, list):
        return ", ".join(shown_amount(item) for item in value)
    return shown_amount(value)

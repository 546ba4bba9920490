"""Liability limits: split or combined, always a structure, since 500 CSL is not 250/500."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from quotes.services.shorthand.amounts import number, parse_money, shown_dollars, tidy

THOUSANDS_BELOW = 10_000
"""In "250/500" and "500 CSL" figures below this are thousands."""
LEAST, LEAST_DAMAGE = Decimal(10_000), Decimal(5_000)
"""The lowest limits that any state has asked for: "1 CSL" and "1/1" mean millions."""
EXAMPLES = "Write split limits such as 250/500/100, or a combined limit such as 500 CSL."
CSL = re.compile(
    r"(?<![a-z])(c\.?s\.?l\b\.?|combined( single)?( limits?)?\b|single limits?\b)", re.IGNORECASE
)
LABELS = re.compile(r"\b(bi|b\.i\.|pd|p\.d\.|um/uim|uim|um)(?=[\s:$0-9])[:\s]*", re.IGNORECASE)
PLAIN = re.compile(r"([0-9]{2,4})/([0-9]{2,4})(?:/([0-9]{1,4}))?")
"""Split limits in thousands, as they are written by most and by `shown_limits`."""
FIGURE = re.compile(r"\$?\s*[0-9][0-9,]*(\.[0-9]+)?\s*(k|m)?", re.IGNORECASE)


@dataclass(frozen=True)
class SplitLimits:
    """Dollars for bodily injury per person and per accident, and for property damage if stated."""

    per_person: Decimal
    per_accident: Decimal
    property_damage: Decimal | None = None


@dataclass(frozen=True)
class CombinedLimit:
    """Dollars per accident for bodily injury and property damage together (CSL)."""

    amount: Decimal


Limits = SplitLimits | CombinedLimit


def parse_limits(text: str, *, damage: bool = True) -> Limits:
    """ "100/300/100", "100/300 100", "500 CSL", "$500k csl"; `damage` allows a third figure."""
    if (split := _plainly_split(text)) and (damage or split.property_damage is None):
        return split
    plain = tidy(text)
    combined, found = CSL.subn(" ", plain)
    combined = combined.strip()
    if found:
        if found > 1 or not FIGURE.fullmatch(combined):
            raise ValueError("Write a combined limit as one figure, such as 500 CSL.")
        return CombinedLimit(_enough(_figure(combined), combined))
    plain = re.sub(r"(?<=[0-9km])\s?-\s?(?=[$0-9])", "/", plain, flags=re.IGNORECASE)
    parts = _figures(LABELS.sub(" ", f" {plain} ").strip())
    if len(parts) == 1:
        shown = parts[0].strip()
        raise ValueError(f"{shown} could be split or combined. Write {shown} CSL, or 250/500.")
    if len(parts) == 3 and not damage:
        raise ValueError("Write two figures, per person and per accident, such as 250/500.")
    if len(parts) not in (2, 3):
        raise ValueError(EXAMPLES)
    figures = [_figure(part) for part in parts]
    if figures[0] > figures[1]:
        raise ValueError(
            "The limit per accident comes second and is not below that per person, as in 250/500."
        )
    _enough(figures[0], parts[0])
    if len(figures) == 3:
        _enough(figures[2], parts[2], LEAST_DAMAGE)
    return SplitLimits(figures[0], figures[1], figures[2] if len(figures) == 3 else None)


def _plainly_split(text: str) -> SplitLimits | None:
    """What "100/300/100" says, where nothing is wrong with it; None for whatever else is to be
    looked at more closely."""
    found = PLAIN.fullmatch(text)
    if found is None:
        return None
    person, accident, damage = found.groups()
    split = SplitLimits(
        Decimal(person) * 1000,
        Decimal(accident) * 1000,
        None if damage is None else Decimal(damage) * 1000,
    )
    if split.per_person > split.per_accident or split.per_person < LEAST:
        return None
    enough = split.property_damage is None or split.property_damage >= LEAST_DAMAGE
    return split if enough else None


def _enough(amount: Decimal, text: str, least: Decimal = LEAST) -> Decimal:
    if amount < least:
        digits = re.sub(r"[^0-9.]", "", text)
        raise ValueError(
            f"{shown_dollars(amount)} is no limit. Write {digits}M if millions are meant."
        )
    return amount


def _figures(plain: str) -> list[str]:
    """The figures of "100/300/100" and "100/300 100", in their order."""
    parts = [part.strip() for part in plain.split("/")]
    if len(parts) == 2:
        # Property damage may follow after a space or a comma: 100/300 100.
        last = re.split(r"\s+(?=\$?\s*[0-9])|,\s+", parts[1], maxsplit=1)
        parts = [parts[0], *(part.strip() for part in last)]
    if not all(FIGURE.fullmatch(part) for part in parts):
        raise ValueError(EXAMPLES)
    return parts


def _figure(text: str) -> Decimal:
    amount = parse_money(text)
    bare = not re.search(r"[km]\s*$", text, re.IGNORECASE)
    if bare and amount < THOUSANDS_BELOW:
        amount *= 1000
    if amount == 0 or amount != amount.to_integral_value():
        raise ValueError(EXAMPLES)
    return amount


def parse_required(text: str) -> dict[str, Any]:
    """What an umbrella wants underneath: limits, or either of two ("250/500/100 or 500 CSL")."""
    value: dict[str, Any] = {}
    for part in re.split(r"\s+or\s+|\s*;\s*", tidy(text), flags=re.IGNORECASE):
        one = as_json(parse_limits(part))
        if value.keys() & one.keys():
            raise ValueError("Write at most one split and one combined limit, joined by or.")
        value |= one
    return value


def as_json(limits: Limits) -> dict[str, Any]:
    """{"per_person", "per_accident", "property_damage"} or {"combined"}, whole dollars."""
    if isinstance(limits, CombinedLimit):
        return {"combined": number(limits.amount)}
    value = {"per_person": number(limits.per_person), "per_accident": number(limits.per_accident)}
    if limits.property_damage is not None:
        value["property_damage"] = number(limits.property_damage)
    return value


def from_json(value: Any) -> list[Limits]:
    """The limits in a value of `as_json` or `parse_required`, split ones first."""
    found: list[Limits] = []
    if isinstance(value, dict) and "per_person" in value:
        damage = value.get("property_damage")
        found.append(
            SplitLimits(
                Decimal(value["per_person"]),
                Decimal(value["per_accident"]),
                None if damage is None else Decimal(damage),
            )
        )
    if isinstance(value, dict) and "combined" in value:
        found.append(CombinedLimit(Decimal(value["combined"])))
    return found


def shown_limits(value: Any) -> str:
    """ "250/500/100", "500 CSL", "250/500/100 or 500 CSL"; what is not thousands is in full."""
    return " or ".join(_shown(limits) for limits in from_json(value))


def _shown(limits: Limits) -> str:
    if isinstance(limits, CombinedLimit):
        return f"{_short(limits.amount)} CSL"
    figures = [limits.per_person, limits.per_accident]
    if limits.property_damage is not None:
        figures.append(limits.property_damage)
    return "/".join(_short(figure) for figure in figures)


def _short(amount: Decimal) -> str:
    thousands = amount / 1000
    if thousands == thousands.to_integral_value() and thousands < THOUSANDS_BELOW:
        return f"{thousands:.0f}"
    if amount < THOUSANDS_BELOW:
        # Without its unit it would be read as thousands.
        return f"{thousands.normalize():f}k"
    return shown_dollars(amount).removeprefix("$")

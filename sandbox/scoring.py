"""Six dimensions from 0 (worst) to 5 (best), and their weighted sum.

All of it is invented: nobody documents the names, the scale or the weights of the real scorecard.
What is kept is that it is deterministic, that the appetite moves it, and that anything not stated
counts as neither good nor bad.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from sandbox.ranking import Line, Package

NEUTRAL = Decimal("2.50")
DEFAULT_APPETITE = "balanced"
WEIGHTS: dict[str, dict[str, float]] = {
    #                   the six weights of an appetite add up to one
    "balanced": {
        "cost": 0.30, "coverage": 0.25, "simplicity": 0.15,
        "carrier_quality": 0.10, "stability": 0.10, "fit": 0.10,
    },
    "cost_sensitive": {
        "cost": 0.55, "coverage": 0.10, "simplicity": 0.10,
        "carrier_quality": 0.05, "stability": 0.05, "fit": 0.15,
    },
    "coverage_first": {
        "cost": 0.10, "coverage": 0.50, "simplicity": 0.10,
        "carrier_quality": 0.15, "stability": 0.10, "fit": 0.05,
    },
    "simplicity": {
        "cost": 0.15, "coverage": 0.15, "simplicity": 0.50,
        "carrier_quality": 0.05, "stability": 0.10, "fit": 0.05,
    },
}  # fmt: skip
RATINGS = {
    "A++": 5.0, "A+": 4.6, "A": 4.2, "A-": 3.8, "B++": 3.2, "B+": 2.8, "B": 2.2, "B-": 1.8,
    "C++": 1.4, "C+": 1.2, "C": 1.0, "C-": 0.8, "D": 0.4, "E": 0.2, "F": 0.0,
}  # fmt: skip

_MIDDLE = float(NEUTRAL)
_HUGE = 10**12
_AMOUNT = re.compile(r"\$?\s*([0-9][0-9,]*(?:\.[0-9]+)?)\s*([kKmM]?)(?:\s*CSL)?")
_LOWER_IS_BETTER = ("deductible", "retention")
_NOT_COVERAGE = ("premium", "fee", "year", "underlying", "product_name", "program_type", "_id")


def score(
    packages: Sequence["Package"], lines: Sequence["Line"], given: Mapping[str, Any]
) -> list[dict[str, Decimal]]:
    """One scorecard a package, in order: ``overall_level`` and the six dimensions, two decimals.

    ``lines`` are all offerings sent, against which a coverage term is compared; ``given`` is the
    ``input`` object.
    """
    weights = WEIGHTS[given.get("appetite_bucket") or DEFAULT_APPETITE]
    coverage = coverage_levels(lines, given.get("quotes") or [])
    quality = {line.id: _quality(line.sent) for line in lines}
    steadiness = {line.id: _steadiness(line.sent["attributes"]) for line in lines}
    cheapest = min(_middle(package) for package in packages)
    target, incumbents = _target(given), _incumbents(given)
    cards = []
    for package in packages:
        ids = package.ids
        levels = {
            "cost": _nearness(_middle(package), cheapest),
            "coverage": _mean(coverage[i] for i in ids),
            "simplicity": _clip(5.0 - 2.0 * (package.provider_count - 1) - 0.5 * package.split),
            "carrier_quality": _mean(quality[i] for i in ids),
            "stability": _mean([_mean(steadiness[i] for i in ids), _certainty(package)]),
            "fit": _fit(package, target, incumbents),
        }
        overall = sum(weights[name] * level for name, level in levels.items())
        cards.append(
            {
                "overall_level": _two_places(overall),
                **{name: _two_places(level) for name, level in levels.items()},
            }
        )
    return cards


def coverage_levels(lines: Sequence["Line"], quotes: Sequence[Any]) -> dict[str, float]:
    """Offering id → how its stated limits and deductibles compare with the others' of its line.

    Each term is scaled between the least and the most generous offering that states it; where
    none states any, or all state the same, the level is neutral.
    """
    context = _quote_lines(quotes)
    stated = {line.id: _terms(line.sent, context) for line in lines}
    span: dict[tuple[str, str], tuple[float, float]] = {}
    for line in lines:
        for name, value in stated[line.id].items():
            low, high = span.get((line.category, name), (value, value))
            span[line.category, name] = min(low, value), max(high, value)
    levels = {}
    for line in lines:
        marks = []
        for name, value in stated[line.id].items():
            low, high = span[line.category, name]
            if high > low:
                part = (value - low) / (high - low)
                lower = any(word in name for word in _LOWER_IS_BETTER)
                marks.append(5.0 * (1.0 - part if lower else part))
        levels[line.id] = _mean(marks) if marks else _MIDDLE
    return levels


def _quote_lines(quotes: Sequence[Any]) -> dict[str, Mapping[str, Any]]:
    """Line objects of ``input.quotes`` by their ``quote_id``."""
    return {
        str(line["quote_id"]): line
        for quote in quotes
        if isinstance(quote, dict)
        for line in quote.values()
        if isinstance(line, dict) and "quote_id" in line
    }


def _terms(
    offering: Mapping[str, Any], context: Mapping[str, Mapping[str, Any]]
) -> dict[str, float]:
    """Comparable terms of an offering, from its ``coverage``, else from the quote it came from."""
    flat = _flatten(offering["coverage"])
    if not flat:
        flat = _flatten(context.get(offering["attributes"]["quote_id"], {}))
    dwelling = next(
        (v for k, v in flat.items() if "coverage_a" in k or "dwelling" in k if v > 0), None
    )
    terms = {}
    for name, value in flat.items():
        if not name.endswith("%"):
            terms[name] = value
        elif dwelling is not None:
            # A percentage deductible in dollars is that share of coverage A.
            terms[name[:-1]] = value / 100 * dwelling
    return terms


def _flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Numeric terms by dotted name; the name of a percentage ends in ``%``."""
    found: dict[str, float] = {}
    for key, inner in value.items():
        name = f"{prefix}{key}".lower()
        if any(word in name for word in _NOT_COVERAGE):
            continue
        if isinstance(inner, list):
            inner = {str(place): item for place, item in enumerate(inner)}
        if isinstance(inner, dict):
            found.update(_flatten(inner, f"{name}."))
        elif isinstance(inner, bool) or _is_number(inner):
            unit = "%" if name.endswith(("_pct", "_percent")) else ""
            found[name + unit] = float(inner)
        elif isinstance(inner, str):
            found.update(_read(name, inner))
    return found


def _read(name: str, text: str) -> dict[str, float]:
    """A term in words: ``$2,500``, ``1M``, ``2%``, ``500 CSL``, ``250/500/100`` (per accident)."""
    text = text.strip()
    if len(text) > 40:
        return {}
    if text.endswith("%") and (found := _AMOUNT.match(text)):
        return {name + "%": float(found[1].replace(",", ""))}
    parts = text.split("/")
    found = _AMOUNT.fullmatch(parts[1 if len(parts) > 1 else 0].strip())
    if found is None:
        return {}
    scale = {"": 1, "k": 1_000, "m": 1_000_000}[found[2].lower()]
    return {name: float(found[1].replace(",", "")) * scale}


def _quality(offering: Mapping[str, Any]) -> float:
    rating = offering.get("quality_rating") or offering["attributes"].get("quality_rating")
    return RATINGS.get(str(rating).strip().upper(), _MIDDLE)


def _steadiness(attributes: Mapping[str, Any]) -> float:
    """Longer terms and quotes that stay open longer are steadier; neither depends on today."""
    term = attributes.get("term_months")
    marks = [_clip(float(term) / 12 * 5) if _is_number(term) else _MIDDLE]
    opened, closes = (
        _date(attributes.get(name)) for name in ("quote_generated_at", "quote_expires_at")
    )
    marks.append(_clip((closes - opened) / 60 * 5) if opened and closes else _MIDDLE)
    return _mean(marks)


def _certainty(package: "Package") -> float:
    spread = float(package.high - package.low)
    return _clip(5.0 - 25.0 * spread / float(package.high)) if package.high else 5.0


def _fit(package: "Package", target: float | None, incumbents: Mapping[str, str]) -> float:
    """Nearness to what is paid today, and how many lines stay with their carrier."""
    budget = _MIDDLE if target is None else _nearness(_middle(package), target)
    known = [line for line in package.lines if line.category in incumbents]
    if not known:
        return budget
    stay = sum(line.provider.strip().casefold() == incumbents[line.category] for line in known)
    return 0.7 * budget + 0.3 * 5.0 * stay / len(known)


def _target(given: Mapping[str, Any]) -> float | None:
    """Today's yearly premium for the requested lines, else the submission-level premium."""
    current = given.get("current_coverage") or {}
    paid = []
    for name in given["coverage_types"]:
        line = current.get(name)
        premium = line.get("annual_premium") if isinstance(line, dict) else None
        if not _is_number(premium):
            break
        paid.append(float(premium))
    else:
        return sum(paid)
    premium = given.get("premium")
    return float(premium) if _is_number(premium) else None


def _incumbents(given: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: line["carrier"].strip().casefold()
        for name, line in (given.get("current_coverage") or {}).items()
        if isinstance(line, dict) and isinstance(line.get("carrier"), str)
    }


def _nearness(cost: float, reference: float) -> float:
    """5 at or below the reference, 0 at half as much again."""
    if cost <= reference:
        return 5.0
    return _clip(5.0 - 10.0 * (cost / reference - 1.0)) if reference > 0 else 0.0


def _middle(package: "Package") -> float:
    return float(package.low + package.high) / 2


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def _clip(value: float) -> float:
    return min(5.0, max(0.0, value))


def _two_places(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")


def _is_number(value: Any) -> TypeGuard[int | Decimal]:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return False
    return abs(Decimal(value)) <= _HUGE


def _date(value: Any) -> float | None:
    """Days since the epoch of an ISO date or date-time, or nothing where it is neither."""
    try:
        return datetime.fromisoformat(value).date().toordinal() if value else None
    except (TypeError, ValueError):
        return None

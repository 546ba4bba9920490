"""Whether any quoted auto or home reaches what an umbrella requires underneath.

An umbrella pays above its required underlying limits; what an auto or home policy falls short of
them is the insured's own. Packages mix carriers, so this asks only for what is sure before any is
made: that no quoted auto (or home) reaches what an umbrella requires. Anything not stated, and
limits of another structure, leave it open: 500 CSL is not 250/500.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quotes.services.details import StatedDetail
from quotes.services.findings import Case, Finding, Place, Quoted
from quotes.services.shorthand import CombinedLimit, SplitLimits, from_json

BENEATH = {
    "required_auto": ("auto", "liability"),
    "required_coverage_e": ("home", "coverage_e"),
}


def short_underneath(case: Case) -> Iterator[Finding]:
    """One finding for each umbrella and line under it that none of the quoted ones reaches."""
    for umbrella in case.sent:
        for code, (line, of_line) in BENEATH.items():
            required = case.stated(umbrella).get(code)
            beneath = [each for each in case.sent if each.line.line == line]
            if required is None or not beneath:
                continue
            stated = [case.stated(each).get(of_line) for each in beneath]
            known = [each for each in stated if each is not None]
            if len(known) == len(stated) and all(_falls_short(each, required) for each in known):
                yield _finding(case, umbrella, code, line, required.shown)


def _finding(case: Case, umbrella: Quoted, code: str, line: str, required: str) -> Finding:
    what = f"auto limits of {required}" if line == "auto" else f"coverage E of {required}"
    return Finding(
        "offerings",
        f"{case.whose(umbrella.quote, 'umbrella')} requires {what}, which no quoted {line} has",
        code=f"short_underneath_{line}",
        small="the gap between them would be the insured's own",
        places=(
            Place("Check what it requires", "quote", f"lines-umbrella-{code}", umbrella.quote.pk),
        ),
    )


def _falls_short(stated: StatedDetail, required: StatedDetail) -> bool:
    """Whether what is stated surely does not reach what is required."""
    wanted = from_json(required.value)
    if not wanted:
        return _less(stated.value, required.value)
    have = from_json(stated.value)
    return bool(have) and all(_limits_short(one, other) for one in have for other in wanted)


def _limits_short(have: SplitLimits | CombinedLimit, wanted: SplitLimits | CombinedLimit) -> bool:
    if isinstance(have, CombinedLimit) and isinstance(wanted, CombinedLimit):
        return have.amount < wanted.amount
    if isinstance(have, SplitLimits) and isinstance(wanted, SplitLimits):
        damage = (have.property_damage, wanted.property_damage)
        return (
            have.per_person < wanted.per_person
            or have.per_accident < wanted.per_accident
            or (damage[0] is not None and damage[1] is not None and damage[0] < damage[1])
        )
    return False


def _less(have: Any, wanted: Any) -> bool:
    """Of two sums of money; words such as "excluded" leave it open."""
    try:
        return bool(have < wanted)
    except TypeError:
        return False

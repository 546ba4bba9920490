"""The catalogue of what a column can be, and the guess by its heading."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from quotes.services.importing.vocabulary import (
    NOT_A_QUOTE,
    canonical,
    heading_key,
    meaning,
    scope_of,
)


@dataclass(frozen=True)
class Target:
    """What a column can be: its code, its words in a list of choices, and their group."""

    code: str
    label: str
    group: str


OF_EVERY_LINE = {
    "premium_annual": "premium",
    "quote_ref": "quote id",
    "product_name": "product",
}
AFTER_DETAILS = {
    "effective_date": "effective date",
    "fees": "fees",
    "paid_in_full": "paid-in-full premium",
    "standalone": "standalone price",
    "status": "status (indicative or final)",
}
DETAILS = {
    "home": {
        "form": "form",
        "coverage_a": "coverage A (dwelling)",
        "coverage_b": "coverage B (other structures)",
        "coverage_c": "coverage C (contents)",
        "coverage_d": "coverage D (loss of use)",
        "coverage_e": "coverage E (personal liability)",
        "coverage_f": "coverage F (medical payments)",
        "valuation": "valuation",
        "water_backup": "water backup",
        "ordinance_or_law": "ordinance or law",
        "deductibles": "deductibles",
        "deductible_aop": "AOP deductible",
        "deductible_wind_hail": "wind/hail deductible",
        "deductible_named_storm": "named storm deductible",
        "deductible_hurricane": "hurricane deductible",
        "deductible_earthquake": "earthquake deductible",
    },
    "auto": {
        "liability": "liability limits",
        "bi_per_person": "BI per person",
        "bi_per_accident": "BI per accident",
        "property_damage": "PD",
        "combined_single_limit": "CSL",
        "um_uim": "UM/UIM",
        "medical_payments": "medical payments",
        "pip": "PIP",
        "comprehensive": "comprehensive deductible",
        "collision": "collision deductible",
        "rental": "rental",
        "towing": "towing",
        "excluded_drivers": "excluded drivers",
    },
    "umbrella": {
        "limit": "limit",
        "retention": "retention",
        "required_auto": "required auto limits",
        "required_coverage_e": "required coverage E",
        "excess_um_uim": "excess UM/UIM",
    },
}
LINE_GROUPS = {"home": "Home", "auto": "Auto", "umbrella": "Umbrella"}
A_ROW_A_LINE = "A row a line"


def _catalogue() -> dict[str, Target]:
    found = [
        Target("insured_id", "Insured id", "Insured"),
        Target("applicant_name", "Insured name", "Insured"),
        Target("first_name", "First name", "Insured"),
        Target("last_name", "Last name", "Insured"),
        Target("street", "Street", "Insured"),
        Target("city", "City", "Insured"),
        Target("state", "State", "Insured"),
        Target("zip_code", "ZIP", "Insured"),
        Target("carrier", "Carrier", "Quote"),
        Target("package_id", "Package id", "Quote"),
        Target("package_premium_annual", "Package premium", "Quote"),
        Target("term_months", "Term (months)", "Quote"),
        Target("generated_at", "Quoted on", "Quote"),
        Target("expires_at", "Quote expires", "Quote"),
        Target("broker", "Broker", "Quote"),
    ]
    for line, name in LINE_GROUPS.items():
        words = OF_EVERY_LINE | DETAILS[line] | AFTER_DETAILS
        found += [Target(f"{line}.{code}", f"{name} {word}", name) for code, word in words.items()]
    found.append(Target("line", "Line (home, auto or umbrella)", A_ROW_A_LINE))
    every = OF_EVERY_LINE | AFTER_DETAILS
    found += [
        Target(f"line.{code}", f"The line's {word}", A_ROW_A_LINE) for code, word in every.items()
    ]
    return {target.code: target for target in found}


TARGETS: dict[str, Target] = _catalogue()
"""By code, in the order of a list of choices. `guess` knows every code and every label."""
BY_KEY = {heading_key(each): code for code, t in TARGETS.items() for each in (code, t.label)}


@lru_cache(maxsize=4096)
def guess(heading: str, group: str = "") -> str:
    """The target a heading means, under a merged group's name if any; "" when unknown."""
    own = canonical(heading)
    alone = BY_KEY.get(heading_key(heading), "") or meaning(own)
    if not group:
        return alone
    above = canonical(group)
    if NOT_A_QUOTE.intersection(above):
        return ""
    together = BY_KEY.get(heading_key(f"{group} {heading}"), "") or meaning([*above, *own])
    if together:
        return together
    lines = scope_of(above).intersection(LINE_GROUPS)
    scope = alone.partition(".")[0]
    if lines and scope in {*LINE_GROUPS, "line"} and not scope_of(own) and scope not in lines:
        # "Deductible" under "Auto" is not the home's, nor is "Coverage" there the line's name.
        return ""
    return alone

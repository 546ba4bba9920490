"""What a proposal explains and points out, in words for somebody who buys insurance once a year."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from quotes.services.checks import Check, Outcome

TOLD = ("umbrella", "term", "dwelling", "effective", "split")
"""The checks an insured is told of. A price that ended stands with the price; cost is ours."""
SHORT_FORMS = {"Cov A": "coverage A", "Cov E": "coverage E", "Auto BI": "auto bodily injury"}
GLOSSARY: Mapping[str, tuple[str, str]] = {
    r"HO-\d": (
        "HO-3, HO-5",
        "forms of homeowners policy. HO-3 covers the house against all that is not excluded, and "
        "belongings against named causes; HO-5 covers belongings more broadly as well.",
    ),
    r"Coverage A|Cov A": (
        "Coverage A, dwelling",
        "what is paid at most to rebuild the house. B is for other structures, C for belongings, "
        "D for living elsewhere meanwhile.",
    ),
    r"Coverage E|Cov E|E, ": (
        "Coverage E, F",
        "E pays when you are liable for what happens to others; F pays their medical bills, "
        "whoever is to blame.",
    ),
    r"\bAOP\b": (
        "AOP",
        "all other perils: your share of a loss, where no other deductible applies.",
    ),
    r"(?i)\d% (?:\(\$|AOP|hurricane|wind|named|earth)": (
        "A deductible in percent",
        "is counted from coverage A, not from the loss: 2% of $1,200,000 is $24,000.",
    ),
    r"(?i)extended rc|extended replacement": (
        "Extended RC",
        "extended replacement cost: up to so much more than coverage A, if rebuilding costs more.",
    ),
    r"\bRC\b|replacement cost": (
        "RC, ACV",
        "replacement cost pays for new; actual cash value takes off for age.",
    ),
    r"\d+/\d+(/\d+)?": (
        "100/300/100",
        "auto liability in thousands of dollars: at most for one person hurt, for all hurt in an "
        "accident, and for property.",
    ),
    r"\bCSL\b": (
        "CSL",
        "combined single limit: one amount for all of an accident, people and property together.",
    ),
    r"UM/UIM|\bUM\b": (
        "UM, UIM",
        "for you and your passengers, when the driver at fault has no insurance or too little.",
    ),
    r"(?i)\bPIP\b|(?<!F, )\bmed(?:ical)? pay": (
        "Medical payments, PIP",
        "medical bills of those in your car, whoever is to blame.",
    ),
    r"(?i)self-insured retention|retention|\bSIR\b": (
        "Self-insured retention",
        "what you pay first where only the umbrella covers a loss.",
    ),
    r"(?i)unconfirmed if split": (
        "Unconfirmed if split",
        "a carrier may change its price when a line is taken without the rest of its package.",
    ),
    r"(?i)umbrella": (
        "Umbrella",
        "liability beyond the limits of home and auto. It asks for certain limits there, and a "
        "gap below them is yours to pay.",
    ),
    r"(?i)ordinance": (
        "Ordinance or law",
        "what building rules of today make rebuilding cost more.",
    ),
    r"(?i)water backup": ("Water backup", "damage by water that comes back up drains and sewers."),
}
"""By what is looked for: the term as it is explained, and the explanation."""
COMPILED = {re.compile(pattern): said for pattern, said in GLOSSARY.items()}


def glossary(texts: Iterable[str]) -> list[list[str]]:
    """The terms that occur in `texts`, each with what it means."""
    whole = "\n".join(texts)
    return [list(said) for pattern, said in COMPILED.items() if pattern.search(whole)]


def points_to_confirm(checks: Sequence[Check]) -> list[str]:
    """What an insured should know of a package before deciding, a sentence each."""
    found = []
    for check in checks:
        if check.outcome is Outcome.FINE or check.code not in TOLD:
            continue
        why = "; ".join(check.details)
        words = _in_full(f"{check.words}: {why}" if why else check.words)
        found.append(f"{words[:1].upper()}{words[1:]}.")
    return found


def _in_full(words: str) -> str:
    """The broker's short forms written out, as the tables of the proposal have them."""
    for short, full in SHORT_FORMS.items():
        words = words.replace(short, full)
    return words

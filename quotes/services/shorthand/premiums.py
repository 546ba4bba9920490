"""Premiums with their term, fees, and a line's price outside its bundle."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from quotes.models.fields import MOST_MONEY
from quotes.services.shorthand.amounts import (
    NEGATIVE,
    number,
    parse_dollars,
    shown_dollars,
    tidy,
    too_much,
)

MONTHS = r"m|mo|mos|mth|mths|month|months"
TERM = re.compile(
    rf"(?P<amount>.*?[0-9.])\s*(?:(?:/|per|for|a|every|[-–(]|\s)\s*"
    rf"(?P<months>[0-9]{{1,2}})\s*-?\s*(?:{MONTHS})\.?\)?"
    r"|[x*×]\s*(?P<times>[0-9]{1,2})"
    r"|/\s*(?P<bare>6|12)"
    r"|(?:(?:/|per|a)?\s*(?P<word>year|yr|annum|annual|annually|yearly|pa"
    r"|semi-?\s?annual|semi-?\s?annually|half-?\s?year|half-?\s?yearly"
    r"|quarter|quarterly|qtr|monthly)\.?)"
    # "21556 mo" is a slip for "2155 6 mo", not a price a month.
    r"|(?:(?:/|per|a)\s*(?P<month>month|mo)\.?))",
    re.IGNORECASE,
)
HOW = 'Write a year\'s premium such as 4,310, or that of a shorter term such as "2155 / 6 mo".'
SHORT, YEAR = 6, 12


@dataclass(frozen=True)
class StatedPremium:
    """A premium as a carrier states it.

    `annual` is dollars a year, `amount` dollars for `months`; `months` is None for a year's
    premium. A premium of another term times 12 / months is an estimate: a carrier may renew at
    another price.
    """

    annual: Decimal
    amount: Decimal
    months: int | None = None


def parse_premium(text: str) -> StatedPremium:
    """ "$4,310", "6480.50", "2155 / 6 mo", "2,155 x 2", "2155 6m".

    Raises ValueError for what is no sum of money, negative, or over MOST_MONEY a year.
    """
    plain = tidy(text)
    found = TERM.fullmatch(plain)
    if found is None:
        amount = parse_dollars(plain)
        return StatedPremium(amount, amount)
    amount, months = parse_dollars(found["amount"]), _months(found)
    annual = (amount * YEAR / months).quantize(Decimal("0.01"), ROUND_HALF_UP)
    if annual > MOST_MONEY:
        raise ValueError(too_much(MOST_MONEY))
    return StatedPremium(annual, amount, None if months == YEAR else months)


def _months(found: re.Match[str]) -> int:
    if found["times"]:
        times = int(found["times"])
        if times == 0 or YEAR % times:
            raise ValueError(f"A year has no {times} equal terms. {HOW}")
        return YEAR // times
    if found["month"]:
        return 1
    if found["word"]:
        word = found["word"].casefold()
        return {"s": SHORT, "h": SHORT, "q": 3, "m": 1}.get(word[0], YEAR)
    months = int(found["months"] or found["bare"])
    if not 1 <= months <= 36:
        raise ValueError(f"A term has 1 to 36 months. {HOW}")
    return months


def shown_premium(premium: StatedPremium) -> str:
    """ "$4,310", or "$2,155 / 6 mo" where it was stated for another term than a year."""
    amount = shown_dollars(premium.amount)
    return amount if premium.months is None else f"{amount} / {premium.months} mo"


ONCE = re.compile(r"\b(once|one[ -]?time|initial|inspection|set-?up|application)\b", re.IGNORECASE)
PER_TERM = re.compile(
    r"\b((a|per|each|every) (term|policy|renewal)|per[_ ]term|recurring)\b|/\s*term\b",
    re.IGNORECASE,
)
OTHERWISE = re.compile(
    r"\b(months?|monthly|mo|years?|yearly|yr|annual|annually|semi-?annual(ly)?|quarter|quarterly"
    r"|qtr|install?ments?|payments?)\b",
    re.IGNORECASE,
)
IN_THOUSANDS = re.compile(r"[0-9]\s*[km]", re.IGNORECASE)
FEE_HOW = "Write fees as $150 a term, $35 once."


def parse_fees(text: str) -> Any:
    """ "$150 a term, $35 once" → {"per_term": 150, "once": 35}; "none" → "none".

    Recurring fees count once a term, one-time fees once. A fee that does not say which, such as
    "25 policy fee", recurs. Several of a kind are added up.
    """
    plain = tidy(text)
    if plain.casefold() in ("none", "no", "no fees"):
        return "none"
    found: dict[str, Decimal] = {}
    for part in re.split(r"[;+]|,(?![0-9]{3}(?![0-9]))|\sand\s", plain):
        item = part.strip()
        if not item:
            continue
        if OTHERWISE.search(item) or "%" in item:
            raise ValueError(f"Write what the fees come to in dollars a term. {FEE_HOW}")
        amounts = re.findall(r"[-−]?\$?\s*[0-9][0-9,]*(?:\.[0-9]*)?", item)
        if len(amounts) != 1 or IN_THOUSANDS.search(item):
            raise ValueError(FEE_HOW)
        kind = "once" if ONCE.search(item) and not PER_TERM.search(item) else "per_term"
        found[kind] = found.get(kind, Decimal(0)) + parse_dollars(amounts[0])
    if not found or sum(found.values()) > MOST_MONEY:
        raise ValueError(FEE_HOW)
    return {kind: number(found[kind]) for kind in ("per_term", "once") if kind in found}


def shown_fees(value: Any) -> str:
    """ "$150 a term, $35 once", "none"."""
    if isinstance(value, str):
        return value
    words = {"per_term": "a term", "once": "once"}
    return ", ".join(
        f"{shown_dollars(value[kind])} {words[kind]}" for kind in words if kind in value
    )


CONFIRMED = re.compile(
    r"(?P<no>not[ -]?confirmed|unconfirmed|no?\b|to be confirmed|tbc\b)"
    r"|(?P<yes>confirmed|conf\b|y(es)?\b)",
    re.IGNORECASE,
)
STANDALONE_HOW = "Write confirmed, not confirmed, or either with the price: confirmed 5,240."


def parse_standalone(text: str) -> dict[str, Any]:
    """ "confirmed 5,240" → {"confirmed": True, "premium": 5240}; the price may be left out.

    A line quoted inside a bundle may cost more on its own: dollars a year, where stated.
    """
    plain = tidy(text)
    found = list(CONFIRMED.finditer(plain))
    if len(found) != 1:
        raise ValueError(STANDALONE_HOW)
    value: dict[str, Any] = {"confirmed": found[0]["yes"] is not None}
    rest = (plain[: found[0].start()] + " " + plain[found[0].end() :]).strip(" ,;:-–")
    rest = re.sub(r"^(at|alone at)\s+", "", rest, flags=re.IGNORECASE)
    if rest:
        try:
            value["premium"] = number(parse_dollars(rest))
        except ValueError as error:
            raise ValueError(NEGATIVE if str(error) == NEGATIVE else STANDALONE_HOW) from None
    return value


def shown_standalone(value: dict[str, Any]) -> str:
    """ "confirmed $5,240", "not confirmed"."""
    words = "confirmed" if value["confirmed"] else "not confirmed"
    return f"{words} {shown_dollars(value['premium'])}" if "premium" in value else words

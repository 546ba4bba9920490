"""Details that are words rather than sums: form, valuation, yes or no, names, days."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from quotes.services.shorthand.amounts import (
    WORDS,
    number,
    parse_money,
    parse_percentage,
    shown_dollars,
    tidy,
)

FORMS = ("HO-2", "HO-3", "HO-4", "HO-5", "HO-6", "HO-8", "DP-1", "DP-2", "DP-3")


def parse_form(text: str) -> str:
    """ "ho3", "HO 5", "dp-3" → "HO-3", "HO-5", "DP-3"."""
    plain = re.sub(r"\s*\(.*\)$", "", tidy(text).upper())
    found = re.fullmatch(r"(HO|DP)[\s\-.]*0*([0-9])(\s*FORM)?", plain)
    form = f"{found[1]}-{found[2]}" if found else ""
    if form not in FORMS:
        raise ValueError("Write the form, such as HO-3, HO-5, HO-6 or DP-3.")
    return form


VALUATION = re.compile(
    r"(?P<kind>guaranteed|extended|functional)?\s*(?P<base>rc|rcv|rce"
    r"|replacement( cost)?( value)?|acv|actual cash( value)?)?\s*(?P<share>[0-9.]+\s*(%|percent))?"
    r"(?P<rest>(?:^|[\s,;/]+)(?:dwelling only|(?:on )?contents (?:at )?(?:acv|rcv?)"
    r"|(?:acv|rcv?) (?:on )?contents))?",
    re.IGNORECASE,
)


SHORT_VALUATIONS = (
    ("erc", "extended rc"), ("grc", "guaranteed rc"), (r"ext\.?", "extended"),
    (r"guar\.?", "guaranteed"),
)  # fmt: skip


def _extension(share: str) -> str:
    """ "25%" beyond coverage A; said as "125%" of it, too."""
    whole = Decimal(parse_percentage(share, most=Decimal(200)).removesuffix("%"))
    return parse_percentage(f"{whole - 100 if whole > 100 else whole}%")


def _is_whole(share: str) -> bool:
    return parse_percentage(share, most=Decimal(200)) == "100%"


def parse_valuation(text: str) -> str:
    """ "RC", "ACV", "guaranteed RC", "extended RC 25%", each perhaps with ", contents ACV"."""
    how = "Write RC, ACV, guaranteed RC or extended RC 25%."
    plain = " ".join(re.sub(r"[()]", " ", tidy(text).casefold()).split())
    for short, long in SHORT_VALUATIONS:
        plain = re.sub(rf"\b{short}(?!\w)", long, plain)
    plain = re.sub(r"^([0-9.]+ ?%) (.+)$", r"\2 \1", plain)
    found = VALUATION.fullmatch(plain)
    if not plain or found is None:
        raise ValueError(how)
    kind, base = (found["kind"] or "").lower(), (found["base"] or "").lower()
    rest = (found["rest"] or "").lower()
    words = ""
    if base.startswith(("acv", "actual")):
        if kind or found["share"]:
            raise ValueError(how)
        words = "ACV"
    elif not kind and found["share"] and _is_whole(found["share"]):
        # All of the replacement cost, and nothing beyond it.
        words = "RC"
    elif kind or base or found["share"]:
        if found["share"] and kind in ("guaranteed", "functional"):
            raise ValueError(how)
        share = f" {_extension(found['share'])}" if found["share"] else ""
        kind = kind or ("extended" if share else "")
        words = f"{kind} RC{share}".strip()
    elif "dwelling" in rest:
        words = "RC"
    tail = ""
    if "dwelling" in rest:
        tail = "dwelling only"
    elif rest:
        tail = "contents ACV" if "acv" in rest else "contents RC"
    return ", ".join(part for part in (words, tail) if part)


def parse_yes_no(text: str) -> bool:
    word = tidy(text).casefold()
    if word in ("true", "x", "✓") or WORDS.get(word) == "included":
        return True
    if word == "false" or WORDS.get(word) == "none":
        return False
    raise ValueError("Write yes or no.")


def shown_yes_no(value: bool) -> str:
    return "yes" if value else "no"


def parse_names(text: str) -> list[str]:
    """Names between commas, or between semicolons where there is one; "none" → none at all."""
    plain = tidy(text)
    if plain.casefold().rstrip(".") in ("none", "no", "nobody", "no one"):
        return []
    parts = plain.split(";" if ";" in plain else ",")
    names = list(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if not names or not all(any(map(str.isalpha, name)) for name in names) or _says_nothing(plain):
        raise ValueError("Write the names, separated by commas, or none.")
    return names


def _says_nothing(plain: str) -> bool:
    return plain.casefold() in ("n/a", "na", "tbd", "unknown")


def shown_names(value: list[str]) -> str:
    if not value:
        return "none"
    if not any("," in name for name in value):
        return ", ".join(value)
    return "; ".join(value) + (";" if len(value) == 1 else "")


DAYS = ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%b %d %Y", "%B %d %Y", "%d %b %Y", "%d %B %Y",
        "%m-%d-%Y")  # fmt: skip


def parse_day(text: str) -> str:
    """ "1/15/2027", "2027-01-15", "Jan 15, 2027" → "2027-01-15"."""
    plain = tidy(text)
    spaced = plain if re.fullmatch(r"[0-9/\-]+", plain) else re.sub(r"[,.\-\s]+", " ", plain)
    for known in DAYS:
        try:
            day = dt.datetime.strptime(spaced.strip(), known).date()
        except ValueError:
            continue
        if not 2000 <= day.year <= 2099:
            raise ValueError("Write a date between 2000 and 2099.")
        return day.isoformat()
    raise ValueError("Write a date, such as 3/28/2026.")


def shown_day(value: str) -> str:
    """ "1/15/2027"."""
    day = dt.date.fromisoformat(value)
    return f"{day.month}/{day.day}/{day.year}"


STATUSES = {
    **dict.fromkeys(
        ("indicative", "indication", "ballpark", "estimate", "estimated", "prelim", "preliminary"),
        "indicative",
    ),
    **dict.fromkeys(("final", "firm", "bindable", "uprated", "bound"), "final"),
}


def parse_status(text: str) -> str:
    """ "indicative" (the carrier may still change it) or "final" (it can be bound as it is)."""
    status = STATUSES.get(tidy(text).casefold().removesuffix(" quote"))
    if status is None:
        raise ValueError("Write indicative or final.")
    return status


RENTAL = re.compile(
    r"(?P<day>\$?\s*[0-9][0-9,]*(?:\.[0-9]+)?)\s*(?:(?:a|per)\s+day)?\s*/\s*"
    r"(?P<most>\$?\s*[0-9][0-9,]*(?:\.[0-9]+)?)\s*(?P<days>days?|d)?(?:\s*(?:most|max|maximum))?",
    re.IGNORECASE,
)
RENTAL_HOW = "Write dollars a day and the most, such as 50/1500, or 50/30 days."


def parse_rental(text: str) -> Any:
    """ "50/1500" or "50/30 days" → {"per_day": 50, "most": 1500}; or "included", "none"."""
    plain = tidy(text)
    word = WORDS.get(plain.casefold())
    if word in ("included", "none"):
        return word
    found = RENTAL.fullmatch(re.sub(r",\s+", " / ", plain))
    if found is None:
        raise ValueError(RENTAL_HOW)
    day, most = parse_money(found["day"]), parse_money(found["most"])
    if found["days"]:
        most *= day
    if day == 0 or most < day or most > Decimal(1_000_000):
        raise ValueError(RENTAL_HOW)
    return {"per_day": number(day), "most": number(most)}


def shown_rental(value: Any) -> str:
    """ "$50/$1,500", "none"."""
    if isinstance(value, str):
        return value
    return f"{shown_dollars(value['per_day'])}/{shown_dollars(value['most'])}"

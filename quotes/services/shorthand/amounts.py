"""Dollars and percentages of coverage A, with the words that stand in for them."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Any

from quotes.models.fields import MOST_MONEY

Json = Any
"""A value that JSON can hold: dollars are int, or Decimal with two digits for cents."""

MOST_TEXT = 200
MOST_AMOUNT = Decimal("999999999.99")
"""The largest limit or coverage taken, in dollars: a larger one is a slip of the keyboard."""
MOST_PERCENT = Decimal(100)
NOT_TEXT = "It holds a character that is not text. Type it again instead of pasting it."
RAISED = "It holds a raised or broken figure such as ¹ or ½. Write plain digits."
NEGATIVE = "It cannot be negative. Write dollars and cents, such as 6,480.50."
PLAIN = "Write dollars and cents, such as 6480 or 6,480.50."
CENTS = "Round it to the cent, such as 6,480.50."
WHOLE = re.compile(r"([0-9]+|[0-9]{1,3}(,[0-9]{3})+)")
POINTED = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")
"""Six and a half thousand as some write it, or six dollars and a half: "6.500"."""
MINUS = re.compile(r"\$?\s*[-−(]|[-−]\s*\$")
MONEY = re.compile(
    r"(?:usd\s*)?\$?\s*(?P<digits>[0-9][0-9,]*|(?=\.[0-9]))(?P<cents>\.[0-9]*)?"
    r"\s*(?P<unit>k|thousand|mm?|mil|million)?\s*(dollars|usd)?",
    re.IGNORECASE,
)
PERCENT = re.compile(r"([0-9]{1,3}(\.[0-9]{0,4})?|\.[0-9]{1,4})\s*(%|percent|pct)", re.IGNORECASE)
MONTHS = re.compile(r"([1-9][0-9]?)\s*-?\s*(m|mo|mos|months?)\.?", re.IGNORECASE)
UNITS = {"": 1, "k": 1000, "t": 1000, "m": 1_000_000}
INCLUDED, NONE, ACTUAL_LOSS = "included", "none", "actual loss sustained"
UNLIMITED = "unlimited"
WORDS = {
    **dict.fromkeys(("included", "incl", "inc", "yes", "y"), INCLUDED),
    **dict.fromkeys(
        (
            "none",
            "no",
            "n",
            "excluded",
            "excl",
            "not included",
            "reject",
            "rejected",
            "declined",
            "no cover",
        ),
        NONE,
    ),
    UNLIMITED: UNLIMITED,
    **dict.fromkeys(("als", "actual loss", "actual loss sustained"), ACTUAL_LOSS),
}


def tidy(text: str) -> str:
    """Text with one form for each character and single spaces. Raises ValueError for non-text."""
    if len(text) <= MOST_TEXT and text.isascii() and text.isprintable():
        return " ".join(text.split())
    if any(unicodedata.category(char) in ("Cc", "Cs") and not char.isspace() for char in text):
        raise ValueError(NOT_TEXT)
    if any(unicodedata.category(char) == "No" for char in text):
        # A footnote's ¹ would become one more digit of the amount.
        raise ValueError(RAISED)
    if len(text) > MOST_TEXT * 5:
        raise ValueError(f"Shorten it to {MOST_TEXT} characters or fewer.")
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    if len(plain) > MOST_TEXT:
        raise ValueError(f"Shorten it to {MOST_TEXT} characters or fewer; it has {len(plain)}.")
    return plain


def parse_dollars(text: str, most: Decimal = MOST_MONEY) -> Decimal:
    """Dollars and cents written out: "6480", "6,480.50", "$6,480.50"; never negative."""
    text = text.strip()
    if MINUS.match(text):
        raise ValueError(NEGATIVE)
    plain = text.removeprefix("$").strip()
    _refuse_pointed(plain)
    whole, point, cents = plain.partition(".")
    if not WHOLE.fullmatch(whole) or (point and not re.fullmatch("[0-9]*", cents)):
        raise ValueError(PLAIN)
    if len(cents.rstrip("0")) > 2:
        raise ValueError(CENTS)
    digits = whole.replace(",", "").lstrip("0") or "0"
    if len(digits) > 12 or Decimal(f"{digits}.{cents[:2] or 0}") > most:
        raise ValueError(too_much(most))
    return Decimal(f"{digits}.{cents[:2] or 0}").quantize(Decimal("0.01"))


def _refuse_pointed(plain: str) -> None:
    if POINTED.fullmatch(plain):
        digits = plain.replace(".", ",")
        raise ValueError(f"{plain} could mean two amounts. Write {digits} or {plain[:-1]}.")


def too_much(most: Decimal) -> str:
    return f"More than ${most:,} cannot be right. Check the digits."


def parse_money(text: str, *, least: int = 0) -> Decimal:
    """Dollars in shorthand: "1M", "1.2m", "500k", "$1,250,000".

    An amount under `least`, other than 0, is asked about: "850" for a dwelling means 850k.
    """
    plain = tidy(text)
    if MINUS.match(plain):
        raise ValueError("It cannot be negative. Write dollars, such as 500k or 1,250,000.")
    found = MONEY.fullmatch(plain)
    digits = found["digits"] if found else ""
    if not found or not (WHOLE.fullmatch(digits) or (not digits and found["cents"])):
        raise ValueError("Write dollars, such as 500k, 1.2M or $1,250,000.")
    if not found["unit"]:
        _refuse_pointed(f"{digits}{found['cents'] or ''}")
    bare = digits.replace(",", "").lstrip("0")
    cents = (found["cents"] or ".").rstrip("0").removesuffix(".")
    if len(bare) > 12:
        raise ValueError(too_much(MOST_AMOUNT))
    if len(cents) > 10:
        raise ValueError(CENTS)
    amount = Decimal(f"{bare or 0}{cents}") * UNITS[(found["unit"] or "")[:1].lower()]
    if amount > MOST_AMOUNT:
        raise ValueError(too_much(MOST_AMOUNT))
    if amount != amount.quantize(Decimal("0.01")):
        raise ValueError(CENTS)
    if 0 < amount < least:
        raise ValueError(_too_little(amount, least))
    return amount.quantize(Decimal("0.01"))


def _too_little(amount: Decimal, least: int) -> str:
    shown = shown_dollars(amount)
    bare = shown.removeprefix("$")
    larger = f"{bare}M" if amount < 100 and least >= 10_000 else f"{bare}k"
    return f"{shown} cannot be meant. Write {larger} or all its digits."


def number(amount: Decimal | int) -> int | Decimal:
    """Dollars as JSON holds them: whole ones without a point, else two digits after it."""
    amount = Decimal(amount)
    whole = amount == amount.to_integral_value()
    return int(amount) if whole else amount.quantize(Decimal("0.01"))


def shown_dollars(amount: Decimal | int) -> str:
    """In full: "$1,200,000", "$6,480.50"."""
    value = number(amount)
    return f"${value:,}"


def short_dollars(amount: Decimal | int) -> str:
    """For a summary: "$1.2M", "$500k", and in full wherever that would round."""
    value = Decimal(amount)
    for unit, letter, least in ((1_000_000, "M", 1_000_000), (1000, "k", 10_000)):
        part = value / unit
        if value >= least and part == part.quantize(Decimal("0.01")):
            digits = f"{part:.2f}".rstrip("0").rstrip(".")
            return f"${digits}{letter}"
    return shown_dollars(amount)


def parse_percentage(text: str, *, most: Decimal = MOST_PERCENT) -> str:
    """ "2%", "2.5 percent" → "2%", "2.5%": a share of coverage A, over 0 and up to `most`."""
    found = PERCENT.fullmatch(text.strip())
    share = Decimal(found[1]) if found else None
    if share is None or not 0 < share <= most:
        raise ValueError(f"Write a percentage over 0 and up to {most:f}, such as 2%.")
    return f"{share.normalize():f}%"


def percentage(value: Json) -> Decimal | None:
    """The number of percent in a value such as "2%"; None for any other value."""
    if isinstance(value, str) and PERCENT.fullmatch(value):
        return Decimal(value.removesuffix("%"))
    return None


def parse_amount(text: str, *, share: bool = True, months: bool = False, least: int = 0) -> Json:
    """Dollars, a word ("included", "none"), with `share` a percentage of coverage A, and with
    `months` how long loss of use is paid ("24 months")."""
    plain = tidy(text)
    word = WORDS.get(plain.casefold().rstrip("."))
    if word and (share or word != ACTUAL_LOSS):
        return word
    if months and (found := MONTHS.fullmatch(plain)):
        if found[2].casefold() == "m" and int(found[1]) % 6 == 0:
            raise ValueError(f"Is that months or millions? Write {found[1]} months or all digits.")
        if found[2].casefold() != "m":
            return f"{found[1]} month{'' if found[1] == '1' else 's'}"
    if share:
        bare = re.sub(r"\s*of (cov(erage)?\.? )?(a|dwelling)$", "", plain, flags=re.IGNORECASE)
        if PERCENT.fullmatch(bare):
            return parse_percentage(bare)
        if re.fullmatch(r"[0-9]{1,2}(\.[0-9]*)?|\.[0-9]+|100", plain) and Decimal(plain):
            raise ValueError(
                f"Is that dollars or percent? Write {plain}% (of coverage A), or {plain}k."
            )
    try:
        return number(parse_money(plain, least=least))
    except ValueError:
        if not re.search(r"[0-9]", plain):
            also = "10% (of coverage A), " if share else ""
            raise ValueError(f"Write dollars such as 120k, {also}included or none.") from None
        raise


def shown_amount(value: Json) -> str:
    """ "$120,000", "10%", "included", "none"."""
    return value if isinstance(value, str) else shown_dollars(value)


def short_value(value: Json) -> str:
    """Like `shown_amount`, dollars in short: "$120k"."""
    return value if isinstance(value, str) else short_dollars(value)

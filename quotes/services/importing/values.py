"""One cell's value, read as what its column is.

Each reader takes a cell and answers the value (None: the cell states nothing) and a note for
what was understood otherwise than it stands there. A ValueError says what to write instead.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from localflavor.us.us_states import STATES_NORMALIZED

from quotes.models.fields import MOST_MONEY
from quotes.services.importing.cells import Cell, Unusable, cell_text
from quotes.services.importing.vocabulary import LINE_SCOPES, canonical, scope_of
from quotes.services.reading import STATES
from quotes.services.shorthand import parse_premium

Read = tuple[Any, str]
Reader = Callable[[Cell], Read]
NOTHING: Read = (None, "")
NOT_STATED = frozenset(
    {
        "n/a", "na", "n.a.", "n.a", "#n/a", "-", "--", "---", "—", "–", "−", "tbd", "tba", "tbc",
        "pending", "?", "??", "???", "not quoted", "not stated", "not given", "unknown", "null",
        "blank", "see notes", "see note",
    }
)  # fmt: skip
DECLINED = frozenset(
    {
        "declined", "decline", "declines", "no quote", "no-quote", "nq", "n/q", "no bid",
        "ineligible", "not eligible", "refused", "dnq", "does not write", "won't write",
        "not offered", "not available", "unavailable", "closed", "no market", "unacceptable",
    }
)  # fmt: skip
NO_PREMIUM = frozenset({"none", "no", "x", "no coverage", "not requested"})
INCLUDED = frozenset({"included", "incl", "incl.", "inc", "in package", "in pkg"})
SPELLED_OUT = re.compile(r"usd|us\$|dollars?", re.IGNORECASE)
MONEY = re.compile(r"\$?\s*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(\.[0-9]{1,2}0*)?")
ABROAD = re.compile(r"\$?\s*([0-9]{1,3}(?:\.[0-9]{3})+),([0-9]{2})")
COMMA_AMISS = re.compile(r"\$?\s*[0-9.]*,[0-9.,]*|\$?\s*[0-9]+(\.[0-9]+){2,}")
POINTED = re.compile(r"\$?\s*[1-9][0-9]{0,2}\.[0-9]{3}")
"""Thousands as they are written abroad, or cents with a digit too many: "4.310"."""
NEGATIVE = re.compile(r"\(.*\)|[-−]\s*\$?\s*[0-9.,]+|\$\s*[-−].*|[0-9.,]+\s*[-−]")
SHORTENED = re.compile(r"[0-9](\.[0-9]+)?E\+[0-9]+", re.IGNORECASE)
TERM = re.compile(r"([0-9]{1,2})(?:\.0+)?\s*-?\s*(m|mos?|mths?|months?)?\.?(?:\s*term)?")
YEARS = re.compile(r"([1-3])\s*-?\s*(?:y|yrs?|years?)\.?(?:\s*term)?")
TERM_WORDS = {
    **dict.fromkeys(
        ("annual", "annually", "yearly", "year", "full year", "1 year", "one year"), 12
    ),
    **dict.fromkeys(("semi-annual", "semiannual", "semi annual", "half year", "half-year"), 6),
    **dict.fromkeys(("six months", "six month", "sa"), 6),
    **dict.fromkeys(("twelve months", "twelve month"), 12),
    **dict.fromkeys(("quarterly", "quarter"), 3),
}
LINE_WORDS = {
    **dict.fromkeys(("car", "cars", "vehicle", "vehicles", "vehicle insurance"), "auto"),
    **dict.fromkeys(("house", "property", "dwelling", "residence", "renters", "renter"), "home"),
    **dict.fromkeys(("excess", "pel", "peup"), "umbrella"),
}


def said(cell: Cell) -> str:
    """The text of a cell, "" where it states nothing. Raises ValueError for an unusable one."""
    if isinstance(cell, Unusable):
        raise ValueError(cell.why)
    text = cell.strip() if isinstance(cell, str) else cell_text(cell)
    return "" if text.casefold() in NOT_STATED else text


def is_blank(cell: Cell) -> bool:
    """Whether a cell states nothing: empty, or "n/a", "TBD", "—"."""
    return cell is None or (isinstance(cell, str) and cell.strip().casefold() in NOT_STATED)


def is_declined(cell: Cell) -> bool:
    """Whether a cell says in words that the carrier gave no price."""
    return isinstance(cell, str) and cell.strip(" .*").casefold() in DECLINED


def text_of(most: int) -> Reader:
    """A reader of text of at most `most` characters."""

    def read(cell: Cell) -> Read:
        text = " ".join(said(cell).split())
        if len(text) > most:
            raise ValueError(f"is longer than {most} characters")
        return text or None, ""

    return read


def carrier(cell: Cell) -> Read:
    """A carrier's name, as the table writes it."""
    name, _ = text_of(120)(cell)
    if name and (isinstance(cell, (bool, dt.date)) or not any(map(str.isalpha, name))):
        raise ValueError(f"“{name}” is no carrier's name")
    return name, ""


def identifier(cell: Cell) -> Read:
    """A quote's or a package's id: opaque text, though spreadsheets make numbers of it."""
    if isinstance(cell, dt.date):
        raise ValueError(
            f"became the date {cell_text(cell)} in the spreadsheet; make the column text and type "
            "the id again"
        )
    if isinstance(cell, Decimal) and cell == cell.to_integral_value() and abs(cell) < 10**15:
        cell = int(cell)
    text, _ = text_of(120)(cell)
    if text and (SHORTENED.fullmatch(text) or (isinstance(cell, Decimal) and cell.adjusted() > 14)):
        raise ValueError(
            f"{text} was shortened by the spreadsheet; make the column text and type the id again"
        )
    if text and isinstance(cell, str) and re.fullmatch(r"[0-9]+\.0", text):
        text = text[:-2]
    return text, ""


def _dollars(text: str) -> tuple[str, str]:
    """Money as plain figures for `parse_premium`, and a note. Raises ValueError."""
    plain = " ".join(SPELLED_OUT.sub(" ", text).split())
    if MONEY.fullmatch(plain) and not POINTED.fullmatch(plain):
        return plain, ""
    if NEGATIVE.fullmatch(plain):
        raise ValueError(f"{text} is negative, which a premium is not")
    if found := ABROAD.fullmatch(plain):
        figures = f"{found[1].replace('.', '')}.{found[2]}"
        return figures, f"{text} was read as ${Decimal(figures):,}"
    if COMMA_AMISS.fullmatch(plain) or POINTED.fullmatch(plain):
        raise ValueError(f"{text} could mean two amounts; write it as 1,234.50")
    return plain, ""


def _rounded(cell: int | Decimal) -> tuple[Decimal, str]:
    """A spreadsheet's number to the cent: a formula's value has more digits than are shown."""
    if not 0 <= cell <= MOST_MONEY:
        why = "is negative, which a premium is not" if cell < 0 else f"is more than ${MOST_MONEY:,}"
        raise ValueError(f"{cell_text(cell)[:40]} {why}")
    cents = Decimal(cell).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return cents, "" if cents == cell else f"{cell} was rounded to ${cents:,}"


@dataclass(frozen=True)
class Premium:
    """A premium in dollars a year; `typed` is what it was stated as for another term, else ""."""

    annual: Decimal
    typed: str = ""


def premium(cell: Cell, months: int | None = None) -> Read:
    """A `Premium`. `months` is what heading and term column say the plain amount is for; what
    the cell itself says ("2155 / 6 mo") wins.
    """
    text = said(cell)
    if not text or is_declined(cell) or text.casefold() in NO_PREMIUM:
        return NOTHING
    if text.casefold() in INCLUDED:
        return None, f"“{text}” states no premium of its own"
    if isinstance(cell, (bool, dt.date)):
        raise ValueError(f"{text} is not an amount; write dollars such as 6480.50")
    if isinstance(cell, (int, Decimal)):
        amount, note = _rounded(cell)
        plain = str(amount)
    else:
        plain, note = _dollars(text)
    if MONEY.fullmatch(plain):
        if months in {None, 12}:
            return Premium(_plain_amount(plain, text)), note
        plain = f"{plain} / {months} mo"
    try:
        stated = parse_premium(plain)
    except ValueError as error:
        raise ValueError(f"“{text[:60]}” is not a premium. {error}") from None
    return Premium(stated.annual, plain if stated.months else ""), note


def _plain_amount(plain: str, text: str) -> Decimal:
    amount = Decimal(plain.lstrip("$ ").replace(",", "")).quantize(Decimal("0.01"))
    if amount > MOST_MONEY:
        raise ValueError(f"{text[:40]} is more than ${MOST_MONEY:,}")
    return amount


def term(cell: Cell) -> Read:
    """A term in months, from 1 to 36: "12", "6 mo", "annual", "semi-annual"."""
    text = said(cell).casefold().strip(" .")
    if not text:
        return NOTHING
    months = TERM_WORDS.get(text)
    if months is None and (found := TERM.fullmatch(text)):
        months = int(found[1])
    if months is None and (found := YEARS.fullmatch(text)):
        months = int(found[1]) * 12
    if months is None or not 1 <= months <= 36:
        raise ValueError(f"“{text[:40]}” is no term; write its months, such as 12 or 6 mo")
    return months, ""


def state(cell: Cell) -> Read:
    """A state's two letters, from its code or its name."""
    text = said(cell)
    if not text:
        return NOTHING
    code = STATES_NORMALIZED.get(" ".join(text.casefold().replace(".", "").split()), text.upper())
    if code not in STATES:
        raise ValueError(f"“{text[:40]}” is no state; write its two letters, such as CA")
    return str(code), ""


def zip_code(cell: Cell) -> Read:
    """A ZIP as text; leading zeros that the spreadsheet dropped are put back."""
    if isinstance(cell, Decimal) and cell == cell.to_integral_value():
        cell = int(cell)
    text = said(cell).replace(" ", "").replace("–", "-")
    if not text:
        return NOTHING
    if re.fullmatch(r"[0-9]{5}(-[0-9]{4})?", text):
        return text, ""
    if re.fullmatch(r"[0-9]{3,4}", text):
        return text.zfill(5), f"{text} was read as {text.zfill(5)}: a leading zero was missing"
    if re.fullmatch(r"[0-9]{3,4}-[0-9]{4}", text):
        return text.zfill(10), f"{text} was read as {text.zfill(10)}: a leading zero was missing"
    if re.fullmatch(r"[0-9]{8,9}", text):
        full = f"{text.zfill(9)[:5]}-{text.zfill(9)[5:]}"
        return full, f"{text} was read as {full}"
    raise ValueError(f"“{text[:20]}” is no ZIP; write five digits, or five and four (ZIP+4)")


def line_of(cell: Cell) -> Read:
    """home, auto, umbrella or package; None for a blank. Raises ValueError for other lines."""
    text = said(cell)
    if not text:
        return NOTHING
    words = canonical(text)
    scopes = scope_of(words) & {*LINE_SCOPES, "package"}
    if len(scopes - {"package"}) == 1:
        scopes -= {"package"}
    if len(scopes) == 1:
        return next(iter(scopes)), ""
    if known := LINE_WORDS.get(text.casefold()):
        return known, ""
    raise ValueError(f"“{text[:40]}” is none of home, auto and umbrella")

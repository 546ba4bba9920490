"""The details a quoted line may state (limits, deductibles, form …), by line of business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from quotes.models.fields import MOST_MONEY
from quotes.services import shorthand
from quotes.services.shorthand.amounts import MOST_AMOUNT, number

Json = Any


@dataclass(frozen=True, eq=False)
class Kind:
    """How a detail is read and shown. `parse` takes shorthand and raises ValueError saying what
    to write instead; `shown` gives text that `parse` reads the same again; `of_number` and
    `of_flag` take what a document states as a number or as true and false. `free_words` says that
    its text may hold any words, names of people too, and is kept nowhere but in its document."""

    parse: Callable[[str], Json]
    shown: Callable[[Json], str]
    of_number: Callable[[Decimal], Json] | None = None
    of_flag: Callable[[bool], Json] | None = None
    free_words: bool = False


@dataclass(frozen=True)
class Detail:
    """One thing a line may state. `placeholder` is an example in shorthand."""

    code: str
    label: str
    kind: Kind
    placeholder: str
    help: str = ""
    group: str = ""
    wide: bool = False
    """Whether its text is long."""


def _money(text: str, least: int = 0) -> Json:
    return number(shorthand.parse_money(text, least=least))


def _price(text: str) -> Json:
    return number(shorthand.parse_dollars(shorthand.tidy(text)))


def dollars_of(value: Decimal, most: Decimal = MOST_AMOUNT) -> Json:
    """Dollars a document states as a number. Raises ValueError for what is no sum of money."""
    if not value.is_finite() or not 0 <= value <= most or value != round(value, 2):
        raise ValueError("no sum of dollars")
    return number(value)


def _word(value: bool) -> str:
    return "included" if value else "none"


def _limits(text: str, damage: bool = True) -> Json:
    return shorthand.as_json(shorthand.parse_limits(text, damage=damage))


def _limits_or_none(text: str) -> Json:
    if text.strip().casefold() in ("none", "no", "reject", "rejected", "declined", "excluded"):
        return "none"
    return _limits(text, damage=False)


def _shown_limits(value: Json) -> str:
    return value if isinstance(value, str) else shorthand.shown_limits(value)


def _yes_or_sum(text: str) -> Json:
    """True, False, or the dollars that are carried."""
    try:
        return shorthand.parse_yes_no(text)
    except ValueError:
        if not any(char.isdigit() for char in text):
            raise
    return _money(text, least=10_000)


def _shown_yes_or_sum(value: Json) -> str:
    if isinstance(value, bool):
        return shorthand.shown_yes_no(value)
    return shorthand.shown_dollars(value)


def _term(text: str) -> Json:
    stated = shorthand.parse_premium(text)
    if stated.months is None:
        raise ValueError('Write the term\'s premium and its months, such as "2155 / 6 mo".')
    return {"premium": number(stated.amount), "months": stated.months}


def _shown_term(value: Json) -> str:
    return f"{shorthand.shown_dollars(value['premium'])} / {value['months']} mo"


def _text(value: Json) -> str:
    return str(value)


def _amount_kind(*, share: bool, months: bool = False, least: int = 0) -> Kind:
    parse = partial(shorthand.parse_amount, share=share, months=months, least=least)
    return Kind(parse, shorthand.shown_amount, dollars_of, _word)


LARGE = Kind(partial(_money, least=10_000), shorthand.shown_dollars, dollars_of)
PRICE = Kind(_price, shorthand.shown_dollars, partial(dollars_of, most=MOST_MONEY))
SHARE = _amount_kind(share=True, least=1000)
LOSS_OF_USE = _amount_kind(share=True, months=True, least=1000)
AMOUNT = _amount_kind(share=False)
LIABILITY = _amount_kind(share=False, least=10_000)
SMALL = _amount_kind(share=False, least=100)
LIMITS = Kind(_limits, _shown_limits)
UM_LIMITS = Kind(
    _limits_or_none, _shown_limits, of_flag=lambda value: _limits_or_none(_word(value))
)
REQUIRED = Kind(shorthand.parse_required, _shown_limits)
DEDUCTIBLES = Kind(shorthand.parse_deductibles, shorthand.shown_deductibles)
VEHICLES = Kind(shorthand.parse_vehicles, shorthand.shown_vehicles, dollars_of)
RENTAL = Kind(shorthand.parse_rental, shorthand.shown_rental, of_flag=_word)
FORM = Kind(shorthand.parse_form, _text)
VALUATION = Kind(shorthand.parse_valuation, _text)
YES_OR_SUM = Kind(_yes_or_sum, _shown_yes_or_sum, dollars_of, bool)
NAMES = Kind(shorthand.parse_names, shorthand.shown_names, free_words=True)
DAY = Kind(shorthand.parse_day, shorthand.shown_day)
FEES = Kind(shorthand.parse_fees, shorthand.shown_fees, free_words=True)
STANDALONE = Kind(shorthand.parse_standalone, shorthand.shown_standalone)
STATUS = Kind(shorthand.parse_status, _text)
TERM = Kind(_term, _shown_term)

PRICE_GROUP = "Price and term"
COMMON = (
    Detail("effective_date", "Effective date", DAY, "1/1/2027", group=PRICE_GROUP),
    Detail("status", "Indicative or final", STATUS, "final", group=PRICE_GROUP),
    Detail(
        "term", "Term premium", TERM, "2155 / 6 mo",
        "Written in the premium: 2155 / 6 mo.", PRICE_GROUP,
    ),
    Detail("fees", "Fees", FEES, "$150 a term, $35 once", group=PRICE_GROUP, wide=True),
    Detail("paid_in_full", "Paid in full", PRICE, "4,950", "A year, paid at once.", PRICE_GROUP),
    Detail(
        "standalone", "Price if split", STANDALONE, "confirmed 5,240",
        "The line alone, outside the package.", PRICE_GROUP,
    ),
)  # fmt: skip
COVERAGES, LIMITS_GROUP, CARS, UNDERNEATH = "Coverages", "Limits", "Vehicles", "Required underneath"
HOME = (
    Detail("form", "Form", FORM, "HO-5", group=COVERAGES),
    Detail("coverage_a", "Coverage A, dwelling", LARGE, "1.2M", group=COVERAGES),
    Detail("coverage_b", "B, other structures", SHARE, "10%", group=COVERAGES),
    Detail("coverage_c", "C, contents", SHARE, "70%", group=COVERAGES),
    Detail("coverage_d", "D, loss of use", LOSS_OF_USE, "30% or ALS", group=COVERAGES),
    Detail("coverage_e", "E, liability", LIABILITY, "500k", group=COVERAGES),
    Detail("coverage_f", "F, medical payments", SMALL, "5k", group=COVERAGES),
    Detail("valuation", "Valuation", VALUATION, "extended RC 25%", group=COVERAGES),
    Detail("water_backup", "Water backup", SHARE, "25k", group=COVERAGES),
    Detail("ordinance_or_law", "Ordinance or law", SHARE, "25%", group=COVERAGES),
    Detail(
        "deductibles",
        "Deductibles",
        DEDUCTIBLES,
        "$2,500 AOP, 2% hurricane",
        group=COVERAGES,
        wide=True,
    ),
)
AUTO = (
    Detail("liability", "Liability limits", LIMITS, "250/500/100", group=LIMITS_GROUP),
    Detail("um_uim", "UM/UIM", UM_LIMITS, "250/500", group=LIMITS_GROUP),
    Detail("medical_payments", "Medical payments", SMALL, "5k", group=LIMITS_GROUP),
    Detail("pip", "PIP", SMALL, "10k", group=LIMITS_GROUP),
    Detail("comprehensive", "Comprehensive deductible", VEHICLES, "500, 500, none", group=CARS),
    Detail("collision", "Collision deductible", VEHICLES, "1000", group=CARS),
    Detail("rental", "Rental", RENTAL, "50/1500", group=CARS),
    Detail("towing", "Towing", AMOUNT, "100", group=CARS),
    Detail("excluded_drivers", "Excluded drivers", NAMES, "none", group=CARS, wide=True),
)
UMBRELLA = (
    Detail("limit", "Limit", LARGE, "5M", group=LIMITS_GROUP),
    Detail("retention", "Self-insured retention", SMALL, "1,000", group=LIMITS_GROUP),
    Detail("excess_um_uim", "Excess UM/UIM", YES_OR_SUM, "yes or 1M", group=LIMITS_GROUP),
    Detail(
        "required_auto", "Required auto limits", REQUIRED, "250/500/100 or 500 CSL",
        group=UNDERNEATH, wide=True,
    ),
    Detail("required_coverage_e", "Required coverage E", LARGE, "300k", group=UNDERNEATH),
)  # fmt: skip
DETAILS: dict[str, tuple[Detail, ...]] = {
    "home": HOME + COMMON,
    "auto": AUTO + COMMON,
    "umbrella": UMBRELLA + COMMON,
}
"""In the order in which pages show them."""
BY_CODE: dict[tuple[str, str], Detail] = {
    (line, detail.code): detail for line, details in DETAILS.items() for detail in details
}


def detail_named(line: str, code: str) -> Detail:
    """The detail `code` of a line of business. Raises ValueError where there is none."""
    found = BY_CODE.get((line, code))
    if found is None:
        raise ValueError(f"{line or 'That line'} has no detail named {code or 'so'}.")
    return found


def parse_detail(line: str, code: str, text: str) -> Json:
    """What the shorthand `text` says, as a value JSON can hold; dollars are int or Decimal.

    limits {"per_person", "per_accident"[, "property_damage"]} or {"combined"} (both together
    are alternatives, in required_auto alone), deductibles {trigger: dollars or "2%"}, vehicles
    dollars or a list of them with "none", term {"premium", "months"}, fees {"per_term", "once"},
    standalone {"confirmed"[, "premium"]}, rental {"per_day", "most"}, dates "2027-01-15".
    Raises ValueError whose message says what to write instead.
    """
    return detail_named(line, code).kind.parse(text)


def shown_detail(line: str, code: str, value: Json) -> str:
    """A value of `parse_detail` as text that reads the same again."""
    return detail_named(line, code).kind.shown(value)

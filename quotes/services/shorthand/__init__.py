"""Trade shorthand: what a broker types ("1M", "250/500/100", "2% hurricane") and what it means.

Pure: text in, a value that JSON can hold out, and back to the text that is shown. Every mistake
is a ValueError whose message says what to write instead. Whatever is accepted reads the same
again from what is shown of it.
"""

from quotes.services.shorthand.amounts import (
    parse_amount,
    parse_dollars,
    parse_money,
    short_dollars,
    short_value,
    shown_amount,
    shown_dollars,
    tidy,
)
from quotes.services.shorthand.deductibles import (
    TRIGGERS,
    parse_deductibles,
    parse_vehicles,
    shown_deductibles,
    shown_vehicles,
)
from quotes.services.shorthand.limits import (
    CombinedLimit,
    SplitLimits,
    as_json,
    from_json,
    parse_limits,
    parse_required,
    shown_limits,
)
from quotes.services.shorthand.premiums import (
    StatedPremium,
    parse_fees,
    parse_premium,
    parse_standalone,
    shown_fees,
    shown_premium,
    shown_standalone,
)
from quotes.services.shorthand.words import (
    parse_day,
    parse_form,
    parse_names,
    parse_rental,
    parse_status,
    parse_valuation,
    parse_yes_no,
    shown_day,
    shown_names,
    shown_rental,
    shown_yes_no,
)

__all__ = [
    "TRIGGERS",
    "CombinedLimit",
    "SplitLimits",
    "StatedPremium",
    "as_json",
    "from_json",
    "parse_amount",
    "parse_day",
    "parse_deductibles",
    "parse_dollars",
    "parse_fees",
    "parse_form",
    "parse_limits",
    "parse_money",
    "parse_names",
    "parse_premium",
    "parse_rental",
    "parse_required",
    "parse_standalone",
    "parse_status",
    "parse_valuation",
    "parse_vehicles",
    "parse_yes_no",
    "short_dollars",
    "short_value",
    "shown_amount",
    "shown_day",
    "shown_deductibles",
    "shown_dollars",
    "shown_fees",
    "shown_limits",
    "shown_names",
    "shown_premium",
    "shown_rental",
    "shown_standalone",
    "shown_vehicles",
    "shown_yes_no",
    "tidy",
]

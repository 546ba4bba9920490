"""Documents for property tests, and what it means that two of them say the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import simplejson
from hypothesis import strategies as st

from quotes.services.sensitive import is_sensitive

LINES = ("home", "auto", "umbrella")

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
numbers = st.one_of(
    st.integers(-(10**12), 10**12),
    st.sampled_from([Decimal(n) for n in ("6480.10", "1E+3", "0.30", "-0.0", "1E-7", "5.000")]),
    st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=3),
)


def named(start: str) -> st.SearchStrategy[str]:
    """Keys that nobody knows; none that would be taken out for what it is called ("later_DL")."""
    return words.map(lambda word: f"{start}{word}").filter(lambda key: not is_sensitive(key))


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, words),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(named("x"), inner, max_size=3),
    ),
    max_leaves=5,
)
extras = st.dictionaries(named("later_"), anything, max_size=2)
premiums = st.one_of(
    st.integers(0, 99_999),
    st.sampled_from([Decimal(n) for n in ("6480.10", "1e3", "0.30", "12.00", "5E+2", "0.0")]),
    st.decimals(0, 99_999, allow_nan=False, allow_infinity=False, places=2),
)
# Few of them, so that quotes and offerings often name the same thing.
identifiers = st.one_of(
    st.sampled_from(["q1", "q2", "q3", "p1", 7]),
    st.uuids().map(str),
    st.integers(1, 10**9),
    st.sampled_from(["20260416-14.06.01.632319", "é 1"]),
)
carriers = st.sampled_from(["PURE", "Pure", " Alder & Pine", "Larkspur Mutual", "Ł̇odz Mutual"])
dates = st.sampled_from(["2026-12-20", "2026-11-12T09:30:00-08:00", "soon", " 2026-01-01 "])


def extended(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Objects with these keys and some that nobody knows."""
    known = st.fixed_dictionaries(required, optional=optional)
    return st.tuples(extras, known).map(lambda pair: pair[0] | pair[1])


package = {
    "package_id": st.one_of(st.sampled_from(["p1", " p1x", 7]), identifiers),
    "term_months": st.integers(1, 36),
    "quote_generated_at": dates,
    "quote_expires_at": dates,
    "broker": words,
}
lines = extended(
    {"premium_annual": premiums},
    {"quote_id": identifiers, "product_name": words, "coverage": extras, "deductibles": anything},
)
quotes = extended(
    {"carrier": carriers},
    package | {"package_premium_annual": premiums} | dict.fromkeys(LINES, lines),
)
offerings = extended(
    {
        "id": identifiers,
        "provider_name": carriers,
        "category": st.sampled_from(LINES),
        "coverage": extended(
            {"product_name": words, "program_type": st.just("quoted_line")}, {"limit": numbers}
        ),
        "attributes": extended(
            {
                "quote_id": identifiers,
                "line_premium_annual": premiums,
                "package_premium_annual": premiums,
            },
            package,
        ),
    },
    {"quality_rating": st.just("A+"), "constraints": extras},
)
people = extended(
    {},
    {
        "name": words, "first_name": words, "last_name": words, "driver_id": identifiers,
        "years_licensed": st.integers(-5, 200), "violations_5yr": numbers,
    },
)  # fmt: skip
vehicles = extended(
    {},
    {
        "year": st.one_of(st.integers(0, 3000), words), "make": words, "model": words,
        "garaging_zip": words, "primary_driver": identifiers,
    },
)  # fmt: skip
incumbents = extended({}, {"carrier": words, "annual_premium": premiums, "limit": anything})


def inputs(quoted: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """`input` values with unknown keys at every level; ``quoted`` gives their quotes."""
    return extended(
        {
            "address": extended(
                {"state": st.sampled_from(["CA", "fl", "DC"]), "zip_code": st.just("02115-1234")},
                {"city": words, "street": words},
            ),
            "coverage_types": st.lists(st.sampled_from(LINES), unique=True, min_size=1),
        },
        {
            "quotes": quoted,
            "applicant": people,
            "drivers": st.lists(people, max_size=3),
            "vehicles_detail": st.lists(vehicles, max_size=3),
            "vehicles": st.integers(0, 9),
            "premium": premiums,
            "appetite_bucket": st.sampled_from(["balanced", "cost_sensitive"]),
            "residence": extras,
            "insurance_history": extras,
            "current_coverage": extended({}, dict.fromkeys(LINES, incumbents)),
        },
    )


def unique(key: str) -> Any:
    """For ``unique_by``: the identifier under ``key``, as the wire compares it."""
    return lambda value: str(value.get(key, id(value))).strip()


def text_of(value: Any) -> bytes:
    return str(simplejson.dumps(value, use_decimal=True, allow_nan=False)).encode()


def values_of(body: bytes) -> Any:
    """A body's JSON values, such that equal means the same: true is not 1, 5.00 is 5."""
    return _plain(simplejson.loads(body, use_decimal=True))


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return f"<{value}>"
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value

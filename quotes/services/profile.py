"""The residence and insurance history inside an insured's document: typed, and as words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from quotes.models import Driver, Insured, Vehicle
from quotes.services import documents as doc

MOST_REPLACEMENT = 999_999_999
"""Dollars: dearer houses are not written on a personal-lines form."""
HELD_ELSEWHERE = frozenset(
    {
        "applicant", "address", "residence", "insurance_history", "current_coverage", "drivers",
        "vehicles_detail", "vehicles", "premium", "quotes", "coverage_types", "appetite_bucket",
        "id", "insured_id", "household_id", "client_id", "account_id",
    }
)  # fmt: skip
"""Keys of an input that the page shows in their own places, or that say nothing to a broker."""
MOST_SHOWN = 10**12
COUNTS = frozenset({"claims_5yr", "lapses", "non_renewals", "violations_5yr", "accidents_5yr"})
MONEY_ENDINGS = ("cost", "premium", "amount", "amount_paid", "value", "dwelling", "liability")
LABELS = {
    "claims_5yr": "Claims, 5 years",
    "accidents_5yr": "Accidents, 5 years",
    "violations_5yr": "Violations, 5 years",
    "continuous_coverage_years": "Continuous coverage, years",
    "non_renewals": "Non-renewals",
    "square_feet": "Living area, sq ft",
    "date_of_birth": "Date of birth",
    "distance_to_coast_miles": "Distance to coast, miles",
}


def replacement_cost(value: Any) -> Decimal | None:
    """Read dollars to rebuild the house; more than premiums' limit, and exact to the cent."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    amount = Decimal(value)
    if not amount.is_finite() or not 0 <= amount <= MOST_REPLACEMENT:
        return None
    cents = amount.quantize(Decimal("0.01"))
    return cents if cents == amount else None


RESIDENCE = (
    doc.Field("occupancy", (("residence", "occupancy"),), doc.text(60), doc.same),
    doc.Field("year_built", (("residence", "year_built"),), doc.whole(1600, 2100), doc.same),
    doc.Field("square_feet", (("residence", "square_feet"),), doc.whole(1, 200_000), doc.same),
    doc.Field("construction", (("residence", "construction"),), doc.text(60), doc.same),
    doc.Field("roof_year", (("residence", "roof_year"),), doc.whole(1600, 2100), doc.same),
    doc.Field(
        "renovation_year", (("residence", "renovation_year"),), doc.whole(1600, 2100), doc.same
    ),
    doc.Field(
        "replacement_cost",
        (("residence", "replacement_cost"),),
        replacement_cost,
        doc.write_money,
    ),
)
HISTORY = tuple(
    doc.Field(name, (("insurance_history", name),), doc.whole(0, most), doc.same)
    for name, most in (
        ("continuous_coverage_years", 90),
        ("claims_5yr", 99),
        ("lapses", 99),
        ("non_renewals", 99),
    )
)


def driver_id(driver: Driver) -> str:
    """The id by which the imported document's vehicles name this driver, if it has one."""
    stated = driver.document if isinstance(driver.document, dict) else {}
    return doc.word(200)(stated.get("driver_id")) or doc.word(200)(stated.get("id"))


def shown_driver(vehicle: Vehicle, drivers: list[Driver]) -> str:
    """Who mainly drives `vehicle`: a name where the document gave an id of a named driver."""
    stated = vehicle.primary_driver
    named = (driver.name for driver in drivers if driver.name and driver_id(driver) == stated)
    return next(named, stated) if stated else ""


def readable(value: Any) -> list[tuple[str, str]]:
    """An object of a document as labels and words, in its own order; keys with nothing left out."""
    if not isinstance(value, Mapping):
        return []
    return [(label(key), words(key, item)) for key, item in value.items() if item not in ({}, [])]


def other_details(insured: Insured) -> list[tuple[str, str]]:
    """What came with the insured and has no place of its own: it is kept and sent along."""
    document = insured.document if isinstance(insured.document, dict) else {}
    applicant = document.get("applicant")
    address = document.get("address")
    named = {"name", "full_name", "first_name", "last_name"}
    placed = {path[-1] for field in doc.ADDRESS for path in field.paths}
    return [
        *readable({k: v for k, v in _object(applicant).items() if k not in named}),
        *readable({k: v for k, v in _object(address).items() if k not in placed}),
        *readable({k: v for k, v in document.items() if k not in HELD_ELSEWHERE}),
    ]


def label(key: str) -> str:
    """A key in a broker's words: "roof_year" → "Roof year"."""
    if key in LABELS:
        return LABELS[key]
    plain = key.removeprefix("x_").replace("_", " ").strip()
    return (plain[:1].upper() + plain[1:])[:80] or key[:80]


def words(key: str, value: Any) -> str:
    """A value of a document in words; "—" for null, and "None" for a count of zero."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, (int, Decimal)):
        return _number(key, value)
    if isinstance(value, Mapping):
        return ", ".join(f"{label(k).lower()} {words(k, item)}" for k, item in value.items())[:300]
    if isinstance(value, list):
        return "; ".join(
            ", ".join(words(k, part) for k, part in item.items())
            if isinstance(item, Mapping)
            else words(key, item)
            for item in value
        )[:300]
    return str(value)[:300]


def _number(key: str, value: int | Decimal) -> str:
    if value == 0 and key in COUNTS:
        return "None"
    # A Decimal such as 1E+999999 would be written out digit by digit.
    if Decimal(value).copy_abs() >= MOST_SHOWN:
        return str(value)[:40]
    if key.endswith(MONEY_ENDINGS):
        return f"${value:,.0f}" if value == int(value) else f"${value:,.2f}"
    return f"{value:,}" if key == "square_feet" else str(value)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

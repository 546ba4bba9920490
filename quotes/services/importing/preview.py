"""What an import will do, in words: the same for tables and documents, for pages and commands."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.utils import timezone

from quotes.models import LINES, Line
from quotes.services.importing.stated import Problem, StatedTable

DASH = "—"


class State(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Change:
    """One value that becomes another; "—" says that it was, or will be, not stated."""

    what: str
    before: str
    after: str


@dataclass
class QuoteForecast:
    """One quote of the import. `premiums` are dollars a year by line, as they will be stored."""

    carrier: str
    state: State
    rows: list[int] = field(default_factory=list)
    premiums: dict[str, Decimal | None] = field(default_factory=dict)
    package: Decimal | None = None
    changes: list[Change] = field(default_factory=list)
    also_changed: str = ""
    """What changes and has no from and to: the parts of a document we keep and do not read."""

    @property
    def premiums_in_order(self) -> list[Decimal | None]:
        return [self.premiums.get(line) for line in LINES]


@dataclass
class InsuredForecast:
    """One household of the import; `pk` is None for one that will be made."""

    name: str
    place: str
    state: State
    pk: UUID | None = None
    changes: list[Change] = field(default_factory=list)
    also_changed: str = ""
    quotes: list[QuoteForecast] = field(default_factory=list)

    @property
    def touched(self) -> State:
        """As the household's own state, but changed also where only its quotes are."""
        if self.state == State.UNCHANGED and any(
            quote.state != State.UNCHANGED for quote in self.quotes
        ):
            return State.CHANGED
        return self.state


@dataclass
class Counts:
    created: int = 0
    changed: int = 0
    unchanged: int = 0

    @property
    def total(self) -> int:
        return self.created + self.changed + self.unchanged

    def as_json(self) -> dict[str, int]:
        return {"created": self.created, "changed": self.changed, "unchanged": self.unchanged}


@dataclass
class Preview:
    """All that an import will do, and what stands against it. Nothing of it is saved.

    `tables` are those read, with their columns as they were understood; empty for JSON.
    `seal` changes whenever the import would write something else.
    """

    insureds: list[InsuredForecast] = field(default_factory=list)
    tables: list[StatedTable] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    seal: str = ""

    @property
    def quotes(self) -> list[QuoteForecast]:
        return [quote for insured in self.insureds for quote in insured.quotes]

    @property
    def insured_counts(self) -> Counts:
        """A household is changed when its own values are; a new quote alone leaves it as it is."""
        return _counted(insured.state for insured in self.insureds)

    @property
    def quote_counts(self) -> Counts:
        return _counted(quote.state for quote in self.quotes)

    @property
    def changes_nothing(self) -> bool:
        return all(insured.touched == State.UNCHANGED for insured in self.insureds)


def _counted(states: Iterable[State]) -> Counts:
    counts = Counts()
    for state in states:
        setattr(counts, state.value, getattr(counts, state.value) + 1)
    return counts


def sealed(parts: Iterable[Any]) -> str:
    """A digest of what would be written, such that another plan has another."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr(part).encode("utf-8", "backslashreplace"))
        digest.update(b"\x1e")
    return digest.hexdigest()[:32]


LABELS = {
    "applicant_name": "Name",
    "street": "Street",
    "city": "City",
    "state": "State",
    "zip_code": "ZIP code",
    "carrier_name": "Carrier",
    "package_id": "Package id",
    "package_premium_annual": "Package premium",
    "term_months": "Term",
    "generated_at": "Quoted on",
    "expires_at": "Expires",
    "broker": "Broker",
}
LINE_LABELS = {
    "premium_annual": "premium",
    "quote_ref": "quote id",
    "product_name": "product",
}


def label(column: str, line: str = "") -> str:
    """ "Home premium", "Package id": a column as a page calls it."""
    if not line:
        return LABELS.get(column, column)
    return f"{Line(line).label} {LINE_LABELS.get(column, column)}"


def shown(column: str, value: Any) -> str:
    """A column's value as a page writes it; "—" for what is not stated."""
    if value is None or value == "":
        return DASH
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value()
        return f"${value:,.0f}" if whole else f"${value:,.2f}"
    if isinstance(value, dt.datetime):
        return _day(value, ends=column == "expires_at")
    if column == "term_months":
        return f"{value} month{'' if value == 1 else 's'}"
    return str(value)


def _day(value: dt.datetime, *, ends: bool) -> str:
    """An expiry at midnight is shown as the last day on which the price can be had."""
    local = timezone.localtime(value)
    if local.time() != dt.time.min:
        return f"{local:%b} {local.day}, {local.year} {local:%H:%M}"
    day = local.date() - dt.timedelta(days=1) if ends else local.date()
    return f"{day:%b} {day.day}, {day.year}"

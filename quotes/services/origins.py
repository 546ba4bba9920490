"""Where a value came from: typed, pasted, imported, copied or assumed.

A row that a broker fills has `origins`: column (or detail code) → an `Origin` as JSON. Whoever
writes a column marks it; a value nobody marked has none, and is shown as not known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from quotes.models import User


class How(StrEnum):
    TYPED = "typed"
    PASTED = "pasted"
    IMPORTED = "imported"
    COPIED = "copied"
    ASSUMED = "assumed"


WORDS = {
    How.TYPED: "Typed",
    How.PASTED: "Pasted",
    How.IMPORTED: "Imported",
    How.COPIED: "Copied",
    How.ASSUMED: "Assumed",
}


class Traced(Protocol):
    """A row with origins: an insured, a quote, a quote line."""

    origins: Any


@dataclass(frozen=True)
class Origin:
    """How a value came to be; `where` says more ("quotes.xlsx, row 4, Home premium")."""

    how: How
    where: str = ""
    by: str = ""
    at: dt.datetime | None = None

    def as_json(self) -> dict[str, str]:
        moment = self.at or timezone.now()
        stated = {"how": self.how.value, "where": self.where[:300], "by": self.by}
        return {k: v for k, v in stated.items() if v} | {"at": moment.isoformat()}

    @property
    def words(self) -> str:
        """ "Imported from quotes.xlsx, row 4" """
        link = {How.IMPORTED: " from ", How.COPIED: " from ", How.ASSUMED: ": "}.get(self.how, " ")
        return WORDS[self.how] + (f"{link}{self.where}" if self.where else "")


def typed(user: User | None) -> Origin:
    return Origin(How.TYPED, by=user.shown_name if user else "")


def mark(row: Traced, names: Iterable[str], origin: Origin) -> None:
    """Say where the columns `names` of `row` came from; the caller saves the row."""
    stated = origin.as_json()
    before = row.origins if isinstance(row.origins, dict) else {}
    row.origins = {**before, **dict.fromkeys(names, stated)}


def origin_of(row: Traced, name: str) -> Origin | None:
    """Where the column `name` came from; None where nobody said."""
    stated = row.origins.get(name) if isinstance(row.origins, dict) else None
    if not isinstance(stated, dict) or stated.get("how") not in set(How):
        return None
    return Origin(
        How(stated["how"]),
        where=str(stated.get("where", "")),
        by=str(stated.get("by", "")),
        at=parse_datetime(str(stated.get("at", ""))),
    )

"""Where every offering of a run went: into k packages, or into none, and what may be why.

Pure, and from the frozen request alone. Nexio says nothing of an offering it left out: a reason
here is our guess from what was sent, and the page says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format

from quotes.models import LINES
from quotes.models.carrier import loose_key
from quotes.services import comparison, expiry
from quotes.services.comparison import line_word
from quotes.services.ranked import Ranking

NO_REASON = "no reason we can see"
MOST_UNSENT = 50


@dataclass(frozen=True)
class Offered:
    """An offering that was sent: in how many packages it stands, and if in none, the guesses.

    `premium` is dollars a year, None where the offering states none.
    """

    premium: Decimal | None
    product: str
    used: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """What one carrier offered for one line; nothing where it offered none."""

    line: str
    offered: tuple[Offered, ...]


@dataclass(frozen=True)
class CarrierRow:
    carrier: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Unsent:
    """A line Nexio returned that we did not send, as it names it; in `count` packages."""

    carrier: str
    line: str
    premium: Decimal | None
    count: int


@dataclass(frozen=True)
class Reconciliation:
    """Carriers × lines. `unsent` holds at most `MOST_UNSENT`, `more_unsent` counts the rest."""

    lines: tuple[str, ...]
    rows: tuple[CarrierRow, ...]
    sent: int
    used: int
    unsent: tuple[Unsent, ...]
    more_unsent: int

    @property
    def unused(self) -> int:
        return self.sent - self.used


def reconcile(request: Mapping[str, Any], ranking: Ranking, sent_at: datetime) -> Reconciliation:
    """The account of a completed run; `sent_at` is when the request went out."""
    offerings = comparison.offerings_sent(request)
    counted = Counter(
        each
        for package in ranking.packages
        for each in {id(offering) for offering in package.offerings if offering is not None}
    )
    named = {str(each.get("category") or "") for each in offerings}
    others = sorted(named.difference(ranking.lines, LINES))
    lines = [
        *ranking.lines,
        *(line for line in LINES if line in named and line not in ranking.lines),
        *others,
    ]
    state = household_state(request)
    rows: dict[str, tuple[str, dict[str, list[Offered]]]] = {}
    for offering in offerings:
        carrier = str(offering.get("provider_name") or "Carrier not given")
        used = counted[id(offering)]
        guesses = (
            ()
            if used
            else likely_reasons(offering, offerings, ranking.lines, state=state, sent_at=sent_at)
        )
        said = Offered(comparison.line_premium(offering), _product(offering), used, guesses)
        cells = rows.setdefault(loose_key(carrier), (carrier, {}))[1]
        cells.setdefault(str(offering.get("category") or ""), []).append(said)
    unsent = _unsent(ranking)
    return Reconciliation(
        lines=tuple(lines),
        rows=tuple(
            CarrierRow(name, tuple(Cell(line, tuple(cells.get(line, ()))) for line in lines))
            for name, cells in rows.values()
        ),
        sent=len(offerings),
        used=sum(counted[id(each)] > 0 for each in offerings),
        unsent=unsent[:MOST_UNSENT],
        more_unsent=max(len(unsent) - MOST_UNSENT, 0),
    )


def likely_reasons(
    offering: Mapping[str, Any],
    offerings: Sequence[Mapping[str, Any]],
    lines: Sequence[str],
    *,
    state: str,
    sent_at: datetime,
) -> tuple[str, ...]:
    """Why an offering may stand in no package: all that holds of it, or `NO_REASON`.

    `offerings` are all that were sent, `lines` the requested ones; `state` is where the
    household lives, two letters, "" where it is not stated.
    """
    line = str(offering.get("category") or "")
    found = []
    if line not in lines:
        found.append("its line was not requested")
    if state and state in _excluded(offering):
        found.append(f"it excludes {state}")
    gone = comparison.expiry_of(offering)
    if gone is not None and gone <= sent_at:
        day = date_format(expiry.last_day(gone), "M j, Y")
        found.append(f"its quote expired {day}, before it was sent")
    premium = comparison.line_premium(offering)
    if premium is None:
        found.append("it states no premium")
    elif _is_dearest(offering, premium, offerings, line):
        found.append(f"dearer than every other {line_word(line)} offering")
    return tuple(found) or (NO_REASON,)


def _is_dearest(
    offering: Mapping[str, Any],
    premium: Decimal,
    offerings: Sequence[Mapping[str, Any]],
    line: str,
) -> bool:
    others = [
        other
        for each in offerings
        if each is not offering
        and each.get("category") == line
        and (other := comparison.line_premium(each)) is not None
    ]
    return bool(others) and all(premium > other for other in others)


def _excluded(offering: Mapping[str, Any]) -> set[str]:
    constraints = offering.get("constraints")
    stated = constraints.get("excluded_states") if isinstance(constraints, dict) else None
    listed = stated if isinstance(stated, list) else []
    return {each.strip().upper() for each in listed if isinstance(each, str)}


def household_state(request: Mapping[str, Any]) -> str:
    """Where the household lives, two letters; "" where it is not stated."""
    stated = request.get("input")
    address = stated.get("address") if isinstance(stated, dict) else None
    state = address.get("state") if isinstance(address, dict) else None
    return state.strip().upper()[:40] if isinstance(state, str) else ""


def _product(offering: Mapping[str, Any]) -> str:
    coverage = offering.get("coverage")
    name = coverage.get("product_name") if isinstance(coverage, dict) else None
    return name[:200] if isinstance(name, str) else ""


def _unsent(ranking: Ranking) -> tuple[Unsent, ...]:
    counted: Counter[tuple[str, str, Decimal | None]] = Counter()
    for package in ranking.packages:
        lines = zip(package.solution.returned, package.offerings, strict=True)
        strange = {
            (line.shown_carrier, line.category, line.line_premium_annual)
            for line, offering in lines
            if offering is None
        }
        counted.update(strange)
    return tuple(
        Unsent(carrier, line, premium, count) for (carrier, line, premium), count in counted.items()
    )

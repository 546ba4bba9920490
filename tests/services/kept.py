"""A year of runs whose months and days are over, and all that dashboards show of it."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, datetime
from typing import Any

import pytest
from django.utils import timezone
from time_machine import travel

from quotes.services.dashboard.board import Board, read_board
from quotes.services.dashboard.keeping import keep_days, keep_months
from quotes.services.dashboard.period import Period
from quotes.services.dashboard.scope import Scope
from tests.dashboards import seeded

__all__ = ["counted", "seeded", "world"]
LATER = "2027-01-05 15:00:00+00:00"
"""November is over, by more than two days."""
PERIODS = (
    Period(date(2026, 2, 1), date(2027, 1, 5)),  # months, the last one going on
    Period(date(2026, 10, 20), date(2026, 12, 20)),  # weeks or days that cut months
    Period(date(2026, 11, 1), date(2026, 11, 30)),  # nothing but a kept month, by day
    Period(date(2026, 11, 2), date(2026, 11, 30)),  # no whole month
    Period(date(2020, 1, 1), date(2027, 1, 5)),  # years
)


@pytest.fixture(scope="module")
def counted(seeded: dict[str, Any]) -> list[Any]:
    """What the boards show while nothing is kept."""
    with travel(LATER, tick=False):
        return boards(seeded)


@pytest.fixture
def world(seeded: dict[str, Any], time_machine: Any) -> dict[str, Any]:
    """For one test to change."""
    time_machine.move_to(LATER, tick=False)
    return deepcopy(seeded)


def shown(board: Board) -> Any:
    """All that a page draws of a board, the codes of its numbers as well."""
    return {
        "counts": board.counts,
        "pieces": [(piece.period, piece.counts) for piece in board.pieces],
        "waiting": board.waiting,
        "deciding": board.deciding,
        "failures": board.failures,
        "reasons": board.reasons,
        "carriers": board.carriers,
        "brokers": [(each.name, each.office, each.counts, each.median) for each in board.brokers],
        "endings": board.endings,
    }


def scopes(people: dict[str, Any]) -> list[Scope]:
    now = timezone.now()
    found = []
    for period in PERIODS:
        for service in ("", "nexio", "sandbox"):
            for user in (people["admin"], people["manager"]):
                found.append(Scope(user, period, now, service=service))
        found.append(Scope(people["admin"], period, now, broker=people["broker"]))
        found.append(Scope(people["admin"], period, now, office=people["harborside"]))
        found.append(Scope(people["manager"], period, now, broker=people["other"]))
    return found


def boards(people: dict[str, Any]) -> list[Any]:
    return [shown(read_board(each)) for each in scopes(people)]


def keep(now: datetime) -> int:
    return keep_months(now) + keep_days(now, most=None)

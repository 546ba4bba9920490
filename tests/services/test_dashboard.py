"""The dashboard's figures against SQL on the runs themselves, which reads no fact."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from quotes.models import User
from quotes.models.sealing import open_text
from quotes.services.dashboard import percentiles
from quotes.services.dashboard.board import Board, read_board
from quotes.services.dashboard.charts import draw_outcomes, outcomes_of
from quotes.services.dashboard.percentiles import Times
from quotes.services.dashboard.period import MOST_PIECES, PRESETS, Period
from quotes.services.dashboard.scope import Scope
from tests.dashboards import seeded, world
from tests.factories import make_user

pytestmark = pytest.mark.django_db
__all__ = ["seeded", "world"]

YEAR = Period(date(2025, 12, 1), date(2026, 11, 30))
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
OF_RUNS = """
FROM quotes_run r JOIN quotes_insured i ON i.id = r.insured_id
LEFT JOIN quotes_user u ON u.id = i.owner_id
WHERE r.created_at >= %s AND r.created_at < %s
"""


def board(user: User, period: Period = YEAR, **narrowed: Any) -> Board:
    return read_board(Scope(user, period, timezone.now(), **narrowed))


def asked(select: str, period: Period, where: str = "", *values: Any, group: str = "") -> list[Any]:
    """Rows of a statement on the runs of a period, its days by the office's clock."""
    ends = [
        timezone.make_aware(datetime.combine(day, datetime.min.time()))
        for day in (period.since, period.until + timedelta(days=1))
    ]
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {select} {OF_RUNS} {where} {group}", [*map(adapt, ends), *values])
        return list(cursor.fetchall())


def one(select: str, period: Period, where: str = "", *values: Any) -> Any:
    return asked(select, period, where, *values)[0][0]


PACKAGES = "EXISTS (SELECT 1 FROM quotes_solution s WHERE s.run_id = r.id)"
LEAST = "(SELECT MIN(s.rank) FROM quotes_solution s WHERE s.run_id = r.id)"
RANK = "(SELECT s.rank FROM quotes_solution s WHERE s.id = r.chosen_id)"
COST = "(SELECT s.est_cost_low FROM quotes_solution s WHERE s.id = r.chosen_id)"
COUNTED = {
    "runs": "",
    "ranked": f"AND {PACKAGES}",
    "empty": f"AND r.state = 'completed' AND NOT {PACKAGES}",
    "wrong": "AND r.state IN ('failed', 'rejected', 'submit_unknown', 'bad_response')",
    "given_up": "AND r.state = 'abandoned'",
    "under_way": "AND r.state IN ('queued', 'submitting', 'waiting')",
    "undecided": f"AND {PACKAGES} AND r.chosen_id IS NULL",
    "decided": "AND r.chosen_id IS NOT NULL",
    "first": f"AND {RANK} = {LEAST}",
    "overridden": f"AND {RANK} <> {LEAST}",
    "bound": "AND r.decision = 'bound'",
}


@pytest.mark.parametrize("period", [YEAR, NOVEMBER, Period(date(2026, 11, 1), date(2026, 11, 1))])
def test_counts_and_premium_are_those_of_the_runs(world, period):
    found = board(world["admin"], period)
    for kind, where in COUNTED.items():
        assert getattr(found.counts, kind) == one("COUNT(*)", period, where), kind
    bound = one(f"SUM({COST})", period, "AND r.decision = 'bound'") or 0
    assert found.counts.premium == Decimal(str(bound)).quantize(Decimal("0.01"))
    assert sum(piece.counts.runs for piece in found.pieces) == found.counts.runs


def test_each_piece_has_its_own_days_runs(world):
    for period in (YEAR, NOVEMBER, Period(date(2025, 12, 31), date(2026, 1, 1))):
        for piece in board(world["admin"], period).pieces:
            for kind, where in COUNTED.items():
                expected = one("COUNT(*)", piece.period, where)
                assert getattr(piece.counts, kind) == expected, (piece.period, kind)
            assert sum(outcomes_of(piece.counts).values()) == piece.counts.runs


def test_brokers_figures_are_those_of_their_insureds_runs(world):
    rows = {row.name: row for row in board(world["admin"]).brokers}
    brokers = asked("DISTINCT u.username", YEAR)
    assert set(rows) == {name or "No broker" for (name,) in brokers}
    for (name,) in brokers:
        of = "AND u.username = %s" if name else "AND u.username IS NULL"
        values = [name] if name else []
        for kind, where in COUNTED.items():
            expected = one("COUNT(*)", YEAR, f"{where} {of}", *values)
            assert getattr(rows[name or "No broker"].counts, kind) == expected, (name, kind)


def test_times_are_the_percentiles_of_what_runs_took(world):
    ended = asked(
        "r.submitted_at, r.completed_at, r.finished_at",
        YEAR,
        "AND r.state IN ('completed', 'failed') AND r.submitted_at IS NOT NULL",
    )
    seconds = []
    for row in ended:
        sent, said, knew = (
            datetime.fromisoformat(each) if isinstance(each, str) else each for each in row
        )
        end = said if said and sent <= said <= knew else knew
        seconds.append((end - sent).total_seconds())
    found = board(world["admin"])
    assert found.waiting.runs.value == len(seconds)
    assert found.waiting.median == pytest.approx(statistics.median(seconds))
    p95 = statistics.quantiles(seconds, n=100, method="inclusive")[94]
    assert found.waiting.p95 == pytest.approx(p95)
    # One was decided 26 hours after its quotes were entered, the others at once.
    assert found.deciding.p95 == pytest.approx(
        statistics.quantiles([0.0] * (found.deciding.runs.value - 1) + [26 * 3600.0],
                             n=100, method="inclusive")[94]
    )  # fmt: skip


def test_carriers_are_counted_once_a_run_and_part(world):
    rows = {row.name: row for row in board(world["admin"]).carriers}
    for part, package in (
        ("top", f"s.rank = {LEAST.replace('s.', 't.').replace('solution s', 'solution t')}"),
        ("chosen", "s.id = r.chosen_id"),
        ("bound", "s.id = r.chosen_id AND r.decision = 'bound'"),
    ):
        joined = OF_RUNS.replace(
            "WHERE",
            "JOIN quotes_solution s ON s.run_id = r.id "
            "JOIN quotes_solutionline l ON l.solution_id = s.id "
            "JOIN quotes_carrier c ON c.id = l.carrier_id WHERE",
        )
        moments = [connection.ops.adapt_datetimefield_value(m) for m in (YEAR.begins, YEAR.ends)]
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT c.name, COUNT(DISTINCT r.id) {joined} AND {package} GROUP BY c.name",
                moments,
            )
            expected = dict(cursor.fetchall())
        shown = {name: row.parts[part].value for name, row in rows.items()}
        assert {name: n for name, n in shown.items() if n} == expected, part
    quoted = max(row.parts["quoted"].value for row in rows.values())
    assert quoted == one("COUNT(*)", YEAR)  # every example has a carrier in common


def test_reasons_are_the_last_words_of_what_is_chosen_now(world):
    found = board(world["admin"])
    last = (
        "(SELECT e.reason FROM quotes_decisionevent e WHERE e.run_id = r.id "
        "AND e.kind = 'chosen' ORDER BY e.id DESC LIMIT 1)"
    )
    sealed = asked(f"{last}, COUNT(*)", YEAR, f"AND {RANK} <> {LEAST}", group="GROUP BY 1")
    expected: Counter[str] = Counter()
    for reason, runs in sealed:  # the same words are sealed otherwise each time
        expected[open_text(reason, "quotes_decisionevent.reason")] += runs
    assert {each.words: each.runs.value for each in found.reasons} == expected
    assert len(expected) == 2
    assert found.other_reasons == 0


def test_failures_and_endings(world, time_machine):
    found = board(world["admin"])
    assert sum(each.runs.value for each in found.failures) == sum(
        one("COUNT(*)", YEAR, COUNTED[kind]) for kind in ("empty", "wrong", "given_up")
    )
    assert len(found.failures) == 6
    assert found.ending.value == 0
    time_machine.move_to("2026-11-24 15:00:00+00:00", tick=False)
    found = board(world["admin"], Period(date(2020, 1, 1), date(2020, 1, 2)))
    # Quillfeather's prices end on Nov 30, whatever period is looked at.
    assert [each.runs.value for each in found.endings[:-1]] == [0] * 6
    always = Period(date(2020, 1, 1), date(2027, 1, 1))
    assert found.endings[-1].day == date(2026, 11, 30)
    assert found.ending.value == one("COUNT(*)", always, COUNTED["undecided"]) > 0


def test_what_is_not_seen_is_never_counted(world):
    manager = board(world["manager"])
    where = "AND u.username IN ('broker', 'broker2')"
    assert manager.counts.runs == one("COUNT(*)", YEAR, where) < one("COUNT(*)", YEAR)
    assert {row.name for row in manager.brokers} == {"broker", "broker2"}
    overseer = make_user("overseer", "manager", office=world["harborside"])
    assert board(overseer).counts.runs == one("COUNT(*)", YEAR, "AND u.username = 'harbor'")
    nobody = make_user("nobody", None)
    nothing = board(nobody)
    assert (nothing.counts.runs, nothing.carriers, nothing.brokers) == (0, [], [])
    office = board(world["admin"], office=world["harborside"])
    assert office.counts.runs == board(overseer).counts.runs
    mine = board(world["admin"], broker=world["broker"])
    assert mine.counts.runs == one("COUNT(*)", YEAR, "AND u.username = 'broker'")
    for service, is_sandbox in (("nexio", False), ("sandbox", True)):
        counted = board(world["admin"], service=service).counts.runs
        assert counted == one("COUNT(*)", YEAR, "AND r.sandbox = %s", is_sandbox) > 0


@given(
    st.lists(st.floats(0, 1e7, allow_nan=False), max_size=25),
    st.integers(0, 25),
    st.integers(0, 25),
    st.booleans(),
    st.sampled_from([1, 5, 25, 50, 75, 95, 99]),
)
def test_percentiles_are_those_of_pythons_statistics(values, one, other, searched, percent):
    """However many of the values are kept in order and in how many parts; few or many."""
    first, last = sorted((one, other))
    parts = (values[:first], values[first:last])
    times = Times(values[last:], [sorted(each) for each in parts])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(percentiles, "MOST_TO_SORT", -1 if searched else 5_000)
        (found,) = times.percentiles(percent)
        times.settle()
        assert times.percentiles(percent, percent) == [found, found]
    if not values:
        assert found is None
    elif len(values) == 1:
        assert found == values[0]
    else:
        of = statistics.quantiles(values, n=100, method="inclusive")
        assert found == pytest.approx(of[percent - 1])


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(0, 7300))
def test_pieces_cover_the_period_once_and_fit_the_chart(since, days):
    period = Period(since, since + timedelta(days=days))
    pieces = period.pieces()
    assert len(pieces) <= MOST_PIECES
    assert (pieces[0].since, pieces[-1].until) == (period.since, period.until)
    for before, after in itertools.pairwise(pieces):
        assert after.since == before.until + timedelta(days=1)


@pytest.mark.parametrize("today", [date(2026, 1, 31), date(2028, 2, 29), date(2026, 11, 23)])
def test_presets(today):
    days = {code: Period.preset(code, today) for code in PRESETS}
    assert (days["30d"].days, days["90d"].days) == (30, 90)
    assert days["month"].since == today.replace(day=1)
    assert days["last_month"].until == today.replace(day=1) - timedelta(days=1)
    assert len(days["12m"].pieces()) == 12
    assert all(period.until <= today for period in days.values())


def test_a_bar_is_as_high_as_its_runs(world):
    pieces = board(world["admin"], NOVEMBER).pieces
    drawn = draw_outcomes(pieces, "day")
    heights = {
        bar.piece.counts.runs: sum(float(part.height) for part in bar.parts) for bar in drawn.bars
    }
    most = max(heights)
    assert heights[0] == 0
    for runs, height in heights.items():
        assert height == pytest.approx(heights[most] * runs / most, abs=0.5)
    assert draw_outcomes([], "day").bars == []

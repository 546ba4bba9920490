"""`make chaos` in short: every kind of process killed once while faulty answers come in."""

from __future__ import annotations

import pytest

from chaos import report
from chaos.peer import Script
from chaos.storm import EVERYTHING, Plan

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]


def test_no_run_is_lost_repeated_stuck_or_untold(storm):
    outcome = storm(
        Plan(
            runs=70,
            load_for=22,
            kills=len(EVERYTHING),
            between=(2, 4),
            stale_after=7,
            script=Script(seed=5, rate=0.3, run=(1, 6), submit=(0.1, 1), poll=(0.02, 0.4)),
        )
    )
    told = report.in_words("the test database", outcome)
    assert not outcome.findings, told
    assert outcome.rest_after is not None, told
    assert outcome.recovery.waiting == 0, told
    assert not outcome.canaries.found, told
    assert outcome.left_over == 0, told
    assert outcome.exits == [0, 0], told
    # And it was a storm.
    assert {kill.kind for kill in outcome.recovery.kills} == set(EVERYTHING), told
    # How many requests fall into it depends on the machine.
    assert sum(bool(each.fault) for each in outcome.exchanges) > 10, told
    assert sum(kill.touched for kill in outcome.recovery.kills) > 0, told
    assert outcome.states["completed"] > 30, told
    assert all(outcome.canaries.looked.values()), told
    assert {"worker logs", "web log", "pages of brokers"} <= set(outcome.canaries.looked), told

"""With a protection switched off the checker turns red; with all of them on it stays green.

So a storm without findings is one in which the protections held, not one that nobody watched.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection

from chaos import report
from chaos.controls import PROTECTIONS
from chaos.peer import Script
from chaos.storm import Plan

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="the same on every database, and not quick"
    ),
]
SOUND = Script(seed=1, rate=0, run=(1, 1), submit=(0, 0), poll=(0, 0))
QUIET = Plan(
    runs=4, load_for=0, kinds=(), workers=1, stale_after=5, stuck_after=12, people=False,
    script=SOUND, in_order=True, stop_within=0, web=False,
)  # fmt: skip
WITHOUT: dict[str, tuple[Plan, str]] = {
    # Two workers want the same runs, whose submission takes long enough for both to see them.
    "claim": (
        replace(QUIET, workers=2, stuck_after=8, script=replace(SOUND, submit=(2, 2))),
        "repeated",
    ),
    # A watcher dies while it waits for an answer; its runs are due, and nobody may take them.
    "lease": (
        replace(
            QUIET, between=(4, 4), kinds=("busy",),
            script=replace(SOUND, run=(6, 6), poll=(4, 4)),
        ),
        "stuck",
    ),
    # A watcher hangs, and what it holds it goes on holding.
    "watchdog": (
        replace(
            QUIET, between=(1.5, 1.5), kinds=("hang",),
            script=replace(SOUND, run=(6, 6), submit=(1, 1)),
        ),
        "stuck",
    ),
    # Nothing in the queue says that there is work.
    "net": (replace(QUIET, hints=False, awaits="idle"), "stuck"),
    # A watcher dies in mid-submission.
    "doubt": (
        replace(
            QUIET, between=(2, 2), kinds=("busy",), script=replace(SOUND, submit=(4, 4))
        ),
        "repeated",
    ),
}  # fmt: skip
"""By protection the storm that it is needed in, and the goal that is missed without it."""


def test_each_protection_has_a_control():
    assert set(WITHOUT) == set(PROTECTIONS)


@pytest.mark.parametrize("protection", WITHOUT)
def test_without_it_the_checker_turns_red(storm, protection):
    plan, goal = WITHOUT[protection]
    outcome = storm(replace(plan, without=protection))
    assert outcome.count(goal), report.in_words(f"without {protection}", outcome)
    assert len(outcome.recovery.kills) == len(plan.kinds)


def test_with_all_of_them_the_same_troubles_leave_it_green(storm):
    """No hints, processes die with the queue's lock, watchers die and hang in mid-submission."""
    outcome = storm(
        replace(
            QUIET, runs=12, load_for=4, workers=2, hints=False, awaits="idle", stop_within=60,
            between=(1.5, 1.5), kinds=("idle", "busy", "hang", "busy"), stuck_after=90,
            script=replace(SOUND, run=(4, 6), submit=(2, 2), poll=(1, 1)),
        )
    )  # fmt: skip
    told = report.in_words("every protection on", outcome)
    assert not outcome.findings, told
    assert outcome.rest_after is not None, told
    assert outcome.recovery.waiting == 0, told
    assert len(outcome.recovery.kills) == 4, told

"""How long the runs that a kill touched stood still: from the kill until their next step."""

from __future__ import annotations

from chaos.recovery import Kill, Recovery, p95
from quotes.models import Run
from tests.runs import waiting_run


def test_of_a_hundred_five_may_take_longer():
    assert p95([float(n) for n in range(1, 101)]) == 95
    assert p95([3.0, 1.0, 2.0]) == 3
    assert p95([]) == 0


def test_a_run_of_the_killed_watcher_counts_until_it_is_polled_again(db):
    touched, other = waiting_run(), waiting_run()
    Run.objects.filter(pk=touched.pk).update(lease_owner="dead")
    Run.objects.filter(pk=other.pk).update(lease_owner="living")
    recovery = Recovery()
    kill = Kill(at=100.0, kind="busy", worker=0, pid=1)
    recovery.killed(kill, leases={"dead"})
    assert kill.touched == recovery.waiting == 1
    # That its lease ended is no movement yet.
    Run.objects.filter(pk=touched.pk).update(lease_owner="")
    recovery.look(103.0)
    assert recovery.waiting == 1
    Run.objects.filter(pk=touched.pk).update(polls=1)
    recovery.look(107.5)
    assert recovery.waiting == 0
    assert recovery.waits() == [7.5]


def test_a_run_touched_twice_counts_from_each_kill(db):
    run = waiting_run()
    Run.objects.filter(pk=run.pk).update(lease_owner="dead")
    recovery = Recovery()
    recovery.killed(Kill(at=10.0, kind="main", worker=0, pid=1), leases={"dead"})
    recovery.killed(Kill(at=14.0, kind="busy", worker=0, pid=2), leases={"dead"})
    Run.objects.filter(pk=run.pk).update(state="abandoned", finished_at=run.created_at)
    recovery.look(20.0)
    assert recovery.waits() == [6.0, 10.0]

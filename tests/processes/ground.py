"""What the tests of a module share that one living worker serves, and what they look at."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import dataclass

from quotes.models import Run, RunState
from tests.fake_nexio import FakeNexio
from tests.processes.halts import Traps
from tests.processes.worker import WorkerProcess, eventually


@dataclass
class Ground:
    """A worker that serves, what it talks to, and the traps on its way."""

    worker: WorkerProcess
    nexio: FakeNexio
    traps: Traps
    sent_before: int = 0

    @property
    def posts(self) -> int:
        """How often anything was sent since this test began."""
        return len(self.nexio.recorded_submits) - self.sent_before

    def watcher(self) -> int:
        """The pid of the watcher, once there is one."""
        pid = eventually(self.worker.watcher_pid, 90, "a watcher serves")
        assert pid is not None
        return pid

    def kill_watcher(self) -> None:
        os.kill(self.watcher(), signal.SIGKILL)

    def kill_watcher_in_the_trap(self, run: Run) -> Run:
        """Kill it there; returns the run as others saw it just before."""
        pid = eventually(self.traps.halted, 60, "the watcher came to the place")
        assert pid == self.watcher()
        seen = Run.objects.get(pk=run.pk)
        self.kill_watcher()
        return seen


def state(run: Run) -> str:
    run.refresh_from_db()
    return run.state


def comes_to(run: Run, wanted: str) -> None:
    eventually(lambda: state(run) == wanted, 60, f"the run came to {wanted}")


def is_whole(run: Run) -> bool:
    """Completed once: timeline, packages and facts of one ending, and nobody's claim left."""
    happened = Counter(run.events.values_list("kind", flat=True))
    ranks = list(run.solutions.order_by("rank").values_list("rank", flat=True))
    return (
        [happened[kind] for kind in ("created", "accepted", "completed")] == [1, 1, 1]
        and ranks == list(range(1, len(ranks) + 1)) != []
        and (run.fact.state, run.fact.packages) == (RunState.COMPLETED, len(ranks))
        and (run.lease_owner, run.lease_until) == ("", None)
    )

"""One storm: runs are started, processes are killed, then there is calm, and all is looked at."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django_q.models import OrmQ

from chaos import checking
from chaos.canaries import BUT_NAMES, KEY, Watch
from chaos.controls import WITHOUT
from chaos.faults import chance_for
from chaos.journal import Exchange, read_exchanges
from chaos.loading import Loader, read_ledger
from chaos.pages import NAMELESS, NAMING, Web, pages_for_operators, pages_of_brokers, web
from chaos.peer import CALM, JOURNAL, Script, Span
from chaos.people import Person
from chaos.processes import KINDS, Peer, Worker
from chaos.recovery import Kill, Recovery
from quotes.models import Run
from quotes.models.run import IN_FLIGHT, RunQuerySet

LOOK_EVERY = 0.2
SETTLE_EVERY = 3.0
KILL_ANOTHER_AFTER = 20.0
"""Seconds after which another process is killed where none of the one due was found."""
START_WITHIN = 120.0
EVERYTHING = (*KINDS, "peer", "queue")
"""What may be struck: a process of a worker, the stand-in, or all that waits in the queue."""
RUNS_READ = 10
"""Of how many runs a broker reads the pages afterwards."""


@dataclass(frozen=True)
class Plan:
    """What happens in a storm; times are in seconds.

    `runs` are started evenly over `load_for`. Something is killed `between` from and to after the
    last kill, while runs are started and until there were `kills`; each of `kinds` comes once
    before any comes again. `in_order` each comes once, as they stand, and that is all. Runs still
    under way `stuck_after` after calm count as stuck. `without` switches a protection off, and
    `hints` to the queue may be left out. `awaits` is the process that must be there before
    anything begins. The workers have `stop_within` to stop in good order. `web` has a web process
    asked for its pages afterwards.
    """

    runs: int = 1000
    load_for: float = 270.0
    kills: int = 36
    between: Span = (5.0, 15.0)
    kinds: tuple[str, ...] = EVERYTHING
    in_order: bool = False
    workers: int = 2
    stale_after: float = 15.0
    stuck_after: float = 120.0
    script: Script = field(
        default_factory=lambda: Script(1, 0.3, (3.0, 20.0), (0.1, 1.0), (0.02, 0.4))
    )
    people: bool = True
    hints: bool = True
    awaits: str = "busy"
    stop_within: float = 60.0
    without: str = ""
    web: bool = True

    @property
    def seed(self) -> int:
        return self.script.seed


@dataclass
class Outcome:
    """A storm that is over. `rest_after` is the seconds from calm until nothing was under way,
    None where that did not come; `left_over` counts processes that outlived their worker's stop,
    and `exits` has the workers' exit status."""

    plan: Plan
    seconds: float
    rest_after: float | None
    states: dict[str, int]
    exchanges: list[Exchange]
    findings: list[checking.Finding]
    recovery: Recovery
    canaries: Watch
    left_over: int
    exits: list[int | None]

    def count(self, goal: str) -> int:
        return sum(finding.goal == goal for finding in self.findings)


class Storm:
    """`folder` is empty but for the stand-in's files; `env` is what workers are started with,
    the database's address in it."""

    def __init__(self, plan: Plan, peer: Peer, folder: Path, env: Mapping[str, str]) -> None:
        self.plan, self.peer, self.folder = plan, peer, folder
        self.chance = chance_for(plan.seed, "storm")
        self.recovery = Recovery()
        self.canaries = Watch()
        self.outages: list[float] = []
        self.late: list[str] = []
        self.loader = Loader(folder / "ledger.jsonl", seed=plan.seed, hints=plan.hints)
        self.person = Person(self.loader.broker, seed=plan.seed)
        self.workers: list[Worker] = []
        self._env = {
            **os.environ,
            **env,
            "DJANGO_SETTINGS_MODULE": "chaos.settings",
            "NEXIO_BASE_URL": peer.url,
            "NEXIO_API_KEY": KEY,
            "LOG_LEVEL": "INFO",
            WITHOUT: plan.without,
        }
        self._bag: list[str] = []
        self._dealt = 0
        self._next_kill = self._next_settling = self._late_at = 0.0
        self._listed: set[int] = set()

    def run(self) -> Outcome:
        """The whole storm, its processes ended whatever happens."""
        began = time.monotonic()
        try:
            options = ("--stale-after", f"{self.plan.stale_after:g}")
            for number in range(self.plan.workers):
                self.workers.append(Worker(number, self.folder, self._env, *options))
            self._begin()
            self._rage()
            rest_after = self._rest()
            exits = self._stop()
        finally:
            left_over = sum(worker.kill_all() for worker in self.workers)
            self.peer.stop()
        return self._look_back(time.monotonic() - began, rest_after, exits, left_over)

    def _begin(self) -> None:
        ends = time.monotonic() + START_WITHIN
        while not all(worker.find(self.plan.awaits) for worker in self.workers):
            if time.monotonic() > ends:
                raise RuntimeError(f"the workers did not start: see {self.folder}")
            self._look()

    def _rage(self) -> None:
        plan = self.plan
        began = time.monotonic()
        self._next_kill = began + self.chance.uniform(*plan.between)
        while self.loader.loaded < plan.runs or self._more_to_kill():
            passed = time.monotonic() - began
            due = plan.runs if passed >= plan.load_for else plan.runs * passed / plan.load_for
            if self.loader.loaded < due:
                self.loader.load()
            if self._more_to_kill() and time.monotonic() >= self._next_kill:
                self._strike()
            self._look(wait=self.loader.loaded >= due)

    def _more_to_kill(self) -> bool:
        plan = self.plan
        if plan.in_order:
            return self._dealt < len(plan.kinds)
        return self._dealt < plan.kills or self.loader.loaded < plan.runs

    def _rest(self) -> float | None:
        """Calm: no more kills, and sound answers; how long it took until nothing was under way."""
        (self.folder / CALM).touch()
        began = time.monotonic()
        while time.monotonic() - began < self.plan.stuck_after:
            if not _under_way().exists():
                # What moved since the last look, and ended with it, has recovered as well.
                self.recovery.look(time.monotonic())
                return time.monotonic() - began
            self._look()
        self.late = [str(pk) for pk in _under_way().values_list("pk", flat=True)]
        return None

    def _look(self, *, wait: bool = True) -> None:
        """What is done a few times a second all along."""
        now = time.monotonic()
        for each in (self.peer, *self.workers):
            each.look()
        self.recovery.look(now)
        if now >= self._next_settling:
            self._next_settling = now + SETTLE_EVERY
            self.canaries.queue()
            fresh = {
                each for worker in self.workers for each in worker.seen
                if each.pid not in self._listed
            }  # fmt: skip
            self._listed |= {each.pid for each in fresh}
            self.canaries.look("command lines", (each.command_line for each in fresh))
            if self.plan.people:
                self.person.settle(self._journal(), read_ledger(self.loader.ledger))
        if wait:
            time.sleep(LOOK_EVERY)

    def _journal(self) -> list[Exchange]:
        return read_exchanges(self.folder / JOURNAL)

    def _strike(self) -> None:
        """Kill what is due; where there is none of it just now, soon, or another after a while."""
        if not self._bag:
            self._bag = list(reversed(self.plan.kinds))
            if not self.plan.in_order:
                self.chance.shuffle(self._bag)
        kind = self._bag[-1]
        now = time.monotonic()
        if not self._strike_one(kind):
            if not self._late_at:
                self._late_at = now
            elif now - self._late_at > KILL_ANOTHER_AFTER:
                self._late_at = now
                self._bag.insert(0, self._bag.pop())
            return
        self._bag.pop()
        self._dealt += 1
        self._late_at = 0.0
        self._next_kill = now + self.chance.uniform(*self.plan.between)

    def _strike_one(self, kind: str) -> bool:
        if kind == "peer":
            if not self.peer.kill():
                return False
            self.outages.append(time.time())
            self.recovery.killed(Kill(time.monotonic(), kind, -1, self.peer.process.pid))
            return True
        if kind == "queue":
            OrmQ.objects.all().delete()
            self.recovery.killed(Kill(time.monotonic(), kind, -1, 0))
            return True
        for worker in self.chance.sample(self.workers, len(self.workers)):
            leases = worker.leases()
            pid = worker.strike(kind)
            if pid is not None:
                kill = Kill(time.monotonic(), kind, worker.number, pid)
                self.recovery.killed(kill, leases=leases)
                return True
        return False

    def _stop(self) -> list[int | None]:
        """Stop the workers as an init system does, all at once."""
        for worker in self.workers:
            worker.count()
            worker.terminate()
        exits = [worker.ended(self.plan.stop_within) for worker in self.workers]
        # What a killed command left behind ends by itself, after the submission it may be in.
        ends = time.monotonic() + self.plan.stop_within
        while time.monotonic() < ends and any(worker.lives for worker in self.workers):
            time.sleep(LOOK_EVERY)
        return exits

    def _look_back(
        self, seconds: float, rest_after: float | None, exits: list[int | None], left_over: int
    ) -> Outcome:
        rows = checking.read_rows()
        exchanges = self._journal()
        self.canaries.files("worker logs", (worker.log for worker in self.workers))
        self.canaries.look("addresses asked for", (each.path.encode() for each in exchanges))
        if self.plan.web:
            with web(self.folder, self._env) as process:
                self._browse(process)
            self.canaries.files("web log", [process.log])
        self.canaries.queue()
        evidence = checking.Evidence(
            ledger=read_ledger(self.loader.ledger),
            exchanges=exchanges,
            rows=rows,
            late=self.late,
            outages=self.outages,
        )
        return Outcome(
            plan=self.plan,
            seconds=seconds,
            rest_after=rest_after,
            states=dict(Counter(row.state for row in rows)),
            exchanges=exchanges,
            findings=checking.check(evidence),
            recovery=self.recovery,
            canaries=self.canaries,
            left_over=left_over,
            exits=exits,
        )

    def _browse(self, process: Web) -> None:
        url, runs = process.url, Run.objects.order_by("pk")[:RUNS_READ]
        self.canaries.look("pages for operators", pages_for_operators(url, NAMELESS))
        self.canaries.look("pages for operators", pages_for_operators(url, NAMING), BUT_NAMES)
        self.canaries.look("pages of brokers", pages_of_brokers(url, runs), [KEY.encode()])


def _under_way() -> RunQuerySet:
    return Run.objects.filter(state__in=IN_FLIGHT)

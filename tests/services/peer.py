"""Runs of one test that the wire tells apart, each to be answered in a way of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from quotes.models import Run, User
from tests.factories import queued_run
from tests.fake_nexio import FakeNexio
from tests.hostile import Faults
from tests.recorded import Recorded


class Apart:
    """A queued run for each name; what is sent for it differs in the spaces after the JSON."""

    def __init__(self, names: Iterable[str], owner: User | None = None) -> None:
        first = queued_run("home_only.json", owner)
        self.runs: dict[str, Run] = {}
        self._names: dict[bytes, str] = {}
        for number, name in enumerate(names):
            run = queued_run(owner=owner, insured=first.insured) if number else first
            body = bytes(run.request_body) + b" " * number
            Run.objects.filter(pk=run.pk).update(request_body=body)
            self.runs[name], self._names[body] = run, name

    def name_of(self, post: Recorded) -> str | None:
        return self._names.get(post.body)

    def run_id(self, name: str) -> str:
        """What `accept` answers; needs no encoding in a path."""
        return f"apart-{list(self.runs).index(name)}"

    def accept(self, nexio: FakeNexio) -> None:
        """Have each POST accepted under its own `run_id`."""
        nexio.on_submit(
            lambda post: (
                {"run_id": self.run_id(name), "status": "queued"}
                if (name := self.name_of(post))
                else None
            )
        )

    def fault_each(self, faults: Faults) -> Callable[[Recorded], object]:
        """Answer each POST by the fault of its name, and any other as usual."""
        return lambda post: faults[name] if (name := self.name_of(post)) else None

    def states(self) -> dict[str, str]:
        return {name: Run.objects.get(pk=run.pk).state for name, run in self.runs.items()}

    def all(self, state: str) -> bool:
        return set(self.states().values()) == {state}

    def posts(self, nexio: FakeNexio) -> Counter[str | None]:
        """How often each was posted."""
        return Counter(self.name_of(post) for post in nexio.recorded_submits)

"""A person who settles some of the submissions whose fate is unknown, as a broker may.

Their acts are what makes a second submission one that somebody acknowledged.
"""

from __future__ import annotations

import contextlib
from uuid import UUID

from chaos.faults import chance_for
from chaos.journal import Exchange
from quotes.models import Run, RunState, User
from quotes.services import runs
from quotes.services.runs import NotPossible

REASON = "Settled in the storm."


class Person:
    """Leaves half of them in doubt, and sends again, links or gives up the others."""

    def __init__(self, actor: User, *, seed: int) -> None:
        self._actor = actor
        self._seed = seed
        self._seen: set[UUID] = set()

    def settle(self, exchanges: list[Exchange], asked: dict[str, str]) -> None:
        """Look at the doubts that came up since the last time; `asked` has each run's digest."""
        accepted: dict[str, list[str]] = {}
        for each in exchanges:
            if each.did == "accepted":
                accepted.setdefault(each.asked, []).append(each.run_id)
        fresh = Run.objects.filter(state=RunState.SUBMIT_UNKNOWN).exclude(pk__in=self._seen)
        for run in fresh:
            self._seen.add(run.pk)
            known = accepted.get(asked.get(str(run.pk), ""), [])
            act = chance_for(self._seed, "settle", asked.get(str(run.pk))).random()
            # Somebody else may settle it meanwhile: the reply that was thought lost.
            with contextlib.suppress(NotPossible):
                if act < 0.2:
                    runs.resubmit_run(run=run, actor=self._actor, reason=REASON)
                elif act < 0.4 and known:
                    runs.link_run_id(run=run, actor=self._actor, run_id=known[-1], reason=REASON)
                elif act >= 0.9:
                    runs.abandon_run(run=run, actor=self._actor, reason=REASON)

"""The next poll of many runs at once, after replies that said nothing new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from quotes.models import NexioService, Run, RunState, many_rows
from quotes.nexio.messages import JobReply
from quotes.services.schedule import next_poll_in


@dataclass(frozen=True)
class Polled:
    """A poll of a leased run, answered at this time."""

    run: Run
    at: datetime


def polled(run: Run, at: datetime) -> dict[str, Any]:
    """What every poll of a run that goes on writes in its row: the next by the schedule, and that
    the lease is let go."""
    return {
        "polls": run.polls + 1, "last_polled_at": at,
        "due_at": at + next_poll_in(run.polls + 1, run.pk), "lease_owner": "", "lease_until": None,
    }  # fmt: skip


def says_nothing_new(run: Run, message: JobReply, service: NexioService) -> bool:
    """Whether nothing follows from a reply but the time of the next poll: the run goes on in the
    status and stage that are known, and its last reply was as readable as this one."""
    if message.is_terminal or run.bad_polls or run.unreachable_polls:
        return False
    if message.environment and not message.environment == run.environment == service.environment:
        return False
    return (message.status, message.stage or "") == (run.nexio_status, run.stage)


@transaction.atomic
def reschedule(polls: Sequence[Polled], *, lease: str) -> list[Run]:
    """Set the next poll of each run by the schedule and let go of its lease; all or none.

    A compare-and-set on state and lease for each row: returns the runs that were taken over or
    settled meanwhile, of which nothing was written.
    """
    written = many_rows.update(
        Run,
        {each.run.pk: polled(each.run, each.at) for each in polls},
        where={"state": RunState.WAITING, "lease_owner": lease},
    )
    return [each.run for each in polls if each.run.pk not in written]

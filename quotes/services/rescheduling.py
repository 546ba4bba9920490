"""The next poll of many runs at once, after replies that said nothing new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction

from quotes.models import NexioService, Run, RunState
from quotes.nexio.messages import JobReply
from quotes.services.schedule import next_poll_in


@dataclass(frozen=True)
class Polled:
    """A poll of a leased run, answered at this time."""

    run: Run
    at: datetime

    @property
    def next_at(self) -> datetime:
        return self.at + next_poll_in(self.run.polls + 1, self.run.pk)


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
    mine = Run.objects.filter(
        pk__in=[each.run.pk for each in polls], state=RunState.WAITING, lease_owner=lease
    )
    held = set(mine.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    if held:
        _write([each for each in polls if each.run.pk in held])
    return [each.run for each in polls if each.run.pk not in held]


def _write(polls: Sequence[Polled]) -> None:
    """One statement; Django's own bulk update takes longer to put together than all the rest."""
    pk, moment = models.UUIDField(), models.DateTimeField()
    values = [
        value
        for each in polls
        for value in (
            pk.get_db_prep_value(each.run.pk, connection),
            moment.get_db_prep_value(each.at, connection),
            moment.get_db_prep_value(each.next_at, connection),
        )
    ]
    rows = ", ".join(["(%s, %s, %s)"] * len(polls))
    table = connection.ops.quote_name(Run._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET polls = {table}.polls + 1, lease_owner = '', lease_until = NULL,"  # noqa: S608
            " last_polled_at = polled.column2, due_at = polled.column3"
            f" FROM (VALUES {rows}) AS polled WHERE {table}.id = polled.column1",
            values,
        )

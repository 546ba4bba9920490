"""How many submissions may begin a second, of all workers together: turns given out in a row of
the database that everybody locks for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from quotes.models import NexioService

AHEAD = timedelta(seconds=0.25)
"""How far ahead turns are given out: until a worker looks again."""


def take_turns(
    service: NexioService, *, now: datetime, most: int, per_second: float
) -> list[datetime]:
    """The next times at which a submission may begin, up to `most` and none after `AHEAD`.

    Call in a transaction: until its end no other worker takes any. What is not needed is given
    back by `give_back` in the same transaction.
    """
    row = NexioService.objects.select_for_update(of=("self",)).get(pk=service.pk)
    gap = timedelta(seconds=1 / per_second)
    first = max(row.next_submit_at or now, now)
    if first > now + AHEAD + gap:
        first = now  # nobody gives turns out that far ahead: the clock was set back
    turns = [first + gap * number for number in range(most)]
    turns = [turn for turn in turns if turn <= now + AHEAD]
    if turns:
        _next_is(service, turns[-1] + gap)
    return turns


def give_back(service: NexioService, first: datetime) -> None:
    """The turns from `first` on were not needed."""
    _next_is(service, first)


def _next_is(service: NexioService, turn: datetime) -> None:
    NexioService.objects.filter(pk=service.pk).update(next_submit_at=turn)

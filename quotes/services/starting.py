"""Start a comparison from a page: once, however often the button is pressed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from quotes.models import Insured, Run, User
from quotes.services.runs import start_run

SAME_PRESS = timedelta(seconds=10)
"""Within this an identical request is the same press of the button; later it is meant."""


class AlreadyStarted(Exception):
    """The same request is under way since a moment ago; nothing was started."""

    def __init__(self, run: Run) -> None:
        self.run = run
        super().__init__(f"{run} is the same request")


@transaction.atomic
def start_comparison(
    *, insured: Insured, coverage_types: Sequence[str], appetite: str, started_by: User
) -> Run:
    """Freeze the request and queue a run. Raises NotReady, and AlreadyStarted for a second press.

    An empty `appetite` leaves what the imported document says, if anything.
    The insured's row stays locked from the look to the write, so two presses at the same moment
    see each other.
    """
    Insured.objects.select_for_update(of=("self",)).get(pk=insured.pk)
    recent = list(
        insured.runs.in_flight().filter(
            started_by=started_by,
            resubmission_of=None,
            created_at__gt=timezone.now() - SAME_PRESS,
        )
    )
    run = start_run(
        insured=insured, coverage_types=coverage_types, appetite=appetite, started_by=started_by
    )
    for other in recent:
        if bytes(other.request_body) == bytes(run.request_body):
            raise AlreadyStarted(other)
    return run

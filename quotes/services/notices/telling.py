"""Writing notices: to those who see the run, never twice, never in the way of what happened.

A notice that cannot be written is logged and let go. What it tells of has happened all the same,
and stands on the run's page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction

from quotes.models import Notice, NoticeKind, Run, RunState, User, many_rows
from quotes.models.run import NEEDS_PERSON
from quotes.services import run_people
from quotes.services.run_people import Concerned

log = structlog.get_logger(__name__)
WORDS = {
    RunState.FAILED.value: "Nexio could not finish run {number}.",
    RunState.REJECTED.value: "Nexio refused run {number}.",
    RunState.SUBMIT_UNKNOWN.value: "Nobody can know whether Nexio took run {number}: it needs a "
    "person.",
    RunState.BAD_RESPONSE.value: "Nexio's replies about run {number} are unusable: it needs a "
    "person.",
}


def tell(
    *,
    run: Run,
    people: Callable[[], Iterable[User]],
    kind: str,
    key: str,
    text: str,
    now: datetime,
    but: User | None = None,
) -> None:
    """Write a notice to each of `people` who sees the run, but not to `but`, who did it.

    `key` says the thing told: nobody is told it twice. `text` names no insured and nobody else,
    since it may be mailed. In a transaction the notices stand or fall with it; what goes wrong in
    writing them is undone by itself and never raised.
    """
    try:
        with transaction.atomic():
            told = [each for each in people() if but is None or each.pk != but.pk]
            rows = [
                Notice(
                    user=person, run_id=run.pk, kind=kind, key=key[:120], text=text[:300], at=now,
                    mail_due_at=now if _by_mail(person) else None,
                )
                for person in run_people.still_seen(told, run)
            ]  # fmt: skip
            Notice.objects.bulk_create(rows, ignore_conflicts=True)
    except Exception:
        log.exception("notice_not_written", run=str(run.pk), kind=str(kind))


@dataclass(frozen=True)
class Step:
    """A run that has just ended, or come to where it needs a person. `packages` is how many it
    has, where that is at hand."""

    run: Run
    at: datetime
    packages: int | None = None

    def notice_of(self, person: Concerned) -> Notice:
        run = self.run
        if run.state == RunState.COMPLETED:
            kind, text = NoticeKind.FINISHED, _finished_words(run, self.packages)
        else:
            kind, text = NoticeKind.NEEDS_PERSON, WORDS[run.state].format(number=run.number)
        return Notice(
            user_id=person.pk,
            run_id=run.pk,
            kind=kind.value,
            # A run may come to the same state again after it was resumed.
            key=f"{run.state}:{run.pk.hex}:{run.attempts}.{run.polls}",
            text=text,
            at=self.at,
            mail_due_at=self.at if _by_mail(person) else None,
        )


def tell_of_step(run: Run, *, now: datetime) -> None:
    """Tell of a run that has just ended, or come to where it needs a person."""
    tell_of_steps([Step(run, now)])


def tell_of_steps(steps: Iterable[Step]) -> None:
    """Tell of many at once, as `tell` does; where that fails, of each by itself."""
    told = {RunState.COMPLETED, *NEEDS_PERSON}
    steps = [each for each in steps if each.run.state in told]
    if not steps:
        return
    try:
        with transaction.atomic():
            concerned = run_people.concerned_by([each.run for each in steps])
            notices = [
                each.notice_of(person) for each in steps for person in concerned[each.run.pk]
            ]
            many_rows.insert(notices, ignore_conflicts=True)
    except Exception:
        if len(steps) == 1:
            log.exception("notice_not_written", run=str(steps[0].run.pk))
            return
        for each in steps:
            tell_of_steps([each])


def _finished_words(run: Run, packages: int | None) -> str:
    count = run.solutions.count() if packages is None else packages
    words = f"{count} package{'' if count == 1 else 's'}" if count else "no package"
    under = ", under a restriction" if run.degraded else ""
    return f"Run {run.number} finished with {words}{under}."


def _by_mail(person: User | Concerned) -> bool:
    return bool(settings.MAIL_ON and person.notices_by_mail and person.email)

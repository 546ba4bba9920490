"""What an administrator may do to a run, one by one and with a reason.

The rules are those of `runs`, which brokers' pages use as well. Each act leaves an event on the
run's timeline and an entry in the access log, together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from quotes.models import Deed, NexioService, Run, RunState, User
from quotes.services import audit, runs
from quotes.services.runs import NotPossible

SHORTEST_POLL_GAP = timedelta(seconds=2)
"""The schedule's shortest gap between two polls, from the integration guide."""


@dataclass(frozen=True)
class Offer:
    """An act that is open for a run, in the words of its button."""

    code: str
    title: str
    explains: str
    button: str
    done: str
    kind: str = ""
    asks_run_id: bool = False


POLL = Offer(
    "poll",
    "Ask now",
    "Asks Nexio for this run at once, ahead of its schedule, which goes on from there.",
    "Ask now",
    "The run is asked for as soon as a worker takes it.",
    "primary",
)
REQUEUE = Offer(
    "requeue",
    "Requeue",
    "Ends its back-off or the claim on it, so that the next worker sends it. Nothing has left yet.",
    "Requeue",
    "The run is due at once.",
    "primary",
)
RESUBMIT = Offer(
    "resubmit",
    "Resubmit knowingly",
    "Sends the same request once more as a new run, linked to this one. Nexio may then rank both.",
    "Resubmit",
    "The same request is being sent again.",
)
LINK = Offer(
    "link",
    "Link a known run",
    "If Nexio's dashboard or support names the run, watch that one.",
    "Link and watch",
    "The run is linked and is being watched.",
    "primary",
    asks_run_id=True,
)
RESUME = Offer(
    "resume",
    "Go on checking",
    "Asks Nexio again, by the schedule from here on. Right when the trouble is over.",
    "Resume checking",
    "Checking goes on.",
    "primary",
)
SEND_AGAIN = Offer(
    "send-again",
    "Send the same again",
    "Starts a new run with this very request, linked to this one. Right where the trouble was "
    "ours or Nexio's, such as a refused key; a mistake in the quotes is for the broker to mend.",
    "Send again",
    "The same request is being sent again.",
)
ABANDON = Offer(
    "abandon",
    "Abandon",
    "Closes this run without an outcome. It stays in the history.",
    "Abandon this run",
    "The run was given up.",
    "danger",
)
OFFERS = {
    offer.code: offer
    for offer in (POLL, REQUEUE, LINK, RESUME, RESUBMIT, SEND_AGAIN, ABANDON)
}  # fmt: skip


def offers_for(run: Run) -> list[Offer]:
    """What may be done to the run as it is now; nothing while it is being sent."""
    found = {
        RunState.QUEUED: [REQUEUE, ABANDON],
        RunState.WAITING: [POLL, ABANDON],
        RunState.SUBMIT_UNKNOWN: [LINK, RESUBMIT, ABANDON],
        RunState.BAD_RESPONSE: [RESUME, ABANDON],
        RunState.REJECTED: [SEND_AGAIN],
        RunState.FAILED: [SEND_AGAIN],
    }.get(RunState(run.state), [])
    if run.state == RunState.BAD_RESPONSE and runs.may_link(run):
        found = [LINK, *found]
    return found


@transaction.atomic
def act_on_run(
    *, code: str, run: Run, actor: User, reason: str, run_id: str = "", now: datetime
) -> Run:
    """Do the act `code` of OFFERS; returns the run it went to, which may be a new one.

    The caller has seen to it that `actor` is an administrator. Raises NotPossible, having
    changed nothing, where the run's state does not allow it.
    """
    acts: dict[str, Callable[[], Run]] = {
        "poll": lambda: poll_now(run=run, actor=actor, reason=reason, now=now),
        "requeue": lambda: requeue(run=run, actor=actor, reason=reason, now=now),
        "resubmit": lambda: runs.resubmit_run(run=run, actor=actor, reason=reason),
        "link": lambda: runs.link_run_id(run=run, actor=actor, run_id=run_id, reason=reason),
        "resume": lambda: runs.resume_run(run=run, actor=actor, reason=reason),
        "send-again": lambda: runs.send_again(run=run, actor=actor, reason=reason),
        "abandon": lambda: runs.abandon_run(run=run, actor=actor, reason=reason),
    }
    settled = acts[code]()
    audit.record(
        actor=actor,
        deed=Deed.ADMINISTERED,
        what=f"Operations: {OFFERS[code].title.lower()}, run {run.number}",
        insured_ref=run.insured_id,
        run_ref=run.pk,
        data={"act": code, "reason": reason, "led_to": str(settled.pk)},
    )
    return settled


def poll_now(*, run: Run, actor: User, reason: str, now: datetime) -> Run:
    """Make a waiting run due at once. A hold that Nexio asked for still holds.

    Raises NotPossible for any other state, and for a run asked for within the last 2 seconds.
    """
    with transaction.atomic():
        run = _locked(run)
        if run.state != RunState.WAITING:
            raise NotPossible("Only a run that Nexio has is asked for.")
        _refuse_elsewhere(run)
        if run.lease_until is not None and run.lease_until > now:
            raise NotPossible("It is being asked for this moment. Look again in a few seconds.")
        if run.last_polled_at is not None and now - run.last_polled_at < SHORTEST_POLL_GAP:
            raise NotPossible("It was asked for just now. Look again in a few seconds.")
        Run.objects.filter(pk=run.pk, state=RunState.WAITING).update(due_at=now)
        run.note(
            at=now, kind="asked_now", actor=actor,
            text=f"To be asked for at once{_unless_held(polls=True, now=now)}: {reason}",
        )  # fmt: skip
    return run


def requeue(*, run: Run, actor: User, reason: str, now: datetime) -> Run:
    """End what holds a queued run: its back-off, or a worker's claim on it.

    A claim may be ended at any time before the run is `submitting`: a worker begins to send by a
    compare-and-set on its lease, and finds that it has lost it. Raises NotPossible for a run
    that is being sent, or was, and where nothing holds it.
    """
    with transaction.atomic():
        run = _locked(run)
        if run.state == RunState.SUBMITTING:
            raise NotPossible(
                "It is being sent this moment: whether it arrived is not known before its end."
            )
        if run.state != RunState.QUEUED:
            raise NotPossible("Only a run that was not sent yet is requeued.")
        _refuse_elsewhere(run)
        backs_off = run.due_at is None or run.due_at > now
        if not backs_off and not run.lease_owner:
            raise NotPossible(
                "Nothing of its own holds it: it is due, and goes as soon as a worker may send."
            )
        Run.objects.filter(pk=run.pk, state=RunState.QUEUED).update(
            due_at=now, lease_owner="", lease_until=None
        )
        run.note(
            at=now, kind="requeued", actor=actor,
            text=f"Requeued, due at once{_unless_held(polls=False, now=now)}: {reason}",
        )  # fmt: skip
    return run


def _locked(run: Run) -> Run:
    return Run.objects.select_for_update(of=("self",)).select_related("insured").get(pk=run.pk)


def _refuse_elsewhere(run: Run) -> None:
    if run.service_url != settings.NEXIO_URL:
        raise NotPossible(
            "It belongs to another service address than the app points to: no worker here is at it."
        )


def _unless_held(*, polls: bool, now: datetime) -> str:
    """What still keeps workers from it, said beside the act; "" where nothing does."""
    service = NexioService.objects.filter(base_url=settings.NEXIO_URL).first()
    if service is None:
        return ""
    if service.key_refused_at is not None:
        return " once Nexio takes our key"
    held = service.holds_polls(now) if polls else service.holds_submits(now)
    return " once the pause that Nexio asked for is over" if held else ""

"""What people do to runs: start one, give it up, settle a lost submission, go on polling."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django_q.tasks import async_task

from quotes.models import Insured, Quote, Run, RunEvent, RunState, User
from quotes.models.run import IN_FLIGHT
from quotes.nexio import messages
from quotes.services import run_facts
from quotes.services.claims import LEASE
from quotes.services.readiness import NotReady, check_readiness
from quotes.services.reading import Mistake
from quotes.services.submission import build_request
from quotes.services.what_if.origin import carry_over

NO_ERROR: dict[str, Any] = {
    "error": "",
    "error_code": "",
    "http_status": None,
    "response_body": None,
}
"""What a run that is watched again no longer says; its events keep the story."""
UNSETTLED = (*IN_FLIGHT, RunState.SUBMIT_UNKNOWN.value, RunState.BAD_RESPONSE.value)
"""Under way, or waiting for a person to say what became of it."""


class NotPossible(Exception):
    """The run is not in a state in which this can be done; the text says why and what can."""


@transaction.atomic
def start_run(
    *,
    insured: Insured,
    coverage_types: Sequence[str],
    appetite: str | None = None,
    started_by: User | None = None,
    quotes: Sequence[Quote] | None = None,
    offered: Collection[UUID] | None = None,
    warn: Callable[[Sequence[Mistake]], None] | None = None,
    lease: str = "",
    hint: bool = True,
    at: datetime | None = None,
) -> Run:
    """Freeze the request and queue a run; a worker sends it.

    `quotes` of None takes all of the insured's, `offered` of None all lines of the quotes, and
    no `appetite` leaves what the document says. The request is what these rows say now: later
    edits change no run. `warn` is told what deserves a look but blocks nothing. A `lease` makes
    the run its holder's from the start, so that no worker takes it first. `at` is the moment it
    is started, now if not stated. Raises NotReady naming what blocks.
    """
    insured = _insured_now(insured)
    chosen = _quotes_now(insured, quotes)
    readiness = check_readiness(
        insured=insured, quotes=chosen, coverage_types=coverage_types, offered=offered
    )
    if not readiness.ready:
        raise NotReady(readiness.blocking)
    if warn is not None:
        warn(readiness.warnings)
    request = build_request(
        insured=insured,
        quotes=chosen,
        coverage_types=coverage_types,
        appetite=appetite,
        offered=offered,
    )
    return queue_request(
        insured=insured,
        body=request.body,
        offering_lines=request.offering_lines,
        coverage_types=list(coverage_types),
        appetite=str(request.body["input"].get("appetite_bucket") or "")[:30],
        started_by=started_by,
        lease=lease,
        hint=hint,
        at=at,
    )


def _insured_now(insured: Insured) -> Insured:
    """Locked, with the rows that hang on it. The lock also makes run numbers follow one another."""
    rows = Insured.objects.select_for_update(of=("self",))
    return rows.prefetch_related("drivers", "vehicles", "incumbents").get(pk=insured.pk)


def _quotes_now(insured: Insured, quotes: Sequence[Quote] | None) -> list[Quote]:
    """The quotes as their rows are now, with their lines: all of the insured's, or `quotes`."""
    rows = insured.quotes.prefetch_related("lines").order_by("position", "created_at", "id")
    if quotes is None:
        return list(rows)
    # In the order given: the request's order is that of the document it came from.
    order = {quote.pk: index for index, quote in enumerate(quotes)}
    return sorted(rows.filter(pk__in=order), key=lambda quote: order[quote.pk])


def queue_request(
    *,
    insured: Insured,
    body: dict[str, object],
    offering_lines: dict[str, str],
    coverage_types: list[str],
    appetite: str,
    started_by: User | None,
    resubmission_of: Run | None = None,
    lease: str = "",
    hint: bool,
    at: datetime | None = None,
) -> Run:
    """Queue a request that is ready as the insured's next run; its row must be locked.

    Everything that blocks a comparison was looked at before.
    """
    now = at or timezone.now()
    rest = {key: value for key, value in body.items() if key not in {"input", "offerings"}}
    last = insured.runs.aggregate(last=Max("number"))["last"] or 0
    run = Run.objects.create(
        insured=insured,
        number=last + 1,
        started_by=started_by,
        resubmission_of=resubmission_of,
        coverage_types=coverage_types,
        appetite=appetite,
        service_url=settings.NEXIO_URL,
        sandbox=settings.NEXIO_IS_SANDBOX,
        request=body,
        request_body=messages.encode_request(body["input"], body["offerings"], rest),  # type: ignore[arg-type]
        offering_lines=offering_lines,
        created_at=now,
        due_at=now,
        lease_owner=lease,
        lease_until=now + LEASE if lease else None,
    )
    count = len(offering_lines)
    run.note(
        at=now,
        kind="created",
        text=f"Comparison started with {count} offering{'' if count == 1 else 's'}.",
        actor=started_by,
    )
    run_facts.refresh(run.pk)
    if hint:
        _hint()
    return run


def wake_worker() -> None:
    """Hint to the queue that a run is due. Losing it loses nothing: workers look by themselves."""
    async_task("quotes.tasks.watch", save=False)


def _hint() -> None:
    # Robust: the run is saved, and a queue out of order must not turn that into an error.
    transaction.on_commit(wake_worker, robust=True)


def _locked(run: Run) -> Run:
    return Run.objects.select_for_update(of=("self",)).select_related("insured").get(pk=run.pk)


@transaction.atomic
def abandon_run(*, run: Run, actor: User, reason: str) -> Run:
    """Give a run up. What Nexio may still do with it is no longer asked for.

    Raises NotPossible once it has ended, or while it is being sent.
    """
    run = _locked(run)
    if run.state == RunState.SUBMITTING:
        raise NotPossible("It is being sent this moment. Wait a few seconds and look again.")
    if run.state not in {
        RunState.QUEUED, RunState.WAITING, RunState.SUBMIT_UNKNOWN, RunState.BAD_RESPONSE,
    }:  # fmt: skip
        raise NotPossible(f"The run has already ended: {run.get_state_display().lower()}.")
    run.move(
        RunState.ABANDONED,
        at=timezone.now(),
        kind="abandoned",
        text=f"Given up: {reason}",
        actor=actor,
    )
    return run


@transaction.atomic
def resubmit_run(*, run: Run, actor: User, reason: str, hint: bool = True) -> Run:
    """Send the same request again as a new run, knowing that the first may be running too.

    Nexio documents no idempotency, so nobody but a person decides this. The lost attempt is
    closed and stays linked. Raises NotPossible unless the submission's fate is unknown, and
    while another attempt at the same request is unsettled.
    """
    run = _locked(run)
    if run.state != RunState.SUBMIT_UNKNOWN:
        raise NotPossible("Only a submission whose fate is unknown is sent again knowingly.")
    _refuse_while_unsettled(run)
    again = _same_request(run, actor=actor, hint=hint)
    run.move(
        RunState.ABANDONED,
        at=timezone.now(),
        kind="resubmitted",
        text=f"Sent again as run {again.number}: {reason}",
        actor=actor,
        data={"run": str(again.pk)},
    )
    return again


@transaction.atomic
def send_again(*, run: Run, actor: User, reason: str = "", hint: bool = True) -> Run:
    """The same request as a new run, after an end without packages: rejected, failed, abandoned.

    Raises NotPossible in any other state, while another attempt at the same request is
    unsettled, and without a `reason` where Nexio may have the request (`may_be_running`).
    """
    run = _locked(run)
    if run.state not in {RunState.REJECTED, RunState.FAILED, RunState.ABANDONED}:
        raise NotPossible("Only a run that has ended without packages is sent again.")
    _refuse_while_unsettled(run)
    if not reason.strip() and may_be_running(run):
        raise NotPossible("Nexio may have this already: say why it is sent again.")
    again = _same_request(run, actor=actor, hint=hint)
    run.note(
        at=timezone.now(),
        kind="sent_again",
        text=f"Sent again as run {again.number}" + (f": {reason}" if reason else "."),
        actor=actor,
        data={"run": str(again.pk)},
    )
    return again


def may_be_running(run: Run) -> bool:
    """Whether Nexio may have the run's request from an attempt that nobody asks for any more.

    So it is where this run, or another attempt at the same request, was ever lost in sending, or
    was abandoned after Nexio had taken it. Nexio documents no idempotency and no cancelling, so
    whoever sends it again says why.
    """
    attempts = _attempts(run)
    lost = RunEvent.objects.filter(run__in=attempts, kind=RunState.SUBMIT_UNKNOWN.value)
    given_up = Run.objects.filter(pk__in=attempts, state=RunState.ABANDONED)
    return lost.exists() or given_up.exclude(nexio_run_id="").exists()


def _attempts(run: Run) -> set[UUID]:
    """Every run with the very same request: what it was sent again from and as, and theirs."""
    links = Run.objects.filter(insured=run.insured_id, resubmission_of__isnull=False)
    pairs = list(links.values_list("pk", "resubmission_of_id"))
    found, size = {run.pk}, 0
    while len(found) > size:
        size = len(found)
        found.update(pk for pair in pairs if found.intersection(pair) for pk in pair if pk)
    return found


def _refuse_while_unsettled(run: Run) -> None:
    """Raise NotPossible while another attempt at the same request may still come to something.

    Locks the insured first: two people sending two attempts again see each other.
    """
    Insured.objects.select_for_update(of=("self",)).get(pk=run.insured_id)
    others = Run.objects.filter(pk__in=_attempts(run), state__in=UNSETTLED).exclude(pk=run.pk)
    other = others.order_by("number").first()
    if other is None:
        return
    if other.in_flight:
        raise NotPossible(
            f"It was sent again already: run {other.number} is under way. "
            "Wait for its end, or give it up."
        )
    raise NotPossible(
        f"It was sent again already, and what became of that is open: settle run {other.number} "
        "first."
    )


def _same_request(run: Run, *, actor: User, hint: bool) -> Run:
    again = queue_request(
        insured=run.insured,
        body=run.request,
        offering_lines=run.offering_lines,
        coverage_types=run.coverage_types,
        appetite=run.appetite,
        started_by=actor,
        resubmission_of=run,
        hint=hint,
    )
    carry_over(run=run, again=again, actor=actor)
    return again


def may_link(run: Run) -> bool:
    """Whether a person may say which run_id it is: it was lost, or was linked to a wrong one."""
    if run.state == RunState.BAD_RESPONSE:
        return run.events.filter(kind="linked").exists()
    return run.state == RunState.SUBMIT_UNKNOWN


def link_run_id(*, run: Run, actor: User, run_id: str, reason: str, hint: bool = True) -> Run:
    """Tie a lost submission to the run_id a person found, and watch that.

    An id that was mistyped, so that only unusable replies came, is corrected the same way.
    Raises NotPossible for a run that is not lost, an id that cannot be one, or one that belongs
    to another run.
    """
    try:
        usable = messages.Accepted.read({"run_id": run_id.strip(), "status": ""}).run_id
    except ValueError:
        raise NotPossible("That is not a run_id: copy it as Nexio shows it.") from None
    try:
        with transaction.atomic():
            run = _locked(run)
            if not may_link(run):
                raise NotPossible("Only a submission whose fate is unknown is linked to a run_id.")
            now = timezone.now()
            run.move(
                RunState.WAITING,
                at=now,
                kind="linked",
                text=f"Linked to run_id {usable}: {reason}",
                actor=actor,
                nexio_run_id=usable,
                submitted_at=run.submitted_at or now,
                due_at=now,
                bad_polls=0,
                **NO_ERROR,
            )
            if hint:
                _hint()
    except IntegrityError:
        raise NotPossible("That run_id already belongs to another run here.") from None
    return run


@transaction.atomic
def resume_run(*, run: Run, actor: User, reason: str = "", hint: bool = True) -> Run:
    """Go on polling a run whose replies were unreadable. Raises NotPossible otherwise."""
    run = _locked(run)
    if run.state != RunState.BAD_RESPONSE:
        raise NotPossible("Polling goes on by itself; there is nothing to resume.")
    now = timezone.now()
    run.move(
        RunState.WAITING,
        at=now,
        kind="resumed",
        text=f"Polling resumed: {reason}" if reason else "Polling resumed.",
        actor=actor,
        bad_polls=0,
        due_at=now,
        **NO_ERROR,
    )
    if hint:
        _hint()
    return run


def next_check(run: Run, now: datetime) -> float | None:
    """Seconds until a worker next has something to do for the run; None when nothing is due."""
    if not run.in_flight or run.due_at is None:
        return None
    return max((run.due_at - now).total_seconds(), 0.0)

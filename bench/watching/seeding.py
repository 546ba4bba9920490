"""Runs in flight, put into the database as the watcher would have left them."""

from __future__ import annotations

import copy
import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group

from bench.watching.ideal import Ideal
from bench.watching.nexio import Life
from quotes.models import Role, Run, RunFact, RunState, User
from quotes.services import intake, reading
from quotes.services.roles import ensure_roles
from quotes.services.runs import start_run

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "example_input.json"
BATCH = 500


@dataclass(frozen=True)
class Seeded:
    """A run: when it ends at Nexio, when its next poll is due, and how many there were."""

    pk: uuid.UUID
    nexio_run_id: str
    ends: float
    due: float
    polls: int


def template() -> Run:
    """One run as a broker's press of the button leaves it; all others are copies of it."""
    ensure_roles()
    broker, _ = User.objects.get_or_create(username="bench")
    broker.groups.add(Group.objects.get(name=Role.BROKER))
    document = reading.read_document(EXAMPLE.read_bytes())
    imported = intake.import_document(document=document, owner=broker)
    return start_run(
        insured=imported.insured,
        coverage_types=document.input["coverage_types"],
        quotes=imported.quotes,
        started_by=broker,
        hint=False,
    )


def lives(
    in_flight: int, shortest: float, longest: float, *, now: float, seconds: float, ideal: Ideal
) -> list[Seeded]:
    """Runs so that about `in_flight` are under way at any time from `now` on for `seconds`.

    They begin evenly, before and after `now`, and take `shortest` to `longest` seconds; who
    began before has had its polls by the ideal schedule. What has ended by `now` is left out.
    """
    chance = random.Random(20261130)  # noqa: S311 - figures, not secrets
    # Until a poll sees its end a run is under way; how long that takes is found by trying.
    tried = [_one(chance.uniform(shortest, longest), 0.0, 0.0, ideal) for _ in range(2000)]
    stay = sum(ideal.sees(one.pk, one.due, one.polls, one.ends) for one in tried) / len(tried)
    every = stay / in_flight
    begins = now - longest - 60
    made = []
    while begins < now + seconds:
        one = _one(chance.uniform(shortest, longest), begins, now, ideal)
        if one.due >= now:
            made.append(one)
        begins += every
    return made


def together(
    count: int, shortest: float, longest: float, *, begins: float, ideal: Ideal
) -> list[Seeded]:
    """So many runs that all begin at one moment."""
    chance = random.Random(20261130)  # noqa: S311 - figures, not secrets
    return [_one(chance.uniform(shortest, longest), begins, begins, ideal) for _ in range(count)]


def _one(takes: float, begins: float, now: float, ideal: Ideal) -> Seeded:
    pk, ends = uuid.uuid4(), begins + takes
    due, polls = ideal.first(pk, begins), 0
    while due < now and due < ends:
        polls += 1
        due = ideal.after(pk, due, polls)
    return Seeded(pk, Life(begins, ends).run_id(), ends, due, polls)


def put(runs: list[Seeded], of: Run, *, now: float) -> None:
    """Waiting rows of these runs, with their facts."""
    fact = RunFact.objects.get(pk=of.pk)
    for begin in range(0, len(runs), BATCH):
        rows, facts = [], []
        for number, each in enumerate(runs[begin : begin + BATCH], begin + 2):
            life = Life.of(each.nexio_run_id)
            stage = life.stage(now) if each.polls else None
            status = ("processing" if stage else "queued") if each.polls else "queued"
            row = _copy(of, each.pk, number)
            row.state = RunState.WAITING
            row.nexio_run_id, row.nexio_status, row.stage = each.nexio_run_id, status, stage or ""
            row.environment = "test" if each.polls else ""
            row.polls, row.due_at = each.polls, _moment(each.due)
            row.submitted_at = row.created_at = _moment(life.begins)
            rows.append(row)
            known = copy.copy(fact)
            known.run_id, known.number = each.pk, number
            known.created_at = known.submitted_at = row.created_at
            known.state = row.state
            facts.append(known)
        Run.objects.bulk_create(rows)
        RunFact.objects.bulk_create(facts)


def queue(count: int, of: Run) -> None:
    """So many runs, queued all at once."""
    fact = RunFact.objects.get(pk=of.pk)
    rows = [_copy(of, uuid.uuid4(), number) for number in range(2, count + 2)]
    facts = []
    for row in rows:
        known = copy.copy(fact)
        known.run_id, known.number = row.pk, row.number
        facts.append(known)
    Run.objects.bulk_create(rows, batch_size=BATCH)
    RunFact.objects.bulk_create(facts, batch_size=BATCH)


def _copy(of: Run, pk: uuid.UUID, number: int) -> Run:
    row = copy.copy(of)
    row.pk, row.number, row.service_url = pk, number, settings.NEXIO_URL
    return row


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

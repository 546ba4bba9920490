"""Runs of three years for benchmarks: insureds, quotes, runs, events, packages, decisions, and
their facts.

Rows are made here and loaded in bulk (`loading`), and events by the database itself, so that
100,000 runs with five million events take two or three minutes. They are what the app would have
written: `check` works some of them out anew by the app's own code and finds nothing to change.

Everything follows from the seed and the numbers asked for; people and carriers are fictional.
"""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

from django.db import connection

from bench.loading import analyze
from bench.seed_rows import CARRIERS, Batch, Seeded
from quotes.models import Carrier, Office, Role, Run, User
from quotes.models.sealing import seal_text
from quotes.services import run_facts
from quotes.services.roles import ensure_roles

BATCH = 5000
EVENTS_EACH = 50


def seed(runs: int, *, until: datetime, brokers: int = 40, offices: int = 5) -> Seeded:
    """Empty tables filled with `runs` runs of the three years before `until`."""
    people = _people(brokers, offices, until)
    chance = random.Random(20261116)  # noqa: S311 - figures, not secrets
    for begin in range(0, runs, BATCH):
        made = Batch(people, chance)
        for number in range(begin, min(begin + BATCH, runs)):
            made.add(number, runs)
        made.load()
    _add_events()
    analyze()
    return people


def _add_events() -> None:
    """So many to each run, a second apart from its beginning on, written by the database."""
    at = "created_at + n * interval '1 second'"
    if connection.vendor == "sqlite":
        at = "strftime('%%Y-%%m-%%d %%H:%%M:%%f', created_at, n || ' seconds') || '000'"
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE up(n) AS "  # noqa: S608 - nothing of a person's in it
            f"(SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < {EVENTS_EACH}) "
            "INSERT INTO quotes_runevent (run_id, at, kind, text, data) "
            f"SELECT id, {at}, 'polled', %s, '{{}}' "
            "FROM (SELECT id, created_at FROM quotes_run ORDER BY id) runs, up",
            [seal_text("Nexio was asked how far it is.", "quotes_runevent.text")],
        )


def people_of(until: datetime) -> Seeded:
    """Whom the rows of a database belong to that was seeded earlier."""
    brokers = User.objects.filter(username__startswith="broker").order_by("username")
    return Seeded(
        list(brokers),
        list(Office.objects.order_by("pk")),
        User.objects.get(username="seedmanager"),
        User.objects.get(username="seedadmin"),
        [Carrier.objects.named(name) for name in CARRIERS],
        until,
    )


def check(sample: int = 300) -> list[tuple[Any, Any]]:
    """What the app's own code would have written otherwise, of some runs: nothing."""
    step = max(Run.objects.count() // sample, 1)
    ids = list(Run.objects.order_by("created_at").values_list("pk", flat=True))[::step]
    return list(run_facts.refresh_many(ids))


def _people(brokers: int, offices: int, until: datetime) -> Seeded:
    ensure_roles()
    places = [Office.objects.create(name=f"Office {n + 1}") for n in range(offices)]
    carriers = [Carrier.objects.named(name) for name in CARRIERS]
    made = [_user(f"broker{n:03}", Role.BROKER, places[n % offices]) for n in range(brokers)]
    manager = _user("seedmanager", Role.MANAGER, places[0])
    admin = _user("seedadmin", Role.ADMIN, places[0])
    return Seeded(made, places, manager, admin, carriers, until)


def _user(name: str, role: str, office: Office) -> User:
    from django.contrib.auth.models import Group

    user = User(username=name, first_name="Fictional", last_name=name.title(), office=office)
    user.set_unusable_password()
    user.save()
    user.groups.add(Group.objects.get(name=role))
    return user

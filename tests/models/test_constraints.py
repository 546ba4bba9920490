"""What the database itself refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from quotes.models import (
    CarrierAlias,
    IncumbentPolicy,
    Insured,
    Quote,
    QuoteLine,
    Run,
    RunEvent,
    RunState,
    Solution,
    User,
)
from quotes.models.append_only import AppendOnly
from quotes.models.run import ENDED, TRANSITIONS, IllegalTransition, RunMoved
from tests.factories import import_example, make_user, queued_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> Run:
    return queued_run("example_input.json")


def refused(rows: Any, **columns: Any) -> None:
    """An UPDATE past all validation must fail, and leave the transaction usable."""
    assert rows.exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(**columns)


def first(rows: Any) -> Any:
    return rows.filter(pk=rows.order_by("pk")[0].pk)


UPDATES: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "insured state lower case": (Insured.objects.all, {"state": "ca"}),
    "insured state one letter": (Insured.objects.all, {"state": "C"}),
    "insured zip": (Insured.objects.all, {"zip_code": "9264"}),
    "insured zip with letters": (Insured.objects.all, {"zip_code": "9264a"}),
    "driver years": (lambda: Insured.objects.get().drivers.all(), {"years_licensed": 91}),
    "driver violations": (lambda: Insured.objects.get().drivers.all(), {"violations_5yr": 100}),
    "vehicle year": (lambda: Insured.objects.get().vehicles.all(), {"year": 1885}),
    "incumbent line": (lambda: first(IncumbentPolicy.objects.all()), {"line": "boat"}),
    "incumbent premium": (IncumbentPolicy.objects.all, {"annual_premium": -1}),
    "incumbent line twice": (IncumbentPolicy.objects.all, {"line": "home"}),
    "package id twice": (Quote.objects.all, {"package_id": "same"}),
    "package premium": (Quote.objects.all, {"package_premium_annual": 10_000_000}),
    "term": (Quote.objects.all, {"term_months": 37}),
    "line premium": (QuoteLine.objects.all, {"premium_annual": -1}),
    "line of no business": (lambda: first(QuoteLine.objects.all()), {"line": "boat"}),
    "line twice in a quote": (QuoteLine.objects.all, {"line": "home"}),
    "unknown state": (Run.objects.all, {"state": "lost"}),
    "waiting without run_id": (Run.objects.all, {"state": "waiting"}),
    "queued with run_id": (Run.objects.all, {"nexio_run_id": "r"}),
    "completed without reply": (
        Run.objects.all,
        {"state": "completed", "nexio_run_id": "r", "finished_at": "2026-01-01T00:00Z"},
    ),
    "ended without time": (Run.objects.all, {"state": "abandoned"}),
}


@pytest.mark.parametrize("name", UPDATES)
def test_row_that_must_not_be_is_refused(run: Run, name: str) -> None:
    rows, columns = UPDATES[name]
    refused(rows(), **columns)


def test_household_is_once_per_owner_and_once_for_nobody() -> None:
    broker = make_user("broker", "broker")
    for owner in (None, broker):
        import_example("home_only.json", owner)
        import_example("home_auto.json", owner)
        refused(Insured.objects.filter(owner=owner), identity_key="same")
    Insured.objects.update(identity_key="")  # those typed in by hand have none


def test_run_id_is_once_per_service(run: Run) -> None:
    other = queued_run(insured=run.insured)
    now = timezone.now()
    waiting = {"state": "waiting", "nexio_run_id": "r-1", "submitted_at": now}
    Run.objects.filter(pk=run.pk).update(**waiting)
    refused(Run.objects.filter(pk=other.pk), **waiting)
    Run.objects.filter(pk=other.pk).update(**waiting, service_url="http://127.0.0.1:1")


def test_run_number_is_once_per_insured(run: Run) -> None:
    other = queued_run(insured=run.insured)
    assert (run.number, other.number) == (1, 2)
    refused(Run.objects.filter(pk=other.pk), number=1)


def test_solution_position_and_carrier_alias_are_once(run: Run) -> None:
    Solution.objects.create(run=run, position=0)
    with pytest.raises(IntegrityError), transaction.atomic():
        Solution.objects.create(run=run, position=0)
    alias = CarrierAlias.objects.all()[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        CarrierAlias.objects.create(carrier=alias.carrier, name=alias.name.upper())


def test_events_are_append_only_through_the_models(run: Run) -> None:
    event = run.events.get()
    event.text = "Something else."
    for attempt in (
        event.save, event.delete, run.events.all().delete, RunEvent.objects.all().delete,
        lambda: RunEvent.objects.update(text="x"),
        lambda: RunEvent.objects.bulk_update([event], ["text"]),
    ):  # fmt: skip
        with pytest.raises(AppendOnly), transaction.atomic():
            attempt()
    assert run.events.get().text != "Something else."


def test_events_cannot_be_updated_past_the_models(run: Run) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE quotes_runevent SET text = 'x'")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE quotes_runevent SET at = at")


def test_history_protects_what_it_is_about(run: Run) -> None:
    for row in (run, run.insured):
        with pytest.raises(ProtectedError), transaction.atomic():
            row.delete()


STEPS = [(a, b) for a in RunState.values for b in RunState.values]


@pytest.mark.parametrize(("was", "to"), STEPS, ids=[f"{a}-{b}" for a, b in STEPS])
def test_only_steps_of_the_runs_life_are_taken(run: Run, was: str, to: str) -> None:
    now = timezone.now()
    has_id = was in ("waiting", "completed", "failed", "bad_response") or (
        was == "abandoned" and to == "waiting"
    )
    needs_id = to in ("waiting", "completed", "failed", "bad_response")
    Run.objects.filter(pk=run.pk).update(
        state=was, nexio_run_id="r-1" if has_id else "", response_body=b"{}",
        finished_at=now if was in ENDED else None,
    )  # fmt: skip
    run.refresh_from_db()
    columns: dict[str, Any] = {"nexio_run_id": "r-1"} if needs_id else {}
    if to in TRANSITIONS[was]:
        run.move(to, at=now, kind="step", text="A step.", **columns)
    else:
        with pytest.raises(IllegalTransition):
            run.move(to, at=now, kind="step", text="A step.", **columns)
    stored = Run.objects.get(pk=run.pk)
    taken = to in TRANSITIONS[was]
    assert stored.state == (to if taken else was)
    assert stored.events.filter(kind="step").count() == taken
    if taken:
        assert bool(stored.finished_at) == (to in ENDED)


def test_designs_states_and_no_others() -> None:
    assert set(RunState.values) == {
        "queued", "submitting", "waiting", "completed", "failed", "rejected", "submit_unknown",
        "bad_response", "abandoned",
    }  # fmt: skip
    assert all(not TRANSITIONS[end] for end in ENDED)


def test_step_of_a_run_that_moved_meanwhile_writes_nothing(run: Run) -> None:
    stale = Run.objects.get(pk=run.pk)
    run.move("submitting", at=timezone.now(), kind="first", text="First.")
    with pytest.raises(RunMoved):
        stale.move("submitting", at=timezone.now(), kind="second", text="Second.")
    leased = Run.objects.get(pk=run.pk)
    with pytest.raises(RunMoved):
        leased.move("queued", at=timezone.now(), kind="third", text="Third.", lease="not-mine")
    assert not run.events.filter(kind__in=["second", "third"]).exists()


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("broker", {"broker"}), ("other", {"other"}), ("manager", {"broker", "other"}),
        ("admin", {"broker", "other", None}), ("nobody", set()), ("inactive", set()),
        ("inactive manager", set()), ("anonymous", set()), ("superuser", {"broker", "other", None}),
    ],
)  # fmt: skip
def test_each_role_sees_its_own(role: str, sees: set[str | None]) -> None:
    people: dict[str, User] = {
        "broker": make_user("b", "broker"),
        "other": make_user("o", "broker"),
        "manager": make_user("m", "manager"),
        "admin": make_user("a", "admin"),
        "nobody": make_user("n", None, is_staff=True),
        "inactive": make_user("i", "broker", is_active=False),
        "inactive manager": make_user("im", "manager", is_active=False),
        "superuser": make_user("s", None, is_superuser=True),
    }
    for owner in ("broker", "other", None):
        queued_run("home_only.json", people[owner] if owner else None)
    inactive = queued_run("home_auto.json", people["inactive"])
    user = AnonymousUser() if role == "anonymous" else people[role]
    expected = {people[name].pk if name else None for name in sees}
    if None in sees or role == "manager":
        expected.add(people["inactive"].pk)
    assert inactive.insured.owner_id == people["inactive"].pk
    assert set(Insured.objects.visible_to(user).values_list("owner", flat=True)) == expected
    assert set(Quote.objects.visible_to(user).values_list("insured__owner", flat=True)) == expected
    runs = Run.objects.visible_to(user)
    assert set(runs.values_list("insured__owner", flat=True)) == expected
    own = {people[role].pk} if role in ("broker", "other") else set()
    assert set(Insured.objects.editable_by(user).values_list("owner", flat=True)) == own
    assert set(Run.objects.actionable_by(user).values_list("insured__owner", flat=True)) == own

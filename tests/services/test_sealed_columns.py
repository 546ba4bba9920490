# ruff: noqa: S608 - the tables are named here
"""What stands in the database of a household's data: nothing that the database alone would tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from brokerportal.data_keys import make_key
from quotes.models import (
    Comment,
    DecisionEvent,
    Driver,
    ImportDraft,
    Insured,
    KeptDay,
    KeptMonth,
    PurgePass,
    Run,
    RunEvent,
    SealedTable,
    User,
    Vehicle,
)
from quotes.models.retention import RESEALING
from quotes.models.sealing import DataKeyMissing, SealBroken, mark_of
from quotes.services import decisions, runs
from quotes.services.operations import read_operations
from quotes.services.operations_checks import check_all
from quotes.services.proposals import make_proposal
from quotes.services.resealing import reseal
from quotes.services.retention.holds import lift_hold, place_hold
from quotes.services.review.comments import write_comment
from quotes.services.review.revisits import answer_revisit, ask_to_revisit
from quotes.services.sealed_tables import PLAIN, count_keys, sealed_tables
from quotes.services.sealing_state import read_sealing
from tests import runs as made
from tests.decided import choose, packages, said
from tests.factories import EXAMPLES, PASSWORD, import_value, queued_run
from tests.fake_nexio import completed
from tests.sealed import places_of, stored

pytestmark = pytest.mark.django_db

BORN, BORN_TOO = "1983-07-19", "2004-02-28"
CLAIM = "Kitchen fire of 2022, canary claim narrative"
NOTE = "canary note: keeps two wolfhounds"
SAID = "canary words typed by a person"


def household() -> dict[str, Any]:
    """The example with canaries wherever a document may hold such data."""
    value: dict[str, Any] = json.loads((EXAMPLES / "example_input.json").read_text())
    value = value.get("input", value)
    value["applicant"] |= {"date_of_birth": BORN, "notes": NOTE}
    value["drivers"][0]["date_of_birth"] = BORN_TOO
    value["drivers"][0]["remarks"] = NOTE
    value["vehicles_detail"][0]["notes"] = NOTE
    value["insurance_history"] = {"claims": [{"date": "2022-03-04", "description": CLAIM}]}
    value["underwriting_notes"] = NOTE
    quote = value["quotes"][0]
    quote["notes"] = NOTE
    next(part for part in quote.values() if isinstance(part, dict))["comment"] = NOTE
    return value


def worked_on(people: dict[str, User]) -> Run:
    """A household taken all the way, with something typed by a person at every step."""
    broker, manager = people["broker"], people["manager"]
    insured = import_value(household(), broker).insured
    run = made.waiting_run(broker, insured=insured)
    echo = {"diagnostic": NOTE, "degradation_reason": CLAIM, "echo": run.request["input"]}
    answered = completed(run.request) | echo
    answered["solutions"][0]["scorecard"] = {"remark": NOTE}
    run = made.answer(run, {"status": "degraded", **answered})
    write_comment(run=run, author=manager, text=SAID)
    answer_revisit(
        request=ask_to_revisit(run=run, actor=manager, text=SAID), actor=broker, text=SAID
    )
    first, second = packages(run)[:2]
    make_proposal(run=run, solutions=[first, second], notes=SAID, actor=broker)
    decisions.choose_solution(run=run, solution=second, actor=broker, reason=SAID)
    told = said(on=timezone.localdate(), note=SAID)
    decisions.mark_shown(run=run, solutions=[second], actor=broker, said=told)
    place_hold(insured=insured, actor=people["admin"], reason=SAID)
    lift_hold(insured=insured, actor=people["admin"], reason=SAID)
    stuck = queued_run(owner=broker, insured=insured)
    runs.abandon_run(run=stuck, actor=broker, reason=SAID)
    refused = made.rejected_run(broker, insured=insured)
    Run.objects.filter(pk=refused.pk).update(error=NOTE, error_details={"input": BORN})
    ImportDraft.objects.create(owner=broker, how="pasted", raw=json.dumps(household()).encode())
    return run


def test_no_table_tells_of_it(people: dict[str, User]) -> None:
    run = worked_on(people)
    assert places_of(BORN, BORN_TOO, CLAIM, NOTE, SAID) == set()
    # The search itself finds what is there: names stay plain, by the rule.
    assert "quotes_insured.applicant_name" in places_of("Marigold")
    run = Run.objects.get(pk=run.pk)
    assert run.insured.document["applicant"]["date_of_birth"] == BORN
    assert CLAIM.encode() in bytes(run.request_body)
    assert run.response["echo"]["applicant"]["notes"] == NOTE
    assert SAID in DecisionEvent.objects.filter(run=run).values_list("reason", flat=True)


def test_every_sealed_column_has_the_key_that_seals(people: dict[str, User]) -> None:
    worked_on(people)
    for table in sealed_tables():
        assert PLAIN not in count_keys(table), table.name
    Client().post("/sign-in/", {"login": "broker", "password": PASSWORD})
    filled = {table.name for table in sealed_tables() if count_keys(table)}
    assert filled == {table.name for table in sealed_tables()}


class TestValues:
    def test_exact_bytes_and_numbers(self, people: dict[str, User]) -> None:
        run = made.completed_run(people["broker"])
        body = b'{"input": {"premium": 12840.10,  "spaced": 1e2},\x00\xff "offerings": []}'
        document = {"premium": Decimal("12840.10"), "name": "Zo\u00eb \U0001f3e1", "nul": "a\x00b"}
        Run.objects.filter(pk=run.pk).update(request_body=body, request=document)
        again = Run.objects.get(pk=run.pk)
        assert bytes(again.request_body) == body
        assert again.request == document
        assert str(again.request["premium"]) == "12840.10"

    def test_the_same_text_is_another_each_time(self, people: dict[str, User]) -> None:
        run = made.completed_run(people["broker"])
        for _ in range(2):
            write_comment(run=run, author=people["broker"], text=SAID)
        first, second = (value for _, value in stored(Comment, "text"))
        assert first != second
        assert [each.text for each in Comment.objects.all()] == [SAID, SAID]

    def test_one_moved_to_another_column_does_not_open(self, people: dict[str, User]) -> None:
        made.completed_run(people["broker"])
        with connection.cursor() as cursor:
            cursor.execute("UPDATE quotes_run SET response = request")
        with pytest.raises(SealBroken, match=r"quotes_run\.response"):
            list(Run.objects.all())

    def test_one_that_was_changed_does_not_open(self, people: dict[str, User]) -> None:
        run = made.completed_run(people["broker"])
        ((_, whole),) = stored(Run, "request")
        changed = whole[:-5] + ("A" if whole[-5] != "A" else "B") + whole[-4:]
        with connection.cursor() as cursor:
            cursor.execute("UPDATE quotes_run SET request = %s", [changed])
        with pytest.raises(SealBroken):
            Run.objects.get(pk=run.pk)

    def test_the_database_is_not_asked_about_them(self, people: dict[str, User]) -> None:
        conditions: list[dict[str, Any]] = [
            {"document": {}}, {"document__contains": BORN}, {"body_document__in": ["x"]},
        ]  # fmt: skip
        for condition in conditions:
            with pytest.raises(FieldError, match="sealed"):
                Insured.objects.filter(**condition).count()
        assert DecisionEvent.objects.exclude(reason="").count() == 0

    def test_a_vehicle_is_known_by_its_vin_alone(self, people: dict[str, User]) -> None:
        vin = "1HGCM82633A004352"
        document = {"vin": "1hgcm-82633a004352", "notes": NOTE}
        insured = queued_run(owner=people["broker"]).insured
        Vehicle.objects.create(insured=insured, document=document)
        assert Vehicle.objects.filter(vin=vin).count() == 1
        assert places_of(NOTE) == set()


def plain_rows(run: Run) -> None:
    """The rows as a release without sealing wrote them."""
    driver = Driver.objects.filter(insured=run.insured).first()
    assert driver is not None
    uses_hex = not connection.features.has_native_uuid_field
    pk = run.pk.hex if uses_hex else run.pk
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE quotes_driver SET document = %s WHERE id = %s",
            [json.dumps({"date_of_birth": BORN}), driver.pk],
        )
        cursor.execute(
            "UPDATE quotes_run SET request = %s, request_body = %s WHERE id = %s",
            ['{"premium": 1.10}', b'{"premium": 1.10}', pk],
        )
        cursor.execute(
            "INSERT INTO quotes_runevent (run_id, at, kind, text, data) "
            "VALUES (%s, %s, 'noted', %s, '{}')",
            [pk, connection.ops.adapt_datetimefield_value(timezone.now()), SAID],
        )
        cursor.execute(
            "INSERT INTO quotes_decisionevent (run_id, solution_id, kind, line, reason, how, note, "
            "confirmed, actor_id, at) VALUES (%s, %s, 'chosen', '', %s, '', '', '', %s, %s)",
            [
                pk, run.solutions.all()[0].pk, SAID, run.started_by_id,
                connection.ops.adapt_datetimefield_value(timezone.now()),
            ],
        )  # fmt: skip


class TestRowsFromBefore:
    def test_they_are_read_sealed_and_opened_again(self, people: dict[str, User]) -> None:
        run = made.completed_run(people["broker"])
        plain_rows(run)
        assert len(places_of(BORN, SAID)) == 3
        assert Driver.objects.filter(insured=run.insured)[0].document == {"date_of_birth": BORN}
        assert RunEvent.objects.get(kind="noted").text == SAID

        migration = import_module("quotes.migrations.0012_seal_rows")
        migration.seal(apps, None)
        assert places_of(BORN, SAID) == set()
        again = Run.objects.get(pk=run.pk)
        assert (again.request, bytes(again.request_body)) == (
            {"premium": Decimal("1.10")}, b'{"premium": 1.10}',
        )  # fmt: skip
        assert Driver.objects.filter(insured=run.insured)[0].document == {"date_of_birth": BORN}
        event = RunEvent.objects.get(kind="noted")
        assert event.text == SAID
        assert DecisionEvent.objects.get(kind="chosen").reason_mark == mark_of(SAID)

        before = stored(RunEvent, "text")
        migration.seal(apps, None)
        assert stored(RunEvent, "text") == before, "what is sealed stays as it is"

        migration.open_again(apps, None)
        assert len(places_of(BORN, SAID)) == 3
        assert json.dumps({"date_of_birth": BORN}) in dict(stored(Driver, "document")).values()

    def test_all_tables_that_have_sealed_columns_are_sealed(self) -> None:
        there = {
            table.name: set(table.columns)
            for name in ("0012_seal_rows", "0013_open_sessions")
            for table in import_module(f"quotes.migrations.{name}").TABLES
        }
        assert there == {table.name: set(table.columns) for table in sealed_tables()}


@pytest.fixture
def keys(settings: Any) -> list[str]:
    """Two keys of the test's own, the first in use."""
    first, second = make_key(), make_key()
    settings.DATA_KEYS = [first]
    return [first, second]


class Stopped(Exception):
    """Somebody ended the command."""


def stopping(after: int) -> Callable[[Any], None]:
    """What ends a pass after so many steps."""
    steps: list[Any] = []

    def stop(step: Any) -> None:
        steps.append(step)
        if len(steps) == after:
            raise Stopped

    return stop


class TestRotation:
    def test_by_the_command(self, people: dict[str, User], keys: list[str], settings: Any) -> None:
        run = worked_on(people)
        first, second = keys
        settings.DATA_KEYS = [second, first]
        assert run_command("reseal_data", "--check").exit_status == 1
        assert Run.objects.get(pk=run.pk).insured.document["applicant"]["date_of_birth"] == BORN
        said_first = run_command("reseal_data")
        assert "quotes_runevent" in said_first.out
        settings.DATA_KEYS = [second]
        assert "Every value" in run_command("reseal_data", "--check").out
        again = Run.objects.get(pk=run.pk)
        assert again.request == run.request
        assert again.response["echo"]["applicant"]["notes"] == NOTE
        assert DecisionEvent.objects.filter(reason_mark=mark_of(SAID)).count() == 1
        assert places_of(BORN, BORN_TOO, CLAIM, NOTE, SAID) == set()
        changed = run_command("reseal_data").out.splitlines()[-1]
        assert changed.startswith("0 of")

    def test_stopped_in_between_it_goes_on(
        self, people: dict[str, User], keys: list[str], settings: Any
    ) -> None:
        run = made.completed_run(people["broker"])
        for number in range(20):
            run.note(at=timezone.now(), kind="noted", text=f"Note {number}")
        events = next(table for table in sealed_tables() if table.name == "quotes_runevent")
        events = replace(events, at_most=3)
        settings.DATA_KEYS = [keys[1], keys[0]]
        with pytest.raises(Stopped):
            reseal(events, after_step=stopping(after=2))
        assert sorted(count_keys(events)) != [read_sealing().key_id]
        total = RunEvent.objects.count()
        done = reseal(events)
        assert (done.rows, done.changed) == (total - 6, total - 6)
        assert list(count_keys(events)) == [read_sealing().key_id]
        assert RunEvent.objects.filter(kind="noted").order_by("id")[7].text == "Note 7"

    def test_a_value_that_does_not_open_holds_up_no_other(
        self, people: dict[str, User], keys: list[str], settings: Any, capsys: Any
    ) -> None:
        run = worked_on(people)
        damaged, kept = Driver.objects.filter(insured=run.insured).order_by("pk")[:2]
        ((whole),) = [value for pk, value in stored(Driver, "document") if pk == damaged.pk]
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE quotes_driver SET document = %s WHERE id = %s",
                [whole[:-6] + whole[-6:][::-1].swapcase(), damaged.pk],
            )
        settings.DATA_KEYS = [keys[1], keys[0]]
        with pytest.raises(CommandError, match="1 values were changed past the app"):
            call_command("reseal_data", stdout=StringIO())
        assert f"quotes_driver.document where id is {damaged.pk}" in capsys.readouterr().err
        assert sealing_check().level == "warn"
        settings.DATA_KEYS = [keys[1]]
        kept.refresh_from_db()
        assert kept.document
        assert Run.objects.get(pk=run.pk).request == run.request
        # Taking sealing back must not leave it for text.
        migration = import_module("quotes.migrations.0012_seal_rows")
        settings.DATA_KEYS = keys
        with pytest.raises(SealBroken, match=f"quotes_driver.document where id is {damaged.pk}"):
            migration.open_again(apps, None)

    def test_what_a_stopped_pass_left_is_come_by_again(
        self, people: dict[str, User], keys: list[str], settings: Any
    ) -> None:
        run = made.completed_run(people["broker"])
        for number in range(9):
            run.note(at=timezone.now(), kind="noted", text=f"Note {number}")
        events = next(table for table in sealed_tables() if table.name == "quotes_runevent")
        events = replace(events, at_most=3)
        settings.DATA_KEYS = [keys[1]]
        with pytest.raises(Stopped):
            reseal(events, after_step=stopping(after=2))
        done = reseal(events)
        assert sum(done.lost.values()) == sum(count_keys(events).values())
        assert not SealedTable.objects.get(name=events.name).finished_at
        # A release without sealing would show them as they are.
        migration = import_module("quotes.migrations.0012_seal_rows")
        with pytest.raises(DataKeyMissing):
            migration.open_again(apps, None)

    def test_a_key_that_is_gone(
        self, people: dict[str, User], keys: list[str], settings: Any
    ) -> None:
        run = worked_on(people)
        reseal_everything()
        lost = read_sealing().key_id
        settings.DATA_KEYS = [keys[1]]
        with pytest.raises(DataKeyMissing, match=lost):
            Run.objects.get(pk=run.pk)
        client = Client()
        assert client.login(username="broker", password=PASSWORD)
        page = client.get(reverse("quotes:run_detail", args=[run.pk]))
        assert page.status_code == 503
        text = page.content.decode()
        assert lost in text
        assert "Nothing was changed" in text
        assert "Traceback" not in text
        # Lists read none of it and go on.
        assert client.get(reverse("quotes:insured_list")).status_code == 200
        check = next(each for each in doctor() if each.code == "sealing")
        assert (check.level, lost in check.says) == ("fail", True)
        with pytest.raises(CommandError, match=lost):
            call_command("reseal_data", stdout=StringIO())
        settings.DATA_KEYS = [keys[1], keys[0]]
        assert client.get(reverse("quotes:run_detail", args=[run.pk])).status_code == 200

    def test_reasons_are_counted_over_the_change(
        self, people: dict[str, User], keys: list[str], settings: Any
    ) -> None:
        run = made.completed_run(people["broker"])
        choose(run, people["broker"], rank=2)
        settings.DATA_KEYS = [keys[1], keys[0]]
        other = made.completed_run(people["broker"], insured=run.insured)
        choose(other, people["broker"], rank=2)
        call_command("reseal_data", stdout=StringIO())
        marks = set(DecisionEvent.objects.filter(kind="chosen").values_list("reason_mark"))
        assert len(marks) == 1

    def test_kept_figures_are_made_anew(
        self, people: dict[str, User], keys: list[str], settings: Any
    ) -> None:
        run = made.completed_run(people["broker"])
        choose(run, people["broker"], rank=2)
        day = timezone.localdate() - timedelta(days=400)
        KeptDay.objects.create(day=day, version=4, kept_version=4)
        KeptMonth.objects.create(month=day.replace(day=1), version=7, kept_version=7)
        settings.DATA_KEYS = [keys[1], keys[0]]
        call_command("reseal_data", stdout=StringIO())
        assert KeptDay.objects.get().version == 5
        assert KeptMonth.objects.get().version == 8


class TestHistory:
    """The database lets sealed columns of history be written anew under a pass, no other ones."""

    TABLES = ("auditevent", "comment", "decisionevent", "proposal", "proposalpage", "runevent")

    @pytest.mark.parametrize("table", TABLES)
    def test_only_sealed_columns(self, people: dict[str, User], table: str) -> None:
        worked_on(people)
        migration = import_module("quotes.migrations.0011_sealed_columns")
        sealed = set(migration.HISTORY[f"quotes_{table}"])
        with connection.cursor() as cursor:
            described = connection.introspection.get_table_description(cursor, f"quotes_{table}")
        names = {each.name for each in described}
        for name in sorted(sealed):
            refused(f"UPDATE quotes_{table} SET {name} = {name}")
        PurgePass.objects.create(ref=RESEALING)
        for name in sorted(sealed):
            execute(f"UPDATE quotes_{table} SET {name} = {name}")
        for name in sorted(names - sealed):
            usual = f"COALESCE({name}, 0) + 1" if name.endswith("id") else "'other'"
            other = CHANGED.get(name, usual)
            if name in UUIDS or (table, name) == ("proposal", "id"):
                other = "'11111111111111111111111111111111'"
            refused(f"UPDATE quotes_{table} SET {name} = {other}")
        refused(f"DELETE FROM quotes_{table}")

    def test_tombstones_and_options_never(self, people: dict[str, User]) -> None:
        worked_on(people)
        PurgePass.objects.create(ref=RESEALING)
        refused("UPDATE quotes_proposaloption SET position = position")


UUIDS = {"run_id", "run_ref", "insured_ref", "proposal_id"}
CHANGED = {
    "at": "'2001-01-01 00:00:00'", "made_at": "'2001-01-01 00:00:00'", "on": "'2001-01-01'",
    "number": "number + 1", "size": "size + 1", "position": "position + 1",
}  # fmt: skip


def execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.replace("SET on =", 'SET "on" ='))


def refused(statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"):
        execute(statement)


class TestDoctor:
    def test_says_what_waits(self, people: dict[str, User], keys: list[str], settings: Any) -> None:
        run = worked_on(people)
        reseal_everything()
        assert sealing_check().level == "ok"
        settings.DATA_KEYS = [keys[1], keys[0]]
        check = sealing_check()
        assert (check.level, "reseal_data" in check.do) == ("warn", True)
        reseal_everything()
        assert sealing_check().level == "ok"
        # A process that was not restarted goes on sealing with the key before.
        settings.DATA_KEYS = keys
        run.note(at=timezone.now(), kind="noted", text=SAID)
        settings.DATA_KEYS = [keys[1], keys[0]]
        check = sealing_check()
        assert (check.level, "Restart" in check.do) == ("warn", True)


def reseal_everything() -> None:
    call_command("reseal_data", stdout=StringIO())


def doctor() -> list[Any]:
    return check_all(read_operations(now=timezone.now()))


def sealing_check() -> Any:
    return next(each for each in doctor() if each.code == "sealing")


class Ran:
    def __init__(self, out: str, exit_status: int) -> None:
        self.out, self.exit_status = out, exit_status


def run_command(*words: str) -> Ran:
    out, status = StringIO(), 0
    try:
        call_command(*words, stdout=out)
    except SystemExit as ended:
        status = int(ended.code or 0)
    return Ran(out.getvalue(), status)


def test_every_table_is_noted_from_the_start() -> None:
    assert {each.name for each in SealedTable.objects.all()} == {
        table.name for table in sealed_tables()
    }

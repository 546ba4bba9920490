"""Purging: what is due and what is not, all or nothing, and what is left of it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection

from quotes.models import (
    AuditEvent,
    Comment,
    Insured,
    InsuredShare,
    Notice,
    PurgePass,
    Quote,
    Run,
    Tombstone,
    User,
)
from quotes.services.audit import record
from quotes.services.packets import make_packet
from quotes.services.proposals import make_proposal
from quotes.services.retention import purge as service
from quotes.services.retention.holds import NotPossible, lift_hold, place_hold
from quotes.services.retention.purge import GOES, Kept, purge_insured
from quotes.services.retention.rules import judge, last_touched, years_before
from tests import runs as made
from tests.decided import bring_to, packages
from tests.factories import import_example, make_people, stored_attachment

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = datetime(2016, 3, 2, 15, tzinfo=UTC)
NOW = datetime(2026, 11, 16, 15, tzinfo=UTC)


@pytest.fixture
def people(settings: Any, tmp_path: Path) -> dict[str, User]:
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    settings.RETENTION_YEARS = 7
    return make_people()


def household(owner: User, colleague: User, at: datetime = LONG_AGO) -> Insured:
    """An insured with everything that a household can have."""
    with time_machine.travel(at, tick=False):
        run = bring_to(made.completed_run(owner), "chosen", owner)
        again = made.waiting_run(owner, insured=run.insured)
        Run.objects.filter(pk=again.pk).update(
            state="abandoned", finished_at=at, due_at=None, resubmission_of=run
        )
        make_proposal(run=run, solutions=packages(run), notes="", actor=owner)
        make_packet(run=run, out=BytesIO(), actor=owner)
        stored_attachment(run.insured)
        Comment.objects.create(run=run, author=owner, text="Seen.", at=at)
        Notice.objects.create(user=owner, run=run, kind="finished", key="k", text="t", at=at)
        InsuredShare.objects.create(insured=run.insured, user=colleague, shared_by=owner)
        record(actor=owner, deed="viewed", what="Page", insured_ref=run.insured_id, at=at)
        LogEntry.objects.create(
            user=owner, object_id=str(run.insured_id), object_repr=run.insured.applicant_name,
            content_type=ContentType.objects.get_for_model(Insured), action_flag=2,
        )  # fmt: skip
    return run.insured


@pytest.fixture
def old(people: dict[str, User]) -> Insured:
    return household(people["broker"], people["manager"])


def purge(*flags: str, now: datetime = NOW) -> str:
    out = StringIO()
    with time_machine.travel(now, tick=False):
        call_command("purge", *flags, stdout=out, stderr=out)
    return out.getvalue()


def left_of(insured: UUID) -> dict[str, int]:
    counts = {
        model.__name__: model._base_manager.filter(**{path: insured}).count()
        for model, path in GOES
    }
    return {name: count for name, count in counts.items() if count}


def files(settings: Any) -> list[Path]:
    return [each for each in Path(settings.ATTACHMENTS_DIR).rglob("*") if each.is_file()]


def test_all_that_hangs_on_an_insured_is_on_the_list() -> None:
    """A new model that points at a household must be purged with it."""
    known = {model for model, _ in GOES}
    pointing = {
        model
        for model in apps.get_app_config("quotes").get_models()
        for field in model._meta.get_fields()
        if field.many_to_one or (field.one_to_one and not field.auto_created)
        if field.related_model in known
    }
    assert pointing <= known


def test_a_dry_run_says_and_deletes_nothing(old: Insured, settings: Any) -> None:
    before = left_of(old.pk)
    said = purge()
    assert "Due: 1 insureds, last touched 2016-03-02 to 2016-03-02." in said
    assert str(old.pk) in said
    assert "Nothing was deleted" in said
    assert old.applicant_name not in said
    assert left_of(old.pk) == before
    assert len(files(settings)) == 1


def test_everything_goes_and_a_tombstone_stays(
    old: Insured, people: dict[str, User], settings: Any
) -> None:
    young = household(people["other"], people["manager"], at=NOW - timedelta(days=400))
    kept, before = left_of(young.pk), left_of(old.pk)
    runs = list(Run.objects.filter(insured=old).order_by("number"))
    assert "Purged 1 insureds" in purge("--really")
    assert left_of(old.pk) == {}
    assert left_of(young.pk) == kept
    assert len(files(settings)) == 1
    assert not PurgePass.objects.exists()
    assert not LogEntry.objects.filter(object_id=str(old.pk)).exists()
    tombstone = Tombstone.objects.get()
    assert tombstone.insured_ref == old.pk
    assert tombstone.last_touched_at.date() == LONG_AGO.date()
    assert tombstone.counts["run"] == before["Run"] == 2
    assert tombstone.counts["run event"] == before["RunEvent"]
    assert len(tombstone.digests["packets"]) == len(tombstone.digests["proposals"]) == 1
    assert [each["run"] for each in tombstone.digests["runs"]] == [run.number for run in runs]
    stored = " ".join(map(str, Tombstone.objects.values_list().get()))
    assert old.applicant_name not in stored
    assert AuditEvent.objects.get(deed="purged", insured_ref=old.pk).data["account"]


def test_again_is_nothing(old: Insured) -> None:
    purge("--really")
    assert "Due: nothing." in purge("--really")
    assert Tombstone.objects.count() == 1


class TestKept:
    def test_what_is_younger_than_the_term(self, old: Insured) -> None:
        assert judge(old.pk, years_before(NOW, 4)).kept
        assert not judge(old.pk, NOW).kept

    @pytest.mark.parametrize("what", ["quote", "comment", "attachment", "run"])
    def test_what_was_touched_lately(
        self, old: Insured, people: dict[str, User], what: str
    ) -> None:
        lately, owner = NOW - timedelta(days=30), people["broker"]
        run = Run.objects.filter(insured=old).earliest("number")
        if what == "quote":
            Quote.objects.filter(insured=old).update(updated_at=lately)
        elif what == "comment":
            Comment.objects.create(run=run, author=owner, text="Still here", at=lately)
        elif what == "run":
            Run.objects.filter(pk=run.pk).update(last_polled_at=lately)
        else:
            old.attachments.update(added_at=lately)
        assert last_touched(old.pk) == lately
        with pytest.raises(Kept):
            purge_insured(old.pk, now=NOW)
        assert "Kept: 1, something of it was written on" in purge("--really")
        assert left_of(old.pk)

    def test_looking_at_it_prolongs_nothing(self, old: Insured, people: dict[str, User]) -> None:
        record(actor=people["admin"], deed="viewed", what="Page", insured_ref=old.pk)
        assert last_touched(old.pk).date() == LONG_AGO.date()

    def test_a_legal_hold(self, old: Insured, people: dict[str, User]) -> None:
        with time_machine.travel(LONG_AGO, tick=False):
            place_hold(insured=old, actor=people["manager"], reason="A claim is open.")
            with pytest.raises(NotPossible):
                place_hold(insured=old, actor=people["admin"], reason="Twice.")
        said = purge("--really")
        assert f"{old.pk}  legal hold" in said
        assert left_of(old.pk)
        with time_machine.travel(LONG_AGO, tick=False):
            lift_hold(insured=old, actor=people["admin"], reason="Settled.")
            with pytest.raises(NotPossible):
                lift_hold(insured=old, actor=people["admin"], reason="Twice.")
        assert "Purged 1 insureds" in purge("--really")

    def test_a_run_under_way(self, old: Insured) -> None:
        Run.objects.filter(insured=old, state="abandoned").update(state="waiting")
        assert "Kept: 1, a run is under way." in purge("--really")

    def test_a_renewal_that_is_younger(self, old: Insured, people: dict[str, User]) -> None:
        younger = import_example("home_only.json", people["other"]).insured
        Insured.objects.filter(pk=younger.pk).update(renewal_of=old)
        assert "Kept: 1, it renews, or is renewed by, a younger one." in purge("--really")
        Insured.objects.filter(pk=younger.pk).update(updated_at=LONG_AGO, created_at=LONG_AGO)
        younger.quotes.update(updated_at=LONG_AGO)
        assert "Purged 2 insureds" in purge("--really")


def test_no_setting_lets_history_go_that_the_law_keeps(
    people: dict[str, User], settings: Any
) -> None:
    """The database has the floor as well."""
    settings.RETENTION_YEARS = 1
    at = datetime.now(UTC) - timedelta(days=3 * 365)
    insured = household(people["broker"], people["other"], at=at)
    before = left_of(insured.pk)
    with pytest.raises(SystemExit):
        purge("--really", now=datetime.now(UTC))
    assert left_of(insured.pk) == before
    assert not PurgePass.objects.exists()


class TestInterrupted:
    def test_before_the_end_nothing_is_gone(
        self, old: Insured, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = left_of(old.pk)

        def killed(**_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(service, "record_command", killed)
        with pytest.raises(KeyboardInterrupt):
            purge("--really")
        assert left_of(old.pk) == before
        assert not PurgePass.objects.exists()
        monkeypatch.undo()
        assert "Purged 1 insureds" in purge("--really")

    def test_files_left_behind_go_the_next_time(self, old: Insured, settings: Any) -> None:
        root = Path(settings.ATTACHMENTS_DIR)
        stray, fresh = uuid4().hex, uuid4().hex
        foreign = root / "notes.txt"
        for name in (stray, fresh):
            (root / name[:2]).mkdir(parents=True, exist_ok=True)
            (root / name[:2] / name).write_bytes(b"%PDF-")
        foreign.write_text("not ours")
        for path in (root / stray[:2] / stray, foreign):
            os.utime(path, (LONG_AGO.timestamp(),) * 2)
        before = (NOW - timedelta(hours=2)).timestamp()
        os.utime(root / fresh[:2] / fresh, (before, before))
        assert "Files that no row knows: 1." in purge()
        assert "1 files that no row knew" in purge("--really")
        assert {each.name for each in files(settings)} == {fresh, "notes.txt"}


def test_old_entries_of_what_is_gone_go_and_those_of_the_living_stay(
    old: Insured, people: dict[str, User]
) -> None:
    living = import_example("home_only.json", people["other"]).insured
    for at in (LONG_AGO, NOW - timedelta(days=30)):
        for ref in (living.pk, None):
            record(actor=people["admin"], deed="viewed", what="Page", insured_ref=ref, at=at)
    said = purge("--really")
    assert "2 entries of the access log" in said
    stay = AuditEvent.objects.filter(deed="viewed").values_list("insured_ref", "at")
    assert set(stay) == {
        (living.pk, LONG_AGO),
        (living.pk, NOW - timedelta(days=30)),
        (None, NOW - timedelta(days=30)),
    }


def test_years_are_those_of_the_calendar() -> None:
    leap = datetime(2024, 2, 29, 12, tzinfo=UTC)
    assert years_before(leap, 7) == datetime(2017, 2, 28, 12, tzinfo=UTC)
    assert years_before(leap, 8) == datetime(2016, 2, 29, 12, tzinfo=UTC)


def test_on_postgresql_the_apps_own_role_purges_nothing(old: Insured) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("roles are PostgreSQL's")
    role = f"portal_purge_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role} LOGIN")
        try:
            call_command("app_role", role, stdout=StringIO())
            cursor.execute(f"SET SESSION AUTHORIZATION {role}")
            with pytest.raises(Exception, match="owner's DATABASE_URL"):
                purge("--really")
        finally:
            cursor.execute("RESET SESSION AUTHORIZATION")
            cursor.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    assert left_of(old.pk)

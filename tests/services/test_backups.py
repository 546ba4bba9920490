"""Backups are taken from the database under test and restored into new ones, by the commands that
an operator runs; then a worker shows that nothing of them is sent by itself."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.utils import timezone

from brokerportal.data_keys import make_key
from quotes.models import Attachment, AuditEvent, OpenSession, Run, User, WorkerBeat
from quotes.services.backups.archive import Unusable, reading
from quotes.services.runs import wake_worker
from tests import runs as made
from tests.factories import make_user, queued_run, stored_attachment
from tests.processes.conftest import database_url

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

READ = """
import json, sys
import django; django.setup()
from quotes.models import OpenSession
from django.db import connection
from django_q.models import OrmQ
from quotes.models import *
from quotes.services.database_role import *
runs = {
    str(run.pk): {
        "state": run.state, "due": run.due_at is not None, "fact": run.fact.state,
        "sent": bytes(run.request_body).hex(), "solutions": run.solutions.count(),
        "reply": bytes(run.response_body or b"").hex(),
        "events": [[event.kind, event.text] for event in run.events.order_by("id")],
    }
    for run in Run.objects.all()
}
print(json.dumps({
    "runs": runs, "sessions": OpenSession.objects.count(), "hints": OrmQ.objects.count(),
    "beats": WorkerBeat.objects.count(),
    "people": {user.username: user.password for user in User.objects.all()},
    "groups": sorted(User.objects.filter(groups__name="broker").values_list("username", flat=True)),
    "log": list(AuditEvent.objects.order_by("id").values_list("deed", "what")),
    "notices": list(Notice.objects.values_list("user__username", "kind")),
    "next": User.objects.create_user("after").pk > User.objects.order_by("pk")[0].pk,
}))
"""


WATCH = """
import django; django.setup()
import time
from quotes.models import Run
from quotes.services.watching import watch_runs
ends = time.monotonic() + 60
under_way = Run.objects.filter(state__in=['queued', 'submitting', 'waiting'])
done = lambda: not under_way.exists()
watch_runs(stop=lambda: done() or time.monotonic() > ends)
print(*sorted(Run.objects.values_list('state', flat=True)))
"""


DROP = """
import sys
import django; django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute(f"DROP OWNED BY {sys.argv[1]}")
"""


class Elsewhere:
    """A new, empty database and folder, and the commands of `manage.py` there."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                "DATABASE_URL": self.url,
                "DATA_DIR": str(self.folder),
                "DJANGO_SETTINGS_MODULE": "brokerportal.settings",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    def restore(self, file: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return self.python("manage.py", "restore", str(file), *words)

    def watch(self, url: str) -> tuple[list[str], str]:
        """The states of all runs after a worker had what was to do, and what it logged."""
        done = self.python("-c", WATCH, NEXIO_BASE_URL=url, NEXIO_API_KEY="nx_test_restored")
        return done.stdout.split(), done.stderr

    def read(self) -> dict[str, Any]:
        done = self.python("-c", READ)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def said_otherwise(file: Path, **changed: Any) -> Path:
    """The same backup, with these entries of its manifest changed."""
    other = file.with_name("other.zip")
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(other, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "manifest.json":
                content = json.dumps(json.loads(content) | changed).encode()
            target.writestr(name, content)
    return other


@contextmanager
def database(folder: Path, template: str = "") -> Iterator[str]:
    """The URL of a new database: an empty one, or a copy of the one that `template` names."""
    if connection.vendor == "sqlite":
        path = folder / "new.sqlite3"
        if template:
            shutil.copyfile(template.removeprefix("sqlite:///"), path)
        yield f"sqlite:///{path}"
        return
    name, like = f"restored_{uuid.uuid4().hex[:12]}", template.rpartition("/")[2]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {like}" if like else ""))
    yield database_url().rpartition("/")[0] + f"/{name}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def migrated(tmp_path_factory, django_db_setup, django_db_blocker) -> Iterator[str]:
    """A new database after `migrate`, made once: that takes longer than everything else here."""
    folder = tmp_path_factory.mktemp("migrated")
    with django_db_blocker.unblock(), database(folder) as url:
        done = Elsewhere(url, folder).python("manage.py", "migrate", "--verbosity", "0")
        assert done.returncode == 0, done.stderr
        yield url


@pytest.fixture
def elsewhere(tmp_path: Path, migrated: str) -> Iterator[Elsewhere]:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with database(folder, migrated) as url:
        yield Elsewhere(url, folder)


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[Elsewhere]:
    """A database without a table."""
    folder = tmp_path / "untouched"
    folder.mkdir()
    with database(folder) as url:
        yield Elsewhere(url, folder)


@pytest.fixture
def broker(settings, tmp_path: Path) -> User:
    settings.DATA_DIR = tmp_path / "here"
    settings.ATTACHMENTS_DIR = settings.DATA_DIR / "attachments"
    return make_user("broker", "broker")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup.zip"


def test_everything_comes_back_and_what_was_unsent_goes_to_a_person(
    broker, untouched, file, capsys
):
    elsewhere = untouched
    queued, sending = queued_run(owner=broker), made.submitting_run(broker, name="home_only.json")
    waiting = made.waiting_run(broker, name="home_auto.json")
    completed = made.completed_run(broker, name="florida_coast.json")
    attachment = stored_attachment(completed.insured)
    Client().force_login(broker)
    wake_worker()
    WorkerBeat.objects.create(host="old", pid=1, started_at=queued.created_at,
                              beat_at=queued.created_at)  # fmt: skip
    assert OpenSession.objects.exists()

    call_command("backup", str(file))
    assert "1 attachments" in capsys.readouterr().out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    done = elsewhere.restore(file)
    assert done.returncode == 0, done.stderr
    assert "2 runs had not been accepted by Nexio" in done.stdout

    found = elsewhere.read()
    runs = found["runs"]
    for run, state, due in (
        (queued, "submit_unknown", False),
        (sending, "submit_unknown", False),
        (waiting, "waiting", True),
        (completed, "completed", False),
    ):
        there = runs[str(run.pk)]
        assert (there["state"], there["due"], there["fact"]) == (state, due, state)
        assert there["sent"] == bytes(run.request_body).hex()
        before = [[event.kind, event.text] for event in run.events.order_by("id")]
        assert there["events"][: len(before)] == before
    assert [kind for kind, _ in runs[str(queued.pk)]["events"]] == [
        "created", "restored", "submit_unknown",
    ]  # fmt: skip
    assert "may have been sent after the backup" in runs[str(queued.pk)]["events"][-1][1]
    assert [kind for kind, _ in runs[str(sending.pk)]["events"]][-1] == "submit_unknown"
    assert runs[str(completed.pk)]["solutions"] == completed.solutions.count() > 0
    assert runs[str(completed.pk)]["reply"] == bytes(completed.response_body or b"").hex()

    assert found["people"] == {"broker": broker.password}
    assert found["groups"] == ["broker"]
    assert (found["sessions"], found["hints"], found["beats"]) == (0, 0, 0)
    assert [deed for deed, _ in found["log"]][-2:] == ["exported", "administered"]
    assert found["log"][-1][1].startswith("Restored the backup of ")
    assert ["broker", "needs_person"] in found["notices"]
    assert found["next"], "new rows go on counting after the restored ones"
    kept = elsewhere.folder / "attachments" / str(attachment.file.name)
    assert kept.read_bytes() == attachment.file.open().read()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_worker_sends_nothing_of_a_restored_database(
    broker, elsewhere, file, fake_nexio, settings
):
    settings.NEXIO_URL = fake_nexio.url
    unsent = [queued_run(owner=broker), made.submitting_run(broker, name="home_only.json")]
    waiting = made.waiting_run(broker, run_id="known", name="home_auto.json")
    fake_nexio.add_run("known", waiting.request)
    call_command("backup", str(file))
    assert elsewhere.restore(file).returncode == 0
    states, said = elsewhere.watch(fake_nexio.url)
    assert states == ["completed", "submit_unknown", "submit_unknown"], said
    assert fake_nexio.recorded_submits == []
    assert len(unsent) == 2


def test_after_a_planned_move_what_waited_is_sent_once_and_what_was_being_sent_is_not(
    broker, elsewhere, file, fake_nexio, settings
):
    settings.NEXIO_URL = fake_nexio.url
    queued, sending = queued_run(owner=broker), made.submitting_run(broker, name="home_only.json")
    stopped = {"started_at": queued.created_at, "stopped_at": timezone.now()}
    WorkerBeat.objects.create(host="drained", pid=1, beat_at=timezone.now(), **stopped)
    call_command("backup", str(file))
    done = elsewhere.restore(file, "--planned")
    assert done.returncode == 0, done.stderr
    assert "1 run had not been accepted by Nexio" in done.stdout
    assert "1 run waits to be sent" in done.stdout

    runs = elsewhere.read()["runs"]
    assert (runs[str(queued.pk)]["state"], runs[str(queued.pk)]["due"]) == ("queued", True)
    assert [kind for kind, _ in runs[str(queued.pk)]["events"]] == ["created", "restored"]
    assert runs[str(sending.pk)]["state"] == "submit_unknown"
    states, said = elsewhere.watch(fake_nexio.url)
    assert states == ["completed", "submit_unknown"], said
    assert [each.body for each in fake_nexio.recorded_submits] == [bytes(queued.request_body)]


@pytest.mark.parametrize("why", ["a worker serves", "it is of yesterday", "it does not say"])
def test_a_move_is_not_planned_where_a_run_may_have_been_sent_since(broker, untouched, file, why):
    run = queued_run(owner=broker)
    if why == "a worker serves":
        WorkerBeat.objects.create(
            host="one", pid=1, started_at=run.created_at, beat_at=timezone.now()
        )
    call_command("backup", str(file))
    if why != "a worker serves":
        changes: dict[str, dict[str, Any]] = {
            "it is of yesterday": {"made_at": (timezone.now() - timedelta(hours=25)).isoformat()},
            "it does not say": {"served": None},
        }
        file = said_otherwise(file, **changes[why])
    done = untouched.restore(file, "--planned")
    assert done.returncode == 1
    assert "without --planned" in done.stderr
    assert "Restored" not in done.stdout


def test_a_database_with_data_is_refused_and_left_as_it_is(broker, file, capsys):
    run = queued_run(owner=broker)
    call_command("backup", str(file))
    with pytest.raises(CommandError, match="holds data already"):
        call_command("restore", str(file))
    run.refresh_from_db()
    assert run.state == "queued"
    assert not AuditEvent.objects.filter(what__startswith="Restored").exists()


def telling_bytes(raw: bytes) -> list[int]:
    """Places in an archive where another byte is another story: the first entry's own header, its
    place in the list of entries, the record at the end, and 200 spread over the whole."""
    listed = raw.index(b"PK\x01\x02")
    spread = range(0, len(raw), len(raw) // 200)
    return [*range(60), *range(listed, listed + 80), *range(len(raw) - 22, len(raw)), *spread]


def test_whichever_byte_is_damaged_it_is_said(broker, file):
    """What a flipped byte makes of an archive depends on where it stands: another checksum, a
    stream that cannot be unpacked, an entry that looks encrypted, a ZIP that nobody knows. Few
    bytes are of no account."""
    call_command("backup", str(file))
    raw, damaged, said = file.read_bytes(), file.with_name("damaged.zip"), 0
    places = telling_bytes(raw)
    for place in places:
        damaged.write_bytes(raw[:place] + bytes([raw[place] ^ 0xFF]) + raw[place + 1 :])
        try:
            with reading(damaged):
                pass
        except Unusable:
            said += 1
    assert said > len(places) * 0.7


def test_a_damaged_backup_changes_nothing(broker, elsewhere, file):
    stored_attachment(queued_run(owner=broker).insured)
    call_command("backup", str(file))
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 3] ^= 0xFF
    damaged, cut = file.with_name("damaged.zip"), file.with_name("cut.zip")
    damaged.write_bytes(raw)
    cut.write_bytes(file.read_bytes()[:-200])
    for each, says in ((damaged, "damaged"), (cut, "cut off"), (ROOT / "README.md", "no backup")):
        done = elsewhere.restore(each)
        assert (done.returncode, says in done.stderr) == (2, True), done.stderr
        assert "Traceback" not in done.stderr
    assert not (elsewhere.folder / "attachments").exists()
    assert elsewhere.restore(file).returncode == 0


def test_a_backup_of_another_release_is_refused(broker, elsewhere, file):
    call_command("backup", str(file))
    done = elsewhere.restore(said_otherwise(file, migrations=["quotes.9999_later"]))
    assert done.returncode == 1
    assert "Restore it with that release" in done.stderr


def test_without_the_key_that_opens_it_nothing_is_restored(broker, elsewhere, file):
    queued_run(owner=broker)
    call_command("backup", str(file))
    done = elsewhere.python("manage.py", "restore", str(file), DATA_KEYS=make_key())
    assert done.returncode == 1
    assert "which DATA_KEYS does not name here" in done.stderr
    assert elsewhere.restore(file).returncode == 0


def test_the_apps_own_role_may_take_a_backup(broker, elsewhere, file):
    if connection.vendor != "postgresql":
        pytest.skip("roles are PostgreSQL's: set TEST_DATABASE_URL")
    role = f"portal_backup_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'role-password'")
    try:
        assert elsewhere.python("manage.py", "app_role", role).returncode == 0
        server = elsewhere.url.rpartition("@")[2]
        theirs = Elsewhere(f"postgresql://{role}:role-password@{server}", elsewhere.folder)
        done = theirs.python("manage.py", "backup", str(file))
        assert done.returncode == 0, done.stderr
        call_command("backup", str(file.with_name("of_the_owner.zip")))
        with (
            zipfile.ZipFile(file) as one,
            zipfile.ZipFile(file.with_name("of_the_owner.zip")) as two,
        ):
            assert one.namelist() == two.namelist()
    finally:
        done = elsewhere.python("-c", DROP, role)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP ROLE {role}")
    assert done.returncode == 0, done.stderr


def test_a_file_that_was_gone_is_named(broker, elsewhere, file, capsys):
    attachment = stored_attachment(queued_run(owner=broker).insured)
    attachment.file.storage.delete(str(attachment.file.name))
    with pytest.raises(SystemExit) as ended:
        call_command("backup", str(file))
    assert ended.value.code == 1
    assert str(attachment.file.name) in capsys.readouterr().err
    done = elsewhere.restore(file)
    assert done.returncode == 0
    assert str(attachment.file.name) in done.stderr
    assert Attachment.objects.count() == 1


def test_no_backup_replaces_another_and_none_lies_about_half_written(broker, file, tmp_path):
    call_command("backup", str(file))
    was = file.read_bytes()
    with pytest.raises(CommandError, match="is there already"):
        call_command("backup", str(file))
    assert file.read_bytes() == was
    with pytest.raises(CommandError, match="cannot write"):
        call_command("backup", str(tmp_path / "no" / "such" / "folder.zip"))
    assert [each.name for each in tmp_path.glob("*.part")] == []
    assert Run.objects.count() == 0

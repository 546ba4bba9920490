"""Is it well? Asked by an operator at the command line, and by monitors over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from quotes.models import Run, WorkerBeat
from quotes.services import operations_ready
from quotes.services.operations_ready import AWAY, HUNG_AFTER, KEPT_FOR, Recent
from tests import runs as made
from tests.factories import make_user

ROOT = Path(__file__).resolve().parent.parent


def doctor(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    status = 0
    try:
        call_command("doctor", "--json")
    except SystemExit as ended:
        status = int(str(ended.code))
    said = json.loads(capsys.readouterr().out)
    return status, {"status": said["status"], **{c["code"]: c for c in said["checks"]}}


def beat() -> None:
    now = timezone.now()
    WorkerBeat.objects.create(host="one", pid=1, started_at=now, beat_at=now, version="0.1.0")


@pytest.mark.django_db(transaction=True)
class TestDoctor:
    def test_well(self, capsys) -> None:
        beat()
        status, said = doctor(capsys)
        assert (status, said["status"]) == (0, "ok")

    def test_a_warning(self, capsys) -> None:
        beat()
        made.lost_run(make_user("broker", "broker"))
        status, said = doctor(capsys)
        assert (status, said["settling"]["level"]) == (1, "warn")
        assert said["settling"]["do"]
        assert Run.objects.get().state == "submit_unknown"

    def test_a_failure(self, capsys) -> None:
        status, said = doctor(capsys)
        assert (status, said["workers"]["level"]) == (2, "fail")


def command(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "doctor", *args],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "brokerportal.settings", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_before_migrations_it_says_so_and_what_to_do(tmp_path: Path) -> None:
    ended = command(DATA_DIR=str(tmp_path), DATABASE_URL="")
    assert ended.returncode == 2, ended.stderr
    assert "Not applied: " in ended.stdout
    assert "manage.py migrate" in ended.stdout
    assert "Could not be read: workers, " in ended.stdout
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "url",
    ["postgresql://nobody:secret-word@127.0.0.1:1/none", "sqlite:////nonexistent/folder/x.sqlite3"],
)
def test_without_a_database_it_says_so(tmp_path: Path, url: str) -> None:
    ended = command(DATA_DIR=str(tmp_path), DATABASE_URL=url)
    assert ended.returncode == 2, ended.stderr
    assert "does not answer" in ended.stdout
    assert "ok    Disk" in ended.stdout
    assert "secret-word" not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


class TestReadyz:
    @pytest.fixture(autouse=True)
    def asked_anew(self, monkeypatch) -> None:
        """No answer of a test before this one is still told."""
        monkeypatch.setattr(operations_ready.recently, "_answer", None)

    @pytest.mark.django_db
    def test_ready_while_a_worker_serves(self, client) -> None:
        beat()
        response = client.get("/readyz")
        assert (response.status_code, response.content) == (200, b"ready\n")
        assert "no-store" in response["Cache-Control"]

    @pytest.mark.django_db
    def test_not_ready_without_one_though_alive(self, client) -> None:
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.content.decode().splitlines() == [
            "not ready",
            "worker: none has shown life in the last 15 seconds",
        ]
        assert client.get("/healthz").status_code == 200

    @pytest.mark.django_db
    def test_not_ready_before_migrations(self, client) -> None:
        from django.db.migrations.recorder import MigrationRecorder

        beat()
        MigrationRecorder.Migration.objects.filter(app="quotes").order_by("-id")[0].delete()
        assert b"not brought up to date" in client.get("/readyz").content

    @pytest.mark.django_db
    def test_not_ready_without_the_database(self, client, monkeypatch) -> None:
        from django.db import OperationalError, connection

        def refuse() -> None:
            raise OperationalError("could not connect to db.internal as portal")

        monkeypatch.setattr(connection, "ensure_connection", refuse)
        client.cookies[settings.SESSION_COOKIE_NAME] = "0123456789abcdefghijklmnopqrstuv"
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.content.decode().splitlines() == ["not ready", AWAY]

    def test_no_redirect_to_https_for_monitors(self) -> None:
        program = (
            "import django; django.setup(); from django.test import Client; c = Client(); "
            "get = lambda path: c.get(path, headers={'host': 'portal.example.com'}).status_code; "
            "print(get('/healthz'), get('/readyz'), get('/sign-in/'))"
        )
        production = {
            "APP_ENV": "production",
            "ALLOWED_HOSTS": "portal.example.com",
            "NEXIO_API_KEY": "nx_test_check",
            "SECRET_KEY": "kq3Vw8-tZ1xR6_mB0yL9cN4pD7sF2hJ5gT",
            "DATA_KEYS": "q0K3n1Vx7mZ4tB8yR2cW6pL9dF5gH0jS1aE3uI7oXkQ",
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "DJANGO_SETTINGS_MODULE": "brokerportal.settings",
        }
        ended = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, **production},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.stdout.split() == ["200", "503", "301"], ended.stderr


class TestRecent:
    def test_monitors_share_an_answer_for_a_moment(self) -> None:
        asked, clock = [], [100.0]
        recent = Recent(lambda: asked.append(1) or [], lambda: clock[0])  # type: ignore[func-returns-value]
        for _ in range(50):
            assert recent() == []
        assert len(asked) == 1
        clock[0] += KEPT_FOR
        recent()
        assert len(asked) == 2

    def test_a_database_that_hangs_takes_up_one_thread_and_not_all(self) -> None:
        clock, free, entered = [0.0], threading.Event(), threading.Event()
        hangs = False

        def ask() -> list[str]:
            if hangs:
                entered.set()
                assert free.wait(30)
            return []

        recent = Recent(ask, lambda: clock[0])
        assert recent() == []
        hangs, clock[0] = True, KEPT_FOR
        stuck = threading.Thread(target=recent, daemon=True)
        stuck.start()
        assert entered.wait(30)
        assert recent() == []  # the answer before, for a while
        clock[0] = HUNG_AFTER + 1
        assert recent() == [AWAY]
        free.set()
        stuck.join(30)
        assert not stuck.is_alive()
        hangs = False
        assert recent() == []

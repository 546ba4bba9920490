"""`make run` as a newcomer uses it: one command, a browser, Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from quotes.management.commands import start
from tests.processes.worker import ROOT, eventually

pytestmark = [pytest.mark.processes]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(**more: str) -> dict[str, str]:
    """The caller's environment without anything that configures the app or its virtualenv."""
    ours = ("DATABASE_URL", "DATA_DIR", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", "VIRTUAL_ENV")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ours and not name.startswith(("NEXIO_", "PYTEST_"))
    }
    return kept | more


class App:
    """The whole app under its supervisor."""

    def __init__(self, command: list[str], cwd: Path, folder: Path, **environment: str) -> None:
        self.port, self.sandbox_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.output = folder / "output.log"
        with self.output.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=cwd,
                env=clean_environment(
                    PORT=str(self.port),
                    SANDBOX_PORT=str(self.sandbox_port),
                    SANDBOX_SECONDS="1",
                    **environment,
                ),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def answers(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"it ended with {self.process.returncode}:\n{self.said()}")
        try:
            with urllib.request.urlopen(f"{self.url}healthz", timeout=2) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    def interrupt(self, within: float = 15) -> int:
        """Ctrl-C: SIGINT to the foreground group, as a terminal sends it."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(within)

    def processes(self) -> list[int]:
        """Living processes that carry this app's port in their environment."""
        mark = f"SANDBOX_PORT={self.sandbox_port}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                gone = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
                if not gone and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def commands(self) -> str:
        """What each of them was started with, a line each."""
        lines = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in self.processes()]
        return b"\n".join(lines).replace(b"\0", b" ").decode()

    def end(self) -> None:
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    started = App(
        [sys.executable, "manage.py", "start"], ROOT, tmp_path, DATA_DIR=str(tmp_path / "var")
    )
    yield started
    started.end()


def test_it_starts_says_where_it_is_and_ctrl_c_leaves_no_process(app: App):
    eventually(app.answers, 60, "the page answers")
    eventually(lambda: "compare-quotes" in app.said(), 10, "the demo logins are printed")
    assert app.url in app.said()
    assert "Sandbox" in app.said()
    assert "manage.py worker " in app.commands()
    app.interrupt()
    eventually(lambda: not app.processes(), 15, "no process is left")


def test_a_second_start_keeps_the_data(app: App, tmp_path: Path):
    eventually(app.answers, 60, "the page answers")
    app.interrupt()
    key = (tmp_path / "var" / "secret_key").read_text()
    again = App(
        [sys.executable, "manage.py", "start"], ROOT, tmp_path, DATA_DIR=str(tmp_path / "var")
    )
    try:
        eventually(again.answers, 30, "it answers again")
        assert (tmp_path / "var" / "secret_key").read_text() == key
    finally:
        again.end()


def test_a_taken_port_gets_one_clear_line(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "manage.py", "start"],
            cwd=ROOT,
            env=clean_environment(PORT=str(port), DATA_DIR=str(tmp_path)),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert f"Port {port} is taken" in done.stderr


def test_a_web_server_that_does_not_answer_is_told(settings, monkeypatch, capsys):
    settings.WEB_PORT = free_port()
    monkeypatch.setattr(start, "ANSWERS_WITHIN", 0.2)
    start.Command()._announce()
    said = capsys.readouterr().out
    assert f"Nothing answers at http://127.0.0.1:{settings.WEB_PORT}/" in said
    assert "Sign in" not in said


def test_with_a_key_no_sandbox_starts_and_demo_accounts_are_shut(tmp_path: Path):
    keyed = {"NEXIO_API_KEY": "nx_live_canary0123", "NEXIO_BASE_URL": "http://127.0.0.1:9"}
    app = App(
        [sys.executable, "manage.py", "start"],
        ROOT,
        tmp_path,
        DATA_DIR=str(tmp_path / "var"),
        **keyed,
    )
    try:
        eventually(app.answers, 60, "the page answers")
        eventually(lambda: "createsuperuser" in app.said(), 10, "it says how to begin")
        assert "sandbox |" not in app.said()
        assert "compare-quotes" not in app.said()
        assert "canary0123" not in app.said()
        page = urllib.request.urlopen(f"{app.url}sign-in/").read().decode()
        assert "Nexio live" in page
        assert "compare-quotes" not in page
    finally:
        app.end()


@pytest.mark.newcomer
@pytest.mark.browser
@pytest.mark.timeout(600)
def test_a_fresh_copy_runs_and_a_broker_reads_ranked_packages(tmp_path: Path, page):
    """Everything git knows, copied elsewhere: `make run`, sign in, compare, read the ranking."""
    copy = tmp_path / "copy"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    app = App(["make", "run"], copy, tmp_path, PYTHON=sys.executable)
    try:
        eventually(app.answers, 240, "the page answers within four minutes")
        page.goto(app.url)
        page.get_by_label("Username").fill("broker")
        page.get_by_label("Password", exact=True).fill("compare-quotes")
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"{app.url}insureds/")
        page.get_by_role("link", name="Marigold Fairweather").first.click()
        page.get_by_role("button", name="Compare packages").click()
        page.get_by_text("packages ranked for").first.wait_for(timeout=60_000)
        assert page.locator(".solution").get_by_text("recommended").first.is_visible()
        first = page.locator(".solution").first.inner_text()
        assert "Home" in first
        assert "Alder & Pine" in first
        app.interrupt()
        eventually(lambda: not app.processes(), 15, "no process is left")
    finally:
        app.end()

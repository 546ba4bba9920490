"""``python -m sandbox`` as a supervisor sees it: lines, exit codes, signals."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from .conftest import Consumer, pair

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.processes


class Sandboxes:
    """Starts sandbox processes and ends those that a test leaves behind."""

    def __init__(self) -> None:
        self.running: list[subprocess.Popen[str]] = []

    def start(self, *options: str) -> tuple[subprocess.Popen[str], str]:
        """A listening process, and its address as its first line says it."""
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", "0", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        line = said(process.stdout).readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        return process, found[0]


def said(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


@pytest.fixture
def sandboxes() -> Iterator[Sandboxes]:
    made = Sandboxes()
    yield made
    for process in made.running:
        process.kill()
        process.communicate(timeout=10)


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_with_a_consumer_connected(
    sandboxes: Sandboxes, number: signal.Signals
) -> None:
    process, url = sandboxes.start()
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5):
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_taken_port_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("--port", str(taken.getsockname()[1]))
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert re.fullmatch(
        r"sandbox: 127\.0\.0\.1:\d+ is already in use; choose another with --port\n", ended.stderr
    )


@pytest.mark.parametrize(
    "options",
    [("--seconds", "nan"), ("--seconds", "-1"), ("--port", "70000"), ("--port", "x"), ("--odd",)],
)
def test_wrong_options(options: tuple[str, ...]) -> None:
    ended = run(*options)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_a_state_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database " * 100)
    for bad in (path, tmp_path / "missing" / "state.sqlite3"):
        ended = run("--port", "0", "--db", str(bad))
        assert ended.returncode == 2
        assert ended.stderr.startswith("sandbox: cannot use the state file ")
        assert ended.stderr.count("\n") == 1


def test_a_run_survives_the_death_of_its_process(sandboxes: Sandboxes, tmp_path: Path) -> None:
    options = ("--db", str(tmp_path / "state.sqlite3"), "--seconds", "0")
    process, url = sandboxes.start(*options)
    run_id = Consumer(url).run_id(pair())
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=10)
    _, url = sandboxes.start(*options)
    body = Consumer(url).poll(run_id).json
    assert (body["run_id"], body["status"]) == (run_id, "completed")


def test_nothing_is_logged_unless_asked_and_never_a_key_or_a_path(sandboxes: Sandboxes) -> None:
    for options, expected in (
        ((), ""),
        (("--verbose",), "sandbox: POST /api/v1/jobs 202\nsandbox: GET (another path) 404\n"),
    ):
        process, url = sandboxes.start("--seconds", "0", *options)
        consumer = Consumer(url, key="nx_test_hush")
        consumer.run_id(pair(applicant={"name": "Marigold Fairweather"}))
        consumer.ask("GET", "/Marigold?key=nx_test_hush")
        process.terminate()
        out, err = process.communicate(timeout=10)
        assert (out, err) == ("", expected)

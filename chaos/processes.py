"""The processes under test and the stand-in: started, found by what they are, killed by pid.

What an init system would start again is started again here: the worker command and the stand-in,
a second after they end. Everything below a worker command is the app's own affair.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from chaos.peer import PORT, Script

ROOT = Path(__file__).resolve().parent.parent
RESTART_AFTER = 1.0
"""Seconds until what ended is started again, as an init system is commonly told."""
COUNT_EVERY = 1.0
"""Seconds: reading all of /proc a few times a second is felt on a small machine."""
KINDS = ("command", "main", "sentinel", "pusher", "monitor", "idle", "busy")
"""The processes of one worker: its command, and of the queue's cluster the main process, the
sentinel, the two that move tasks, a worker without a task and the one that watches runs."""
_TOLD = re.compile(rb"(ready for work|monitoring|pushing tasks) at (\d+)")
_TELLS = {"monitor": b"monitoring", "pusher": b"pushing tasks", "idle": b"ready for work"}


@dataclass(frozen=True)
class Process:
    """A process that was seen; a pid alone may be another's by now."""

    pid: int
    began: str

    @property
    def alive(self) -> bool:
        return bool(self.began) and _stat(self.pid)[2] == self.began

    @property
    def command_line(self) -> bytes:
        try:
            return Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return b""


def _stat(pid: int) -> tuple[int, str, str]:
    """A process's parent, its state and when it began; nothing of one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, "", ""
    return (0, "Z", "") if fields[0] == "Z" else (int(fields[1]), fields[0], fields[19])


def below(pid: int) -> list[Process]:
    """Every living process below this one, by what the kernel says, nearest first."""
    children: dict[int, list[Process]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        parent, _, began = _stat(int(folder.name))
        if parent:
            children.setdefault(parent, []).append(Process(int(folder.name), began))
    found = list(children.get(pid, []))
    for process in found:
        found += children.get(process.pid, [])
    return found


class Restarted:
    """A command that is started again a second after it ended, until it is stopped."""

    def __init__(self, command: list[str], env: Mapping[str, str], log: Path) -> None:
        self._command, self._env = command, env
        self.log = log
        self.starts = 0
        self._ended_at: float | None = None
        self._start()

    def _start(self) -> None:
        self.starts += 1
        self._ended_at = None
        with self.log.open("ab") as log:
            self.process = self._popen(log)

    def _popen(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, *self._command],
            cwd=ROOT,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def look(self) -> None:
        """Start it again where it has ended; to be called a few times a second."""
        if self.process.poll() is None:
            return
        now = time.monotonic()
        if self._ended_at is None:
            self._ended_at = now
        elif now - self._ended_at >= RESTART_AFTER:
            self._start()

    def kill(self) -> bool:
        """Kill the command itself; False where it does not run just now."""
        if self.process.poll() is not None:
            return False
        self.process.kill()
        return True

    def terminate(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()

    def ended(self, within: float) -> int | None:
        """Its exit status once it has ended, None where it has not `within` seconds."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            return None


class Worker(Restarted):
    """A `manage.py worker` in a folder of its own. `seen` is every process it ever had."""

    def __init__(self, number: int, folder: Path, env: Mapping[str, str], *options: str) -> None:
        self.number = number
        self.folder = folder / f"worker{number}"
        self.folder.mkdir()
        self.seen: set[Process] = set()
        self._next_count = 0.0
        super().__init__(
            ["manage.py", "worker", *options],
            {**env, "TMPDIR": str(self.folder)},
            folder / f"worker{number}.log",
        )

    def look(self) -> None:
        super().look()
        now = time.monotonic()
        if now >= self._next_count:
            self._next_count = now + COUNT_EVERY
            self.count()

    def count(self) -> None:
        """Note every process that it has just now."""
        self.seen.update(below(self.process.pid))
        self.seen.add(Process(self.process.pid, _stat(self.process.pid)[2]))

    def find(self, kind: str) -> int | None:
        """The pid of the process of that kind, None where there is none at the moment."""
        if kind == "command":
            return self.process.pid if self.process.poll() is None else None
        mine = below(self.process.pid)
        self.seen.update(mine)
        # The cluster leads a session of its own, and has the sentinel as its only child.
        main = next((each.pid for each in mine if _leads(each.pid)), None)
        if main is None or kind == "main":
            return main
        sentinel = next((each.pid for each in mine if _stat(each.pid)[0] == main), None)
        if sentinel is None or kind == "sentinel":
            return sentinel
        children = {each.pid for each in mine if _stat(each.pid)[0] == sentinel}
        busy = next((pid for pid in children if self._watches(pid)), None)
        if kind == "busy":
            return busy
        told = [(what, int(pid)) for what, pid in _TOLD.findall(self.log.read_bytes())]
        fits = [pid for what, pid in told if what == _TELLS[kind] and pid in children - {busy}]
        return fits[-1] if fits else None

    @property
    def serves(self) -> bool:
        """Whether a watcher is at work in it."""
        return self.find("busy") is not None

    def leases(self) -> set[str]:
        """The words under which its watchers, dead ones among them, hold runs."""
        words = {path.read_text().strip() for path in self.folder.glob("*/watcher.lock")}
        return words - {""}

    def strike(self, kind: str) -> int | None:
        """Kill the process of that kind, or for "hang" stop the one that watches runs for good.

        Its pid, or None where there is none at the moment.
        """
        pid = self.find("busy" if kind == "hang" else kind)
        if pid is None:
            return None
        try:
            os.kill(pid, signal.SIGSTOP if kind == "hang" else signal.SIGKILL)
        except ProcessLookupError:
            return None
        return pid

    @property
    def lives(self) -> bool:
        """Whether any process that it ever had is still there."""
        return any(each.alive for each in self.seen)

    def kill_all(self) -> int:
        """End whatever of it still lives; how many processes that were."""
        left = [each for each in self.seen if each.alive]
        for each in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGKILL)
        return len(left)

    def _watches(self, pid: int) -> bool:
        try:
            held = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
        except OSError:
            return False
        return any(str(path) in held for path in self.folder.glob("*/watcher.lock"))


def _leads(pid: int) -> bool:
    try:
        return os.getpgid(pid) == pid
    except ProcessLookupError:
        return False


class Peer(Restarted):
    """The stand-in; `url` is where it answers, now and after it was killed."""

    def __init__(self, folder: Path, script: Script) -> None:
        spans = [
            word
            for name in ("run", "submit", "poll")
            for word in (f"--{name}", *(str(value) for value in getattr(script, name)))
        ]
        super().__init__(
            ["-m", "chaos.peer", "--folder", str(folder), "--seed", str(script.seed),
             "--rate", str(script.rate), *spans],
            {"PATH": os.environ.get("PATH", "")},
            folder / "peer.log",
        )  # fmt: skip
        told = folder / PORT
        ends = time.monotonic() + 30
        while not told.exists():
            if time.monotonic() > ends or self.process.poll() is not None:
                self.kill()
                raise RuntimeError(f"the stand-in did not start: see {self.log}")
            time.sleep(0.05)
        self.url = f"http://127.0.0.1:{told.read_text()}"

    def stop(self) -> None:
        self.kill()
        self.process.wait()

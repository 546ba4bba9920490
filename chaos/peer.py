"""`python -m chaos.peer`: the sandbox behind a fault script, with a journal of every request.

Killed and started again on the same folder it goes on where it was. Once the folder holds a file
`calm`, every answer is sound.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.faults import DRESSED, INSTEAD, ODD, chance_for, fault_for
from chaos.journal import REFUSED, Journal, digest, read_exchanges
from sandbox.api import Api
from sandbox.server import Handler, SandboxServer
from sandbox.store import Store
from sandbox.wire import Reply, error_reply

Span = tuple[float, float]
JOURNAL, PORT, CALM = "journal.jsonl", "port", "calm"


@dataclass(frozen=True)
class Script:
    """How it behaves: the share of faulty answers, and from how many to how many seconds a run
    takes and an answer to a submission and to a poll."""

    seed: int
    rate: float
    run: Span
    submit: Span
    poll: Span


class Peer(SandboxServer):
    def __init__(self, port: int, folder: Path, script: Script) -> None:
        super().__init__("127.0.0.1", port, Api(Store(folder / "peer.sqlite3")))
        self.RequestHandlerClass = Scripted
        self.script = script
        self.folder = folder
        self.journal = Journal(folder / JOURNAL)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._asked = Counter(each.asked for each in read_exchanges(folder / JOURNAL))

    def number(self) -> str:
        return f"{os.getpid()}-{next(self._numbers)}"

    def fault(self, method: str, asked: str) -> tuple[str, float]:
        """What goes wrong with the next request for this, "" for nothing, and how many seconds
        the answer takes in any case."""
        with self._lock:
            self._asked[asked] += 1
            count = self._asked[asked]
        script = self.script
        span = script.submit if method == "POST" else script.poll
        takes = chance_for(script.seed, "takes", method, asked, count).uniform(*span)
        calm = (self.folder / CALM).exists()
        return "" if calm else fault_for(script.seed, script.rate, method, asked, count), takes

    def take(self, owner: str, body: bytes, asked: str) -> Reply:
        """A submission; its run takes as long each time it is sent."""
        length = chance_for(self.script.seed, "length", asked).uniform(*self.script.run)
        with self._lock:
            self.api.seconds = length
            return self.api.submit(owner, body)


class Scripted(Handler):
    server: Peer
    exchange = ""

    def _jobs(self, method: str, given: Any) -> Reply:
        server = self.server
        owner = server.api.owner(self.headers.get("Authorization"))
        if owner is None:
            return error_reply(401, "unauthorized", "A key is missing.")
        asked = digest(given) if method == "POST" else str(given)
        fault, takes = server.fault(method, asked)
        self.exchange = server.number()
        entry = {
            "n": self.exchange, "method": method, "path": self.path, "asked": asked, "fault": fault,
        }  # fmt: skip
        if fault in INSTEAD:
            server.journal.write(**entry, did="refused" if fault in REFUSED else "undone")
            return INSTEAD[fault].but(delay=takes)
        if fault in ODD:
            server.journal.write(**entry, did="odd")
            return ODD[fault](asked).but(delay=takes)
        if method == "POST":
            reply = server.take(owner, given, asked)
            said = json.loads(reply.body) if reply.status == 202 else {}
            did = "accepted" if said else "rejected"
            server.journal.write(
                **entry, did=did, run_id=said.get("run_id", ""), status=reply.status
            )
        else:
            reply = server.api.poll(owner, given)
            server.journal.write(**entry, did="answered", **_told(reply))
        reply = reply.but(delay=takes)
        return DRESSED[fault](reply) if fault else reply

    def _send(self, reply: Reply) -> None:
        exchange, self.exchange = self.exchange, ""
        super()._send(reply)
        if exchange and not reply.fault:
            self.wfile.flush()
            self.server.journal.write(sent=exchange)


def _told(reply: Reply) -> dict[str, Any]:
    """What a poll's answer says, for the journal."""
    if reply.status != 200:
        return {"status": reply.status}
    said = json.loads(reply.body)
    return {
        "status": reply.status,
        "run_id": said["run_id"],
        "ended": "completed_at" in said,
        "answer": digest(reply.body),
        "solutions": len(said.get("solutions") or []),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m chaos.peer", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.3, help="share of faulty answers")
    for name, span in (("run", (3, 20)), ("submit", (0.1, 1)), ("poll", (0.02, 0.4))):
        parser.add_argument(
            f"--{name}", type=float, nargs=2, default=span, help=f"seconds a {name} takes"
        )
    options = parser.parse_args()
    told = options.folder / PORT
    script = Script(
        options.seed, options.rate, tuple(options.run), tuple(options.submit), tuple(options.poll)
    )
    peer = Peer(int(told.read_text()) if told.exists() else 0, options.folder, script)
    if not told.exists():
        # In one step: whoever waits for the file finds the whole number in it.
        told.with_suffix(".new").write_text(str(peer.server_port))
        told.with_suffix(".new").rename(told)
    peer.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()

"""A scriptable Nexio over real sockets, for tests.

``FakeNexio`` speaks HTTP/1.1 on a free loopback port, a thread a connection, and records every
request.  Left alone it behaves: a POST is accepted with a fresh run id, and the run's polls
answer queued, processing, completed, with solutions made of the offerings that were sent::

    with FakeNexio() as fake:
        client = NexioClient(fake.url, "nx_test_key")
        fake.on_submit(status(429, None, {"Retry-After": "1"}))  # every POST
        fake.on_submit([reset(), close_without_reply()])  # one each, then as usual
        fake.on_poll(None, lambda request: {"run_id": request.run_id, "status": "failed"})
        fake.on_poll("run-7", [hang(), drip(b'{"run_id"', interval=0.05)])
        fake.recorded_submits[0].json["offerings"]; fake.recorded_polls("run-7")[1].at

What a script may name:

* an ``Answer`` of ``tests.answers`` (``status``, ``raw``, ``reset``, ``hang``, ``drip`` …);
* a dict, which is sent as JSON with 202 to a POST and 200 to a GET;
* a callable taking the ``Recorded`` request and returning one of these, or None for the usual;
* a list of these: one for each request in turn, then the usual behaviour again.

A script for one run id goes before the one for all (``on_poll(None, …)``).  ``on_connect`` scripts
connections, which are then answered and closed before anything of a request is read.
"""

import contextlib
import itertools
import socket
import ssl
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from tests.answers import Answer, Wire, status
from tests.recorded import Recorded, read_request

JOBS = "/api/v1/jobs"

__all__ = ["FakeNexio", "Recorded", "completed", "fake_nexio"]


@dataclass
class _Script:
    """What a kind of request is answered with; None means the usual."""

    fixed: Any = None
    queue: list[Any] = field(default_factory=list)

    def set(self, replies: tuple[Any, ...]) -> None:
        several = replies[0] if len(replies) == 1 and isinstance(replies[0], list) else replies
        if len(replies) == 1 and not isinstance(replies[0], list):
            self.fixed, self.queue = replies[0], []
        else:
            self.fixed, self.queue = None, list(several)

    def next(self) -> Any:
        return self.queue.pop(0) if self.queue else self.fixed


class FakeNexio:
    """See the module.  ``statuses`` are what a run's polls answer in turn, the last for ever;
    ``keys``, where given, are the only bearer tokens not answered with 401; ``tls`` makes it speak
    HTTPS.  All may be changed at any time.  ``sent`` are the bytes it could send so far, in all."""

    def __init__(
        self,
        statuses: tuple[str, ...] = ("queued", "processing", "completed"),
        keys: set[str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.statuses = statuses
        self.keys = keys
        self.tls = tls
        self.sent = 0
        self.released = threading.Event()
        self.requests: list[Recorded] = []
        self.runs: dict[str, Any] = {}
        self.connections = 0
        self._connects = _Script()
        self._submits = _Script()
        self._polls: dict[str | None, _Script] = defaultdict(_Script)
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.port = 0
        self.listen()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def recorded_submits(self) -> list[Recorded]:
        """Every POST so far, in order of arrival."""
        return [request for request in list(self.requests) if request.method == "POST"]

    def recorded_polls(self, run_id: str | None = None) -> list[Recorded]:
        """Every GET so far, of one run or of all."""
        gets = [request for request in list(self.requests) if request.method == "GET"]
        return [get for get in gets if run_id is None or get.path == f"{JOBS}/{run_id}"]

    def on_connect(self, *replies: Any) -> None:
        """Script the connections to come, by ``Answer``s; without arguments, back to the usual."""
        with self._changed:
            self._connects.set(replies or ([],))

    def on_submit(self, *replies: Any) -> None:
        """Script the POSTs to come; without arguments, back to the usual."""
        with self._changed:
            self._submits.set(replies or ([],))

    def on_poll(self, run_id: str | None, *replies: Any) -> None:
        """Script the GETs to come, of one run (percent-encoded) or with None of all."""
        with self._changed:
            self._polls[run_id].set(replies or ([],))

    def add_run(self, run_id: str, body: Any) -> None:
        """Make a run known, as if this body had been submitted (a reply that was lost)."""
        self.runs[run_id] = {"body": body, "created": _stamp(), "polls": 0}

    def wait_until(self, condition: Callable[["FakeNexio"], bool], timeout: float = 10) -> None:
        """Block until the condition holds, looked at after every request; fails after that."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), timeout), "it never happened"

    def release(self) -> None:
        """End every ``hang`` and pause, now and from now on."""
        self.released.set()

    def listen(self) -> None:
        """Accept connections (again), on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop_listening(self) -> None:
        """An outage: connections are cut and new ones refused until ``listen()``."""
        if self._listener:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.drop_connections()

    def drop_connections(self) -> None:
        """Close every open connection, as a server does with idle ones."""
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "FakeNexio":
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()
        self.stop_listening()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, peer = listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                threading.Thread(target=self._serve, args=(sock, peer[1]), daemon=True).start()

    def _serve(self, sock: socket.socket, port: int) -> None:
        self._open.add(sock)
        with self._changed:
            at_once = self._connects.next()
        with contextlib.suppress(OSError, ValueError), sock:
            if at_once is not None:
                at_once.write(Wire(sock, self.released, self._count))
            elif self.tls is not None:
                with self.tls.wrap_socket(sock, server_side=True) as secured:
                    self._open.add(secured)
                    self._converse(secured, port)
                self._open.discard(secured)
            else:
                self._converse(sock, port)
        self._open.discard(sock)

    def _converse(self, sock: socket.socket, port: int) -> None:
        wire = Wire(sock, self.released, self._count)
        with sock.makefile("rb") as stream:
            while (request := read_request(stream, port)) and self._answer(request).write(wire):
                pass

    def _count(self, size: int) -> None:
        with self._changed:
            self.sent += size

    def _answer(self, request: Recorded) -> Answer:
        with self._changed:
            self.requests.append(request)
            if request.method == "POST":
                scripted = self._submits.next()
            else:
                scripted = self._polls[request.run_id].next()
                if scripted is None:
                    scripted = self._polls[None].next()
            self._changed.notify_all()
        while callable(scripted):
            scripted = scripted(request)
        if scripted is None:
            return self._usual(request)
        if isinstance(scripted, Answer):
            return scripted
        if request.method == "POST" and "run_id" in scripted:
            self.add_run(str(scripted["run_id"]), request.json)
        return status(202 if request.method == "POST" else 200, scripted)

    def _usual(self, request: Recorded) -> Answer:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not key or (self.keys is not None and key not in self.keys):
            return status(401, {"code": "unauthorized", "message": "Unknown API key."})
        if request.method == "POST" and request.path == JOBS:
            return self._accept_run(request)
        if request.method == "GET" and request.run_id in self.runs:
            return status(200, self._progress(request.run_id))
        return status(404, {"code": "not_found", "message": "No such run."})

    def _accept_run(self, request: Recorded) -> Answer:
        try:
            body = request.json
            body["input"]["coverage_types"], body["offerings"]
        except (ValueError, KeyError, TypeError):
            return status(400, {"code": "invalid_request", "message": "input and offerings."})
        run_id = str(uuid.uuid4())
        self.add_run(run_id, body)
        return status(202, {"run_id": run_id, "status": "queued"})

    def _progress(self, run_id: str) -> dict[str, Any]:
        run = self.runs[run_id]
        now = self.statuses[min(run["polls"], len(self.statuses) - 1)]
        run["polls"] += 1
        reply = {"run_id": run_id, "status": now, "environment": "test"}
        reply["created_at"] = run["created"]
        if now == "processing":
            reply["stage"] = "EVALUATE"
        if now in ("completed", "degraded"):
            reply |= completed(run["body"])
        if now == "failed":
            reply |= {"error": "No scorecard.", "error_details": {"stage": "EVALUATE"}}
        if now in ("completed", "degraded", "failed"):
            reply["completed_at"] = _stamp()
        return reply


def completed(body: dict[str, Any]) -> dict[str, Any]:
    """``output`` and ``solutions`` for a request: every carrier that quoted all requested lines,
    and the cheapest mix, by cost."""
    wanted = body["input"]["coverage_types"]
    lines = [[o for o in body["offerings"] if o["category"] == line] for line in wanted]
    cheapest = [min(options, key=_premium) for options in lines if options]
    packages = [cheapest] if len(cheapest) == len(wanted) else []
    for carrier in sorted({o["provider_name"] for o in body["offerings"]}):
        own = [[o for o in options if o["provider_name"] == carrier] for options in lines]
        if all(own) and (package := [options[0] for options in own]) not in packages:
            packages.append(package)
    packages.sort(key=lambda package: sum(map(_premium, package)))
    labels = itertools.chain(["recommended", "best_value", "best_coverage"], itertools.repeat(""))
    solutions = [
        {
            "rank": rank,
            "cluster_label": label or "simplest",
            "provider_count": len({o["provider_name"] for o in package}),
            "est_cost_low": sum(map(_premium, package)),
            "est_cost_high": sum(map(_premium, package)),
            "scorecard": {"overall_level": Decimal("3.75") - rank},
            "offerings": package,
        }
        for rank, (package, label) in enumerate(zip(packages, labels, strict=False), 1)
    ]
    diagnostic = None if solutions else "No package covers every requested line."
    output = {"diagnostic": diagnostic, "solutions_count": len(solutions)}
    return {"output": output, "solutions": solutions}


def _premium(offering: dict[str, Any]) -> Decimal:
    return Decimal(offering["attributes"]["line_premium_annual"])


def _stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@pytest.fixture
def fake_nexio() -> Iterator[FakeNexio]:
    """A fake for one test."""
    with FakeNexio() as fake:
        yield fake

"""A real sandbox on a free loopback port, with a clock that tests turn by hand."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.server import SandboxServer, open_server

KEY = "nx_test_example"
EXAMPLES = Path(__file__).parents[2] / "examples"


class Clock:
    """Seconds since the epoch that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1_794_000_000.0

    def __call__(self) -> float:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Consumer:
    """Asks a sandbox over one socket a request, as a consumer with ``key`` would."""

    def __init__(self, url: str, key: str = KEY) -> None:
        self.address = urlsplit(url).netloc
        self.key = key

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        named = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        named |= {name.replace("_", "-"): text for name, text in headers.items()}
        with closing(http.client.HTTPConnection(self.address, timeout=10)) as connection:
            connection.request(method, path, body, named)
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read().decode())

    def submit(self, body: Any) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", "/api/v1/jobs", data)

    def poll(self, run_id: str) -> Answer:
        return self.ask("GET", f"/api/v1/jobs/{run_id}")

    def run_id(self, body: Any) -> str:
        answer = self.submit(body)
        assert answer.status == 202, answer.text
        return str(answer.json["run_id"])


Start = Callable[..., SandboxServer]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start() -> Iterator[Start]:
    """Start sandboxes; the end of the test stops those that the test has not stopped."""
    running: list[tuple[SandboxServer, threading.Thread]] = []

    def begin(**options: Any) -> SandboxServer:
        server = open_server(**options)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        running.append((server, thread))
        return server

    yield begin
    for server, thread in running:
        stop(server)
        thread.join(5)


def stop(server: SandboxServer) -> None:
    server.shutdown()
    server.server_close()
    server.api.store.close()


@pytest.fixture
def consumer(start: Start, clock: Clock) -> Consumer:
    """A consumer of a sandbox whose runs take ten seconds of ``clock``."""
    return Consumer(start(seconds=10, clock=clock).url)


def offering(
    carrier: str, category: str, premium: Any, package: Any = None, **more: Any
) -> dict[str, Any]:
    """An offering of ``carrier``; without ``package`` it was quoted alone."""
    name = f"{carrier}-{category}".lower()
    attributes = {
        "quote_id": f"q-{name}",
        "line_premium_annual": premium,
        "package_premium_annual": premium if package is None else package,
    }
    attributes |= more.pop("attributes", {})
    coverage = {"product_name": f"{carrier} {category}", "program_type": "quoted_line"}
    coverage |= more.pop("coverage", {})
    return {
        "id": name,
        "provider_name": carrier,
        "category": category,
        "coverage": coverage,
        "attributes": attributes,
        **more,
    }


def submission(*offerings: Any, lines: Any = ("home", "auto"), **given: Any) -> dict[str, Any]:
    address = {"state": "CA", "zip_code": "92648"}
    return {
        "input": {"coverage_types": list(lines), "address": address, **given},
        "offerings": list(offerings),
    }


def pair(**given: Any) -> dict[str, Any]:
    """The smallest body with a package to find."""
    return submission(
        offering("Alder", "home", 3000, 4500), offering("Alder", "auto", 2000, 4500), **given
    )

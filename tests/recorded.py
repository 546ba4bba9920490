"""A request as a ``FakeNexio`` read it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, BinaryIO

import simplejson


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived.  ``headers`` by lower-case name; ``at`` is monotonic seconds,
    ``wall`` seconds since the epoch, both when the last byte had come; ``port`` the caller's."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    wall: float
    port: int

    @property
    def json(self) -> Any:
        """The body, numbers with a point as Decimal."""
        return simplejson.loads(self.body, use_decimal=True)

    @property
    def run_id(self) -> str:
        """The last step of the path, still percent-encoded."""
        return self.path.rpartition("/")[2]


def read_request(stream: BinaryIO, port: int) -> Recorded | None:
    """The next request of a connection, or None where it ended."""
    line = stream.readline(65537)
    if not line.endswith(b"\r\n"):
        return None
    method, path, _ = line.decode("latin-1").split(" ", 2)
    headers = {}
    while (field_line := stream.readline(65537)) != b"\r\n":
        name, _, value = field_line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    body = stream.read(length)
    if len(body) < length:
        return None
    return Recorded(method, path, headers, body, time.monotonic(), time.time(), port)

"""What a ``FakeNexio`` can be told to answer, good and bad, down to the bytes on the wire."""

import gzip
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import simplejson


class Wire:
    """The server's end of a connection, as an ``Answer`` sees it."""

    def __init__(
        self, sock: socket.socket, released: threading.Event, count: Callable[[int], None]
    ) -> None:
        self.sock = sock
        self.released = released
        self.count = count

    def send(self, data: bytes) -> None:
        """Send all of it; raises OSError when the caller has hung up."""
        self.sock.sendall(data)
        self.count(len(data))

    def read_head(self) -> None:
        """Read a request up to the empty line that ends its head, and nothing of its body."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.sock.recv(1)
            if not byte:
                raise OSError("the caller hung up")
            head += byte

    def pause(self, seconds: float | None) -> None:
        """Wait that long, or until ``release()`` or the end of the fake, whichever is first."""
        self.released.wait(seconds)

    def reset(self) -> None:
        """Make the close that follows an RST instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@dataclass(frozen=True)
class Answer:
    """``write`` sends a reply; True where the connection stays open for the next request."""

    write: Callable[[Wire], bool]


def raw(
    code: int, body: bytes = b"", headers: dict[str, str] | None = None, *, keep: bool = True
) -> Answer:
    """These bytes as the body; Content-Length is right unless ``headers`` says otherwise."""

    def write(wire: Wire) -> bool:
        wire.send(_head(code, {"Content-Length": str(len(body)), **(headers or {})}) + body)
        return keep

    return Answer(write)


def status(code: int, obj: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """A JSON reply; Decimals go out exactly, NaN and Infinity as those literals."""
    body = simplejson.dumps(obj, use_decimal=True, allow_nan=True).encode()
    return raw(code, body, {"Content-Type": "application/json", **(headers or {})})


def wire_bytes(data: bytes) -> Answer:
    """Exactly these bytes on the wire, status line and all, then close."""

    def write(wire: Wire) -> bool:
        wire.send(data)
        return False

    return Answer(write)


def close_without_reply() -> Answer:
    """The whole request is read, then the connection closed."""
    return Answer(lambda wire: False)


def reset() -> Answer:
    """The whole request is read, then the connection reset."""

    def write(wire: Wire) -> bool:
        wire.reset()
        return False

    return Answer(write)


def reset_after(data: bytes) -> Answer:
    """Exactly these bytes on the wire, then a reset."""

    def write(wire: Wire) -> bool:
        wire.send(data)
        wire.reset()
        return False

    return Answer(write)


def after_the_head(then: Answer) -> Answer:
    """For ``on_connect``: the request's head is read, nothing of its body, then ``then``."""

    def write(wire: Wire) -> bool:
        wire.read_head()
        return then.write(wire)

    return Answer(write)


def hang(seconds: float | None = None, then: Answer | None = None) -> Answer:
    """Silence for so long, or until ``fake.release()``; then ``then``, or close."""

    def write(wire: Wire) -> bool:
        wire.pause(seconds)
        return then.write(wire) if then else False

    return Answer(write)


def drip(
    body: bytes, *, interval: float, code: int = 200, headers: dict[str, str] | None = None
) -> Answer:
    """The head at once, then the body a byte at a time, ``interval`` seconds apart."""

    def write(wire: Wire) -> bool:
        wire.send(_head(code, {"Content-Length": str(len(body)), **(headers or {})}))
        for byte in body:
            wire.send(bytes([byte]))
            wire.pause(interval)
        return True

    return Answer(write)


def truncated(body: bytes, *, code: int = 200, missing: int = 10) -> Answer:
    """A body that ends ``missing`` bytes before what Content-Length announced."""
    return raw(code, body, {"Content-Length": str(len(body) + missing)}, keep=False)


def endless(total: int, *, code: int = 200, announce: bool = False) -> Answer:
    """``total`` bytes of spaces in pieces of 64 kB, by default chunked without a length."""
    piece = b" " * 65536

    def write(wire: Wire) -> bool:
        size = {"Content-Length": str(total)} if announce else {"Transfer-Encoding": "chunked"}
        wire.send(_head(code, size))
        for _ in range(total // len(piece)):
            wire.send(piece if announce else b"10000\r\n" + piece + b"\r\n")
        return False

    return Answer(write)


def gzip_bomb(decoded: int, *, code: int = 200) -> Answer:
    """``decoded`` bytes of spaces, about a thousandth of that on the wire."""
    return raw(code, gzip.compress(b" " * decoded), {"Content-Encoding": "gzip"})


def redirect(location: str, code: int = 302) -> Answer:
    """A redirect with no body."""
    return raw(code, b"", {"Location": location})


def _head(code: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {code} Fake", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

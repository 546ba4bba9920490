"""What is known of one request over HTTP and its reply, and how a reply's body is read.

``transport`` sends the submissions and ``polls`` the polls; both fill an ``Exchange``.
"""

import asyncio
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Final

import httpx

from quotes.nexio.errors import ERROR_BODY_CAP

USER_AGENT: Final = "brokerportal/0.1"


class Ending(Enum):
    """How an exchange ended."""

    COMPLETE = "complete"
    NOT_SENT = "not sent"
    LOST = "lost"
    TOO_LARGE = "too large"
    BAD_ENCODING = "bad encoding"


@dataclass
class Exchange:
    """What is known of one request and its reply.

    ``ending``   COMPLETE only where the whole reply was read; NOT_SENT only on proof that no byte
                 of the request left.
    ``status``   None until the reply's head has arrived.
    ``body``     decoded bytes as far as they were read.
    ``problem``  a short technical reason where ``ending`` is not COMPLETE.
    ``late``     whether a time-out ended it.
    ``connecting``, ``sending``  whether a connection, and the request's head, were ever begun.
    """

    ending: Ending = Ending.LOST
    status: int | None = None
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytearray = field(default_factory=bytearray)
    problem: str = ""
    late: bool = False
    elapsed_ms: int = 0
    connecting: bool = False
    sending: bool = False


class UnreadableBody(Exception):
    """Why a body cannot be used; ``ending`` is COMPLETE for none of them."""

    def __init__(self, ending: Ending, problem: str) -> None:
        super().__init__(problem)
        self.ending = ending


@cache
def default_tls() -> ssl.SSLContext:
    """certifi's roots, built once a process (it costs some 25 ms)."""
    return httpx.create_ssl_context(trust_env=False)


async def concluded(
    seen: Exchange,
    converse: Awaitable[None],
    *,
    deadline: float,
    unsent: tuple[type[Exception], ...],
) -> Exchange:
    """Have an exchange out, all within ``deadline`` seconds, and say in ``seen`` how it ended.

    Raises nothing but ``asyncio.CancelledError``.  ``unsent`` are the library's exceptions that
    are proof by themselves that no byte of the request left.
    """
    started = time.monotonic()
    try:
        # The libraries' time-outs are per read: a server that drips a byte at a time never trips
        # them.
        async with asyncio.timeout(deadline) as clock:
            await converse
        seen.ending = Ending.COMPLETE
    except UnreadableBody as bad:
        seen.ending, seen.problem = bad.ending, str(bad)
    except Exception as broken:
        # Whatever broke, and also a fault of a library, must end in a state and not in a stack
        # trace: a request may be on its way.
        seen.late = clock.expired() or isinstance(broken, httpx.TimeoutException | TimeoutError)
        seen.problem = (
            f"no complete reply within {deadline:g} s" if clock.expired() else _reason(broken)
        )
        # Proof that no byte left: a connection was being made and no sending had begun, or the
        # library says so itself.  Having seen neither proves nothing.
        begun = seen.sending or seen.status is not None
        left = begun or not (seen.connecting or isinstance(broken, unsent))
        seen.ending = Ending.LOST if left else Ending.NOT_SENT
    seen.elapsed_ms = round((time.monotonic() - started) * 1000)
    return seen


def _reason(broken: Exception) -> str:
    words = " ".join(str(broken).split())
    return f"{type(broken).__name__}: {words}" if words else type(broken).__name__


async def read_reply(
    seen: Exchange, chunks: AsyncIterator[bytes], headers: Mapping[str, str], most: int
) -> None:
    """Append the decoded body to ``seen.body``: at most ``most`` bytes of a success, and of
    anything else as much as an error keeps.

    ``chunks`` are the bytes as they came.  Raises UnreadableBody for a success only: an error's
    status has said what matters, so an endless or garbled explanation changes nothing.
    """
    if seen.status is not None and seen.status // 100 == 2:
        declared = headers.get("content-length", "")
        if declared.isdecimal() and len(declared) < 20 and int(declared) > most:
            raise UnreadableBody(
                Ending.TOO_LARGE, f"{int(declared):,} bytes announced, {most:,} allowed"
            )
        await _read_body(seen, chunks, headers, most)
        return
    try:
        # A little more than is kept, so that a key at the edge is whole when it is starred out.
        await _read_body(seen, chunks, headers, ERROR_BODY_CAP + 4096)
    except UnreadableBody as bad:
        seen.problem = str(bad)


async def _read_body(
    seen: Exchange, chunks: AsyncIterator[bytes], headers: Mapping[str, str], limit: int
) -> None:
    """Never holds more than ``limit`` decoded bytes.

    The libraries decode a whole network read at once, which lets 64 kB of gzip become 64 MB
    before anyone can count; so the raw bytes are read here and inflated piece by piece.
    """
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise UnreadableBody(Ending.BAD_ENCODING, "an encoding that was not asked for")
    inflate = _Inflater() if coding.endswith("gzip") else None
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        room = limit - len(seen.body)
        seen.body += inflate.feed(chunk, room + 1) if inflate else chunk[: room + 1]
        if len(seen.body) > limit or received > limit:
            del seen.body[limit:]
            raise UnreadableBody(Ending.TOO_LARGE, f"more than the {limit:,} bytes allowed")
    if inflate and not inflate.finished:
        raise UnreadableBody(Ending.BAD_ENCODING, "gzip that stops in the middle")


class _Inflater:
    """gzip, of one member or several, decoded within a bound."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._fed = False

    @property
    def finished(self) -> bool:
        """Whether the stream ended where a member ended (or never began)."""
        return self._member.eof or not self._fed

    def feed(self, data: bytes, most: int) -> bytes:
        """Up to ``most`` decoded bytes (``most`` > 0) of what ``data`` adds."""
        out = bytearray()
        try:
            while data and len(out) < most:
                if self._member.eof:
                    self._member = zlib.decompressobj(wbits=31)
                self._fed = True
                out += self._member.decompress(data, most - len(out))
                data = (
                    self._member.unused_data if self._member.eof else self._member.unconsumed_tail
                )
        except zlib.error:
            raise UnreadableBody(Ending.BAD_ENCODING, "not the gzip it claims to be") from None
        return bytes(out)

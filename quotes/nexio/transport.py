"""One exchange over HTTP: what left, what came back, and how it ended.

Nothing here knows what Nexio's replies mean; ``client`` judges them.
"""

import asyncio
import ssl
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpx

from quotes.nexio.errors import ERROR_BODY_CAP

USER_AGENT: Final = "brokerportal/0.1"

POLL_KEEPALIVE: Final = 45.0
"""Seconds an idle connection is kept for the next poll.  The schedule's longest gap is 31.5 s;
common gateways keep idle connections for 60 s or more.  Where one closes earlier httpcore sees it
before reuse, and in the remaining race a GET that fails is simply asked again on schedule."""


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

    async def trace(self, event: str, _info: dict[str, Any]) -> None:
        """httpcore's trace callback: notes how far the request has come."""
        if event.startswith("connection.") and event.endswith(".started"):
            self.connecting = True
        elif event.endswith("send_request_headers.started"):
            self.sending = True


class _UnreadableBody(Exception):
    def __init__(self, ending: Ending, problem: str) -> None:
        super().__init__(problem)
        self.ending = ending


@cache
def default_tls() -> ssl.SSLContext:
    """certifi's roots, built once a process (it costs some 25 ms)."""
    return httpx.create_ssl_context(trust_env=False)


def open_pool(
    *,
    headers: dict[str, str],
    connections: int,
    keepalive: bool,
    connect_timeout: float,
    read_timeout: float,
    tls: ssl.SSLContext | None,
) -> httpx.AsyncClient:
    """A pool of HTTP/1.1 connections that follows no redirect, keeps no cookie and reads no
    proxy, certificate or netrc setting from the environment.

    ``keepalive`` False opens a fresh connection for each request.
    """
    return httpx.AsyncClient(
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": USER_AGENT,
            **headers,
        },
        http1=True,
        http2=False,
        trust_env=False,
        follow_redirects=False,
        verify=tls or default_tls(),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx.Timeout(
            connect=connect_timeout, read=read_timeout, write=read_timeout, pool=connect_timeout
        ),
        limits=httpx.Limits(
            max_connections=connections,
            max_keepalive_connections=connections if keepalive else 0,
            keepalive_expiry=POLL_KEEPALIVE if keepalive else 0,
        ),
    )


async def exchange(
    pool: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    deadline: float,
    max_reply_bytes: int,
    body: bytes | None = None,
) -> Exchange:
    """Send one request and read its reply, all within ``deadline`` seconds.  Raises nothing but
    ``asyncio.CancelledError``: every end is an ``Exchange``."""
    seen = Exchange()
    started = time.monotonic()
    try:
        # httpx's time-outs are per read: a server that drips a byte at a time never trips them.
        async with asyncio.timeout(deadline) as clock:
            await _converse(pool, method, url, body, max_reply_bytes, seen)
        seen.ending = Ending.COMPLETE
    except _UnreadableBody as bad:
        seen.ending, seen.problem = bad.ending, str(bad)
    except Exception as broken:
        # Whatever broke, and also a fault of a library, must end in a state and not in a stack
        # trace: a request may be on its way.
        seen.late = clock.expired() or isinstance(broken, httpx.TimeoutException)
        seen.problem = (
            f"no complete reply within {deadline:g} s" if clock.expired() else _reason(broken)
        )
        seen.ending = Ending.NOT_SENT if _nothing_left(seen, broken) else Ending.LOST
    seen.elapsed_ms = round((time.monotonic() - started) * 1000)
    return seen


def _nothing_left(seen: Exchange, broken: Exception) -> bool:
    """Proof that no byte of the request left: the trace shows a connection being made and no
    sending begun, or httpx says so itself.  No trace at all proves nothing."""
    if seen.sending or seen.status is not None:
        return False
    return seen.connecting or isinstance(
        broken,
        httpx.ConnectError
        | httpx.ConnectTimeout
        | httpx.PoolTimeout
        | httpx.UnsupportedProtocol
        | httpx.InvalidURL,
    )


def _reason(broken: Exception) -> str:
    words = " ".join(str(broken).split())
    return f"{type(broken).__name__}: {words}" if words else type(broken).__name__


async def _converse(
    pool: httpx.AsyncClient,
    method: str,
    url: str,
    body: bytes | None,
    max_reply_bytes: int,
    seen: Exchange,
) -> None:
    trace: Callable[[str, dict[str, Any]], Awaitable[None]] = seen.trace
    request = pool.build_request(
        method,
        url,
        content=body,
        headers=None if body is None else {"Content-Type": "application/json"},
        extensions={"trace": trace},
    )
    response = await pool.send(request, stream=True)
    try:
        seen.status, seen.headers = response.status_code, response.headers
        if response.is_success:
            await _read_body(response, seen, max_reply_bytes)
        else:
            await _read_explanation(response, seen)
    finally:
        await response.aclose()


async def _read_explanation(response: httpx.Response, seen: Exchange) -> None:
    """As much of an error's body as an error keeps.  Its status has said what matters, so an
    endless or garbled explanation changes nothing."""
    try:
        # A little more than is kept, so that a key at the edge is whole when it is starred out.
        await _read_body(response, seen, ERROR_BODY_CAP + 4096)
    except _UnreadableBody as bad:
        seen.problem = str(bad)


async def _read_body(response: httpx.Response, seen: Exchange, limit: int) -> None:
    """Append the decoded body to ``seen.body``, never holding more than ``limit`` bytes of it.

    httpx decodes a whole network read at once, which lets 64 kB of gzip become 64 MB before
    anyone can count; so the raw bytes are read here and inflated piece by piece.
    """
    declared = response.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
        too_much = f"{int(declared):,} bytes announced, {limit:,} allowed"
        if response.is_success:
            raise _UnreadableBody(Ending.TOO_LARGE, too_much)
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise _UnreadableBody(Ending.BAD_ENCODING, "an encoding that was not asked for")
    inflate = _Inflater() if coding.endswith("gzip") else None
    received = 0
    async for chunk in response.aiter_raw():
        received += len(chunk)
        room = limit - len(seen.body)
        seen.body += inflate.feed(chunk, room + 1) if inflate else chunk[: room + 1]
        if len(seen.body) > limit or received > limit:
            del seen.body[limit:]
            raise _UnreadableBody(Ending.TOO_LARGE, f"more than the {limit:,} bytes allowed")
    if inflate and not inflate.finished:
        raise _UnreadableBody(Ending.BAD_ENCODING, "gzip that stops in the middle")


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
            raise _UnreadableBody(Ending.BAD_ENCODING, "not the gzip it claims to be") from None
        return bytes(out)

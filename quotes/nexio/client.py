"""Nexio's two endpoints.

A client belongs to one event loop and is closed with it::

    async with NexioClient(base_url, key) as nexio:
        accepted = await nexio.submit(body)
        reply = await nexio.fetch(accepted.message.run_id)

Both calls make exactly one request: nothing is retried and no redirect is followed.  They return
a ``Reply`` or raise an error of ``errors``.  Cancelling a call closes its connection; a cancelled
``submit`` may have been received.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar
from urllib.parse import quote

import aiohttp

from quotes.nexio import errors, judge, messages, polls, transport, values
from quotes.nexio.address import key_environment, validate_base_url, validate_key
from quotes.nexio.exchange import Ending, Exchange

__all__ = ["KeyCheck", "NexioClient", "Reply", "key_environment", "validate_base_url"]

T = TypeVar("T")

NIL_RUN: Final = "00000000-0000-0000-0000-000000000000"
"""A run id nobody has: asking for it shows whether the key works and touches nothing."""


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """A usable answer.

    ``body``        the decoded bytes exactly as received (only the API key, should a server echo
                    it, is starred out).
    ``elapsed_ms``  from the first byte of connecting to the last of the reply; waiting for one of
                    the client's own slots is not counted.
    """

    message: T
    body: bytes
    http_status: int
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """Whether the key is accepted.

    ``environment``  as the reply names it, else as the key's prefix does.
    ``recognised``   whether the answer was a JSON object, as Nexio's are; False with ``ok`` means
                     that something answered 404 which may not be Nexio: check the address.
    """

    ok: bool
    http_status: int
    environment: str | None
    latency_ms: int
    recognised: bool


class NexioClient:
    """A connection to one Nexio with one key.

    Raises ValueError for an address or key that breaks the rules of ``address``.

    ``connect_timeout``   seconds for TCP and for TLS each.
    ``read_timeout``      seconds of silence allowed between two reads or writes.
    ``submit_deadline``, ``poll_deadline``  seconds for the whole exchange.
    ``max_reply_bytes``   most decoded bytes of a reply.
    ``max_connections``   polls under way at once, and submissions, of which there are never
                          more than ``max_submissions``; the rest wait, which counts towards no
                          deadline.  Bounded here because httpx's own pool does quadratic work
                          and fails with a time-out when many requests wait in it: 16 to 32
                          submissions are fastest.
    ``tls``               another trust store, for a gateway with a private authority.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        connect_timeout: float = 5.0,
        read_timeout: float = 20.0,
        submit_deadline: float = 30.0,
        poll_deadline: float = 15.0,
        max_reply_bytes: int = 8 * 1024 * 1024,
        max_connections: int = 128,
        max_submissions: int = 24,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.base_url = validate_base_url(base_url)
        self.environment = key_environment(api_key)
        self._key = validate_key(api_key)
        self._submit_deadline = submit_deadline
        self._poll_deadline = poll_deadline
        self._max_reply_bytes = max_reply_bytes
        max_submissions = min(max_submissions, max_connections)
        self._posting = asyncio.Semaphore(max_submissions)
        self._asking = asyncio.Semaphore(max_connections)
        self._closed = False
        # A POST always gets a fresh connection: on a kept one that the server closes at the wrong
        # moment the reply is lost, and nobody could tell whether the run exists.  One handshake a
        # run is a small price.  Polls reuse connections.
        self._how: dict[str, Any] = {
            "connect_timeout": connect_timeout, "read_timeout": read_timeout, "tls": tls,
        }  # fmt: skip
        self._submissions = transport.open_pool(
            headers=self._headers(), connections=max_submissions, **self._how
        )
        self._most_polls = max_connections
        self._polls: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"NexioClient(base_url={self.base_url!r}, environment={self.environment!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections.  A second time does nothing."""
        self._closed = True
        await self._submissions.aclose()
        if self._polls is not None:
            await self._polls.close()

    async def submit(self, body: bytes) -> Reply[messages.Accepted]:
        """POST a run: ``body`` is what ``messages.encode_request`` makes, sent as it is.

        Any 2xx with a usable ``run_id`` counts as accepted (documented is 202).  Raises
        ``NexioError``; only where its ``outcome_unknown`` is False is it certain that nothing
        runs at Nexio.
        """
        if not body:
            raise errors.NotSent("There is nothing to submit: the request is empty.")
        async with self._posting:
            self._refuse_when_closed()
            seen = await transport.post(
                self._submissions,
                f"{self.base_url}/api/v1/jobs",
                body,
                deadline=self._submit_deadline,
                max_reply_bytes=self._max_reply_bytes,
            )
        self._star_out_key(seen)
        return self._usable(seen, messages.Accepted.read)

    async def fetch(self, run_id: str) -> Reply[messages.JobReply]:
        """GET a run in whatever status it is.

        Raises ``NexioError``: ``Unusable`` also where the reply is about another run,
        ``Refused`` with ``http_status`` 404 where Nexio does not know the run, ``NotSent`` for
        an id no run can have.
        """
        if values.identifier(run_id) != run_id:
            raise errors.NotSent("This is not a run id: 1 to 200 printable characters without /.")
        seen = await self._get(run_id)

        def read(value: object) -> messages.JobReply:
            reply = messages.JobReply.read(value)
            if reply.run_id != run_id:
                raise ValueError("the reply is about another run")
            return reply

        return self._usable(seen, read)

    async def check_key(self) -> KeyCheck:
        """Ask for a run that does not exist: 404 or 200 means the key works, 401 or 403 that it
        is refused.  Raises ``NexioError`` for everything else."""
        seen = await self._get(NIL_RUN)
        if seen.status not in (200, 401, 403, 404):
            raise judge.error_of(seen)
        answer = judge.object_of(bytes(seen.body))
        named = values.text(answer.get("environment"), messages.STATUS_CAP) if answer else None
        return KeyCheck(
            ok=seen.status in (200, 404),
            http_status=seen.status,
            environment=named or self.environment,
            latency_ms=seen.elapsed_ms,
            recognised=answer is not None,
        )

    async def _get(self, run_id: str) -> Exchange:
        async with self._asking:
            self._refuse_when_closed()
            if self._polls is None:  # only now: it needs a running event loop
                self._polls = polls.open_session(
                    headers=self._headers(), connections=self._most_polls, **self._how
                )
            seen = await polls.get(
                self._polls,
                f"{self.base_url}/api/v1/jobs/{quote(run_id, safe='')}",
                deadline=self._poll_deadline,
                max_reply_bytes=self._max_reply_bytes,
            )
        self._star_out_key(seen)
        return seen

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key.reveal()}"}

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise errors.NotSent("The connection to Nexio has been closed.")

    def _star_out_key(self, seen: Exchange) -> None:
        """A server may echo the key ("invalid key nx_…"); from here on nothing holds it."""
        seen.body = bytearray(self._key.redact(bytes(seen.body)))
        seen.problem = self._key.redact(seen.problem.encode(errors="replace")).decode()

    @staticmethod
    def _usable(seen: Exchange, read: Callable[[object], T]) -> Reply[T]:
        if seen.ending is not Ending.COMPLETE or seen.status is None or seen.status // 100 != 2:
            raise judge.error_of(seen)
        body = bytes(seen.body)
        fault = ""
        try:
            message = read(messages.decode(body))
        except ValueError as unreadable:
            fault = judge.unreadable(unreadable)
        if fault:  # raised out here so that no library's exception hangs on ours
            raise errors.Unusable(fault, http_status=seen.status, body=body)
        return Reply(message, body, seen.status, seen.elapsed_ms)

"""A submission over HTTP: what left, what came back, and how it ended.

Over httpx and on a fresh connection each time: what it says of a request that broke off is what
decides whether that may be sent again.  Nothing here knows what Nexio's replies mean; ``client``
judges them.
"""

import ssl
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from quotes.nexio.exchange import USER_AGENT, Exchange, concluded, default_tls, read_reply

UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


def open_pool(
    *,
    headers: dict[str, str],
    connections: int,
    connect_timeout: float,
    read_timeout: float,
    tls: ssl.SSLContext | None,
) -> httpx.AsyncClient:
    """A pool of HTTP/1.1 connections, a fresh one for each request, that follows no redirect,
    keeps no cookie and reads no proxy, certificate or netrc setting from the environment."""
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
            max_connections=connections, max_keepalive_connections=0, keepalive_expiry=0
        ),
    )


async def post(
    pool: httpx.AsyncClient, url: str, body: bytes, *, deadline: float, max_reply_bytes: int
) -> Exchange:
    """Send one request and read its reply, all within ``deadline`` seconds.  Raises nothing but
    ``asyncio.CancelledError``: every end is an ``Exchange``."""
    seen = Exchange()
    talk = _converse(pool, url, body, max_reply_bytes, seen)
    return await concluded(seen, talk, deadline=deadline, unsent=UNSENT)


async def _converse(
    pool: httpx.AsyncClient, url: str, body: bytes, most: int, seen: Exchange
) -> None:
    request = pool.build_request(
        "POST",
        url,
        content=body,
        headers={"Content-Type": "application/json"},
        extensions={"trace": partial(_trace, seen)},
    )
    response = await pool.send(request, stream=True)
    try:
        seen.status, seen.headers = response.status_code, response.headers
        await read_reply(seen, response.aiter_raw(), response.headers, most)
    finally:
        await response.aclose()


async def _trace(seen: Exchange, event: str, _info: dict[str, Any]) -> None:
    """httpcore's trace callback: notes how far the request has come."""
    if event.startswith("connection.") and event.endswith(".started"):
        seen.connecting = True
    elif event.endswith("send_request_headers.started"):
        seen.sending = True

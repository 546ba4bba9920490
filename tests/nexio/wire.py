"""What the tests of the wire share: a client, and a small request."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar

from quotes.nexio.client import NexioClient
from quotes.nexio.errors import NexioError
from quotes.nexio.messages import encode_request
from tests.fake_nexio import FakeNexio

T = TypeVar("T")

KEY = "nx_test_S3cr3t-of-the-house"
RUN = "2aa8b3f1-9d11-4f4a-b2f2-6c2e3d96fdf0"
LIMIT = 200_000
OFFERING = {
    "id": "line-1",
    "provider_name": "Harbor Mutual",
    "category": "home",
    "coverage": {"product_name": "Harbor Home", "program_type": "quoted_line"},
    "attributes": {
        "quote_id": "q-1",
        "line_premium_annual": Decimal("6480.10"),
        "package_premium_annual": Decimal("13620.00"),
    },
}
BODY = encode_request({"coverage_types": ["home"], "address": {"state": "CA"}}, [OFFERING])


SHORT = {
    "connect_timeout": 0.3,
    "read_timeout": 0.3,
    "submit_deadline": 0.5,
    "poll_deadline": 0.5,
}
"""For what is meant to run into a time-out.  Everything else is patient, so that a busy machine
fails no test."""


def client(url: str, **settings: Any) -> NexioClient:
    """A patient client with a small cap; any setting can be replaced."""
    patient = {
        "connect_timeout": 10,
        "read_timeout": 10,
        "submit_deadline": 20,
        "poll_deadline": 20,
        "max_reply_bytes": LIMIT,
    }
    return NexioClient(url, settings.pop("key", KEY), **(patient | settings))


def with_client(
    fake: FakeNexio | str, work: Callable[[NexioClient], Awaitable[T]], **settings: Any
) -> T:
    """Run ``work`` with a client of its own, in a loop of its own."""

    async def run() -> T:
        url = fake if isinstance(fake, str) else fake.url
        async with client(url, **settings) as nexio:
            return await work(nexio)

    return asyncio.run(run())


def failure(
    fake: FakeNexio | str, work: Callable[[NexioClient], Awaitable[Any]], **settings: Any
) -> NexioError:
    """The error ``work`` ends in; fails where it ends in none."""
    try:
        outcome = with_client(fake, work, **settings)
    except NexioError as error:
        return error
    raise AssertionError(f"no error but {outcome!r}")


def submit(nexio: NexioClient) -> Awaitable[Any]:
    """POST the small request."""
    return nexio.submit(BODY)


def fetch(nexio: NexioClient) -> Awaitable[Any]:
    """GET the usual run."""
    return nexio.fetch(RUN)

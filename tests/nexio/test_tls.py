"""TLS: a connection that cannot be trusted carries nothing, and one that can carries all."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from quotes.nexio import errors
from quotes.nexio.client import NexioClient
from tests.answers import Answer, hang, reset, wire_bytes
from tests.certificates import Authority
from tests.fake_nexio import FakeNexio
from tests.nexio.wire import BODY, SHORT, failure, fetch, submit, with_client

BOTH = pytest.mark.parametrize("call", [submit, fetch])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def test_a_run_over_tls(authority: Authority):
    async def life(nexio: NexioClient) -> Any:
        run_id = (await nexio.submit(BODY)).message.run_id
        return [await nexio.fetch(run_id) for _ in range(3)][-1]

    with FakeNexio(tls=authority.server()) as fake:
        reply = with_client(fake, life, tls=authority.trust())
        assert reply.message.status == "completed"
        assert len({get.port for get in fake.recorded_polls()}) == 1


def _wrong(authority: Authority, how: str) -> ssl.SSLContext:
    made = {
        "of another host": {"host": "nexio.example"},
        "of another address": {"host": "127.0.0.2"},
        "expired": {"expired": True},
        "signed by itself": {"self_signed": True},
    }
    return authority.server(**made[how])  # type: ignore[arg-type]


@BOTH
@pytest.mark.parametrize(
    "how", ["of another host", "of another address", "expired", "signed by itself"]
)
def test_a_certificate_that_proves_nothing(authority: Authority, call: Any, how: str):
    with FakeNexio(tls=_wrong(authority, how)) as fake:
        _assert_nothing_left(fake, failure(fake, call, tls=authority.trust()))


@BOTH
def test_an_authority_we_do_not_know(authority: Authority, call: Any, tmp_path: Path):
    with FakeNexio(tls=authority.server()) as fake:
        _assert_nothing_left(fake, failure(fake, call))  # the usual roots
        other = Authority(tmp_path, "Another authority")
        _assert_nothing_left(fake, failure(fake, call, tls=other.trust()))


@BOTH
def test_plain_http_where_tls_is_meant(authority: Authority, call: Any):
    with FakeNexio() as fake:
        url = fake.url.replace("http:", "https:")
        _assert_nothing_left(fake, failure(url, call, tls=authority.trust()))


@BOTH
@pytest.mark.parametrize(
    "answer",
    [reset(), hang(), wire_bytes(b"\x15\x03\x01\x00\x02\x02\x28"), wire_bytes(b"\x16\x03\x03")],
    ids=["reset", "silence", "an alert", "half a greeting"],
)
def test_a_handshake_that_fails(authority: Authority, call: Any, answer: Answer):
    with FakeNexio(tls=authority.server()) as fake:
        fake.on_connect(answer)
        _assert_nothing_left(fake, failure(fake, call, tls=authority.trust(), **SHORT))


@BOTH
def test_tls_where_plain_http_is_meant(authority: Authority, call: Any):
    with FakeNexio(tls=authority.server()) as fake:
        # What was sent was no handshake, but it was sent: only loopback allows such an address.
        error = failure(fake.url.replace("https:", "http:"), call)
        assert type(error) is errors.LostReply
        assert fake.requests == []


def _assert_nothing_left(fake: FakeNexio, error: errors.NexioError) -> None:
    assert type(error) is errors.NotSent
    assert not error.may_have_left
    assert error.message.isprintable()
    assert fake.connections
    assert fake.requests == []

"""The ends that prove no byte of a request left: only these allow a second POST at once."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from quotes.nexio import errors
from tests.fake_nexio import FakeNexio
from tests.nexio.wire import BODY, failure, fetch, submit


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full: nobody answers the first packet."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for sock in waiting:
            sock.close()


@pytest.mark.parametrize("call", [submit, fetch])
def test_connection_refused_means_nothing_was_sent(call: Any):
    _assert_not_sent(failure(f"http://127.0.0.1:{_free_port()}", call))


@pytest.mark.parametrize("call", [submit, fetch])
def test_a_connect_timeout_means_nothing_was_sent(full_port: int, call: Any):
    _assert_not_sent(failure(f"http://127.0.0.1:{full_port}", call, connect_timeout=0.2))


@pytest.mark.parametrize("call", [submit, fetch])
def test_the_deadline_while_connecting_means_nothing_was_sent(full_port: int, call: Any):
    url = f"http://127.0.0.1:{full_port}"
    soon = {"submit_deadline": 0.2, "poll_deadline": 0.2}
    _assert_not_sent(failure(url, call, connect_timeout=30, **soon))


@pytest.mark.parametrize("call", [submit, fetch])
def test_a_name_that_does_not_resolve_means_nothing_was_sent(call: Any):
    # A label of more than 63 letters cannot exist, so no name server is asked.
    _assert_not_sent(failure(f"https://{'a' * 64}.example", call))


@pytest.mark.parametrize("call", [submit, fetch])
def test_failing_tls_means_nothing_was_sent(fake_nexio: FakeNexio, call: Any):
    _assert_not_sent(failure(fake_nexio.url.replace("http:", "https:"), call))
    assert fake_nexio.connections == 1
    assert fake_nexio.requests == []


@pytest.mark.parametrize("call", [submit, fetch])
def test_silence_during_tls_means_nothing_was_sent(call: Any):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        _assert_not_sent(failure(url, call, connect_timeout=0.2))


@pytest.mark.parametrize("run_id", ["", " ", "..", "a/b", "a\nb", "x" * 201, "a\ud800"])
def test_an_id_no_run_can_have_is_not_asked_for(fake_nexio: FakeNexio, run_id: str):
    _assert_not_sent(failure(fake_nexio, lambda nexio: nexio.fetch(run_id)))
    assert fake_nexio.connections == 0


def test_an_empty_submission_is_not_sent(fake_nexio: FakeNexio):
    _assert_not_sent(failure(fake_nexio, lambda nexio: nexio.submit(b"")))
    assert fake_nexio.connections == 0


def test_a_closed_client_sends_nothing(fake_nexio: FakeNexio):
    async def closed(nexio: Any) -> Any:
        await nexio.aclose()
        return await nexio.submit(BODY)

    _assert_not_sent(failure(fake_nexio, closed))
    assert fake_nexio.connections == 0


def _assert_not_sent(error: errors.NexioError) -> None:
    assert type(error) is errors.NotSent
    assert not error.may_have_left
    assert not error.outcome_unknown
    assert error.http_status is None
    assert error.message.isprintable()

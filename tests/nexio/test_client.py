"""What the client puts on the wire, and how it shares connections."""

import asyncio
import gzip
import threading
from decimal import Decimal
from typing import Any

import pytest

from quotes.nexio.client import NexioClient
from quotes.nexio.errors import LostReply, NexioError, Refused, ServerFault, Throttled
from tests.answers import (
    Answer,
    Wire,
    close_without_reply,
    drip,
    hang,
    raw,
    redirect,
    reset,
    status,
)
from tests.fake_nexio import FakeNexio
from tests.nexio.wire import BODY, KEY, RUN, failure, fetch, submit, with_client


def test_a_submission_is_one_post_of_exactly_the_given_bytes(fake_nexio: FakeNexio):
    accepted = with_client(fake_nexio, submit)
    [post] = fake_nexio.requests
    assert (post.method, post.path, post.body) == ("POST", "/api/v1/jobs", BODY)
    assert post.headers["authorization"] == f"Bearer {KEY}"
    assert post.headers["content-type"] == "application/json"
    assert post.headers["content-length"] == str(len(BODY))
    assert post.headers["user-agent"] == "brokerportal/0.1"
    assert post.headers["accept"] == "application/json"
    assert accepted.http_status == 202
    assert accepted.message.status == "queued"
    assert accepted.message.run_id in fake_nexio.runs


def test_a_run_from_submission_to_solutions(fake_nexio: FakeNexio):
    async def life(nexio: NexioClient) -> list[Any]:
        run_id = (await nexio.submit(BODY)).message.run_id
        return [await nexio.fetch(run_id) for _ in range(3)]

    replies = with_client(fake_nexio, life)
    assert [reply.message.status for reply in replies] == ["queued", "processing", "completed"]
    assert [reply.message.is_terminal for reply in replies] == [False, False, True]
    [solution] = replies[-1].message.solutions
    assert solution.est_cost_low == Decimal("6480.10")
    assert solution.overall_level == Decimal("2.75")
    assert solution.offerings[0].provider_name == "Harbor Mutual"
    assert solution.offerings[0].id == "line-1"


def test_the_reply_is_kept_byte_for_byte(fake_nexio: FakeNexio):
    sent = b'\n{ "status":"queued" ,"run_id":"%s","n":1.10,"n":1.1e0, "\\u00e9":"\xc3\xa9"} \n' % (
        RUN.encode()
    )
    fake_nexio.on_poll(None, [raw(200, sent), raw(200, gzip.compress(sent), _GZIP)])
    assert with_client(fake_nexio, fetch).body == sent
    assert with_client(fake_nexio, fetch).body == sent


_GZIP = {"Content-Encoding": "gzip"}


def test_gzip_of_several_members_and_small_pieces(fake_nexio: FakeNexio):
    sent = b'{"run_id": "%s", "status": "queued", "pad": "%s"}' % (RUN.encode(), b"ab" * 9000)
    packed = gzip.compress(sent[:100]) + gzip.compress(sent[100:])
    fake_nexio.on_poll(None, [raw(200, packed, _GZIP), drip(packed, interval=0, headers=_GZIP)])
    assert with_client(fake_nexio, fetch).body == sent
    assert with_client(fake_nexio, fetch).body == sent


def test_polls_reuse_one_connection_and_every_post_gets_its_own(fake_nexio: FakeNexio):
    async def work(nexio: NexioClient) -> None:
        for _ in range(3):
            run_id = (await nexio.submit(BODY)).message.run_id
            await nexio.fetch(run_id)

    with_client(fake_nexio, work)
    assert len({get.port for get in fake_nexio.recorded_polls()}) == 1
    assert len({post.port for post in fake_nexio.recorded_submits}) == 3
    assert fake_nexio.connections == 4


def test_a_poll_after_the_server_dropped_the_idle_connection(fake_nexio: FakeNexio):
    fake_nexio.add_run(RUN, {"input": {"coverage_types": []}, "offerings": []})

    async def work(nexio: NexioClient) -> Any:
        await nexio.fetch(RUN)
        await asyncio.to_thread(fake_nexio.drop_connections)
        return await nexio.fetch(RUN)

    assert with_client(fake_nexio, work).message.status == "processing"
    assert fake_nexio.connections == 2


@pytest.mark.parametrize("ending", [close_without_reply(), reset()])
def test_a_poll_on_a_kept_connection_that_breaks_off_is_not_asked_again(
    fake_nexio: FakeNexio, ending: Answer
):
    """The library would ask once more by itself, which the schedule knows nothing of."""
    fake_nexio.on_poll(None, [status(200, {"run_id": RUN, "status": "queued"}), ending])

    async def work(nexio: NexioClient) -> Any:
        await nexio.fetch(RUN)
        return await nexio.fetch(RUN)

    error = failure(fake_nexio, work)
    assert type(error) is LostReply
    assert error.http_status is None
    first, second = fake_nexio.requests
    assert first.port == second.port


def test_an_outage_and_its_end(fake_nexio: FakeNexio):
    fake_nexio.stop_listening()
    assert not failure(fake_nexio, submit).may_have_left
    fake_nexio.listen()
    assert with_client(fake_nexio, submit).message.status == "queued"


@pytest.mark.parametrize(
    ("run_id", "step"),
    [
        ("20260416-14.06.01.632319", "20260416-14.06.01.632319"),
        ("a b?c#d%2Fe&é\\", "a%20b%3Fc%23d%252Fe%26%C3%A9%5C"),
        ("...", "..."),
    ],
)
def test_the_run_id_is_one_encoded_step_of_the_path(fake_nexio: FakeNexio, run_id: str, step: str):
    fake_nexio.on_poll(None, {"run_id": run_id, "status": "queued"})
    with_client(fake_nexio, lambda nexio: nexio.fetch(run_id))
    assert fake_nexio.requests[0].path == f"/api/v1/jobs/{step}"
    assert "content-type" not in fake_nexio.requests[0].headers


def test_a_path_prefix_is_kept(fake_nexio: FakeNexio):
    failure(fake_nexio.url + "/gateway/nexio/", submit)
    assert fake_nexio.requests[0].path == "/gateway/nexio/api/v1/jobs"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", [submit, fetch])
def test_no_redirect_is_followed_and_the_key_goes_nowhere_else(
    fake_nexio: FakeNexio, call: Any, code: int
):
    with FakeNexio() as elsewhere:
        fake_nexio.on_submit(redirect(elsewhere.url + "/api/v1/jobs", code))
        fake_nexio.on_poll(None, redirect(elsewhere.url + "/api/v1/jobs", code))
        failure(fake_nexio, call)
        assert elsewhere.connections == 0
    assert len(fake_nexio.requests) == 1


@pytest.mark.parametrize("call", [submit, fetch])
def test_the_environments_proxy_is_not_used(
    fake_nexio: FakeNexio, monkeypatch: pytest.MonkeyPatch, call: Any
):
    fake_nexio.add_run(RUN, {"input": {"coverage_types": []}, "offerings": []})
    with FakeNexio() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        with_client(fake_nexio, call)
        assert proxy.connections == 0
    assert len(fake_nexio.requests) == 1


def test_cookies_are_not_kept(fake_nexio: FakeNexio):
    fake_nexio.on_poll(
        None, status(200, {"run_id": RUN, "status": "queued"}, {"Set-Cookie": "a=b; Path=/"})
    )

    async def twice(nexio: NexioClient) -> None:
        await nexio.fetch(RUN)
        await nexio.fetch(RUN)

    with_client(fake_nexio, twice)
    assert "cookie" not in fake_nexio.requests[1].headers


def test_waiting_for_a_slot_counts_towards_no_deadline(fake_nexio: FakeNexio):
    slow = hang(0.5, then=status(200, {"run_id": RUN, "status": "queued"}))
    fake_nexio.on_poll(None, slow)

    async def three(nexio: NexioClient) -> list[Any]:
        return await asyncio.gather(*(nexio.fetch(RUN) for _ in range(3)))

    replies = with_client(
        fake_nexio, three, max_connections=1, read_timeout=5, poll_deadline=1.2, connect_timeout=0.1
    )
    assert [reply.message.status for reply in replies] == ["queued"] * 3


def test_no_more_requests_at_once_than_allowed(fake_nexio: FakeNexio):
    lock, under_way, most = threading.Lock(), 0, 0
    reply = status(200, {"run_id": RUN, "status": "queued"})

    def write(wire: Wire) -> bool:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        wire.pause(0.02)
        with lock:
            under_way -= 1
        return reply.write(wire)

    fake_nexio.on_poll(None, Answer(write))

    async def many(nexio: NexioClient) -> None:
        await asyncio.gather(*(nexio.fetch(RUN) for _ in range(40)))

    with_client(fake_nexio, many, max_connections=4, read_timeout=5, poll_deadline=5)
    assert 1 < most <= 4
    assert fake_nexio.connections <= 4


def test_a_cancelled_submission_is_cancelled_and_frees_its_slot(fake_nexio: FakeNexio):
    fake_nexio.on_submit([hang()])

    async def cancel(nexio: NexioClient) -> Any:
        task = asyncio.create_task(nexio.submit(BODY))
        await asyncio.to_thread(fake_nexio.wait_until, lambda fake: bool(fake.recorded_submits))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await nexio.submit(BODY)

    again = with_client(fake_nexio, cancel, max_connections=1, read_timeout=9, submit_deadline=9)
    assert again.message.status == "queued"
    assert len(fake_nexio.recorded_submits) == 2


def test_the_key_check(fake_nexio: FakeNexio):
    fake_nexio.keys = {KEY}
    good = with_client(fake_nexio, lambda nexio: nexio.check_key())
    assert (good.ok, good.http_status, good.environment) == (True, 404, "test")
    assert good.recognised
    bad = with_client(fake_nexio, lambda nexio: nexio.check_key(), key="nx_live_revoked")
    assert (bad.ok, bad.http_status, bad.environment) == (False, 401, "live")
    assert fake_nexio.requests[0].path == "/api/v1/jobs/00000000-0000-0000-0000-000000000000"


def test_the_key_check_prefers_the_environment_of_the_reply(fake_nexio: FakeNexio):
    fake_nexio.on_poll(None, [status(403, {"code": "x"}), status(404, {"environment": "eu"})])
    assert not with_client(fake_nexio, lambda nexio: nexio.check_key()).ok
    assert with_client(fake_nexio, lambda nexio: nexio.check_key()).environment == "eu"


def test_the_key_check_tells_when_something_else_answers(fake_nexio: FakeNexio):
    fake_nexio.on_poll(None, raw(404, b"<html>nginx</html>"))
    check = with_client(fake_nexio, lambda nexio: nexio.check_key())
    assert check.ok
    assert not check.recognised


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(500), ServerFault),
        (status(429), Throttled),
        (status(400), Refused),
        (redirect("/"), NexioError),
        (raw(204), NexioError),
        (close_without_reply(), NexioError),
    ],
)
def test_the_key_check_without_a_verdict(fake_nexio: FakeNexio, answer: Answer, error: Any):
    fake_nexio.on_poll(None, answer)
    assert isinstance(failure(fake_nexio, lambda nexio: nexio.check_key()), error)

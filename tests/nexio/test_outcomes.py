"""DESIGN's table of outcomes, the rows about one POST and one GET, at the wire."""

import pickle
from typing import Any

import pytest

from quotes.nexio import errors
from tests.answers import (
    Answer,
    Wire,
    close_without_reply,
    drip,
    endless,
    gzip_bomb,
    hang,
    raw,
    redirect,
    reset,
    status,
    truncated,
    wire_bytes,
)
from tests.fake_nexio import FakeNexio
from tests.nexio.wire import LIMIT, RUN, SHORT, failure, fetch, submit, with_client


def _slow_head(wire: Wire) -> bool:
    for byte in b"HTTP/1.1 202 Accepted\r\n" * 20:
        wire.send(bytes([byte]))
        wire.pause(0.05)
    return False


LOST = {
    "closed after the whole request": close_without_reply(),
    "reset after the whole request": reset(),
    "silence": hang(),
    "body a byte at a time": drip(b'{"run_id": "r-1", "status": "queued"}', interval=0.05),
    "head a byte at a time": Answer(_slow_head),
    "shorter than announced": truncated(b'{"run_id": "r-1", "status": "queued"}'),
    "head without end": wire_bytes(b"HTTP/1.1 202 Accepted\r\nContent-"),
    "not HTTP": wire_bytes(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "endless head": wire_bytes(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 300_000),
    "chunk that breaks off": wire_bytes(
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{"
    ),
}

_DEEP = b'{"run_id": "%s", "status": "queued", "x": ' % RUN.encode()
UNUSABLE = {
    "redirect": redirect("/api/v1/jobs/elsewhere"),
    "permanent redirect": redirect("/elsewhere", 308),
    "not modified": raw(304),
    "no body": raw(204),
    "empty body": raw(200, b""),
    "HTML": raw(200, b"<html><body>Sign in</body></html>", {"Content-Type": "text/html"}),
    "not JSON": raw(200, b'{"run_id": "r-1", "status"'),
    "invalid UTF-8": raw(200, b'{"run_id": "r-1\xff", "status": "queued"}'),
    "a list": status(200, [{"run_id": RUN, "status": "queued"}]),
    "null": status(200, None),
    "no run_id": status(200, {"status": "queued"}),
    "run_id null": status(200, {"run_id": None, "status": "queued"}),
    "run_id blank": status(200, {"run_id": "  ", "status": "queued"}),
    "run_id a list": status(200, {"run_id": [RUN], "status": "queued"}),
    "run_id true": status(200, {"run_id": True, "status": "queued"}),
    "run_id with a slash": status(200, {"run_id": "../keys", "status": "queued"}),
    "run_id a step of the path": status(200, {"run_id": "..", "status": "queued"}),
    "run_id with NUL": status(200, {"run_id": "a\0b", "status": "queued"}),
    "run_id half a character": raw(200, b'{"run_id": "a\\ud800", "status": "queued"}'),
    "run_id too long": status(200, {"run_id": "x" * 201, "status": "queued"}),
    "run_id of 5,000 digits": raw(200, b'{"run_id": %s, "status": "queued"}' % (b"9" * 5000)),
    "nested 2,000 deep": raw(200, _DEEP + b"[" * 2000 + b"]" * 2000 + b"}"),
    "nested 200,000 deep": raw(200, b"[" * 199_000),
    "over the cap, announced": endless(100_000_000, announce=True),
    "over the cap, not announced": endless(100_000_000),
    "gzip bomb": gzip_bomb(20_000_000),
    "gzip that is none": raw(200, b"{}", {"Content-Encoding": "gzip"}),
    "an encoding not asked for": raw(200, b"{}", {"Content-Encoding": "br"}),
}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST.keys())
@pytest.mark.parametrize("call", [submit, fetch])
def test_a_lost_reply_may_have_been_received(fake_nexio: FakeNexio, call: Any, answer: Answer):
    fake_nexio.on_submit(answer)
    fake_nexio.on_poll(None, answer)
    error = failure(fake_nexio, call, **SHORT)
    assert type(error) is errors.LostReply
    assert error.may_have_left
    assert error.outcome_unknown
    assert len(fake_nexio.requests) == 1


@pytest.mark.parametrize("answer", UNUSABLE.values(), ids=UNUSABLE.keys())
@pytest.mark.parametrize("call", [submit, fetch])
def test_an_unusable_reply_is_neither_yes_nor_no(fake_nexio: FakeNexio, call: Any, answer: Answer):
    fake_nexio.on_submit(answer)
    fake_nexio.on_poll(None, answer)
    error = failure(fake_nexio, call)
    assert type(error) is errors.Unusable
    assert error.may_have_left
    assert error.outcome_unknown
    assert error.http_status is not None
    assert len(error.body or b"") <= errors.ERROR_BODY_CAP
    assert len(fake_nexio.requests) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (close_without_reply(), "The connection broke before Nexio answered (HungUp"),
        (truncated(b'{"run_id"'), "The connection broke in the middle of Nexio's answer ("),
        (hang(), "Nexio did not answer in time (SocketTimeoutError"),
        (endless(100_000_000, announce=True), "answer is too large to be read (100,000,000 bytes"),
        (raw(200, b"{}", {"Content-Encoding": "br"}), "answer could not be unpacked (an encoding"),
    ],
)
def test_what_went_wrong_is_said_in_plain_words_first(
    fake_nexio: FakeNexio, answer: Answer, words: str
):
    fake_nexio.on_poll(None, answer)
    message = failure(fake_nexio, fetch, **SHORT).message
    assert words in message
    assert message.endswith(").")
    assert "..)" not in message


def test_a_poll_answered_for_another_run_is_unusable(fake_nexio: FakeNexio):
    fake_nexio.on_poll(None, {"run_id": "another", "status": "completed"})
    error = failure(fake_nexio, fetch)
    assert type(error) is errors.Unusable
    assert "another run" in error.message


@pytest.mark.parametrize("given", [{}, {"status": None}, {"status": 7}, {"status": " "}])
def test_a_poll_needs_a_status(fake_nexio: FakeNexio, given: dict[str, Any]):
    fake_nexio.on_poll(None, {"run_id": RUN, **given})
    assert type(failure(fake_nexio, fetch)) is errors.Unusable


@pytest.mark.parametrize("given", [{}, {"status": None}, {"status": {"a": 1}}])
def test_a_submission_without_status_keeps_its_run_id(fake_nexio: FakeNexio, given: Any):
    fake_nexio.on_submit({"run_id": RUN, **given})
    accepted = with_client(fake_nexio, submit)
    assert (accepted.message.run_id, accepted.message.status) == (RUN, "")


@pytest.mark.parametrize("code", [200, 201, 202])
@pytest.mark.parametrize(("given", "read"), [(90584063, "90584063"), ("2026-14.06", "2026-14.06")])
def test_any_success_with_a_run_id_is_accepted(
    fake_nexio: FakeNexio, code: int, given: Any, read: str
):
    fake_nexio.on_submit(status(code, {"run_id": given, "status": "queued", "new": {"field": 1}}))
    accepted = with_client(fake_nexio, submit)
    assert accepted.message.run_id == read
    assert accepted.http_status == code
    assert accepted.message.model_extra == {"new": {"field": 1}}


ENVELOPES = {
    "flat": {"code": "invalid_request", "message": "coverage_types is empty", "details": [1]},
    "former": {
        "error": {
            "code": "invalid_request",
            "message": "coverage_types is empty",
            "details": [1],
        }
    },
}


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES.keys())
@pytest.mark.parametrize("code", [400, 401, 403, 404, 422, 405, 410, 413, 415, 418])
@pytest.mark.parametrize("call", [submit, fetch])
def test_a_definite_refusal(fake_nexio: FakeNexio, call: Any, code: int, envelope: Any):
    fake_nexio.on_submit(status(code, envelope))
    fake_nexio.on_poll(None, status(code, envelope))
    error = failure(fake_nexio, call)
    assert type(error) is (errors.KeyRefused if code == 401 else errors.Refused)
    assert isinstance(error, errors.Refused)
    assert not error.outcome_unknown
    assert (error.http_status, error.code, error.details) == (code, "invalid_request", [1])
    assert error.nexio_message == "coverage_types is empty"
    assert "coverage_types is empty" in error.message


@pytest.mark.parametrize("code", [408, 409, 425, 499])
@pytest.mark.parametrize("call", [submit, fetch])
def test_a_4xx_that_decides_nothing(fake_nexio: FakeNexio, call: Any, code: int):
    fake_nexio.on_submit(status(code, ENVELOPES["flat"]))
    fake_nexio.on_poll(None, status(code, ENVELOPES["flat"]))
    error = failure(fake_nexio, call)
    assert type(error) is errors.Unusable
    assert error.outcome_unknown
    assert (error.http_status, error.code) == (code, "invalid_request")
    assert "coverage_types is empty" in error.message


ODD_EXPLANATIONS = {
    "HTML": raw(400, b"<html>Bad Request</html>"),
    "nothing": raw(400),
    "a list": status(400, ["no"]),
    "wrong types": status(400, {"code": 7, "message": None, "details": "x"}),
    "shorter than announced": truncated(b'{"code": "x"', code=400),
    "a byte at a time": drip(b'{"code": "x", "message": "y"}', interval=0.05, code=400),
    "endless": endless(100_000_000, code=400),
    "a gzip bomb": gzip_bomb(2_000_000, code=400),
    "garbled": raw(400, b"{}", {"Content-Encoding": "gzip"}),
    "too deep": raw(400, b"[" * 5000),
}


@pytest.mark.parametrize("answer", ODD_EXPLANATIONS.values(), ids=ODD_EXPLANATIONS.keys())
def test_a_refusal_is_one_however_it_is_explained(fake_nexio: FakeNexio, answer: Answer):
    fake_nexio.on_submit(answer)
    error = failure(fake_nexio, submit, submit_deadline=1)
    assert type(error) is errors.Refused
    assert error.http_status == 400
    assert len(error.body or b"") <= errors.ERROR_BODY_CAP


@pytest.mark.parametrize(
    ("envelope", "said"),
    [
        ({"error": "No such tenant"}, "No such tenant"),
        ({"detail": "Not authenticated"}, "Not authenticated"),
        ({"detail": [{"loc": ["body"]}]}, '[{"loc": ["body"]}]'),
        ({"message": "line one\nline\0two\x1b[31m"}, "line one\nline\ufffdtwo\ufffd[31m"),
        ({"error": {}}, None),
    ],
)
def test_other_envelopes(fake_nexio: FakeNexio, envelope: Any, said: str | None):
    fake_nexio.on_submit(status(422, envelope))
    error = failure(fake_nexio, submit)
    assert error.nexio_message == said
    assert error.message.isprintable()


def test_a_long_explanation_is_cut(fake_nexio: FakeNexio):
    fake_nexio.on_submit(status(400, {"code": "c" * 900, "message": "m" * 90_000}))
    error = failure(fake_nexio, submit)
    assert len(error.message) <= errors.MESSAGE_CAP
    assert len(error.body or b"") == errors.ERROR_BODY_CAP


@pytest.mark.parametrize("code", [500, 501, 502, 503, 504, 520, 599])
@pytest.mark.parametrize("call", [submit, fetch])
def test_a_server_fault_leaves_the_outcome_open(fake_nexio: FakeNexio, call: Any, code: int):
    fault = status(code, {"code": "internal", "message": "boom"})
    fake_nexio.on_submit(fault)
    fake_nexio.on_poll(None, fault)
    error = failure(fake_nexio, call)
    assert type(error) is errors.ServerFault
    assert error.outcome_unknown
    assert error.http_status == code
    assert "boom" in error.message


def test_errors_survive_pickling(fake_nexio: FakeNexio):
    fake_nexio.on_submit(status(429, ENVELOPES["flat"], {"Retry-After": "9"}))
    error = failure(fake_nexio, submit)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(copy) is type(error)
    assert copy.__dict__ == error.__dict__
    assert str(copy) == str(error)


def test_a_reply_as_large_as_the_cap_is_read(fake_nexio: FakeNexio):
    body = status_of(LIMIT)
    fake_nexio.on_submit([raw(202, body), raw(202, body + b" ")])
    assert with_client(fake_nexio, submit).body == body
    assert type(failure(fake_nexio, submit)) is errors.Unusable


def status_of(size: int) -> bytes:
    """An acceptance of exactly so many bytes."""
    start = b'{"run_id": "%s", "status": "queued", "pad": "' % RUN.encode()
    return start + b"x" * (size - len(start) - 2) + b'"}'

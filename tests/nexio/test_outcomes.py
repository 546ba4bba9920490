"""DESIGN's table of outcomes, the rows about one POST and one GET, at the wire."""

import pickle
import tracemalloc
from typing import Any

import pytest

from quotes.nexio import errors
from tests import hostile
from tests.answers import (
    Answer,
    after_the_head,
    close_without_reply,
    drip,
    endless,
    gzip_bomb,
    hang,
    raw,
    reset,
    status,
    truncated,
)
from tests.fake_nexio import FakeNexio
from tests.hostile import Fault
from tests.nexio.wire import LIMIT, RUN, SHORT, failure, fetch, submit, with_client

BOTH = pytest.mark.parametrize("call", [submit, fetch])
USUAL_CAP = {"max_reply_bytes": 8 * 1024 * 1024}


def faults(*families: hostile.Faults) -> pytest.MarkDecorator:
    named = hostile.by_name(*families)
    return pytest.mark.parametrize("fault", named.values(), ids=named.keys())


@BOTH
@faults(
    hostile.NO_REPLY,
    hostile.BROKEN_OFF,
    hostile.AMID_THE_BODY,
    hostile.NEVER,
    hostile.NEVER_WHOLE,
)
def test_a_lost_reply_may_have_been_received(fake_nexio: FakeNexio, call: Any, fault: Fault):
    fake_nexio.on_submit(fault)
    fake_nexio.on_poll(None, fault)
    error = failure(fake_nexio, call, **SHORT)
    assert type(error) is errors.LostReply
    assert error.may_have_left
    assert error.outcome_unknown
    assert len(fake_nexio.requests) == 1


@BOTH
@pytest.mark.parametrize(
    "answer",
    [close_without_reply(), after_the_head(reset()), after_the_head(close_without_reply())],
    ids=["closed", "reset after the head", "closed after the head"],
)
def test_a_connection_that_ends_before_the_request_was_read(
    fake_nexio: FakeNexio, call: Any, answer: Answer
):
    """Nobody here can tell whether it was read, so it may have been."""
    fake_nexio.on_connect(answer)
    error = failure(fake_nexio, call)
    assert type(error) is errors.LostReply
    assert error.outcome_unknown
    assert fake_nexio.requests == []  # nor was it asked again


@BOTH
def test_a_reset_at_once_is_not_sent_only_where_sending_had_not_begun(
    fake_nexio: FakeNexio, call: Any
):
    fake_nexio.on_connect(reset())
    error = failure(fake_nexio, call)
    assert type(error) in (errors.NotSent, errors.LostReply)
    assert error.outcome_unknown is (type(error) is errors.LostReply)
    assert fake_nexio.requests == []


@BOTH
@faults(*hostile.UNUSABLE.values())
def test_an_unusable_reply_is_neither_yes_nor_no(fake_nexio: FakeNexio, call: Any, fault: Fault):
    fake_nexio.on_submit(fault)
    fake_nexio.on_poll(None, fault)
    error = failure(fake_nexio, call, **USUAL_CAP)
    assert type(error) is errors.Unusable
    assert error.may_have_left
    assert error.outcome_unknown
    assert error.http_status is not None
    assert len(error.body or b"") <= errors.ERROR_BODY_CAP
    assert len(fake_nexio.requests) == 1


@BOTH
@pytest.mark.parametrize("announce", [True, False], ids=["announced", "in chunks"])
@pytest.mark.parametrize("code", [200, 400, 500])
def test_of_100_megabytes_little_is_taken_from_the_wire(
    fake_nexio: FakeNexio, call: Any, code: int, announce: bool
):
    fake_nexio.on_submit(endless(hostile.HUNDRED_MB, code=code, announce=announce))
    fake_nexio.on_poll(None, endless(hostile.HUNDRED_MB, code=code, announce=announce))
    assert failure(fake_nexio, call).http_status == code
    # What a connection's buffers take in on both sides, and no more: it was hung up.
    assert fake_nexio.sent < hostile.HUNDRED_MB / 4


@BOTH
def test_of_100_megabytes_of_gzip_little_is_unpacked(fake_nexio: FakeNexio, call: Any):
    bomb = hostile.TOO_MUCH["100 MB of gzip"]
    fake_nexio.on_submit(bomb)
    fake_nexio.on_poll(None, bomb)
    failure(fake_nexio, call)  # what is loaded once, and the bomb itself
    tracemalloc.start()
    try:
        refused = failure(fake_nexio, call)
        assert type(refused) is errors.Unusable
        # Not for its size on the wire, which is well below the cap.
        assert f"more than the {LIMIT:,} bytes allowed" in refused.message
        assert tracemalloc.get_traced_memory()[1] < 10 * LIMIT
    finally:
        tracemalloc.stop()


def test_many_small_values_take_little_memory(fake_nexio: FakeNexio):
    fake_nexio.on_poll(None, hostile.TOO_MUCH["a million empty lists"])
    failure(fake_nexio, fetch, **USUAL_CAP)
    tracemalloc.start()
    try:
        assert type(failure(fake_nexio, fetch, **USUAL_CAP)) is errors.Unusable
        # The fake's own copies of the 3 MB included; read, they would take 150 MB.
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


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
@BOTH
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
@BOTH
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
@BOTH
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

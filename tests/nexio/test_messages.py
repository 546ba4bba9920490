"""Reading replies nobody can vouch for."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quotes.nexio.errors import NexioError
from quotes.nexio.messages import (
    MAX_SOLUTIONS,
    Accepted,
    JobReply,
    SolutionMessage,
    SolutionOffering,
    decode,
)
from tests.answers import raw
from tests.fake_nexio import FakeNexio
from tests.nexio.wire import RUN, fetch, with_client

quick = settings(
    max_examples=50,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no defect
)


def reply(text: str | bytes = "", **fields: Any) -> JobReply:
    """A poll's reply of these fields, or of this JSON text put inside."""
    if text:
        start = b'{"run_id": "r", "status": "completed", '
        return JobReply.read(decode(start + (text.encode() if isinstance(text, str) else text)))
    return JobReply.read({"run_id": "r", "status": "completed", **fields})


GUIDE = """{
  "run_id": "f912ee92-af38-4a4a-a49c-43ac089cc301", "status": "completed", "environment": "test",
  "output": {"diagnostic": null, "requirement_count": 3, "solutions_count": 6,
             "tolerance_bucket": "cost_sensitive", "top_label": "recommended", "top_score": 3.75},
  "solutions": [{"rank": 1, "cluster_label": "recommended", "provider_count": 1,
                 "est_cost_low": 11985, "est_cost_high": 11985.10,
                 "scorecard": {"overall_level": 3.75}}],
  "created_at": "2026-03-04T03:36:21Z", "completed_at": "2026-03-04T03:36:44Z"}"""


def test_the_guides_own_reply():
    message = JobReply.read(decode(GUIDE.encode()))
    assert message.is_terminal
    assert message.environment == "test"
    assert message.diagnostic is None
    assert message.output["top_score"] == Decimal("3.75")
    [solution] = message.solutions
    assert (solution.rank, solution.cluster_label, solution.provider_count) == (1, "recommended", 1)
    assert str(solution.est_cost_high) == "11985.10"
    assert solution.overall_level == Decimal("3.75")
    assert solution.offerings == []
    assert message.completed_at == datetime(2026, 3, 4, 3, 36, 44, tzinfo=UTC)
    assert message.raw == decode(GUIDE.encode())


def test_unknown_fields_are_kept():
    message = reply(new={"a": [1]}, model_config=1, read=2, raw=3, is_terminal=False)
    assert message.raw["new"] == {"a": [1]}
    assert message.raw["raw"] == 3
    assert message.model_extra is not None
    assert message.model_extra["new"] == {"a": [1]}
    assert message.is_terminal


@pytest.mark.parametrize(
    ("status", "completed_at", "terminal"),
    [
        ("queued", None, False),
        ("processing", None, False),
        ("processing", "2026-03-04T03:36:44Z", False),
        ("completed", None, True),
        ("failed", None, True),
        ("degraded", None, True),
        ("Completed", None, False),
        ("archived", None, False),
        ("archived", "2026-03-04T03:36:44Z", True),
        ("archived", "soon", False),
        ("archived", True, False),
    ],
)
def test_when_polling_ends(status: str, completed_at: Any, terminal: bool):
    assert reply(status=status, completed_at=completed_at).is_terminal is terminal


ODD_NUMBERS = [
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e99999999999999999999", "1e-999999",
    "1000000000.01", "-1000000001", "true", "false", "null", '"11985"', '""', "[]", "[1]", "{}",
    "9" * 101, "9" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_NUMBERS)
def test_an_odd_number_is_not_given_and_fails_nothing(odd: str):
    message = reply(
        f'"duration_ms": {odd}, "solutions": [{{"rank": {odd}, "provider_count": {odd},'
        f' "est_cost_low": {odd}, "est_cost_high": 5, "scorecard": {{"overall_level": {odd}}},'
        f' "offerings": [{{"attributes": {{"line_premium_annual": {odd}}}}}]}}, {{"rank": 2}}]}}'
    )
    first, second = message.solutions
    assert first.est_cost_low is None
    assert first.overall_level is None
    assert first.offerings[0].line_premium_annual is None
    assert first.est_cost_high == 5
    assert first.rank is None
    assert first.provider_count is None
    assert second.rank == 2


@pytest.mark.parametrize(
    ("text", "rank"), [("1", 1), ("1.0", 1), ("0", 0), ("1.5", None), ("-1", None), ("1e10", None)]
)
def test_ranks_are_whole_numbers(text: str, rank: int | None):
    assert reply(f'"solutions": [{{"rank": {text}}}]}}').solutions[0].rank == rank


@pytest.mark.parametrize("odd", [7, "x", None, True, [], [[]], {"a": 1}, Decimal("1.5")])
def test_odd_shapes_fail_nothing(odd: Any):
    message = reply(
        output=odd, stage=odd, environment=odd, error_details=odd, created_at=odd, duration_ms=odd
    )
    assert isinstance(message.output, dict)
    assert message.created_at is None
    whole = reply(solutions=odd)
    assert whole.solutions_unreadable is (odd is not None and not isinstance(odd, list))
    parts = reply(solutions=[{"scorecard": odd, "offerings": odd, "cluster_label": odd}])
    assert isinstance(parts.solutions[0].scorecard, dict)
    assert isinstance(parts.solutions[0].offerings, list)


def test_what_is_no_object_stays_and_is_flagged():
    message = reply(solutions=["?", {"rank": 1, "offerings": [None, {"id": 90584063}]}])
    odd, solution = message.solutions
    assert odd.unreadable
    assert odd.raw == "?"
    assert not solution.unreadable
    assert [offering.unreadable for offering in solution.offerings] == [True, False]
    assert solution.offerings[1].id == "90584063"


def test_a_reply_cannot_call_its_own_solutions_unreadable():
    [solution] = reply(solutions=[{"unreadable": True, "rank": 1}]).solutions
    assert not solution.unreadable
    assert solution.rank == 1


def test_ids_inside_a_solution_stay_character_for_character():
    [solution] = reply(
        solutions=[{"offerings": [{"id": " Q/12 ", "attributes": {"quote_id": "a/b"}}]}]
    ).solutions
    assert solution.offerings[0].id == " Q/12 "
    assert solution.offerings[0].quote_id == "a/b"


def test_more_solutions_than_are_read():
    message = reply(solutions=[{}] * (MAX_SOLUTIONS + 7))
    assert len(message.solutions) == MAX_SOLUTIONS
    assert message.solutions_left_out == 7


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("No scorecard.", "No scorecard."),
        ({"code": "e1", "message": "No scorecard."}, "No scorecard."),
        ({"code": "e1"}, "e1"),
        ({"reason": 1}, '{"reason": 1}'),
        (["a", 1], '["a", 1]'),
        (None, None),
        ({}, None),
        ([], None),
        ("", None),
        ("x" * 5000, "x" * 1999 + "…"),
    ],
)
def test_the_error_of_a_failed_run(error: Any, said: str | None):
    assert reply(status="failed", error=error).error == said


def test_details_inside_the_error_are_found():
    assert reply(error={"message": "m", "details": {"a": 1}}).error_details == {"a": 1}
    assert reply(error={"details": 1}, error_details=[2]).error_details == [2]


def test_diagnostic_and_degradation_reason():
    message = reply(
        output={"diagnostic": {"missing": ["auto"]}, "degradation_reason": " late\x00 "}
    )
    assert message.diagnostic == '{"missing": ["auto"]}'
    assert message.degradation_reason == "late\ufffd"


def test_texts_are_cleaned_and_cut():
    message = reply(
        b'"stage": "EVAL\\u0000\\ud800\\u202e", "environment": "%s", "solutions": '
        b'[{"cluster_label": "  ", "offerings": [{"provider_name": "%s"}]}]}'
        % (b"e" * 100, b"H" * 300)
    )
    assert message.stage == "EVAL\ufffd\ufffd\ufffd"
    assert message.environment == "e" * 63 + "…"
    assert message.solutions[0].cluster_label is None
    assert message.solutions[0].offerings[0].provider_name == "H" * 199 + "…"
    assert "\0" not in str(message.raw)
    json.dumps(message.raw["stage"]).encode()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-03-04T03:36:21Z", datetime(2026, 3, 4, 3, 36, 21, tzinfo=UTC)),
        ("2026-03-04T03:36:21.123456789Z", datetime(2026, 3, 4, 3, 36, 21, 123456, tzinfo=UTC)),
        ("2026-03-04t03:36:21-05:00", datetime(2026, 3, 4, 8, 36, 21, tzinfo=UTC)),
        ("2026-03-04 03:36:21", datetime(2026, 3, 4, 3, 36, 21, tzinfo=UTC)),
        ("2026-03-04", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("2026-02-30T00:00:00Z", None),
        ("soon", None),
        (1772595381, None),
    ],
)
def test_moments(text: Any, read: datetime | None):
    assert reply(created_at=text).created_at == read


@pytest.mark.parametrize("odd", [b"NaN", b"1e999", b"9" * 5000])
def test_a_run_survives_an_odd_number_over_the_wire(fake_nexio: FakeNexio, odd: bytes):
    fake_nexio.on_poll(
        None,
        raw(
            200,
            b'{"run_id": "%s", "status": "completed",'
            b' "solutions": [{"rank": 1, "est_cost_low": %s}]}' % (RUN.encode(), odd),
        ),
    )
    [solution] = with_client(fake_nexio, fetch).message.solutions
    assert (solution.rank, solution.est_cost_low) == (1, None)


KNOWN = sorted(
    {name for model in (JobReply, SolutionMessage, SolutionOffering) for name in model.model_fields}
    | {"message", "code", "details", "diagnostic", "overall_level", "coverage", "attributes"}
    | {"__class__", "_x", "model_fields"}
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["completed", "2026-03-04T03:36:44Z", RUN]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KNOWN) | st.text(max_size=4),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@quick
@given(json_values, st.booleans())
def test_any_json_is_read_or_refused(value: Any, dressed: bool):
    if dressed and isinstance(value, dict):
        value = {**value, "run_id": RUN, "status": "completed", "solutions": [value, value]}
    body = json.dumps(value).encode()
    for read in (JobReply.read, Accepted.read):
        try:
            message = read(decode(body))
        except ValueError as refused:
            assert not (dressed and isinstance(value, dict)), refused  # noqa: PT017
        else:
            text = repr(message)
            assert "\0" not in text
            text.encode()


@quick
@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,0123456789eE.-+ntrufalsNI', max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes | str):
    try:
        value = decode(body if isinstance(body, bytes) else body.encode())
        JobReply.read(value)
    except NexioError:
        raise
    except ValueError:
        pass

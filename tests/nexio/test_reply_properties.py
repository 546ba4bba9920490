"""The reply parser held to its promises by 10,000 damaged replies of each kind."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import simplejson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quotes.nexio import values
from quotes.nexio.messages import MAX_SOLUTIONS, Accepted, JobReply, decode
from tests import hostile

thorough = settings(
    max_examples=10_000,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),  # a busy machine is no defect
)

GOOD: dict[str, Any] = {
    "run_id": "r-1",
    "status": "completed",
    "stage": "EVALUATE",
    "environment": "test",
    "created_at": "2026-03-04T03:36:21Z",
    "completed_at": "2026-03-04T03:36:44Z",
    "duration_ms": 23000,
    "error": None,
    "error_details": {"code": 1},
    "output": {"diagnostic": None, "degradation_reason": "late", "top_score": Decimal("3.75")},
    "solutions": [
        {
            "rank": 1,
            "cluster_label": "recommended",
            "provider_count": 1,
            "est_cost_low": 11985,
            "est_cost_high": Decimal("11985.10"),
            "scorecard": {"overall_level": Decimal("3.75"), "price": 2},
            "offerings": [
                {
                    "id": "line-1",
                    "provider_name": "PURE",
                    "category": "home",
                    "coverage": {"product_name": "PURE Home"},
                    "attributes": {"quote_id": "q-1", "line_premium_annual": 6480},
                }
            ],
        },
        {"rank": 2},
    ],
}
VALUES = [
    *(odd for odd in hostile.ODD_VALUES.values() if len(odd) < 20_000),
    b'"queued"', b'"failed"', b'"x\\u0007"', b'" a "', b'""', b"-1", b"2.0", b"1e3", b"{}", b"[]",
    b'{"code": "c", "message": "m"}', b'{"unreadable": true, "raw": 1}', b"[null, {}, [], 7]",
]  # fmt: skip
BITS = [
    b"", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\u0000", b"\\ud800", b"\xff", b"\0",
    b"e999", b"NaN", b"-", b".", b"0", b"\xef\xbb\xbf", b"\r\n", b'"run_id":',
    b'"unreadable":true,',
]  # fmt: skip


def _paths(value: Any, so_far: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in inner:
        yield (*so_far, key)
        if isinstance(item, dict | list):
            yield from _paths(item, (*so_far, key))


PATHS = list(_paths(GOOD))
BODY = simplejson.dumps(GOOD, use_decimal=True).encode()


def _exchanged(changes: dict[int, bytes]) -> bytes:
    """The good reply with the values at these of `PATHS` exchanged for these bytes."""
    reply, put = copy.deepcopy(GOOD), []
    for number, new in changes.items():
        *way, last = PATHS[number]
        place: Any = reply
        for step in way:
            place = None if place is None or isinstance(place[step], str) else place[step]
        if place is not None:
            place[last] = f"@{number}@"
            put.append((b'"@%d@"' % number, new))
    body = simplejson.dumps(reply, use_decimal=True).encode()
    for mark, new in put:
        body = body.replace(mark, new)
    return body


@pytest.mark.timeout(900)
@thorough
@given(st.dictionaries(st.integers(0, len(PATHS) - 1), st.sampled_from(VALUES), max_size=5))
def test_whatever_stands_in_the_fields(changes: dict[int, bytes]):
    body = _exchanged(changes)
    message = _read(body)
    # Only these two of a reply's values may make it unusable.
    needed = {PATHS.index(("run_id",)), PATHS.index(("status",))}
    assert message is not None or needed & set(changes)


@pytest.mark.timeout(900)
@thorough
@given(
    st.lists(
        st.tuples(st.integers(0, len(BODY)), st.integers(0, 3), st.sampled_from(BITS)), max_size=4
    )
)
def test_whatever_happened_to_the_bytes(edits: list[tuple[int, int, bytes]]):
    body = BODY
    for at, lost, new in edits:
        body = body[:at] + new + body[at + lost :]
    _read(body)


def _read(body: bytes) -> JobReply | None:
    """The message in the body, all its promises kept; None where it was refused, by ValueError."""
    try:
        value = decode(body)
        accepted: Accepted | None = _or_none(Accepted, value)
        message: JobReply | None = _or_none(JobReply, value)
    except ValueError:
        return None
    assert (accepted is None) <= (message is None)  # a poll's reply needs the more of the two
    if accepted is not None:
        assert values.identifier(accepted.run_id) == accepted.run_id
        assert len(accepted.status) <= 64
    if message is not None:
        _promises(message)
        # What is stored of it reads as the same once more.
        stored = simplejson.loads(simplejson.dumps(message.raw, use_decimal=True), use_decimal=True)
        assert JobReply.read(stored) == message
    return message


def _or_none(kind: Any, value: Any) -> Any:
    try:
        return kind.read(value)
    except ValueError:
        return None


def _promises(message: JobReply) -> None:
    assert values.identifier(message.run_id) == message.run_id
    assert message.status.strip()
    assert len(message.status) <= 64
    assert len(message.solutions) <= MAX_SOLUTIONS
    _storable(message.raw)
    texts = [message.status, message.stage, message.environment, message.error]
    texts += [message.diagnostic, message.degradation_reason, message.error_code]
    for solution in message.solutions:
        texts.append(solution.cluster_label)
        counts = [solution.rank, solution.provider_count]
        assert all(count is None or 0 <= count < 2**31 for count in counts)
        amounts = [solution.est_cost_low, solution.est_cost_high, solution.overall_level]
        for line in solution.offerings:
            texts += [line.provider_name, line.category, line.product_name, line.id, line.quote_id]
            amounts.append(line.line_premium_annual)
        for amount in amounts:
            assert amount is None or (amount.is_finite() and abs(amount) <= values.AMOUNT_LIMIT)
    for text in texts:
        assert text is None or len(text) <= values.TEXT_CAP
    _storable(texts)


def _storable(value: Any) -> None:
    """Any database takes it: no NUL, no half characters, no number without end."""
    if isinstance(value, dict):
        _storable([*value, *value.values()])
    elif isinstance(value, list):
        for item in value:
            _storable(item)
    elif isinstance(value, str):
        assert "\0" not in value
        value.encode()
    elif isinstance(value, Decimal):
        assert value.is_finite()
        assert len(str(value)) < 6000

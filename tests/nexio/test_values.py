"""JSON across the wire: what is read, what is refused, and numbers sent exactly."""

import json
import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quotes.nexio.messages import decode, encode_request
from quotes.nexio.values import MAX_DEPTH

quick = settings(
    max_examples=50,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no defect
)


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"{", b"nul", b"[1,]", b"{'a': 1}", b'"\xff"', b"\xff\xfe{\0}\0", b"[1] x", b"01"],
)
def test_what_is_not_json(body: bytes):
    with pytest.raises(ValueError):
        decode(body)


def test_depth_is_bounded_both_ways():
    decode(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    for depth in (MAX_DEPTH + 2, 2000, 200_000):
        with pytest.raises(ValueError, match="deep"):
            decode(b"[" * depth + b"]" * depth)
    nest: Any = []
    for _ in range(5000):
        nest = [nest]
    with pytest.raises(ValueError, match="deep"):
        encode_request({"a": nest}, [])


decimals = st.decimals(allow_nan=False, allow_infinity=False)


@quick
@given(decimals)
def test_a_decimal_goes_out_with_exactly_its_digits(number: Decimal):
    body = encode_request({"n": number}, [{"attributes": {"line_premium_annual": number}}])
    found = re.fullmatch(
        r'\{"input":\{"n":(.+)\},"offerings":\[\{"attributes":\{"line_premium_annual":(.+)\}\}\]\}',
        body.decode(),
    )
    assert found is not None
    for text in found.groups():
        assert re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", text), "a JSON number, not a string"
        assert Decimal(text).as_tuple() == number.as_tuple()
    json.loads(body)


def test_sums_of_cents_are_not_sums_of_floats():
    total = Decimal("0.1") + Decimal("0.2")
    assert encode_request({"n": total}, []) == b'{"input":{"n":0.3},"offerings":[]}'


finite_json = st.recursive(
    st.none() | st.booleans() | st.integers() | decimals | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=15,
)


@quick
@given(st.dictionaries(st.text(max_size=5), finite_json, max_size=5))
def test_what_is_sent_means_what_was_given(document: dict[str, Any]):
    body = encode_request(document, [document])
    sent = json.loads(body, parse_float=Decimal)
    assert sent == {"input": document, "offerings": [document]}
    assert sent["input"] == document


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"a": [1, math.nan]}, "input.a[1]"),
        ({"a": Decimal("NaN")}, "input.a"),
        ({"a": Decimal("Infinity")}, "input.a"),
        ({"a": {"b": "\ud800"}}, "input.a.b"),
        ({"a": {1: 2}}, "input.a"),
        ({"a": {"\ud800": 2}}, "input.a"),
        ({"a": {1, 2}}, "input.a"),
        ({"a": datetime(2026, 1, 1, tzinfo=UTC)}, "input.a"),
    ],
)
def test_what_json_cannot_say_is_refused_by_place(document: Any, place: str):
    with pytest.raises(ValueError, match=re.escape(place)):
        encode_request(document, [])


@pytest.mark.parametrize("premium", [0.1 + 0.2, 6480.0, "6480.10", None, True, Decimal("NaN")])
@pytest.mark.parametrize("name", ["line_premium_annual", "package_premium_annual"])
def test_a_premium_is_an_exact_number(name: str, premium: Any):
    with pytest.raises(ValueError, match=rf"offerings\[1\]\.attributes\.{name}"):
        encode_request({}, [{}, {"attributes": {name: premium}}])

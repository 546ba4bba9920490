"""What is refused, and that the refusal names the field."""

import json
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from sandbox.validation import MAX_BODY_BYTES

from .conftest import Consumer, offering, pair, submission

Change = Callable[[dict[str, Any]], Any]


def put(path: str, value: Any) -> Change:
    """Set the value at a dotted path; numbers in it are places in a list."""

    def change(body: dict[str, Any]) -> None:
        inner: Any = body
        *parents, last = [int(p) if p.isdigit() else p for p in path.split(".")]
        for part in parents:
            inner = inner[part]
        inner[last] = value

    return change


def drop(path: str) -> Change:
    def change(body: dict[str, Any]) -> None:
        inner: Any = body
        *parents, last = [int(p) if p.isdigit() else p for p in path.split(".")]
        for part in parents:
            inner = inner[part]
        del inner[last]

    return change


LINE = "offerings.0.attributes.line_premium_annual"
REFUSED: list[tuple[Change, str]] = [
    (drop("input"), "input:"),
    (put("input", []), "input: must be an object, not an array"),
    (drop("offerings"), "offerings:"),
    (put("offerings", {}), "offerings: must be an array"),
    (put("offerings.0", None), "offerings[0]:"),
    (drop("input.coverage_types"), "input.coverage_types:"),
    (put("input.coverage_types", []), "input.coverage_types: must name"),
    (put("input.coverage_types", "home"), "input.coverage_types: must be an array"),
    (put("input.coverage_types", ["home", "boat"]), "input.coverage_types[1]:"),
    (put("input.coverage_types", ["home", "home"]), "input.coverage_types[1]: home is named twice"),
    (put("input.coverage_types", [["home"]]), "input.coverage_types[0]:"),
    (drop("input.address"), "input.address:"),
    (drop("input.address.state"), "input.address.state:"),
    (put("input.address.state", "ZZ"), "input.address.state:"),
    (put("input.address.state", "California"), "input.address.state:"),
    (drop("input.address.zip_code"), "input.address.zip_code:"),
    (put("input.address.zip_code", 92648), "input.address.zip_code: must be a string"),
    (put("input.address.zip_code", "9264"), "input.address.zip_code:"),
    (put("input.appetite_bucket", "cheap"), "input.appetite_bucket:"),
    (put("input.appetite_bucket", {}), "input.appetite_bucket:"),
    (put("input.drivers", "two"), "input.drivers: must be an array"),
    (put("input.vehicles_detail", {}), "input.vehicles_detail:"),
    (put("input.current_coverage", []), "input.current_coverage:"),
    (put("input.quotes", {}), "input.quotes:"),
    (put("input.applicant", "Marigold"), "input.applicant:"),
    (put("input.sandbox_scenario", "no such"), "input.sandbox_scenario:"),
    (put("input.sandbox_scenario", 7), "input.sandbox_scenario:"),
    (drop("offerings.0.id"), "offerings[0].id:"),
    (put("offerings.0.id", ""), "offerings[0].id: must not be empty"),
    (put("offerings.0.id", 5), "offerings[0].id: must be a string"),
    (put("offerings.1.id", "alder-home"), "offerings[1].id: is the same as offerings[0].id"),
    (drop("offerings.0.provider_name"), "offerings[0].provider_name:"),
    (drop("offerings.0.category"), "offerings[0].category:"),
    (drop("offerings.0.coverage"), "offerings[0].coverage:"),
    (drop("offerings.0.coverage.product_name"), "offerings[0].coverage.product_name:"),
    (drop("offerings.0.coverage.program_type"), "offerings[0].coverage.program_type:"),
    (drop("offerings.0.attributes"), "offerings[0].attributes:"),
    (drop("offerings.0.attributes.quote_id"), "offerings[0].attributes.quote_id:"),
    (drop(LINE), "offerings[0].attributes.line_premium_annual: must be a number"),
    (put(LINE, "3000"), "offerings[0].attributes.line_premium_annual:"),
    (put(LINE, True), "offerings[0].attributes.line_premium_annual:"),
    (put(LINE, -1), "offerings[0].attributes.line_premium_annual: must not be negative"),
    (put(LINE, 1e12), "offerings[0].attributes.line_premium_annual: must not exceed"),
    (put("offerings.1.attributes.package_premium_annual", None),
     "offerings[1].attributes.package_premium_annual:"),
    (put("offerings.0.constraints", {"excluded_states": "CA"}),
     "offerings[0].constraints.excluded_states:"),
    (put("offerings.0.constraints", {"excluded_states": [6]}),
     "offerings[0].constraints.excluded_states[0]:"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=[text for _, text in REFUSED])
def test_a_wrong_field_is_refused_by_name(consumer: Consumer, change: Change, message: str) -> None:
    body = pair()
    change(body)
    answer = consumer.submit(body)
    assert answer.status == 400
    assert set(answer.json) == {"code", "message"}
    assert answer.json["code"] == "invalid_request"
    assert message in answer.json["message"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b"7", b"{}{}", b'{"a": NaN}', b'{"a": Infinity}',
     b'{"a": -Infinity}', b"\xff\xfe{}", b"[" * 100_000, b'{"a": 1e99999999999999999999}',
     b'{"a": ' + b"9" * 5_000 + b"}", b'{"input": ' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"}"],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_what_is_no_json_object_is_refused(consumer: Consumer, body: bytes) -> None:
    answer = consumer.submit(body)
    assert answer.status == 400
    assert answer.json["code"] == "invalid_request"
    assert answer.json["message"].startswith("body:")


def test_one_refusal_names_several_fields(consumer: Consumer) -> None:
    body = pair()
    body["input"]["address"] = {}
    body["offerings"] = [{} for _ in range(9)]
    message = consumer.submit(body).json["message"]
    assert message.startswith("input.address.state: ")
    assert "input.address.zip_code: " in message
    assert message.endswith(" more")
    assert len(message) < 500


@pytest.mark.parametrize(
    "body",
    [
        pair(drivers=None, x_unknown={"deep": [1]}),
        pair(drivers=[], vehicles_detail=[], quotes=[], current_coverage={}),
        pair(quotes=[None, 7, {}, {"package_id": {}, "package_premium_annual": 1, "home": []}]),
        pair(premium="a lot", current_coverage={"home": "old", "auto": {"annual_premium": "1"}}),
        pair(premium=10**400, current_coverage={"home": {"carrier": 5, "annual_premium": -1}}),
        submission(offering("A", "home", 0), offering("B", "auto", 0)),
        submission(
            offering("A", "home", 1, coverage={"coverage_a": 10**400, "x": "9" * 999, "y": [[]]}),
            offering("B", "auto", 1, attributes={"term_months": "six", "quote_expires_at": "soon",
                                                 "quote_generated_at": 5, "package_id": [1]}),
        ),
    ],
)  # fmt: skip
def test_what_is_merely_odd_is_taken_and_ranked(consumer: Consumer, body: Any, clock: Any) -> None:
    run_id = consumer.run_id(body)
    clock.tick(10)
    reply = consumer.poll(run_id).json
    assert reply["status"] == "completed"
    assert reply["output"]["solutions_count"] == 1


def test_a_body_over_the_cap_is_refused_and_the_consumer_hears_it(consumer: Consumer) -> None:
    answer = consumer.submit(b" " * (MAX_BODY_BYTES + 1))
    assert answer.status == 413
    assert str(MAX_BODY_BYTES) in answer.json["message"]


@pytest.mark.parametrize(
    ("header", "status"),
    [("", 411), ("Transfer-Encoding: chunked\r\n", 411), ("Content-Length: -5\r\n", 400),
     ("Content-Length: many\r\n", 400), ("Content-Length: 2\r\nContent-Length: 3\r\n", 400)],
)  # fmt: skip
def test_a_body_of_unknown_length_is_refused(consumer: Consumer, header: str, status: int) -> None:
    host, port = consumer.address.split(":")
    with closing(socket.create_connection((host, int(port)), timeout=10)) as raw:
        raw.sendall(f"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\n{header}\r\n".encode())
        head, _, body = raw.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert set(json.loads(body)) == {"code", "message"}


def test_the_body_must_say_it_is_json(consumer: Consumer) -> None:
    data = json.dumps(pair()).encode()
    assert consumer.ask("POST", "/api/v1/jobs", data, Content_Type="text/plain").status == 415
    charset = "application/json; charset=utf-8"
    assert consumer.ask("POST", "/api/v1/jobs", data, Content_Type=charset).status == 202

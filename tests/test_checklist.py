"""The integration guide's checklist, point by point, at the wire and in the stored rows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import simplejson

from quotes.models import Run
from quotes.services.runs import start_run
from tests.factories import EXAMPLES, import_example, queued_run
from tests.fake_nexio import FakeNexio, Recorded
from tests.services.watch import Watching, elsewhere, until_state

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def document() -> Any:
    raw = (EXAMPLES / "example_input.json").read_bytes()
    return simplejson.loads(raw, use_decimal=True)


@pytest.fixture
def run(nexio: FakeNexio) -> Iterator[Run]:
    """The example's run, from the queue to its end."""
    run = queued_run("example_input.json")
    with Watching(nexio):
        yield until_state(run, "completed")


def test_1_submit_body_wraps_the_canonical_input_as_input(
    nexio: FakeNexio, run: Run, document: Any
) -> None:
    (post,) = nexio.recorded_submits
    assert (post.method, post.path) == ("POST", "/api/v1/jobs")
    assert post.headers["authorization"] == "Bearer nx_test_watched"
    assert post.headers["content-type"] == "application/json"
    assert set(post.json) == {"input", "offerings"}
    assert post.json["input"] == document


def test_2_offerings_are_made_for_each_quoted_line_not_for_each_package(
    nexio: FakeNexio, run: Run, document: Any
) -> None:
    offerings = nexio.recorded_submits[0].json["offerings"]
    lines = [
        (quote, name)
        for quote in document["quotes"]
        for name in ("home", "auto", "umbrella")
        if name in quote
    ]
    assert len(offerings) == len(lines) > len(document["quotes"])
    assert len({each["id"] for each in offerings}) == len(lines)
    for offering, (quote, name) in zip(offerings, lines, strict=True):
        attributes = offering["attributes"]
        assert offering["provider_name"] == quote["carrier"]
        assert offering["category"] == name
        assert offering["coverage"]["program_type"] == "quoted_line"
        assert offering["coverage"]["product_name"]
        assert attributes["quote_id"] == quote[name]["quote_id"]
        assert attributes["line_premium_annual"] == quote[name]["premium_annual"]
        assert attributes["package_premium_annual"] == quote["package_premium_annual"]
        for key in (
            "package_id",
            "term_months",
            "quote_generated_at",
            "quote_expires_at",
            "broker",
        ):
            assert attributes.get(key) == quote.get(key)


def test_2_premiums_are_json_numbers_exact_to_the_cent(nexio: FakeNexio, run: Run) -> None:
    body = nexio.recorded_submits[0].body
    numbers: list[str] = []

    def read(digits: str) -> str:
        numbers.append(digits)
        return digits

    simplejson.loads(body, parse_float=read)
    assert numbers
    assert all(len(digits.partition(".")[2]) <= 2 for digits in numbers)
    for offering in nexio.recorded_submits[0].json["offerings"]:
        for key in ("line_premium_annual", "package_premium_annual"):
            assert isinstance(offering["attributes"][key], int | Decimal)


@pytest.mark.parametrize("asked", [["home"], ["home", "auto"], ["auto"], ["umbrella", "home"]])
def test_3_categories_align_with_the_coverage_types(nexio: FakeNexio, asked: list[str]) -> None:
    insured = import_example("example_input.json").insured
    run = start_run(insured=insured, coverage_types=asked, hint=False)
    with Watching(nexio):
        until_state(run, "waiting", "completed")
    sent = nexio.recorded_submits[0].json
    assert sent["input"]["coverage_types"] == asked
    assert {each["category"] for each in sent["offerings"]} == set(asked)


def test_4_submit_returns_only_run_id_and_status(nexio: FakeNexio) -> None:
    run = queued_run("example_input.json")
    nexio.on_submit([{"run_id": "only-these", "status": "queued"}])
    kept: list[Any] = []

    def look(request: Recorded) -> None:
        row = elsewhere(lambda: Run.objects.get(pk=run.pk))
        kept.append((row.state, row.nexio_run_id, row.nexio_status))

    nexio.on_poll("only-these", look)
    with Watching(nexio):
        until_state(run, "completed")
    assert kept[0] == ("waiting", "only-these", "queued")


@pytest.mark.parametrize("end", ["completed", "failed"])
def test_5_polling_handles_all_four_status_values(nexio: FakeNexio, end: str) -> None:
    run = queued_run("example_input.json")
    nexio.statuses = ("queued", "processing", end)
    seen: list[tuple[str, str]] = []

    def look(request: Recorded) -> None:
        row = elsewhere(lambda: Run.objects.get(pk=run.pk))
        seen.append((row.state, row.nexio_status))

    nexio.on_poll(None, look)
    with Watching(nexio):
        until_state(run, end)
    assert seen == [("waiting", "queued"), ("waiting", "queued"), ("waiting", "processing")]
    assert run.nexio_status == end


def test_6_package_score_is_read_from_the_scorecard(nexio: FakeNexio) -> None:
    run = queued_run("example_input.json")
    solution = {"rank": 1, "score": 99, "scorecard": {"overall_level": Decimal("3.75"), "fit": 2}}
    nexio.on_poll(None, lambda r: _terminal(r, [solution]))
    with Watching(nexio):
        until_state(run, "completed")
    stored = run.solutions.get()
    assert stored.overall_level == Decimal("3.75")
    assert stored.scorecard == {"overall_level": Decimal("3.75"), "fit": 2}


def test_7_carrier_identity_is_read_from_the_offerings(nexio: FakeNexio) -> None:
    run = queued_run("example_input.json")
    offering = run.request["offerings"][0]
    solution = {"rank": 1, "carrier_name": "Nobody", "offerings": [offering]}
    nexio.on_poll(None, lambda r: _terminal(r, [solution]))
    with Watching(nexio):
        until_state(run, "completed")
    line = run.solutions.get().lines.get()
    assert line.provider_name == offering["provider_name"]
    assert line.carrier
    assert line.carrier.name == offering["provider_name"]
    assert (line.category, line.matched_by) == (offering["category"], "id")
    assert str(line.quote_line_id) == run.offering_lines[offering["id"]]
    assert line.line_premium_annual == offering["attributes"]["line_premium_annual"]


def _terminal(request: Recorded, solutions: list[Any]) -> dict[str, Any]:
    return {"run_id": request.run_id, "status": "completed", "solutions": solutions}


def test_8_request_and_terminal_response_are_both_persisted(nexio: FakeNexio, run: Run) -> None:
    stored = Run.objects.get(pk=run.pk)
    assert bytes(stored.request_body) == nexio.recorded_submits[0].body
    assert stored.request == nexio.recorded_submits[0].json
    reply = simplejson.loads(bytes(stored.response_body or b""), use_decimal=True)
    assert stored.response == reply
    assert (reply["run_id"], reply["status"]) == (stored.nexio_run_id, "completed")
    assert stored.solutions.count() == len(reply["solutions"]) > 0

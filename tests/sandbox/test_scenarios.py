"""Each failure on request does on the wire what its name says."""

import http.client
import json
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.scenarios import HUGE_BYTES, SCENARIOS

from .conftest import Clock, Consumer, Start, pair


def played(name: str) -> dict[str, Any]:
    return pair(sandbox_scenario=name)


@pytest.fixture
def quick(start: Start, clock: Clock) -> Consumer:
    """A consumer of a sandbox whose ordinary runs complete at once."""
    return Consumer(start(seconds=0, clock=clock).url)


def end(consumer: Consumer, name: str) -> Any:
    return consumer.poll(consumer.run_id(played(name))).json


@pytest.mark.parametrize(
    "given",
    [
        {"sandbox_scenario": "failed"},
        {"sandbox_scenario": " Failed "},
        {"applicant": {"name": "Sandbox failed"}},
        {"applicant": {"full_name": "sandbox Failed"}},
        {"applicant": {"first_name": "Sandbox", "last_name": "Failed"}},
        {"applicant": {"name": {"first": "Sandbox", "last": "failed"}}},
    ],
)
def test_a_scenario_is_asked_for_by_key_or_by_name(quick: Consumer, given: Any) -> None:
    assert quick.poll(quick.run_id(pair(**given))).json["status"] == "failed"


def test_a_name_of_two_words_asks_for_two_words(quick: Consumer) -> None:
    run_id = quick.run_id(pair(applicant={"name": "Sandbox zero solutions"}))
    assert quick.poll(run_id).json["solutions"] == []


@pytest.mark.parametrize("name", ["Sandbox", "Sandbox Smith", "Failed Sandbox", "Sandboxfailed"])
def test_a_person_of_that_name_is_a_person(quick: Consumer, name: str) -> None:
    run_id = quick.run_id(pair(applicant={"name": name}))
    assert quick.poll(run_id).json["status"] == "completed"


def test_failed_says_why(quick: Consumer) -> None:
    body = end(quick, "failed")
    assert body["status"] == "failed"
    assert isinstance(body["error"], str)
    assert body["error_details"]["stage"] == "EVALUATE"
    assert "solutions" not in body
    odd = end(quick, "failed_odd")
    assert isinstance(odd["error"], dict)
    assert isinstance(odd["error_details"], list)


def test_degraded_is_completed_with_a_reason(quick: Consumer) -> None:
    body = end(quick, "degraded")
    assert body["status"] == "degraded"
    assert body["output"]["degradation_reason"]
    assert body["solutions"]


def test_zero_solutions_has_a_diagnostic(quick: Consumer) -> None:
    body = end(quick, "zero_solutions")
    assert (body["status"], body["solutions"]) == ("completed", [])
    assert body["output"]["diagnostic"]


def test_odd_ends_are_completed_all_the_same(quick: Consumer) -> None:
    for name in ("malformed_solutions", "missing_fields", "no_solutions_key", "nul_texts"):
        assert end(quick, name)["status"] == "completed", name
    assert "<script>" in json.dumps(end(quick, "malformed_solutions"))
    assert set(end(quick, "missing_fields")["solutions"][0]) == {"rank", "offerings"}
    assert "solutions" not in end(quick, "no_solutions_key")
    assert "\x00" in end(quick, "nul_texts")["output"]["diagnostic"]


def test_nan_is_no_json(quick: Consumer) -> None:
    reply = quick.poll(quick.run_id(played("nan_solutions")))

    def refuse(literal: str) -> None:
        raise ValueError(literal)

    with pytest.raises(ValueError, match="NaN"):
        json.loads(reply.text, parse_constant=refuse)


def test_slow_takes_a_minute(quick: Consumer, clock: Clock) -> None:
    run_id = quick.run_id(played("slow"))
    clock.tick(59)
    assert quick.poll(run_id).json["stage"] == "EVALUATE"
    clock.tick(1)
    assert quick.poll(run_id).json["status"] == "completed"


def test_stuck_never_ends(quick: Consumer, clock: Clock) -> None:
    run_id = quick.run_id(played("stuck"))
    clock.tick(10**7)
    body = quick.poll(run_id).json
    assert (body["status"], body["stage"]) == ("processing", "EVALUATE")


def test_statuses_out_of_the_ordinary_come_before_the_end(quick: Consumer) -> None:
    run_id = quick.run_id(played("unknown_status"))
    seen = [quick.poll(run_id).json["status"] for _ in range(3)]
    assert seen == ["reconciling", "reconciling", "completed"]
    run_id = quick.run_id(played("regressing_status"))
    steps = [quick.poll(run_id).json for _ in range(4)]
    assert [(body["status"], body.get("stage")) for body in steps] == [
        ("processing", "EVALUATE"),
        ("queued", None),
        ("processing", "FILTER"),
        ("completed", None),
    ]


@pytest.mark.parametrize(
    ("name", "status"),
    [("reject_400", 400), ("reject_401", 401), ("reject_403", 403), ("reject_404", 404),
     ("reject_422", 422), ("server_error_500", 500)],
)  # fmt: skip
def test_refusals_of_the_submission(quick: Consumer, name: str, status: int) -> None:
    answer = quick.submit(played(name))
    assert answer.status == status
    assert set(answer.json) == {"code", "message"}


def test_the_old_envelope(quick: Consumer) -> None:
    answer = quick.submit(played("nested_error"))
    assert answer.status == 400
    assert set(answer.json) == {"error"}
    assert set(answer.json["error"]) == {"code", "message", "details"}


@pytest.mark.parametrize(("name", "status"), [("throttle_429", 429), ("unavailable_503", 503)])
def test_a_wait_must_be_waited_for(quick: Consumer, clock: Clock, name: str, status: int) -> None:
    first = quick.submit(played(name))
    assert (first.status, first.headers["Retry-After"]) == (status, "2")
    clock.tick(1)
    early = quick.submit(played(name))
    assert (early.status, early.headers["Retry-After"]) == (status, "1")
    clock.tick(1)
    assert quick.submit(played(name)).status == 202
    # A later run of the same body is told to wait again, so that a demo can be repeated.
    assert quick.submit(played(name)).status == status


def test_waits_said_otherwise(quick: Consumer, clock: Clock) -> None:
    dated = quick.submit(played("throttle_date"))
    assert parsedate_to_datetime(dated.headers["Retry-After"]).tzinfo is not None
    assert quick.submit(played("throttle_long")).headers["Retry-After"] == "3600"
    clock.tick(3)
    assert quick.submit(played("throttle_date")).status == 202
    assert quick.submit(played("throttle_long")).status == 202


@pytest.mark.parametrize("name", ["lost_reply", "error_after_accept"])
def test_a_run_may_exist_though_its_answer_was_lost(start: Start, name: str) -> None:
    server = start(seconds=0)
    consumer = Consumer(server.url)
    if name == "lost_reply":
        with pytest.raises(http.client.RemoteDisconnected):
            consumer.submit(played(name))
    else:
        assert consumer.submit(played(name)).status == 502
    assert server.api.store.count_runs() == 1


def test_a_refused_submission_leaves_no_run(start: Start) -> None:
    server = start(seconds=0)
    Consumer(server.url).submit(played("server_error_500"))
    assert server.api.store.count_runs() == 0


def test_accepted_without_a_run_id(quick: Consumer) -> None:
    assert quick.submit(played("no_run_id")).json == {"status": "queued"}
    page = quick.submit(played("html_202"))
    assert page.status == 202
    assert page.headers["Content-Type"] == "text/html"


def test_redirects_lead_nowhere(quick: Consumer) -> None:
    answer = quick.submit(played("redirect"))
    assert answer.status == 307
    assert quick.ask("GET", answer.headers["Location"]).status == 404
    assert quick.poll(quick.run_id(played("poll_redirect"))).status == 302


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("poll_500", [500, 500, 500, 200]),
        ("poll_404_then_ok", [404, 404, 200]),
        ("poll_401", [401, 401, 200]),
    ],
)
def test_polls_that_recover(quick: Consumer, name: str, statuses: list[int]) -> None:
    run_id = quick.run_id(played(name))
    assert [quick.poll(run_id).status for _ in statuses] == statuses


def test_a_throttled_poll_must_be_waited_for_once(quick: Consumer, clock: Clock) -> None:
    run_id = quick.run_id(played("poll_429"))
    first = quick.poll(run_id)
    assert (first.status, first.headers["Retry-After"]) == (429, "2")
    assert quick.poll(run_id).status == 429
    clock.tick(2)
    assert [quick.poll(run_id).status for _ in range(3)] == [200, 200, 200]


def test_garbage_for_ever(quick: Consumer) -> None:
    run_id = quick.run_id(played("poll_garbage"))
    for _ in range(12):
        answer = quick.poll(run_id)
        assert answer.status == 200
        assert answer.text.startswith("<!doctype html>")


def test_polls_broken_off(quick: Consumer) -> None:
    run_id = quick.run_id(played("poll_drop"))
    for _ in range(2):
        with pytest.raises(http.client.RemoteDisconnected):
            quick.poll(run_id)
    assert quick.poll(run_id).status == 200
    run_id = quick.run_id(played("poll_truncated"))
    for _ in range(2):
        with pytest.raises(http.client.IncompleteRead):
            quick.poll(run_id)
    assert quick.poll(run_id).status == 200


def test_a_drip_arrives_byte_by_byte(quick: Consumer) -> None:
    run_id = quick.run_id(played("poll_drip"))
    connection = http.client.HTTPConnection(quick.address, timeout=5)
    connection.request(
        "GET", f"/api/v1/jobs/{run_id}", headers={"Authorization": f"Bearer {quick.key}"}
    )
    reply = connection.getresponse()
    assert reply.read1(100) == b"{"
    connection.close()


def test_a_huge_reply_is_huge(quick: Consumer) -> None:
    answer = quick.poll(quick.run_id(played("poll_huge")))
    assert int(answer.headers["Content-Length"]) > HUGE_BYTES


def test_a_reply_about_another_run(quick: Consumer) -> None:
    run_id = quick.run_id(played("poll_wrong_run"))
    assert [quick.poll(run_id).json["run_id"] == run_id for _ in range(3)] == [False, False, True]


def test_every_scenario_is_described_on_the_page_and_in_the_readme(quick: Consumer) -> None:
    page = quick.ask("GET", "/").text
    readme = (Path(__file__).parents[2] / "sandbox" / "README.md").read_text()
    for name, scenario in SCENARIOS.items():
        assert f"<code>{name}</code>" in page
        assert f"| `{name}` | {scenario.summary} |" in readme

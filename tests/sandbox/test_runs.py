"""The two endpoints: a run's course in time, whose it is, and what HTTP asks for."""

import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import EXAMPLES, Clock, Consumer, Start, offering, pair, stop, submission


def test_a_submission_is_answered_with_run_id_and_status_only(consumer: Consumer) -> None:
    answer = consumer.submit(pair())
    assert answer.status == 202
    assert set(answer.json) == {"run_id", "status"}
    assert answer.json["status"] == "queued"


def test_a_run_goes_from_queued_by_filter_and_evaluate_to_completed(
    consumer: Consumer, clock: Clock
) -> None:
    run_id = consumer.run_id(pair())
    seen = []
    for _ in range(11):
        body = consumer.poll(run_id).json
        seen.append((body["status"], body.get("stage")))
        clock.tick(1)
    assert seen == [
        *[("queued", None)] * 2,
        *[("processing", "FILTER")] * 2,
        *[("processing", "EVALUATE")] * 6,
        ("completed", None),
    ]


def test_a_queued_run_says_no_more_than_who_it_is(consumer: Consumer) -> None:
    body = consumer.poll(consumer.run_id(pair())).json
    assert set(body) == {"run_id", "status", "environment", "service", "created_at"}
    assert body["environment"] == "test"
    assert body["service"] == "nexio-sandbox"


def test_a_completed_run_has_the_guides_shape_and_stays_as_it_is(
    consumer: Consumer, clock: Clock
) -> None:
    run_id = consumer.run_id(pair(appetite_bucket="cost_sensitive"))
    clock.tick(10)
    first = consumer.poll(run_id)
    body = first.json
    assert body["run_id"] == run_id
    assert body["duration_ms"] == 10_000
    assert (body["created_at"], body["completed_at"]) == (
        "2026-11-06T21:20:00Z",
        "2026-11-06T21:20:10Z",
    )
    top = body["solutions"][0]
    assert body["output"] == {
        "diagnostic": None,
        "requirement_count": 2,
        "solutions_count": 1,
        "tolerance_bucket": "cost_sensitive",
        "top_label": "recommended",
        "top_score": top["scorecard"]["overall_level"],
    }
    assert top["rank"] == 1
    clock.tick(100_000)
    assert consumer.poll(run_id).text == first.text


def test_with_no_seconds_a_run_is_completed_at_once(start: Start) -> None:
    consumer = Consumer(start(seconds=0).url)
    assert consumer.poll(consumer.run_id(pair())).json["status"] == "completed"


def test_a_restart_changes_neither_a_run_nor_its_timing(
    start: Start, clock: Clock, tmp_path: Path
) -> None:
    first = start(seconds=10, clock=clock, db=tmp_path / "state.sqlite3")
    run_id = Consumer(first.url).run_id(pair())
    stop(first)
    clock.tick(5)
    # The length of a run is settled when it is taken, whatever the next start says.
    second = start(seconds=500, clock=clock, db=tmp_path / "state.sqlite3")
    consumer = Consumer(second.url)
    assert consumer.poll(run_id).json["stage"] == "EVALUATE"
    clock.tick(5)
    body = consumer.poll(run_id).json
    assert body["status"] == "completed"
    assert body["solutions"][0]["est_cost_low"] == 4500


def test_the_state_file_holds_no_key_and_no_insured(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    server = start(seconds=0, db=path)
    consumer = Consumer(server.url, key="nx_test_hush_hush")
    consumer.run_id(pair(applicant={"name": "Marigold Fairweather"}))
    stop(server)
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"hush_hush" not in kept
    assert b"Marigold" not in kept


def test_old_runs_are_forgotten(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.store.MAX_RUNS", 2)
    consumer = Consumer(start(seconds=0).url)
    runs = [consumer.run_id(pair()) for _ in range(3)]
    assert [consumer.poll(run_id).status for run_id in runs] == [404, 200, 200]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer nx_live_abc", "Bearer nx_test_", "Basic nx_test_abc", "nx_test_abc",
     "Bearer nx_test_a b", "Bearer other"],
)  # fmt: skip
def test_any_other_key_is_refused(consumer: Consumer, header: str) -> None:
    body = json.dumps(pair()).encode()
    for answer in (
        consumer.ask("POST", "/api/v1/jobs", body, Authorization=header),
        consumer.ask("GET", "/api/v1/jobs/some-run", Authorization=header),
    ):
        assert answer.status == 401
        assert answer.json["code"] == "unauthorized"
        assert "abc" not in answer.text


def test_a_key_sees_its_own_runs_only(consumer: Consumer) -> None:
    run_id = consumer.run_id(pair())
    other = Consumer(f"http://{consumer.address}", key="nx_test_another")
    assert other.poll(run_id).status == 404
    assert set(other.poll(run_id).json) == {"code", "message"}
    assert consumer.poll(run_id).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/jobs", 405),
        ("POST", "/", 405),
        ("DELETE", "/api/v1/jobs/abc", 405),
        ("PUT", "/api/v1/jobs", 405),
        ("BREW", "/api/v1/jobs", 405),
        ("GET", "/api/v1/jobs/unknown", 404),
        ("GET", "/api/v1/jobs/", 404),
        ("GET", "/api/v1/jobs/a/b", 404),
        ("GET", "/api/v2/jobs", 404),
        ("GET", "/nowhere", 404),
    ],
)
def test_other_paths_and_methods(consumer: Consumer, method: str, path: str, status: int) -> None:
    answer = consumer.ask(method, path, b"" if method in ("POST", "PUT") else None)
    assert answer.status == status
    assert set(answer.json) == {"code", "message"}


def test_one_connection_serves_many_requests(consumer: Consumer) -> None:
    headers = {"Authorization": f"Bearer {consumer.key}", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection(consumer.address, timeout=10)) as connection:
        connection.request("POST", "/api/v1/jobs", b"{}", headers)
        refused = connection.getresponse()
        refused.read()
        first = connection.sock
        for _ in range(3):
            connection.request("POST", "/api/v1/jobs", json.dumps(pair()), headers)
            assert json.loads(connection.getresponse().read())["status"] == "queued"
        assert connection.sock is first
        assert refused.status == 400


def test_a_consumer_that_asks_first_is_told_to_go_on(consumer: Consumer) -> None:
    body = json.dumps(pair()).encode()
    host, port = consumer.address.split(":")
    with closing(socket.create_connection((host, int(port)), timeout=10)) as raw:
        raw.sendall(
            b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer " + consumer.key.encode() + b"\r\nExpect: 100-continue\r\n"
            b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 100 ")
        raw.sendall(body)
        assert raw.recv(100).startswith(b"HTTP/1.1 202 ")


@pytest.mark.parametrize(
    "request_", [b"garbage\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                 b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n"],
    ids=["garbage", "without version", "unknown version", "long path"],
)  # fmt: skip
def test_what_is_no_http_is_refused_in_the_same_envelope(
    consumer: Consumer, request_: bytes
) -> None:
    host, port = consumer.address.split(":")
    with closing(socket.create_connection((host, int(port)), timeout=10)) as raw:
        raw.sendall(request_)
        raw.shutdown(socket.SHUT_WR)
        head, _, body = raw.makefile("rb").read().partition(b"\r\n\r\n")
    if request_ == b"GET /\r\n\r\n":
        assert b"It is not Nexio" in head + body
    else:
        assert head.startswith(b"HTTP/1.1 ")
        assert set(json.loads(body)) == {"code", "message"}


def test_a_fault_of_its_own_is_a_500_that_names_nobody(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(body: object) -> None:
        raise RuntimeError("Marigold Fairweather")

    monkeypatch.setattr("sandbox.ranking.rank", broken)
    answer = consumer.submit(pair())
    assert answer.status == 500
    assert answer.json["code"] == "internal_error"
    told = capfd.readouterr().err
    assert told.startswith("sandbox: unexpected RuntimeError at ")
    assert "Marigold" not in told + answer.text


def test_many_consumers_at_once_each_get_their_own_run(start: Start) -> None:
    consumer = Consumer(start(seconds=0).url)

    def one(number: int) -> bool:
        body = submission(offering("Alder", "home", number), lines=["home"])
        reply = consumer.poll(consumer.run_id(body)).json
        return bool(reply["solutions"][0]["est_cost_low"] == number)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, range(1, 101)))


def test_the_first_page_says_what_this_is_without_scripts(consumer: Consumer) -> None:
    answer = consumer.ask("GET", "/")
    assert answer.status == 200
    assert "It is not Nexio" in answer.text
    assert "lost_reply" in answer.text
    assert "<script" not in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_the_guides_own_request_is_taken_as_it_stands(consumer: Consumer, clock: Clock) -> None:
    run_id = consumer.run_id((EXAMPLES / "guide_request.json").read_bytes())
    clock.tick(10)
    (only,) = consumer.poll(run_id).json["solutions"]
    assert (only["est_cost_low"], only["est_cost_high"]) == (13620, 13620)
    assert [line["category"] for line in only["offerings"]] == ["home", "auto", "umbrella"]


def test_chaos_is_the_same_for_the_same_seed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.chaos.SLOW_SECONDS", 0)

    def story() -> list[int]:
        server = start(seconds=0, chaos_seed=7, chaos_rate=0.6)
        consumer = Consumer(server.url)
        statuses = []
        for _ in range(30):
            try:
                statuses.append(consumer.submit({}).status)
            except (http.client.HTTPException, ConnectionError):
                statuses.append(0)
        return statuses

    first = story()
    assert first == story()
    assert {400, 0} < set(first)


def test_an_offering_comes_back_as_it_was_sent(consumer: Consumer, clock: Clock) -> None:
    sent = offering(
        "Alder", "home", 3000.1, coverage={"limits": [1, {"e": None}]}, x_extra="Ünïcode \u2028"
    )
    run_id = consumer.run_id(submission(sent, lines=["home"]))
    clock.tick(10)
    (solution,) = consumer.poll(run_id).json["solutions"]
    assert solution["offerings"] == [sent]

"""The checker on evidence made by hand: each thing that may be wrong is found, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chaos.checking import Event, Evidence, Row, check
from chaos.journal import Exchange, Journal, read_exchanges

BEGAN = datetime(2027, 3, 1, 12, tzinfo=UTC)


def post(at: float, did: str = "accepted", *, fault: str = "", whole: bool = True) -> Exchange:
    run_id = "nx-1" if did == "accepted" else ""
    when = BEGAN.timestamp() + at
    return Exchange(
        f"post-{at}", when, "POST", "/api/v1/jobs", "d", fault, did, run_id, whole=whole
    )


def poll(at: float, *, answer: str = "", fault: str = "", whole: bool = True) -> Exchange:
    when = BEGAN.timestamp() + at
    return Exchange(
        f"poll-{at}", when, "GET", "/api/v1/jobs/nx-1", "nx-1", fault, "answered", "nx-1",
        200, bool(answer), answer, 2 if answer else 0, whole,
    )  # fmt: skip


def events(*kinds: str) -> list[Event]:
    """One a second; "submit_unknown!" is one that an answer caused, not a worker's death."""
    return [
        Event(
            kind.rstrip("!"),
            BEGAN + timedelta(seconds=number),
            kind in {"linked", "abandoned", "resubmitted"},
            {"error": "LostReply"} if kind.endswith("!") else {},
        )
        for number, kind in enumerate(kinds)
    ]


def row(state: str, *kinds: str, run_id: str = "nx-1", answer: str = "", solutions: int = 0) -> Row:
    told = events("created", *kinds)
    return Row(
        "run-1", state, "d", run_id, answer, sum(each == "submitting" for each in kinds),
        solutions, BEGAN, False, told,
    )  # fmt: skip


DONE = row("completed", "submitting", "accepted", "completed", answer="a", solutions=2)
ENDED = (post(1.5), poll(3.5, answer="a"))


def found(rows: Sequence[Row], exchanges: Sequence[Exchange] = ENDED, **more: object) -> set[str]:
    evidence = Evidence(ledger={"run-1": "d"}, exchanges=exchanges, rows=rows)
    return {finding.goal for finding in check(replace(evidence, **more))}  # type: ignore[arg-type]


def test_a_run_from_its_start_to_its_reply_is_as_it_must_be():
    assert found([DONE]) == set()


def test_a_refused_submission_may_be_repeated():
    again = row("completed", "submitting", "throttled", "submitting", "accepted", "completed",
                answer="a", solutions=2)  # fmt: skip
    refused = post(1, "refused", fault="429")
    assert found([again], [refused, *ENDED]) == set()
    # One whose caller cannot have heard of it may not.
    assert found([again], [replace(refused, whole=False), *ENDED]) == {"repeated"}


@pytest.mark.parametrize("did", ["accepted", "undone", "rejected"])
def test_any_other_is_not_repeated(did):
    again = row("completed", "submitting", "not_sent", "submitting", "accepted", "completed",
                answer="a", solutions=2)  # fmt: skip
    assert "repeated" in found([again], [post(1, did), *ENDED])


def test_nor_is_one_refused_after_another_was_taken():
    later = post(2, "refused", fault="503")
    assert "repeated" in found([replace(DONE, attempts=2)], [*ENDED, later])


def test_unless_a_person_sent_it_again_before():
    first = row("abandoned", "submitting", "submit_unknown!", "resubmitted", run_id="")
    second = replace(DONE, id="run-2", again=True, created_at=BEGAN + timedelta(seconds=3))
    second = replace(second, events=[replace(second.events[0], by_person=True), *second.events[1:]])
    lost = post(1, "undone", fault="500")
    assert found([first, second], [lost, post(4), poll(6, answer="a")]) == set()
    assert found([first, second], [lost, post(2), poll(6, answer="a")]) == {"repeated"}


def test_a_run_that_is_gone_or_was_changed_is_lost():
    assert "lost" in found([], [])
    assert "lost" in found([replace(DONE, asked="other")])


def test_an_accepted_submission_is_a_run_here_or_in_doubt():
    doubt = row("submit_unknown", "submitting", "submit_unknown", run_id="")
    assert found([doubt], [post(1, whole=False)]) == set()
    assert "lost" in found([row("queued", "submitting", "not_sent", run_id="")], [post(1)])


@pytest.mark.parametrize(
    "kinds",
    [
        ("submitting", "submitting", "accepted", "completed"),
        ("submitting", "accepted", "accepted", "completed"),
        ("submitting", "completed"),
        ("submitting", "accepted", "completed", "completed"),
        ("submitting", "submit_unknown", "submitting", "accepted", "completed"),
        ("submitting", "accepted"),
    ],
)
def test_a_step_that_the_life_does_not_have_is_illegal(kinds):
    told = events("created", *kinds)
    assert "illegal" in found([replace(DONE, events=told, attempts=kinds.count("submitting"))])


def test_a_question_that_was_put_off_is_no_step():
    told = events("created", "submitting", "accepted", "throttled", "bad_poll", "completed")
    assert found([replace(DONE, events=told)]) == set()


def test_a_run_that_was_late_is_stuck():
    waits = row("waiting", "submitting", "accepted")
    assert found([waits], [post(1)], late=["run-1"]) == {"stuck"}


def test_an_attempt_without_an_event_is_missing():
    assert "missing" in found([replace(DONE, attempts=2)])
    told = row("failed", "submitting", "accepted", "failed", answer="a")
    assert "missing" in found([told], [post(1, "refused", fault="429"), *ENDED])


def test_a_reply_told_to_the_last_byte_is_kept_to_the_last_byte():
    cut = (post(1.5), poll(3, answer="a", whole=False), poll(4, answer="a", fault="truncate"))
    gave_up = row("abandoned", "submitting", "accepted", "abandoned")
    assert found([gave_up], cut) == set()
    assert found([gave_up]) == {"missing"}
    assert "missing" in found([replace(DONE, answer="b")])
    assert "missing" in found([replace(DONE, solutions=1)])


def test_what_the_stand_in_never_did_is_invented():
    assert "invented" in found([replace(DONE, run_id="nx-2")])
    assert "invented" in found([replace(DONE, answer="b")])
    assert "invented" in found([row("rejected", "submitting", "rejected", run_id="")], [post(1)])
    bad = row("bad_response", "submitting", "accepted", "bad_response")
    assert "invented" in found([bad], [post(1), *(poll(n, fault="html") for n in range(2, 11))])
    assert found([bad], [post(1), *(poll(n, fault="html") for n in range(2, 12))]) == set()


def test_a_doubt_needs_an_answer_that_could_not_be_read_or_a_peer_that_was_away():
    doubt = row("submit_unknown", "submitting", "submit_unknown!", run_id="")
    assert found([doubt], [post(1)]) == {"invented"}
    assert found([doubt], [post(1, fault="html")]) == set()
    assert found([doubt], [post(1, whole=False)]) == set()
    assert found([doubt], [], outages=[BEGAN.timestamp()]) == set()
    assert found([doubt], []) == {"invented"}


def test_a_journal_survives_a_line_that_was_torn(tmp_path):
    path = tmp_path / "journal.jsonl"
    first = Journal(path)
    entry = {"method": "POST", "path": "/", "asked": "d", "fault": "", "did": "accepted"}
    first.write(n="1", **entry)
    first.close()
    with path.open("ab") as file:
        file.write(b'\n{"at": 1, "n": "torn')
    again = Journal(path)
    again.write(n="2", **entry)
    again.write(sent="2")
    again.close()
    assert [(each.n, each.whole) for each in read_exchanges(path)] == [("1", False), ("2", True)]

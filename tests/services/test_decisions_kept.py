"""What a decision keeps: the checks as they were told, what was bound, in pages and packets."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date
from typing import Any

import pytest
import time_machine
from pypdf import PdfReader

from quotes.models import Run, User
from quotes.services import decisions, packets
from quotes.services.decision_step import BoundPolicy
from tests import runs as made
from tests.decided import LATER, NOW, WHY, K, bring_to, choose, said

pytestmark = pytest.mark.django_db
GAP = "Warning: Auto 100/300/100, umbrella needs 250/500"


@pytest.fixture(autouse=True)
def _day() -> Any:
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def broker(people: dict[str, User]) -> User:
    return people["broker"]


@pytest.fixture
def run(broker: User) -> Run:
    return made.completed_run(broker)


def packet_of(run: Run) -> tuple[str, dict[str, Any]]:
    """The text of the packet's PDF, and its decision.json."""
    out = io.BytesIO()
    packets.make_packet(run=run, out=out)
    with zipfile.ZipFile(out) as archive:
        pages = PdfReader(io.BytesIO(archive.read("packet.pdf"))).pages
        decision: dict[str, Any] = json.loads(archive.read("decision.json"))
    return " ".join(" ".join(page.extract_text() for page in pages).split()), decision


def test_a_choice_keeps_every_check_as_it_stood_then(run: Run, broker: User) -> None:
    choose(run, broker, rank=1)
    told = run.decision_events.get().note.splitlines()
    assert told[0].startswith(GAP)
    assert any("6-month term (auto): confirm the price of a year" in each for each in told)
    assert any("Expires Nov 30" in each or "Good until Nov 30" in each for each in told)
    assert told[-1].startswith("Beside what is in force: −$1,613.76 a year, not like for like: ")
    with time_machine.travel(LATER):
        text, decision = packet_of(run)
    assert decision["events"][0]["checks_shown"] == told
    assert decision["events"][0]["note"] == ""
    assert GAP in text
    assert "6-month term: confirm the price of a year" in text
    assert "Expired Nov 30" not in text


def test_what_was_bound_is_kept_line_by_line(run: Run, broker: User) -> None:
    bring_to(run, "accepted", broker)
    policies = (
        BoundPolicy("home", date(2026, 12, 1), "LK-H-1"),
        BoundPolicy("auto", date(2026, 12, 15)),
        BoundPolicy("umbrella", None, "LK-U-3"),
    )
    words = said(bound=policies, note="Binders are filed.")
    event = decisions.record_answer(run=run, kind=K.BOUND, actor=broker, said=words)
    assert event.note.splitlines() == [
        "Home: effective Dec 1, 2026, policy or binder LK-H-1",
        "Auto: effective Dec 15, 2026, policy or binder number not stated",
        "Umbrella: effective date not stated, policy or binder LK-U-3",
        "Binders are filed.",
    ]
    text, _ = packet_of(run)
    assert "Home: effective Dec 1, 2026, policy or binder LK-H-1" in text


def test_numbers_are_no_reason_for_binding_without_an_answer(run: Run, broker: User) -> None:
    choose(run, broker)
    with pytest.raises(decisions.NotPossible, match="not recorded as accepted"):
        decisions.record_answer(
            run=run, kind=K.BOUND, actor=broker, said=said(bound=(BoundPolicy("home", None, "1"),))
        )


def test_the_packets_event_counts_every_file_of_the_zip(run: Run) -> None:
    out = io.BytesIO()
    packets.make_packet(run=run, out=out)
    with zipfile.ZipFile(out) as archive:
        count = len(archive.namelist())
    assert f"with {count} files" in run.events.get(kind="packet_made").text


def test_the_reason_stays_beside_the_checks(run: Run, broker: User) -> None:
    choose(run, broker, rank=2)
    text, decision = packet_of(run)
    assert WHY in text
    assert decision["events"][0]["reason"] == WHY

"""From the press of "Compare packages" to a proposal on disk, by keyboard alone.

The run is a real one: the watcher sends it to the stand-in and polls until it is ranked.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from quotes.models import Decision, Insured, Proposal, Run, User
from tests.browser.actions import Actions, expect_shown_focus
from tests.clock import ScaledClock
from tests.factories import EXAMPLES, import_value
from tests.services.watch import Watching

pytestmark = pytest.mark.django_db(transaction=True)
ACTIONS_BELOW = 15
LEFT_OUT = "Saltmarsh Home Underwriters"
WHY = "One carrier for all three lines."


@pytest.fixture
def insured(people: dict[str, User]) -> Insured:
    """The example's household: four carriers and three lines, every price good for a month."""
    value = json.loads((EXAMPLES / "example_input.json").read_text())
    for quote in value["quotes"]:
        quote["quote_expires_at"] = str(timezone.localdate() + timedelta(days=30))
    return import_value(value, people["broker"]).insured


@pytest.fixture
def worker(sandbox: str) -> Iterator[None]:
    """The watcher at its work, between the web server and the stand-in."""
    with Watching(sandbox, key="nx_test_sandbox", clock=ScaledClock(1)):
        yield


@pytest.fixture
def do(page: Page, live_server: Any, sign_in: Any, insured: Insured, people: Any) -> Actions:
    """The broker, signed in and on the insured's page."""
    sign_in(people["broker"])
    page.goto(live_server.url + reverse("quotes:insured_detail", args=[insured.pk]))
    return Actions(page)


def arrive(do: Actions, title: str) -> None:
    """On a new page: its heading stands there, and the first Tab offers the way past the menu."""
    heading = do.page.get_by_role("heading", level=1)
    expect(heading).to_contain_text(re.compile(title), timeout=20_000)
    do.tab()
    expect_shown_focus(do.page.get_by_role("link", name="Skip to the content"))


def filter_and_pick(do: Actions) -> list[int]:
    """Leave a carrier out, tick three packages, and open them; their places in Nexio's order."""
    page = do.page
    do.follow(page.locator("#menu-leave-out summary"))
    do.follow(page.get_by_role("link", name=LEFT_OUT))
    expect(page.locator(".results-said")).to_contain_text("shown.")
    expect(page).to_have_url(re.compile(r"\?without=\w+$"))
    expect(page.locator(".solutions__list")).not_to_contain_text(LEFT_OUT)
    # What was pressed is gone with its menu: the focus is on the filter that came of it.
    expect_shown_focus(page.get_by_role("link", name=f"Without {LEFT_OUT}"))
    boxes = page.locator(".solution__pick input")
    for index in range(3):
        do.follow(boxes.nth(index), "Space")
        expect_shown_focus(boxes.nth(index))
    expect(page.locator("#pick-said")).to_have_text("3 picked")
    places = [int(boxes.nth(index).get_attribute("value") or "") for index in range(3)]
    do.follow(page.get_by_role("button", name="Compare 3 side by side"))
    return places


def choose_rank_2(do: Actions) -> None:
    page = do.page
    do.follow(page.get_by_role("link", name="Choose rank 2"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Choose rank 2")
    why = page.get_by_label("Why this package")
    do.tab_to(why)
    expect_shown_focus(why)
    do.fill(WHY)
    do.follow(page.get_by_role("button", name="Choose rank 2"))
    expect(page.get_by_role("heading", level=2, name="Chosen: rank 2")).to_be_visible()


def propose(do: Actions, to: Path) -> bytes:
    page = do.page
    do.follow(page.get_by_role("link", name="Make a proposal"))
    arrive(do, "Make a proposal")
    do.follow(page.get_by_role("button", name="Make the proposal"))
    arrive(do, "Proposal 1")
    with page.expect_download() as download:
        do.follow(page.get_by_role("link", name="Download the PDF"))
    download.value.save_as(to)
    return to.read_bytes()


def test_from_compare_to_a_downloaded_proposal(
    do: Actions, page: Page, worker: None, insured: Insured, tmp_path: Path, capsys: Any
) -> None:
    do.follow(page.get_by_role("button", name="Compare packages"))
    arrive(do, "packages ranked for")
    run = Run.objects.get(insured=insured)
    solutions = list(run.solutions.prefetch_related("lines__carrier"))
    assert len(solutions) >= 4
    assert all({line.category for line in s.lines.all()} == {"home", "auto", "umbrella"}
               for s in solutions)  # fmt: skip

    places = filter_and_pick(do)
    arrive(do, "3 options side by side")
    rank_2 = next(each for each in solutions if each.rank == 2)
    assert solutions.index(rank_2) in places
    choose_rank_2(do)
    arrive(do, "Decision for")
    run.refresh_from_db()
    assert (run.decision, run.chosen) == (Decision.CHOSEN, rank_2)
    assert run.decision_events.get().reason == WHY

    content = propose(do, tmp_path / "proposal.pdf")
    assert content.startswith(b"%PDF")
    proposal = Proposal.objects.get(run=run)
    assert content == bytes(proposal.pdf)
    options = [option.solution for option in proposal.options.all()]
    assert options[0] == rank_2
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    assert all(carrier in text for carrier in rank_2.carriers)
    assert f"${rank_2.est_cost_low:,.0f}" in text

    with capsys.disabled():
        print(f"\nfrom Compare to a downloaded proposal, by keyboard alone: {do.count} actions")
    assert do.count < ACTIONS_BELOW

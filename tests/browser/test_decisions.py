"""From the ranked list to a proposal in the insured's hands, in a real browser."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from quotes.models import Proposal, Run, User
from quotes.services import decisions
from quotes.services.decisions import Said
from quotes.services.proposals import make_proposal
from tests import runs as made
from tests.decided import packages

WHY = "Keeps the family with one carrier."


class Keys:
    """A keyboard that counts: each key that is pressed to get somewhere, and each text typed."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.actions = 0

    def follow(self, role: Any, name: Any, key: str = "Enter") -> None:
        """Go to a control by Tab until it has the focus, then press it: one action."""
        target = self.page.get_by_role(role, name=name).first
        target.wait_for()
        for _ in range(300):
            if target.evaluate("each => each === document.activeElement"):
                break
            self.page.keyboard.press("Tab")
        else:
            raise AssertionError(f"{name} is not reached by Tab")
        self.page.keyboard.press(key)
        self.actions += 1

    def write(self, label: str, text: str) -> None:
        field = self.page.get_by_label(label)
        for _ in range(300):
            if field.evaluate("each => each === document.activeElement"):
                break
            self.page.keyboard.press("Tab")
        else:
            raise AssertionError(f"{label} is not reached by Tab")
        self.page.keyboard.type(text)
        self.actions += 1


@pytest.mark.django_db(transaction=True)
def test_rank_2_is_chosen_and_proposed_with_the_keyboard_alone(
    page: Page, live_server: Any, people: dict[str, User], sign_in: Any, tmp_path: Path
) -> None:
    run = made.completed_run(people["broker"])
    sign_in(people["broker"])
    page.goto(live_server.url + reverse("quotes:run_detail", args=[run.pk]))
    keys = Keys(page)
    keys.follow("link", "Choose rank 2")
    page.get_by_role("heading", level=1, name="Choose rank 2").wait_for()
    keys.write("Why this package", WHY)
    keys.follow("button", "Choose rank 2")
    expect(page.get_by_role("heading", level=2, name="Chosen: rank 2")).to_be_visible()
    keys.follow("link", "Make a proposal")
    page.get_by_role("heading", level=1, name="Make a proposal").wait_for()
    # Nothing was shown or compared: the chosen one is ticked alone, and others are picked.
    for rank in ("Rank 1:", "Rank 3:"):
        keys.follow("checkbox", rank, "Space")
    keys.write("Notes for the insured", "Three options, as we spoke of.")
    keys.follow("button", "Make the proposal")
    picture = page.get_by_role("img", name=re.compile("Page 1 of"))
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 400
    with page.expect_download() as download:
        keys.follow("link", "Download the PDF")
    download.value.save_as(tmp_path / "proposal.pdf")
    assert keys.actions < 15
    proposal = Proposal.objects.get(run=run)
    content = (tmp_path / "proposal.pdf").read_bytes()
    assert content == bytes(proposal.pdf)
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    assert "Three options, as we spoke of." in text
    run.refresh_from_db()
    assert (run.decision, run.decision_events.get().reason) == ("chosen", WHY)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_axe_violations_and_nothing_cut_off(
    page: Page, live_server: Any, people: dict[str, User], sign_in: Any, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    broker = people["broker"]
    run = made.completed_run(broker)
    addresses = _addresses(run, broker)
    sign_in(broker)
    for width in (1440, 360):
        page.set_viewport_size({"width": width, "height": 900})
        for address in addresses:
            page.goto(live_server.url + address)
            for fold in page.locator("main details > summary").all():
                fold.click()
            found = Axe().run(page)
            assert found.violations_count == 0, f"{address}\n{found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def _addresses(run: Run, broker: User) -> list[str]:
    second = run.solutions.get(rank=2)
    decisions.choose_solution(run=run, solution=second, actor=broker, reason=WHY)
    proposal = make_proposal(run=run, solutions=packages(run), notes="x" * 300, actor=broker)
    shown = Said(on=timezone.localdate(), how="email")
    decisions.mark_shown(run=run, solutions=packages(run), actor=broker, said=shown)
    first = run.solutions.get(rank=1)
    return [
        reverse("quotes:run_decision", args=[run.pk]),
        reverse("quotes:run_choose", args=[run.pk, first.position]),
        reverse("quotes:run_proposal", args=[run.pk]),
        reverse("quotes:proposal_detail", args=[proposal.pk]),
    ]

"""From a manager's question to the broker's answer, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from quotes.models import ApprovalRule, Office, ReviewRequest, User
from quotes.services import decisions, doubts
from quotes.services.review import approvals, revisits
from quotes.services.review.comments import write_comment
from tests import runs as made
from tests.decided import WHY
from tests.fake_nexio import completed
from tests.views.pages import signed_in


def be(page: Page, live_server: Any, user: User) -> None:
    page.context.clear_cookies()
    cookie = signed_in(user).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])


@pytest.mark.django_db(transaction=True)
def test_asked_to_revisit_found_in_the_inbox_and_answered(
    page: Page, live_server: Any, people: dict[str, User]
) -> None:
    run = made.completed_run(people["broker"])
    be(page, live_server, people["manager"])
    page.goto(live_server.url + reverse("quotes:run_detail", args=[run.pk]))
    page.get_by_text("Ask the broker to revisit").click()
    page.get_by_label("What to look at again").fill("Why is the second rank not shown?")
    page.get_by_role("button", name="Ask to revisit").click()
    expect(page.locator("#review")).to_contain_text("The broker is asked to revisit this run.")

    be(page, live_server, people["broker"])
    page.goto(live_server.url + reverse("quotes:worklist"))
    expect(page.locator("#inbox-count")).to_contain_text("2")
    page.get_by_role("link", name="Inbox").click()
    page.locator("#waiting").get_by_role("link", name=run.insured.shown_name).click()
    asked = ReviewRequest.objects.get()
    expect(page.locator(f"#asked-{asked.pk}")).to_be_in_viewport()
    # The open page has said what its notices say.
    expect(page.locator("#inbox-count")).to_be_empty()
    page.get_by_label("Answer").fill("It was, on the telephone.")
    page.get_by_role("button", name="Answer").click()
    expect(page.locator("#review")).to_contain_text("Your answer is recorded.")

    be(page, live_server, people["manager"])
    page.goto(live_server.url + reverse("quotes:inbox"))
    page.locator("#notices").get_by_role("link", name=run.insured.shown_name).first.click()
    page.get_by_text("Settled requests (1)").click()
    expect(page.locator("#review")).to_contain_text("It was, on the telephone.")


@pytest.mark.django_db(transaction=True)
def test_a_typed_comment_outlives_the_end_of_the_run(
    page: Page, live_server: Any, people: dict[str, User]
) -> None:
    run = made.waiting_run(people["broker"])
    be(page, live_server, people["broker"])
    page.goto(live_server.url + reverse("quotes:run_detail", args=[run.pk]))
    page.get_by_text("Write a comment").click()
    page.get_by_label("Comment").fill("Typed meanwhile")
    made.answer(run, {"status": "completed", **completed(run.request)})
    expect(page.get_by_role("heading", level=1)).to_contain_text("packages ranked for")
    expect(page.get_by_label("Comment")).to_have_value("Typed meanwhile")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_axe_violations_and_nothing_cut_off(
    page: Page, live_server: Any, people: dict[str, User], scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    Office.objects.update(approval=ApprovalRule.ALWAYS)
    run = made.completed_run(people["broker"])
    choose_now(run, people["broker"])
    approvals.ask_approval(run=run, actor=people["broker"], text="w" * 300)
    asked = revisits.ask_to_revisit(run=run, actor=people["manager"], text="First.")
    revisits.answer_revisit(request=asked, actor=people["broker"], text="Answered.")
    revisits.ask_to_revisit(run=run, actor=people["manager"], text="<b>Why</b> " + "v" * 400)
    write_comment(run=run, author=people["manager"], text="w" * 600)
    addresses = [
        reverse("quotes:inbox"),
        reverse("quotes:run_detail", args=[run.pk]),
        reverse("quotes:run_decision", args=[run.pk]),
    ]
    for who in ("broker", "manager"):
        be(page, live_server, people[who])
        for width in (1440, 360):
            page.set_viewport_size({"width": width, "height": 900})
            for address in addresses:
                page.goto(live_server.url + address)
                for fold in page.locator("#review details > summary").all():
                    fold.click()
                found = Axe().run(page)
                assert found.violations_count == 0, f"{address}\n{found.generate_report()}"
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def choose_now(run: Any, actor: User) -> None:
    """Rank 2, though a price of it is gone: a real browser lives on the real day."""
    second = run.solutions.get(rank=2)
    gone = doubts.expired_words(run, second, timezone.now())
    decisions.choose_solution(run=run, solution=second, actor=actor, reason=WHY, confirmed=gone)

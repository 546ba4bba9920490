"""A click that gets no answer says so, on a page that keeps what was typed into it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from quotes.models import Run, User
from tests import runs as made
from tests.browser.conftest import take_session
from tests.browser.sheet import one_quote

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def results(loud: Page, live_server: Any, people: dict[str, User]) -> Page:
    """A run's packages, on a page whose console may say that the connection is gone."""
    run = made.completed_run(people["broker"])
    take_session(loud, live_server, people["broker"])
    loud.goto(live_server.url + reverse("quotes:run_detail", args=[run.pk]))
    return loud


def test_a_filter_without_a_connection_says_so_until_one_answers(results: Page) -> None:
    bar = results.get_by_role("alert")
    results.context.set_offline(True)
    results.locator("#chip-single").click()
    expect(bar).to_contain_text("No connection")
    results.locator(".app-footer, .solution").last.scroll_into_view_if_needed()
    expect(bar).to_be_in_viewport()
    results.context.set_offline(False)
    results.locator("#chip-single").click()
    expect(results.locator(".results-said")).to_contain_text("shown.")
    expect(bar).to_have_count(0)


def test_a_run_is_looked_at_as_soon_as_the_connection_is_back(
    loud: Page, live_server: Any, people: dict[str, User]
) -> None:
    run = made.waiting_run(people["broker"])
    in_long = timezone.now() + timedelta(minutes=5)
    Run.objects.filter(pk=run.pk).update(due_at=in_long)
    take_session(loud, live_server, people["broker"])
    loud.goto(live_server.url + reverse("quotes:run_detail", args=[run.pk]))
    loud.context.set_offline(True)
    made.answer(run, {"status": "processing", "stage": "EVALUATE"})
    with loud.expect_response(lambda reply: "seen=" in reply.url, timeout=10_000):
        loud.context.set_offline(False)
    expect(loud.locator(".stepper__step--current")).to_contain_text("Evaluating packages")


def test_a_server_in_trouble_is_told_of(results: Page) -> None:
    results.route("**/*kind=single*", lambda route: route.fulfill(status=502, body="<p>nginx</p>"))
    results.locator("#chip-single").click()
    expect(results.get_by_role("alert")).to_contain_text("could not answer (502)")
    expect(results.locator("#chip-all")).to_be_visible()


def test_a_row_asked_for_after_the_session_ended_says_so_where_it_was_asked_for(
    page: Page, live_server: Any, people: dict[str, User]
) -> None:
    insured = one_quote(people["broker"])
    take_session(page, live_server, people["broker"])
    page.set_viewport_size({"width": 1024, "height": 500})
    page.goto(live_server.url + reverse("quotes:insured_edit", args=[insured.pk]))
    page.get_by_label("Street").fill("5 Typed Lane")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Add driver").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_in_viewport()
    expect(page.get_by_label("Street")).to_have_value("5 Typed Lane")

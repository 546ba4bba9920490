"""The pages around the work: signing in and what goes wrong, for every eye and every screen."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

pytestmark = pytest.mark.django_db(transaction=True)

LOOKS = [("light", 1440), ("dark", 360)]


def check(page, name: str) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wider <= 0, f"{name} scrolls sideways by {wider} px"


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_signing_in_and_out(page, live_server, people, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(live_server.url)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    check(page, "sign-in")
    page.get_by_label("Username").fill("broker")
    page.locator("input[type=password]").fill("wrong")
    page.locator("[data-sign-in]").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_value("broker")
    check(page, "sign-in, refused")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_a_session_that_ended_in_a_form(page, live_server, people, sign_in, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(people["broker"])
    page.goto(live_server.url + reverse("quotes:insured_create"))
    page.get_by_label("City").fill("Larkhaven")
    page.context.clear_cookies(name="sessionid")
    with page.expect_response(lambda reply: reply.request.method == "POST") as answered:
        page.get_by_label("City").press("Enter")
    assert answered.value.status == 401
    expect(page.get_by_role("heading", name="Your session ended")).to_be_visible()
    check(page, "session ended")
    page.get_by_label("Username").fill("broker")
    page.locator("input[type=password]").fill("test-password")
    page.locator("[data-sign-in]").click()
    check(page, "signed in again")
    page.get_by_role("button", name="Go on with what I typed").click()
    expect(page.get_by_label("City")).to_have_value("Larkhaven")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_pages_that_are_not_there(page, live_server, people, sign_in, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(people["broker"])
    page.goto(live_server.url + "/nowhere/")
    check(page, "404")
    page.goto(live_server.url + reverse("account_logout"))
    check(page, "sign out")

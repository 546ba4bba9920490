"""Somebody leaves, and a household is shared, as the people at their browsers see it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, Route, expect

from quotes.models import Insured, Role, User
from quotes.services.roles import ensure_roles
from tests.factories import PASSWORD, import_example, main_office

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def insured(people: dict[str, User]) -> Insured:
    ensure_roles()
    User.objects.filter(username="broker").update(first_name="Maya", last_name="Okafor")
    return import_example("home_auto.json", User.objects.get(username="broker")).insured


@pytest.fixture
def second(browser: Browser, live_server: Any) -> Any:
    """Another person's browser."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def enter(page: Page, server: Any, username: str) -> None:
    page.goto(f"{server.url}/sign-in/")
    page.get_by_label("Username").fill(username)
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("[data-sign-in]").click()
    page.get_by_role("heading", name="Worklist").wait_for()


def click_twice(page: Page, button: str) -> None:
    """Click again while the first post is under way, and let through what was posted: once."""
    posted: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST":
            posted.append(route)
        else:
            route.continue_()

    page.route("**/admin/**", hold)
    with page.expect_request(lambda request: request.method == "POST"):
        page.get_by_role("button", name=button, exact=True).evaluate(
            """button => new Promise(done => {
              button.click();
              setTimeout(() => { button.click(); setTimeout(done, 50); }, 50);
            })"""
        )
    assert len(posted) == 1
    posted[0].continue_()


def test_an_admin_hands_the_insureds_over_and_the_open_page_is_signed_out(
    page: Page, second: Page, live_server: Any, people: dict[str, User], insured: Insured
) -> None:
    enter(second, live_server, "broker")
    second.goto(live_server.url + reverse("quotes:insured_detail", args=[insured.pk]))
    enter(page, live_server, "admin")
    page.goto(live_server.url + reverse("admin:quotes_user_change", args=[people["broker"].pk]))
    page.get_by_role("link", name="Make inactive").click()
    expect(page.locator("body")).to_contain_text("1 insured")
    page.get_by_role("button", name="Make inactive").click()
    expect(page.locator(".errornote")).to_contain_text("Nothing was changed")
    page.get_by_label("go to another broker").check()
    page.get_by_label("Broker:").select_option(label="broker2 (broker2)")
    page.get_by_label("Reason").fill("Maya retired.")
    page.get_by_role("button", name="Make inactive").click()
    expect(page.locator(".messagelist")).to_contain_text("1 insured went to broker2")
    second.locator("a.button", has_text="Edit profile").click()
    expect(second.get_by_role("heading", name="Sign in")).to_be_visible()
    assert Insured.objects.get().owner == people["other"]


def test_a_double_click_hands_over_once_and_says_what_was_done(
    page: Page, live_server: Any, people: dict[str, User], insured: Insured
) -> None:
    import_example("home_auto.json", people["other"])
    enter(page, live_server, "admin")
    page.goto(live_server.url + reverse("admin:quotes_user_leave", args=[people["broker"].pk]))
    page.get_by_label("go to another broker").check()
    page.get_by_label("Broker:").select_option(label="broker2 (broker2)")
    page.get_by_label("Reason").fill("Maya retired.")
    click_twice(page, "Make inactive")
    # What the successor has already is listed in this one reply and nowhere else.
    expect(page.get_by_role("heading", name="Households that are there twice")).to_be_visible()
    expect(page.locator("#content")).to_contain_text(insured.applicant_name)


def test_a_double_click_on_somebody_new_shows_their_link(
    page: Page, live_server: Any, people: dict[str, User]
) -> None:
    ensure_roles()
    enter(page, live_server, "admin")
    page.goto(live_server.url + reverse("admin:quotes_user_add"))
    page.get_by_label("Username").fill("nadia")
    page.get_by_label("Broker").check()
    page.get_by_label("Office:").select_option(index=1)
    click_twice(page, "Save")
    expect(page.get_by_label("Link", exact=True)).to_have_value(re.compile("/sign-in/link/"))
    assert User.objects.filter(username="nadia").count() == 1


def test_both_see_what_is_shared_until_it_is_taken_back(
    page: Page, second: Page, live_server: Any, people: dict[str, User], insured: Insured
) -> None:
    enter(page, live_server, "broker")
    page.goto(live_server.url + reverse("quotes:insured_detail", args=[insured.pk]))
    page.get_by_label("Share with").select_option(str(people["other"].pk))
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.locator(".messages")).to_contain_text("broker2 works on it now as well")
    enter(second, live_server, "broker2")
    expect(second.locator("main")).to_contain_text("shared by Maya Okafor")
    second.get_by_role("link", name=insured.applicant_name).first.click()
    expect(second.locator("a.button", has_text="Edit profile")).to_be_visible()
    page.get_by_role("button", name="Take back from broker2").click()
    expect(page.locator(".messages")).to_contain_text("no longer shared with broker2")
    second.reload()
    expect(second.get_by_role("heading", level=1)).not_to_contain_text(insured.applicant_name)


def test_somebody_new_sets_their_first_password_by_the_link(
    page: Page, second: Page, live_server: Any, insured: Insured
) -> None:
    enter(page, live_server, "admin")
    page.goto(live_server.url + reverse("admin:quotes_user_add"))
    page.get_by_label("Username").fill("nora")
    page.get_by_label("Broker", exact=True).check()
    page.get_by_label("Office:").select_option(str(main_office().pk))
    page.get_by_role("button", name="Save").click()
    link = page.get_by_label("Link").input_value()
    second.goto(link)
    expect(second).to_have_url(re.compile("/set-password/$"))
    for label in ("New password", "New password confirmation"):
        second.get_by_label(label, exact=True).fill("a-long-unlikely-one")
    second.get_by_role("button", name="Set the password").click()
    expect(second.locator(".messages")).to_contain_text("Your password is set.")
    second.get_by_label("Username").fill("nora")
    second.locator("input[type=password]").fill("a-long-unlikely-one")
    second.locator("[data-sign-in]").click()
    expect(second.get_by_role("heading", name="Worklist")).to_be_visible()
    assert User.objects.get(username="nora").groups.get().name == Role.BROKER

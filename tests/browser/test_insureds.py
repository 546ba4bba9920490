"""Entering an insured and a quote and starting a comparison, in a real browser."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from quotes.models import Insured, Run
from tests.factories import import_example, import_value
from tests.views.pages import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def enter(page, live_server, people):
    """Open an address of the app as the broker."""
    cookie = signed_in(people["broker"]).cookies["sessionid"].value

    def act(address):
        page.goto(live_server.url + address)

    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    return act


def test_a_broker_enters_a_household_and_a_quote_and_starts_a_comparison(page, enter):
    enter(reverse("quotes:insured_create"))
    page.get_by_label("Applicant name").fill("Ada Fiction")
    page.get_by_label("State").select_option("OH")
    page.get_by_label("ZIP code").fill("04300")
    page.locator("#id_drivers-0-name").fill("Ada Fiction")
    page.get_by_role("button", name="Add driver").click()
    second = page.locator("#id_drivers-1-name")
    expect(second).to_be_focused()
    expect(page.locator("#id_drivers-0-name")).to_have_value("Ada Fiction")
    second.fill("Bo Fiction")
    page.get_by_role("button", name="Remove driver 1").click()
    expect(page.get_by_text("Driver 1 taken out; 1 left")).to_be_focused()
    expect(page.locator("#id_drivers-0-name")).to_have_value("Bo Fiction")
    page.get_by_role("button", name="Add home in force").click()
    page.locator("#id_incumbents-home-carrier_name").fill("Fable Mutual")
    # Enter saves: it presses no Remove button.
    page.get_by_label("ZIP code").press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Fiction")
    expect(page.get_by_text("Bo Fiction, years licensed —")).to_be_visible()
    page.get_by_role("link", name="Add a quote").first.click()
    page.get_by_label("Carrier", exact=True).fill("Fable Mutual")
    page.get_by_role("button", name="Remove auto").click()
    expect(page.locator("#id_lines-auto-premium_annual")).to_have_count(0)
    page.get_by_role("button", name="Add umbrella").click()
    expect(page.locator("#id_lines-umbrella-premium_annual")).to_be_focused()
    page.locator("#id_lines-umbrella-premium_annual").fill("$1,234.50")
    page.locator("#id_lines-home-premium_annual").fill("2,000")
    page.get_by_role("button", name="Save quote").last.click()

    expect(page.get_by_text("The quote was saved.")).to_be_visible()
    expect(page.get_by_label("Fable Mutual: Umbrella premium")).to_have_value("$1,234.50")
    expect(page.get_by_role("checkbox", name="Umbrella")).to_be_checked()
    page.get_by_text("Coverage first").click()
    page.get_by_role("button", name="Compare packages").dblclick()
    page.wait_for_url("**/runs/**")
    run = Run.objects.get()
    assert run.request["input"]["appetite_bucket"] == "coverage_first"
    assert run.request["input"]["address"]["zip_code"] == "04300"
    assert {o["category"] for o in run.request["offerings"]} == {"home", "umbrella"}


def test_a_session_that_ends_meanwhile_leaves_the_typing_in_place(page, enter):
    enter(reverse("quotes:insured_create"))
    page.locator("#id_drivers-0-name").fill("Ada Fiction")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Add driver").click()
    expect(page.get_by_text("You are signed out")).to_be_visible()
    expect(page.locator("#id_drivers-0-name")).to_have_value("Ada Fiction")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 360)])
def test_no_axe_violations(page, enter, people, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    full = import_example(owner=people["broker"]).insured
    empty = import_value({}, people["broker"]).insured
    quote = full.quotes.all()[0]
    addresses = [
        reverse("quotes:insured_list"),
        reverse("quotes:insured_create"),
        *(reverse("quotes:insured_detail", args=[each.pk]) for each in (full, empty)),
        reverse("quotes:insured_edit", args=[full.pk]),
        reverse("quotes:quote_create", args=[full.pk]),
        reverse("quotes:quote_edit", args=[quote.pk]),
        reverse("quotes:quote_delete", args=[quote.pk]),
    ]
    for address in addresses:
        enter(address)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{address}: {found.generate_report()}"
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{address} is wider than the screen"
    # A refused form as well; in its own tab, since Chromium logs every 422 as an error.
    refused = page.context.new_page()
    refused.goto(page.url.split("/quotes/")[0] + reverse("quotes:insured_create"))
    refused.get_by_role("button", name="Add insured").click()
    expect(refused.get_by_text("1 thing keeps this from being saved")).to_be_visible()
    assert Axe().run(refused).violations_count == 0
    assert Insured.objects.count() == 2

"""A quote's details in a real browser: read as one leaves a field, kept through a mistake."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from quotes.models import OpenSession
from quotes.services.details import details_of
from tests.factories import import_example
from tests.views.pages import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def quote(people):
    insured = import_example(owner=people["broker"]).insured
    return insured.quotes.get(package_id="pkg_quillfeather_001")


@pytest.fixture
def enter(page, live_server, people):
    """Open an address of the app as the broker."""
    cookie = signed_in(people["broker"]).cookies["sessionid"].value

    def act(address):
        page.goto(live_server.url + address)

    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    return act


def test_details_are_typed_in_shorthand_by_keyboard_and_read_at_once(page, enter, quote):
    enter(reverse("quotes:quote_edit", args=[quote.pk]))
    dwelling = page.get_by_label("Coverage A, dwelling")
    dwelling.fill("1.2M")
    dwelling.press("Tab")
    expect(page.get_by_label("B, other structures")).to_be_focused()
    expect(page.locator("#id_lines-home-coverage_a_reading")).to_have_text("Read as $1,200,000")
    deductibles = page.locator("#id_lines-home-deductibles")
    deductibles.fill("2500 aop, 2% hurr")
    deductibles.press("Tab")
    below = page.locator("#id_lines-home-deductibles_reading")
    expect(below).to_have_text("Read as $2,500 AOP, 2% hurricane ($24,000)")
    # A percentage follows coverage A.
    dwelling.fill("1M")
    dwelling.press("Tab")
    expect(below).to_have_text("Read as $2,500 AOP, 2% hurricane ($20,000)")
    premium = page.locator("#id_lines-auto-premium_annual")
    premium.fill("2155 / 6 mo")
    premium.press("Tab")
    expect(page.locator("#id_lines-auto-premium_annual_reading")).to_contain_text("$4,310 a year")
    limits = page.get_by_label("Liability limits")
    limits.fill("500")
    limits.press("Tab")
    expect(page.get_by_text("500 could be split or combined")).to_be_visible()
    expect(limits).to_have_attribute("aria-invalid", "true")
    limits.fill("500 CSL")
    limits.press("Tab")
    expect(limits).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#id_lines-auto-liability_reading")).to_be_empty()

    page.get_by_role("button", name="Save quote").click()
    expect(page.get_by_text("The quote was saved.")).to_be_visible()
    home, auto = (quote.lines.get(line=line) for line in ("home", "auto"))
    assert details_of(home)["deductibles"].value == {"aop": 2500, "hurricane": "2%"}
    assert details_of(auto)["liability"].value == {"combined": 500000}
    assert auto.premium_annual == 4310


def test_a_field_left_after_the_session_ended_says_so_and_keeps_what_was_typed(page, enter, quote):
    enter(reverse("quotes:quote_edit", args=[quote.pk]))
    OpenSession.objects.all().delete()
    field = page.get_by_label("Valuation")
    field.fill("guaranteed")
    field.press("Tab")
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    expect(field).to_have_value("guaranteed")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (360, "light")])
@pytest.mark.parametrize("name", ["quotes:quote_edit", "quotes:quote_detail"])
def test_form_and_page_are_accessible(page, enter, quote, name, width, scheme):
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    enter(reverse(name, args=[quote.pk]))
    page.get_by_text("Where it came from").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()

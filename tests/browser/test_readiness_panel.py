"""The ready-to-compare panel in a real browser: it follows the quotes, and leads to their cells."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from quotes.models import Insured
from tests.services.households import add_quote, make_household
from tests.views.pages import signed_in

pytestmark = pytest.mark.django_db(transaction=True)
CHANGED = "document.body.dispatchEvent(new CustomEvent('quotes-changed'))"


@pytest.fixture
def insured(people: Any) -> Insured:
    """Eight things are worth a look: two of them unfold."""
    insured = make_household(
        state="NV", drivers=(), garaged=(), incumbents=(), owner=people["broker"]
    )
    add_quote(insured, "Larkspur", package="3000", home="2000", auto="1500", term=6)
    add_quote(insured, "Northgate", home="2100", auto="0")
    add_quote(insured, "Alder", home="9000", auto=None)
    return insured


@pytest.fixture
def enter(page: Page, live_server: Any, people: Any, insured: Insured) -> Page:
    cookie = signed_in(people["broker"]).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page.goto(live_server.url + reverse("quotes:insured_detail", args=[insured.pk]))
    return page


def test_it_follows_the_quotes_and_keeps_what_was_unfolded(enter: Page, insured: Insured) -> None:
    panel = enter.locator("#readiness")
    expect(panel).to_contain_text("6 packages possible")
    note = panel.get_by_text("$500 bundle discount")
    expect(note).to_be_hidden()
    panel.locator("summary").click()
    expect(note).to_be_visible()
    link = panel.get_by_role("link", name="Add drivers")
    link.focus()

    add_quote(insured, "Pacific Crest", home="2050", auto="1400")
    enter.evaluate(CHANGED)
    expect(panel).to_contain_text("12 packages possible")
    expect(note).to_be_visible()
    expect(link).to_be_focused()
    expect(enter.locator("#announcer")).to_have_text("12 packages possible")
    expect(enter.locator("#quoted-home")).to_have_text("4 quoted")
    expect(enter.locator("#covered")).to_have_text("2 of 2 lines quoted")

    # The lines that are ticked now are the ones looked over after the next change.
    enter.get_by_role("checkbox", name="Auto").uncheck()
    expect(panel).to_contain_text("4 packages possible")
    insured.quotes.get(carrier_name="Alder").delete()
    enter.evaluate(CHANGED)
    expect(panel).to_contain_text("3 packages possible")


@pytest.mark.parametrize("width", [1440, 360])
def test_a_link_puts_the_cursor_into_the_cell_that_mends_it(
    enter: Page, insured: Insured, width: int
) -> None:
    enter.set_viewport_size({"width": width, "height": 900})
    quote = insured.quotes.get(carrier_name="Northgate")
    enter.locator("#readiness").get_by_role("link", name="Check the premium").last.click()
    cell = enter.locator(f"#c-{quote.pk}-auto-premium_annual")
    expect(cell).to_be_focused()
    expect(cell).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
def test_it_is_accessible_and_stays_within_the_window(enter: Page, width: int, scheme: Any) -> None:
    enter.emulate_media(color_scheme=scheme)
    enter.set_viewport_size({"width": width, "height": 900})
    enter.locator("#readiness summary").click()
    found = Axe().run(enter, context=".panel:has(#readiness)")
    assert found.violations_count == 0, found.generate_report()
    assert enter.evaluate("document.querySelector('#readiness').scrollWidth") <= width

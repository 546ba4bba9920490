"""The dashboard in a real browser: readable in both themes and at 360 px, by keyboard, on paper."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.dashboards import seed

pytestmark = pytest.mark.django_db(transaction=True)
YEAR = "since=2025-12-01&until=2026-11-30"


@pytest.fixture
def opened(page: Page, live_server: Any, db: Any, time_machine: Any, sign_in: Any) -> Page:
    people = seed(time_machine)
    time_machine.move_to("2026-11-16 15:00:00+00:00", tick=True)
    sign_in(people["admin"])
    page.goto(f"{live_server.url}{reverse('quotes:dashboard')}?{YEAR}")
    return page


def test_axe_finds_nothing_and_nothing_sticks_out(opened):
    opened.locator(".dashboard summary").first.click()
    axe = Axe()
    for scheme in ("light", "dark"):
        opened.emulate_media(color_scheme=scheme)
        for width in (1440, 360):
            opened.set_viewport_size({"width": width, "height": 900})
            found = axe.run(opened)
            assert found.violations_count == 0, f"{scheme}, {width}: {found.generate_report()}"
            assert opened.evaluate("document.documentElement.scrollWidth") <= width, scheme


def test_no_days_label_is_cut_off(opened):
    """The month's 31 days end with a labelled one."""
    address = f"{opened.url.split('?')[0]}?since="
    for since, until in (("2026-03-01", "2026-03-31"), ("2026-03-08", "2026-03-09")):
        opened.goto(f"{address}{since}&until={until}")
        ends = opened.locator("svg.trend text").evaluate_all(
            "texts => texts.map(text => [text.textContent, text.getBBox()])"
            ".map(([words, box]) => [words, box.x, box.x + box.width])"
        )
        assert f"Mar {int(until[-2:])}" in [words for words, _, _ in ends]
        assert [each for each in ends if each[1] < 0 or each[2] > 480] == []


def test_a_bar_leads_to_its_runs_by_keyboard(opened):
    bar = opened.locator(".trend__bar").last
    name = bar.get_attribute("aria-label") or ""
    runs = int(name.rsplit(": ", 1)[1].split()[0])
    bar.focus()
    opened.keyboard.press("Enter")
    expect(opened.locator("h1")).to_have_text("Runs")
    expect(opened.locator(".pagination__count")).to_contain_text(f"{runs} run")


def test_a_period_and_a_broker_are_chosen(opened):
    opened.get_by_label("Broker", exact=True).select_option(label="broker2")
    opened.get_by_role("button", name="Show").click()
    expect(opened.locator(".page-head__sub")).to_contain_text("broker2")
    assert "since=2025-12-01" in opened.url
    opened.get_by_role("link", name="90 days").click()
    expect(opened.locator('.chip[aria-current="true"]')).to_have_text("90 days")
    expect(opened.locator(".page-head__sub")).to_contain_text("broker2")
    opened.get_by_role("link", name="Clear").click()
    expect(opened.locator('.chip[aria-current="true"]')).to_have_text("30 days")


def test_on_paper_the_tables_are_open_and_the_controls_gone(opened):
    opened.emulate_media(media="print")
    expect(opened.locator(".dashboard__filters")).not_to_be_visible()
    expect(opened.locator(".trend")).to_be_visible()
    expect(opened.get_by_role("table").first).to_be_visible()

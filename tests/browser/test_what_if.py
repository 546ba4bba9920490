"""What-if in a real browser: a change is worked out at once, and leads to a real rerun."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from quotes.models import Run
from tests import runs as made

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def opened(page: Page, live_server: Any, people: Any, sign_in: Any) -> tuple[Page, Run]:
    run = made.completed_run(people["broker"])
    sign_in(people["broker"])
    page.goto(live_server.url + reverse("quotes:run_detail", args=[run.pk]))
    page.get_by_role("link", name="What if…").click()
    expect(page.get_by_role("heading", name="What if, for")).to_be_visible()
    return page, run


def test_a_change_is_worked_out_at_once_and_can_be_gone_back_on(opened):
    page, run = opened
    total = run.solutions.count()
    page.evaluate("document.body.dataset.stays = 'yes'")
    page.get_by_role("button", name="Work it out").click()
    expect(page.locator("#announcer")).to_contain_text("packages remain")
    cheapest = page.locator(".what-if__total").first
    before = cheapest.inner_text()
    premium = page.locator(".what-if__offers input[inputmode]").first
    premium.focus()
    page.keyboard.type("1")
    page.keyboard.press("Tab")
    expect(cheapest).not_to_have_text(before)
    name = premium.get_attribute("name")
    assert page.url.endswith(f"/what-if/?{name}=1"), "empty fields stay out of the address"
    # The Tab has moved on to "Leave out" of the same offering.
    page.keyboard.press("Space")
    expect(page.locator("#h-dropped")).to_be_visible()
    expect(page.locator(".what-if .panel__foot").last).not_to_contain_text(f"{total} of {total}")
    assert f"out={(name or '').removeprefix('p')}" in page.url
    assert page.evaluate("document.body.dataset.stays") == "yes", "no whole page was loaded"
    page.go_back()
    expect(page.locator("#h-dropped")).to_have_count(0)
    expect(page.locator(".what-if__offers input:checked")).to_have_count(0)
    expect(page.locator(".what-if__offers input[inputmode]").first).to_have_value("1")


def test_a_rerun_is_confirmed_then_sent_once(opened):
    page, run = opened
    page.locator("input[name=out]").first.check()
    page.locator("#what-if-rerun").click()
    expect(page.get_by_role("heading", name="Send this what-if as a new run?")).to_be_visible()
    assert Run.objects.count() == 1
    page.get_by_role("button", name="Send to Nexio").click()
    expect(page.get_by_text("A what-if of")).to_be_visible()
    assert Run.objects.count() == 2
    new = Run.objects.get(number=2)
    assert len(new.request["offerings"]) == len(run.request["offerings"]) - 1


def test_without_javascript_it_is_a_form(browser, live_server, people):
    run = made.completed_run(people["broker"])
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live_server.url + "/sign-in/")
    page.get_by_label("Username").fill("broker")
    page.locator("input[type=password]").fill("test-password")
    page.locator("[data-sign-in]").click()
    page.goto(live_server.url + reverse("quotes:run_what_if", args=[run.pk]))
    page.locator("input[name=without]").first.check()
    page.get_by_role("button", name="Work it out").click()
    expect(page.locator("#h-dropped")).to_be_visible()
    expect(page.locator("input[name=without]").first).to_be_checked()
    context.close()


def test_what_the_list_shows_is_downloaded(opened, live_server):
    page, run = opened
    page.goto(live_server.url + reverse("quotes:run_detail", args=[run.pk]) + "?kind=single")
    page.locator("#menu-export summary").click()
    with page.expect_download() as download:
        page.locator("#export-xlsx").click()
    assert download.value.suggested_filename == "run-1.xlsx"
    assert "kind=single" in download.value.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_axe_violations_and_no_sideways_scrolling(opened, live_server, scheme):
    page, run = opened
    page.emulate_media(color_scheme=scheme)
    what_if = reverse("quotes:run_what_if", args=[run.pk])
    rerun = reverse("quotes:run_what_if_rerun", args=[run.pk])
    axe = Axe()
    addresses = (
        what_if,
        f"{what_if}?out=1&out=2&p3=1&p4=junk&all=zz",
        f"{what_if}?" + "&".join(f"out={n}" for n in range(1, 40)),
        rerun,
        f"{rerun}?out=1&p3=1",
    )
    for address in addresses:
        page.goto(live_server.url + address)
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        for width in (1440, 1024, 360):
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{address} at {width}"
        found = axe.run(page)
        assert found.violations_count == 0, f"{address}\n{found.generate_report()}"

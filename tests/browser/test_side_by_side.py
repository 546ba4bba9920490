"""Packages ticked in the list and compared side by side, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from quotes.models import Run
from tests import runs as made
from tests.fake_nexio import completed

pytestmark = pytest.mark.django_db(transaction=True)


def a_run(broker: Any, count: int = 6) -> Run:
    run = made.waiting_run(broker)
    usual = completed(run.request)["solutions"]
    listed = [{**usual[n % len(usual)], "rank": n + 1} for n in range(count)]
    return made.answer(run, {"status": "completed", "solutions": listed})


@pytest.fixture
def opened(page: Page, live_server: Any, people: Any, sign_in: Any) -> tuple[Page, Run]:
    run = a_run(people["broker"])
    sign_in(people["broker"])
    page.goto(live_server.url + reverse("quotes:run_detail", args=[run.pk]))
    return page, run


def test_pick_three_by_keyboard_filter_and_compare(opened):
    page, _ = opened
    said, go = page.locator("#pick-said"), page.locator("#pick-go")
    for place in (0, 1, 2):
        page.locator(f"#pick-{place}").focus()
        page.keyboard.press("Space")
    expect(said).to_have_text("3 picked")
    expect(go).to_have_text("Compare 3 side by side")
    expect(page).to_have_url(re.compile(r"\?pick=0&pick=1&pick=2$"))
    page.locator("#chip-single").click()
    expect(page.locator(".results-said")).to_be_visible()
    expect(said).to_have_text("3 picked")
    hidden = page.locator("#pick-bar input[name=pick]")
    assert hidden.count() + page.locator(".solution__pick input:checked").count() == 3
    hidden.first.uncheck()
    expect(said).to_have_text("2 picked")
    page.locator("#chip-all").click()
    expect(page.locator(".solution__pick input:checked")).to_have_count(2)
    page.reload()
    expect(page.locator(".solution__pick input:checked")).to_have_count(2)
    page.locator("#pick-5").check()
    page.locator("#pick-go").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("3 options side by side")
    expect(page.get_by_role("columnheader")).to_have_count(4)


def test_the_bar_tells_when_too_few_or_too_many_are_picked(opened):
    page, _ = opened
    said = page.locator("#pick-said")
    expect(said).to_have_text("Tick two to four packages, or one and what is in force")
    page.locator("#pick-0").check()
    expect(said).to_have_text("1 picked; tick one more")
    page.get_by_label("In force today").check()
    expect(said).to_have_text("1 picked, beside what is in force")
    for place in (1, 2, 3, 4):
        page.locator(f"#pick-{place}").check()
    expect(said).to_have_text("5 picked; at most 4 fit beside one another")
    page.locator("#pick-go").click()
    expect(page.get_by_text("5 packages were picked; 4 fit")).to_be_visible()


def test_another_reference_only_what_differs_and_back_with_the_ticks(opened):
    page, _ = opened
    page.locator("#pick-0").check()
    page.locator("#pick-1").check()
    page.locator("#pick-go").click()
    expect(page.locator(".side__reference")).to_contain_text("Rank 1")
    page.get_by_role("link", name=re.compile("Compare with this.*Rank 2")).click()
    expect(page.locator(".side__reference")).to_contain_text("Rank 2")
    rows = page.locator(".side__table tbody th[scope=row]").count()
    page.get_by_role("link", name="Only what differs or is not stated").click()
    expect(page.locator(".side__reference")).to_contain_text("Rank 2")
    assert page.locator(".side__table tbody th[scope=row]").count() < rows
    page.get_by_role("link", name="With what is in force").click()
    expect(page.get_by_role("columnheader")).to_have_count(4)
    page.get_by_role("link", name="Pick others").click()
    expect(page.locator(".solution__pick input:checked")).to_have_count(2)


def test_the_head_and_the_first_column_stay(opened):
    page, _ = opened
    address = page.url.split("?")[0] + "side-by-side/?pick=0&pick=1&pick=2&pick=3"
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(address)
    frame = page.locator(".side__frame")
    frame.evaluate("each => each.scrollTo(180, 600)")
    box = frame.bounding_box()
    head = page.locator(".side__corner").bounding_box()
    name = page.get_by_role("rowheader", name="E, liability").bounding_box()
    assert box
    assert head
    assert name
    assert abs(head["x"] - box["x"]) < 2
    assert abs(head["y"] - box["y"]) < 2
    assert abs(name["x"] - box["x"]) < 2
    page.set_viewport_size({"width": 1440, "height": 740})
    page.evaluate("scrollTo(0, 900)")
    head = page.locator(".side__corner").bounding_box()
    assert head
    assert abs(head["y"]) < 2


def test_without_javascript_the_boxes_are_a_form(browser, live_server, people):
    run = a_run(people["broker"])
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live_server.url + "/sign-in/")
    page.get_by_label("Username").fill("broker")
    page.locator("input[type=password]").fill("test-password")
    page.locator("[data-sign-in]").click()
    page.goto(live_server.url + reverse("quotes:run_detail", args=[run.pk]))
    page.locator("#pick-0").check()
    page.locator("#pick-go").click()
    expect(page.get_by_text("One is picked so far")).to_be_visible()
    page.get_by_role("link", name="Tick packages in the list").click()
    page.locator("#pick-3").check()
    page.locator("#pick-go").click()
    expect(page.get_by_role("columnheader")).to_have_count(3)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_axe_violations_and_no_sideways_scrolling(opened, live_server, scheme):
    page, run = opened
    page.emulate_media(color_scheme=scheme)
    side = live_server.url + reverse("quotes:run_side_by_side", args=[run.pk])
    axe = Axe()
    for query in (
        "?pick=0&pick=1&pick=2&pick=3&incumbent=1",
        "?pick=0&pick=1&pick=2&only=differences",
        "?pick=0&pick=99",
    ):
        page.goto(side + query)
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        for width in (1440, 1024, 360):
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{query} at {width}"
            found = axe.run(page)
            assert found.violations_count == 0, f"{query} {width}\n{found.generate_report()}"

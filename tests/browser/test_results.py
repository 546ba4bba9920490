"""The results in a real browser: list and chart light each other up, filters swap and go back."""

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
LIT = re.compile(r"\bis-lit\b")


def odd_run(broker: Any, insured: Any) -> Run:
    """Twelve usual packages, then some as odd as a reply can make them."""
    run = made.waiting_run(broker, insured=insured)
    usual = completed(run.request)["solutions"]
    card = {"overall_level": -2, "fit": {"home": 3, "auto": -1}, "note": "strong", "none": None}
    listed = [{**usual[n % len(usual)], "rank": n + 1, "scorecard": card} for n in range(30)]
    long = "Northern Hemisphere Mutual " * 11
    listed[1] |= {"cluster_label": "x" * 200, "scorecard": {f"d{n}": n for n in range(40)}}
    listed[2] |= {"offerings": [], "est_cost_low": None}
    listed[3] |= {"offerings": [{"provider_name": long, "category": "boat"}], "scorecard": {}}
    return made.answer(run, {"status": "degraded", "solutions": listed})


@pytest.fixture
def opened(page: Page, live_server: Any, people: Any, sign_in: Any) -> tuple[Page, Run]:
    run = made.completed_run(people["broker"])
    sign_in(people["broker"])
    page.goto(live_server.url + reverse("quotes:run_detail", args=[run.pk]))
    return page, run


def test_a_row_lights_its_mark_and_a_mark_its_row(opened):
    page, _ = opened
    row, mark = page.locator("#package-1"), page.locator('.chart__mark[data-package="1"]')
    row.hover()
    expect(mark).to_have_class(LIT)
    expect(page.locator('.chart__mark[data-package="0"]')).not_to_have_class(LIT)
    page.locator('.chart__mark[data-package="0"]').hover()
    expect(page.locator("#package-0")).to_have_class(LIT)
    expect(row).not_to_have_class(LIT)
    page.locator("h1").hover()
    expect(page.locator(".is-lit")).to_have_count(0)


def test_a_mark_leads_to_its_row_by_keyboard(opened):
    page, _ = opened
    mark = page.locator('.chart__mark[data-package="1"]')
    mark.focus()
    expect(page.locator("#package-1")).to_have_class(LIT)
    page.keyboard.press("Enter")
    expect(page.locator("#package-1")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#pick-1")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#package-1 .saving a")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#why-1 summary")).to_be_focused()
    expect(mark).to_have_class(LIT)
    page.keyboard.press("Enter")
    expect(page.locator("#why-1 .scorecard")).to_be_visible()


def test_filters_swap_the_list_keep_what_was_open_and_can_be_gone_back_on(opened):
    page, run = opened
    total = run.solutions.count()
    expect(page.locator(".solution")).to_have_count(total)
    single = sum(len(s.carriers) == 1 for s in run.solutions.prefetch_related("lines__carrier"))
    page.locator("#more-filters summary").click()
    page.evaluate("document.body.dataset.stays = 'yes'")
    page.locator("#chip-single").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".results-said")).to_contain_text(f"{single} of {total} shown.")
    expect(page.locator(".solution")).to_have_count(single)
    expect(page.locator(".chart__mark")).to_have_count(single)
    expect(page.locator("#announcer")).to_contain_text(f"{single} of {total} packages shown")
    expect(page.locator("#chip-single")).to_be_focused()
    expect(page.locator("#f-sort")).to_be_visible()
    assert page.url.endswith("?kind=single")
    assert page.evaluate("document.body.dataset.stays") == "yes", "no whole page was loaded"
    page.locator("#f-sort").select_option("-cost")
    page.locator("#f-apply").click()
    expect(page.locator("#nexio-order")).to_be_visible()
    assert page.url.endswith("?kind=single&sort=-cost")
    page.go_back()
    expect(page.locator("#nexio-order")).to_have_count(0)
    expect(page.locator(".results-said")).to_contain_text(f"{single} of {total} shown.")
    page.locator("#reset").click()
    expect(page.locator(".solution")).to_have_count(total)
    page.locator("#menu-leave-out summary").click()
    page.locator("#menu-leave-out a").first.click()
    expect(page.locator(".results-said")).to_be_visible()
    page.reload()
    expect(page.locator(".chip--taken")).to_have_count(1)


def test_what_is_folded_is_fetched_once_and_stays_open_under_a_filter(opened):
    page, _ = opened
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for part in ("why", "lines", "checks"):
        page.locator(f"#{part}-0 summary").click()
    expect(page.locator("#why-0 .scorecard")).to_be_visible()
    expect(page.locator("#lines-0 table")).to_be_visible()
    expect(page.locator("#checks-0 .checks")).to_be_visible()
    page.locator("#lines-0 summary").click()
    page.locator("#lines-0 summary").click()
    page.locator("#f-sort").evaluate("select => select.closest('details').open = true")
    page.locator("#f-sort").select_option("-cost")
    page.locator("#f-apply").click()
    expect(page.locator("#nexio-order")).to_be_visible()
    expect(page.locator("#why-0 .scorecard")).to_be_visible()
    expect(page.locator("#lines-0 table")).to_be_visible()
    assert len([url for url in asked if "/packages/" in url]) == 3
    page.locator("#why-1 summary").click()
    expect(page.locator("#why-1 .scorecard")).to_be_visible()


def test_a_fold_whose_fetch_failed_is_asked_for_again(opened):
    signed_in, _ = opened
    page = signed_in.context.new_page()  # whose console may say that the connection is gone
    page.goto(signed_in.url)
    page.route("**/packages/**", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.locator("#why-0 summary").click()
    expect(page.locator("#why-0 a")).to_have_text("Open it as a page")
    page.unroute("**/packages/**")
    page.locator("#why-0 summary").click()
    page.locator("#why-0 summary").click()
    expect(page.locator("#why-0 .scorecard")).to_be_visible()


def test_on_paper_stands_what_was_opened_and_no_way_to_the_rest(opened):
    page, _ = opened
    page.locator("#lines-0 summary").click()
    expect(page.locator("#lines-0 table")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("#lines-0 table")).to_be_visible()
    for link in page.get_by_text("Open it as a page").all():
        expect(link).to_be_hidden()


def test_what_a_filter_takes_away_hands_the_focus_on(opened):
    page, _ = opened
    page.locator("#menu-leave-out summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    taken = page.locator(".chip--taken")
    expect(taken).to_be_focused()
    page.keyboard.press("Enter")
    expect(taken).to_have_count(0)
    expect(page.locator("#chip-all")).to_be_focused()


def test_the_focus_is_handed_on_once_the_list_is_settled_whatever_else_was_before(opened):
    """As the count of notices is, which a busy server answers late. A link that is not settled
    yet leads to the whole page."""
    page, _ = opened
    page.evaluate(
        """() => {
          document.body.dataset.stays = "yes";
          const elsewhere = { swapStyle: "innerHTML", settleDelay: 0 };
          document.addEventListener("htmx:afterSwap", (event) => {
            if (event.target.id === "results") htmx.swap("#inbox-count", "", elsewhere);
          });
          document.addEventListener("focusin", (event) => {
            if (event.target.matches(".chip--taken")) event.target.click();
          });
        }"""
    )
    page.locator("#menu-leave-out summary").click()
    page.locator("#menu-leave-out a").first.click()
    expect(page.locator("#chip-all")).to_be_focused()
    assert page.evaluate("document.body.dataset.stays") == "yes", "no whole page was loaded"


def test_an_ended_session_leads_from_a_filter_to_sign_in_and_back(opened):
    page, run = opened
    page.context.clear_cookies()
    page.locator("#chip-mixed").click()
    page.wait_for_url(f"**/sign-in/?next=*{run.pk}*")


def test_without_javascript_filters_are_links_and_a_form(browser, live_server, people):
    run = made.completed_run(people["broker"])
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live_server.url + "/sign-in/")
    page.get_by_label("Username").fill("broker")
    page.locator("input[type=password]").fill("test-password")
    page.locator("[data-sign-in]").click()
    page.goto(live_server.url + reverse("quotes:run_detail", args=[run.pk]))
    page.locator("#chip-mixed").click()
    expect(page.locator(".results-said")).to_be_visible()
    page.locator("#more-filters summary").click()
    page.locator("#f-budget").fill("$13,000")
    page.locator("#f-apply").click()
    expect(page.locator(".chip--taken")).to_contain_text("$13,000")
    assert "kind=mixed" in page.url
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_axe_violations_and_no_sideways_scrolling(page, live_server, people, sign_in, scheme):
    page.emulate_media(color_scheme=scheme)
    broker = people["broker"]
    run = made.completed_run(broker)
    odd = odd_run(broker, run.insured)
    detail = reverse("quotes:run_detail", args=[odd.pk])
    sign_in(broker)
    axe = Axe()
    for address in (
        detail,
        f"{detail}?kind=mixed&sort=-level&budget=99999&with=junk",
        f"{detail}?budget=1",
        reverse("quotes:run_against", args=[odd.pk, run.pk]),
    ):
        page.goto(live_server.url + address)
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        for width in (1440, 1024, 360):
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{address} at {width}"
        found = axe.run(page)
        assert found.violations_count == 0, f"{address}\n{found.generate_report()}"

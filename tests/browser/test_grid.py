"""The quote grid as a broker uses it: keys, pasted blocks, and how it looks."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.sheet import (
    cell,
    expect_saved,
    one_quote,
    paste,
    premium,
    status,
    type_row,
)
from tests.factories import import_example, import_value
from tests.views.pages import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def insured(people):
    return one_quote(people["broker"])


# Keys -----------------------------------------------------------------------------------------


def test_a_carrier_with_three_lines_by_keyboard_alone(open_sheet, insured):
    page = open_sheet(insured)
    page.keyboard.press("Alt+KeyN")
    type_row(
        page, "Larkspur Mutual", "6,480", "h-7", "Residence", "2155 / 6 mo", "a-7", "Motor",
        "$1,980", "u-7", "Excess", "12500", "12", "12/31/2026",
    )  # fmt: skip
    expect_saved(page)
    made = insured.quotes.get(carrier_name="Larkspur Mutual")
    lines = {line.line: line for line in made.lines.all()}
    assert {name: line.premium_annual for name, line in lines.items()} == {
        "home": 6480,
        "auto": 4310,
        "umbrella": 1980,
    }
    assert (lines["auto"].quote_ref, lines["umbrella"].product_name) == ("a-7", "Excess")
    assert (made.package_premium_annual, made.term_months) == (12500, 12)
    # As read while one is elsewhere, as written while one is in it.
    expect(cell(page, made, "home-premium_annual")).to_have_value("$6,480")
    expect(page.get_by_text("6 months ×2, estimated")).to_be_visible()
    expect(page.get_by_text("$270 bundle discount")).to_be_visible()
    expect(page.locator("#grid-meta")).to_contain_text("2 carriers · 5 lines")
    auto = cell(page, made, "auto-premium_annual")
    auto.focus()
    expect(auto).to_have_value("2155 / 6 mo")
    # A further blank row waits at the end.
    expect(page.locator("#grid-rows > tr")).to_have_count(3)


def test_arrows_enter_and_escape(open_sheet, insured):
    page = open_sheet(insured)
    quote = insured.quotes.get()
    home = cell(page, quote, "home-premium_annual")
    home.focus()
    page.keyboard.press("ArrowRight")
    expect(cell(page, quote, "home-quote_ref")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(home).to_be_focused()
    page.keyboard.press("Enter")
    blank = page.locator("#grid-rows > tr").last
    expect(blank.locator("[data-cell=home-premium_annual]")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(home).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(blank.locator("[data-cell=home-premium_annual]")).to_be_focused()
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("999")
    # Inside what one typed the arrows move the caret.
    page.keyboard.press("ArrowLeft")
    expect(home).to_be_focused()
    page.keyboard.press("Escape")
    expect(home).to_have_value("2000")
    page.keyboard.press("Tab")
    expect(home).to_have_value("$2,000")
    assert premium(quote, "home") == 2000


def test_a_mistake_stays_in_its_cell_until_it_is_mended(open_sheet, insured):
    page = open_sheet(insured)
    quote = insured.quotes.get()
    home = cell(page, quote, "home-premium_annual")
    home.fill("oops")
    home.press("Tab")
    expect(home).to_have_attribute("aria-invalid", "true")
    expect(home).to_have_accessible_description(
        "Write dollars and cents, such as 6480 or 6,480.50."
    )
    expect(home).to_have_value("oops")
    expect(status(page)).to_have_text("1 cell not saved: Fable Mutual, Home premium")
    status(page).get_by_role("link").click()
    expect(home).to_be_focused()
    home.fill("2,100")
    home.press("Enter")
    expect_saved(page)
    expect(home).not_to_have_attribute("aria-invalid", "true")
    assert premium(quote, "home") == 2100


def test_a_row_without_a_carrier_waits_and_says_so(open_sheet, insured):
    page = open_sheet(insured)
    page.keyboard.press("Alt+KeyN")
    type_row(page, "", "500")
    row = page.locator("#grid-rows > tr").nth(1)
    cell(page, insured.quotes.get(), "home-premium_annual").focus()
    expect(row.get_by_text("Write the carrier's name")).to_be_visible()
    expect(status(page)).to_have_text("1 row not saved: the carrier is missing")
    assert insured.quotes.count() == 1
    row.locator("[data-cell=carrier_name]").fill("Larkspur Mutual")
    row.locator("[data-cell=carrier_name]").press("Tab")
    expect_saved(page)
    assert premium(insured.quotes.get(carrier_name="Larkspur Mutual"), "home") == 500


def test_a_new_row_emptied_again_goes_away(open_sheet, insured):
    page = open_sheet(insured)
    rows = page.locator("#grid-rows > tr")
    page.keyboard.press("Alt+KeyN")
    type_row(page, "", "500")
    expect(rows).to_have_count(3)
    rows.nth(1).locator("[data-cell=home-premium_annual]").fill("")
    cell(page, insured.quotes.get(), "home-premium_annual").focus()
    expect(rows).to_have_count(2)
    assert insured.quotes.count() == 1


def test_following_a_link_waits_for_what_is_being_saved(open_sheet, insured):
    page = open_sheet(insured)
    quote = insured.quotes.get()
    cell(page, quote, "home-premium_annual").fill("2,750")
    page.get_by_role("link", name="Edit profile").first.click()
    page.wait_for_url("**/edit/")
    assert premium(quote, "home") == 2750


# Pasting --------------------------------------------------------------------------------------


def test_a_block_fills_to_the_right_and_down_and_makes_new_rows(open_sheet, insured):
    page = open_sheet(insured)
    quote = insured.quotes.get()
    paste(
        cell(page, quote, "carrier_name"),
        "Fable Mutual\t$6,480\tq-1\tHome One\r\nNorthgate Fiction\t5,240\t\t\t4,900\r\n",
    )
    expect_saved(page)
    assert premium(quote, "home") == 6480
    assert premium(quote, "auto") == 1200, "an empty cell states nothing"
    made = insured.quotes.get(carrier_name="Northgate Fiction")
    assert (premium(made, "home"), premium(made, "auto")) == (5240, 4900)
    assert made.origins["carrier_name"]["how"] == "pasted"
    # What was written over can be put back.
    expect(page.get_by_text("The paste was written over 2 cells.")).to_be_visible()
    page.get_by_role("button", name="Put back what was there").click()
    expect(cell(page, quote, "home-quote_ref")).to_have_value("h-1")
    expect_saved(page)
    assert premium(quote, "home") == 2000
    # One column of figures goes down.
    paste(cell(page, quote, "umbrella-premium_annual"), "1,980\n1,780")
    expect(cell(page, made, "umbrella-premium_annual")).to_have_value("$1,780")
    expect_saved(page)
    assert (premium(quote, "umbrella"), premium(made, "umbrella")) == (1980, 1780)


# How it looks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1024), ("light", 360)])
def test_no_axe_violations_and_no_sideways_page(open_sheet, people, page, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    insured = import_example(owner=people["broker"]).insured
    open_sheet(insured)
    cell(page, insured.quotes.all()[0], "home-premium_annual").fill("oops")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Write dollars and cents")).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_thirty_carriers(open_sheet, insured, page):
    open_sheet(insured)
    block = "\n".join(f"Fable {n}\t{1000 + n}\th-{n}\t\t{900 + n}" for n in range(29))
    paste(page.locator("#grid-rows > tr").last.locator("[data-cell=carrier_name]"), block)
    expect_saved(page)
    assert insured.quotes.count() == 30
    expect(page.locator("#grid-meta")).to_contain_text("30 carriers · 60 lines")
    last = insured.quotes.get(carrier_name="Fable 28")
    cell(page, last, "auto-premium_annual").fill("5")
    page.keyboard.press("Enter")
    expect(cell(page, last, "auto-premium_annual")).to_have_value("$5")
    expect_saved(page)
    assert premium(last, "auto") == 5
    assert Axe().run(page).violations_count == 0


def test_without_javascript_the_sheet_is_a_form(browser, live_server, insured, people):
    context = browser.new_context(java_script_enabled=False)
    cookie = signed_in(people["broker"]).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page = context.new_page()
    page.goto(live_server.url + reverse("quotes:insured_detail", args=[insured.pk]))
    quote = insured.quotes.get()
    cell(page, quote, "home-premium_annual").fill("2,345")
    row = page.locator("#grid-rows > tr").last
    row.locator("[data-cell=carrier_name]").fill("Larkspur Mutual")
    row.locator("[data-cell=umbrella-premium_annual]").fill("oops")
    page.get_by_role("button", name="Save quotes").click()
    page.get_by_role("link", name="Larkspur Mutual, Umbrella premium").click()
    row = page.locator("#grid-rows > tr").nth(1)
    row.locator("[data-cell=umbrella-premium_annual]").fill("800")
    page.get_by_role("button", name="Save quotes").click()
    expect(page.get_by_text("The quotes were saved.")).to_be_visible()
    assert premium(quote, "home") == 2345
    assert premium(insured.quotes.get(carrier_name="Larkspur Mutual"), "umbrella") == 800
    context.close()


def test_from_no_quotes_to_four_carriers_by_one_paste_with_headings(open_sheet, people):
    insured = import_value({"address": {"state": "OH", "zip_code": "43004"}}, people["broker"])
    page = open_sheet(insured.insured)
    expect(page.get_by_text("No quotes yet.")).to_be_visible()
    block = (
        "Company\tHO annual\tPAP premium\tUmb prem\tPackage total\tGood through\n"
        "Fable Mutual\t$6,480\t5,160\t1,980\t13,620\t3/28/2027\n"
        "Harbor Fiction\t5,610\t4,595\t1,780\t\t3/30/2027\n"
        "Northgate Fiction\t5,240\tdeclined\t\t5,240\t\n"
        "Pacific Fiction\tseven\t2155 / 6 mo\t\t11,640\t4/2/2027\n"
    )
    paste(page.locator("[data-cell=carrier_name]").last, block)
    mistaken = page.get_by_label("Pacific Fiction: Home premium")
    expect(mistaken).to_have_attribute("aria-invalid", "true")
    expect(mistaken).to_have_value("seven")
    expect(page.locator("#grid-meta")).to_contain_text("4 carriers · 8 lines")
    expect(page.get_by_text("No quotes yet.")).to_have_count(0)
    mistaken.fill("7,905")
    mistaken.press("Tab")
    expect_saved(page)
    quotes = {quote.carrier_name: quote for quote in insured.insured.quotes.all()}
    assert premium(quotes["Pacific Fiction"], "home") == 7905
    assert premium(quotes["Pacific Fiction"], "auto") == 4310
    # The same sheet again, with one premium changed, finds its rows.
    paste(
        page.locator("[data-cell=carrier_name]").last,
        block.replace("5,610", "5,700").replace("seven", "7,905"),
    )
    harbor = page.get_by_label("Harbor Fiction: Home premium")
    expect(harbor).to_have_value("$5,700")
    expect_saved(page)
    assert insured.insured.quotes.count() == 4

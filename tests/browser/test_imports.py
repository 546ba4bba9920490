"""Importing in a real browser: few actions, drop, mend a column, and nobody left out."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from quotes.models import Insured, Quote
from tests.services.importing.tables import HEADINGS, HOME, LARKSPUR, TIDEWATER, csv_of
from tests.views.pages import signed_in

pytestmark = pytest.mark.django_db(transaction=True)
CELLS = """Carrier\tHome premium\tHO quote #\tAuto premium\tUmbrella premium
Larkspur Mutual\t$4,100\tH-1\t2155 / 6 mo\t480
Tidewater Casualty\t3,900\tH-2\t2,300\t450
Copperfield Specialty\t5,020\tH-3\t2,610\t510
Quillback National\t3,760\tH-4\t2,240\t425
"""


@pytest.fixture
def enter(page, live_server, people):
    cookie = signed_in(people["broker"]).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])

    def act(address):
        page.goto(live_server.url + address)

    return act


def test_four_carriers_by_paste_and_two_presses(page, enter, people):
    insured = Insured.objects.create(
        owner=people["broker"], applicant_name="Ana Fable", state="CA", zip_code="92602"
    )
    enter(f"/import/?insured={insured.pk}")
    # The place to paste has the focus: nothing is clicked before.
    box = page.locator("#id_text")
    expect(box).to_be_focused()
    box.fill(CELLS)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("$4,310")).to_be_visible()
    page.get_by_role("button", name="Import 4 quotes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ana Fable")
    expect(page.get_by_text("4 quotes added")).to_be_visible()
    assert insured.quotes.count() == 4


def test_a_file_is_dropped_and_a_column_is_mended(page, enter):
    headings = ("Insured", "Carrier", "Zzz")
    enter("/import/")
    page.locator("#id_file").set_input_files(
        {
            "name": "prices.csv",
            "mimeType": "text/csv",
            "buffer": csv_of(("Ana Fable", "Larkspur Mutual", "4100"), headings=headings),
        }
    )
    page.get_by_role("button", name="Preview").click()
    column = page.get_by_role("combobox", name="Zzz")
    expect(column).to_have_value("")
    column.select_option(label="Home premium")
    page.get_by_role("button", name="Update preview").click()
    expect(page.get_by_role("cell", name="$4,100")).to_be_visible()
    expect(page.locator("details.import-columns")).not_to_have_attribute("open", "")
    page.get_by_role("button", name="Import 1 quote").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ana Fable")
    assert Quote.objects.get().lines.get().premium_annual == 4100


def test_a_problem_is_where_the_reader_is_taken(page, enter):
    enter("/import/")
    page.locator("#id_text").fill(csv_of((*LARKSPUR[:7], "much", *LARKSPUR[8:])).decode())
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Import 1 quote").click()
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page.get_by_text("Row 2, Home premium:")).to_be_visible()
    assert not Quote.objects.exists()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
def test_no_axe_violations_and_no_sideways_scrolling(page, enter, scheme, width):
    bad = (*HOME, "Larkspur Mutal", "P-3", "", "much", "", "", "-1", "", "")
    enter("/import/")
    page.locator("#id_text").fill(csv_of(LARKSPUR, TIDEWATER).decode())
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Import 2 quotes").click()
    enter("/import/")
    changed = (*TIDEWATER[:7], "3700", *TIDEWATER[8:], "1", "x")
    table = csv_of((*LARKSPUR, "", ""), changed, (*bad, "", ""), headings=(*HEADINGS, "SSN", "Zzz"))
    page.locator("#id_text").fill(table.decode())
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="What will happen")).to_be_visible()
    # axe itself writes inline styles, which our policy blocks aloud: not on the listened-to page.
    other = page.context.new_page()
    other.emulate_media(color_scheme=scheme)
    other.set_viewport_size({"width": width, "height": 900})
    for address in (page.url, page.url.split("/import/")[0] + "/import/"):
        other.goto(address)
        results = Axe().run(other)
        assert results.violations_count == 0, results.generate_report()
        inside = other.evaluate("document.documentElement.scrollWidth")
        assert inside <= width, f"{address} is {inside} wide"

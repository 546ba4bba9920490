"""What goes wrong while a broker writes in the quote grid, and that nothing typed is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Dialog, expect

from quotes.models import OpenSession, Quote
from quotes.services.editing_quote import delete_quote
from tests.browser.sheet import (
    cell,
    expect_saved,
    one_quote,
    premium,
    status,
    type_row,
    write_in_one_go,
)
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def insured(people):
    return one_quote(people["broker"])


def test_an_ended_session_is_mended_in_place_and_everything_is_resent(
    open_sheet, insured, loud, people
):
    page = open_sheet(insured, loud)
    quote = insured.quotes.get()
    OpenSession.objects.all().delete()
    write_in_one_go(
        (cell(page, quote, "home-premium_annual"), "2,222"),
        (cell(page, quote, "auto-premium_annual"), "3,333"),
    )
    dialog = page.get_by_role("dialog", name="Your session ended")
    expect(dialog.get_by_label("Username")).to_be_focused()
    dialog.get_by_label("Username").fill("broker")
    dialog.get_by_label("Password").fill("wrong")
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(dialog.get_by_role("alert").filter(has_text="not signed in")).to_be_visible()
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(dialog).to_be_hidden()
    expect_saved(page)
    assert (premium(quote, "home"), premium(quote, "auto")) == (2222, 3333)
    # The page's other forms work on with the new session's token.
    page.get_by_role("checkbox", name="Umbrella").uncheck()
    page.get_by_role("button", name="Compare packages").click()
    page.wait_for_url("**/runs/**")


def test_somebody_else_signing_in_is_told_and_nothing_is_lost(open_sheet, insured, loud, people):
    page = open_sheet(insured, loud)
    quote = insured.quotes.get()
    OpenSession.objects.all().delete()
    home = cell(page, quote, "home-premium_annual")
    home.fill("2,222")
    home.press("Tab")
    dialog = page.get_by_role("dialog")

    def enter(username: str) -> None:
        dialog.get_by_label("Username").fill(username)
        dialog.get_by_label("Password").fill(PASSWORD)
        dialog.get_by_role("button", name="Sign in", exact=True).click()

    enter("broker2")
    expect(dialog.get_by_text("may not change this insured")).to_be_visible()
    assert premium(quote, "home") == 2000
    dialog.get_by_role("button", name="Sign in as somebody else").click()
    enter("broker")
    expect_saved(page)
    assert premium(quote, "home") == 2222


def test_putting_it_off_keeps_the_cells_and_asks_again(open_sheet, insured, loud):
    page = open_sheet(insured, loud)
    OpenSession.objects.all().delete()
    home = cell(page, insured.quotes.get(), "home-premium_annual")
    home.fill("2,222")
    home.press("Tab")
    page.get_by_role("button", name="Not now").click()
    expect(status(page)).to_have_text("1 change not saved: you are signed out.")
    expect(home).to_have_value("2,222")
    cell(page, insured.quotes.get(), "auto-premium_annual").fill("5")
    page.keyboard.press("Tab")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_a_lost_connection_loses_nothing(open_sheet, insured, loud):
    page = open_sheet(insured, loud)
    quote = insured.quotes.get()
    page.context.set_offline(True)
    page.keyboard.press("Alt+KeyN")
    type_row(page, "Larkspur Mutual", "700")
    cell(page, quote, "home-premium_annual").fill("2,500")
    page.keyboard.press("Tab")
    expect(status(page)).to_have_text("3 changes not saved: no connection, trying again")
    asked = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.close(run_before_unload=True)
    expect(status(page)).to_be_visible()
    assert asked == ["beforeunload"]
    page.context.set_offline(False)
    expect_saved(page)
    assert premium(quote, "home") == 2500
    assert premium(insured.quotes.get(carrier_name="Larkspur Mutual"), "home") == 700


def test_what_is_warned_of_is_warned_of_until_it_is_stored(open_sheet, insured, loud):
    page = open_sheet(insured, loud)
    page.context.set_offline(True)
    cell(page, insured.quotes.get(), "home-premium_annual").fill("2,500")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Compare packages").click()
    expect(page.locator("#grid-leaving")).to_contain_text("1 cell is not saved")
    page.context.set_offline(False)
    expect_saved(page)
    expect(page.locator("#grid-leaving")).to_have_count(0)
    expect(page.get_by_role("button", name="Compare packages")).to_be_focused()


def test_a_lost_answer_makes_no_second_quote(open_sheet, insured, loud):
    page = open_sheet(insured, loud)
    lost = []

    def lose_the_first_answer(route: Any) -> None:
        route.fetch()
        lost.append(route.request.url)
        route.abort()

    page.route("**/grid/", lose_the_first_answer, times=1)
    page.keyboard.press("Alt+KeyN")
    type_row(page, "Larkspur Mutual", "700")
    page.keyboard.type("q-9")
    page.keyboard.press("Tab")
    expect_saved(page)
    assert lost
    made = insured.quotes.get(carrier_name="Larkspur Mutual")
    assert made.lines.get().quote_ref == "q-9"


def test_what_was_saved_unheard_is_no_conflict_after_a_slip(open_sheet, insured, loud):
    page = open_sheet(insured, loud)
    premium_cell = cell(page, insured.quotes.get(), "home-premium_annual")
    arrived: list[int] = []

    def lose_every_answer(route: Any) -> None:
        if not arrived:
            arrived.append(route.fetch().status)
        route.abort()

    page.route("**/grid/", lose_every_answer)
    premium_cell.fill("2,500")
    premium_cell.press("Tab")
    expect(status(page)).to_have_text("1 change not saved: no connection, trying again")
    premium_cell.fill("oops")
    premium_cell.press("Tab")
    page.unroute("**/grid/")
    assert set(arrived) == {200}
    expect(page.locator(".cell__say .cell__error")).to_contain_text("dollars")
    premium_cell.fill("2,600")
    premium_cell.press("Tab")
    expect_saved(page)
    assert premium(insured.quotes.get(), "home") == 2600


@pytest.mark.parametrize(
    ("choice", "kept", "shown"), [("Keep mine", 1999, "1,999"), ("Take theirs", 2111, "2111")]
)
def test_two_pages_conflict_and_the_second_chooses(open_sheet, insured, page, choice, kept, shown):
    first = open_sheet(insured)
    second = open_sheet(insured, page.context.new_page())
    quote = insured.quotes.get()
    cell(first, quote, "home-premium_annual").fill("2,111")
    cell(first, quote, "home-premium_annual").press("Tab")
    expect_saved(first)
    mine = cell(second, quote, "home-premium_annual")
    mine.fill("1,999")
    mine.press("Tab")
    told = re.compile(
        r"^Changed meanwhile by broker at \d{1,2}:\d\d [AP]M. Theirs: \$2,111. Yours: 1,999."
    )
    expect(second.get_by_text(told)).to_be_visible()
    expect(mine).to_have_accessible_description(told)
    expect(status(second)).to_have_text("1 cell not saved: Fable Mutual, Home premium")
    assert premium(quote, "home") == 2111
    assert Axe().run(second).violations_count == 0
    second.get_by_role("button", name=choice).click()
    expect_saved(second)
    expect(mine).to_be_focused()
    expect(mine).to_have_value(shown)
    assert premium(quote, "home") == kept


def test_a_quote_deleted_meanwhile_may_be_added_anew(open_sheet, insured):
    page = open_sheet(insured)
    quote = insured.quotes.get()
    delete_quote(quote=Quote.objects.get(pk=quote.pk))
    home = cell(page, quote, "home-premium_annual")
    home.fill("2,300")
    home.press("Tab")
    expect(page.get_by_text("This quote was deleted meanwhile")).to_be_visible()
    expect(home).to_have_value("2,300")
    page.get_by_role("button", name="Add it anew").click()
    expect_saved(page)
    anew = insured.quotes.get()
    assert anew.pk != quote.pk
    assert (premium(anew, "home"), premium(anew, "auto")) == (2300, 1200)


def test_comparing_waits_for_what_is_being_saved(open_sheet, insured, people):
    page = open_sheet(insured)
    quote = insured.quotes.get()
    page.get_by_role("checkbox", name="Umbrella").uncheck()
    cell(page, quote, "home-premium_annual").fill("2,750")
    page.get_by_role("button", name="Compare packages").click()
    page.wait_for_url("**/runs/**")
    run = insured.runs.get()
    assert "2750" in str(run.request["offerings"])


def test_a_comparison_does_not_leave_unsaved_cells_behind_without_a_word(open_sheet, insured):
    page = open_sheet(insured)
    quote = insured.quotes.get()
    home = cell(page, quote, "home-premium_annual")
    home.fill("oops")
    home.press("Tab")
    expect(home).to_have_attribute("aria-invalid", "true")
    page.get_by_role("checkbox", name="Umbrella").uncheck()
    compare = page.get_by_role("button", name="Compare packages")
    compare.click()
    notice = page.get_by_role("alert").filter(has_text="1 cell is not saved")
    expect(notice).to_be_visible()
    notice.get_by_role("button", name="Show me").click()
    expect(home).to_be_focused()
    assert not insured.runs.exists()
    compare.click()
    notice.get_by_role("button", name="Go on without").click()
    page.wait_for_url("**/runs/**")
    assert insured.runs.count() == 1

"""Four carriers' home, auto and umbrella quotes in a few actions, and on to a comparison."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from quotes.models import Insured, Run, User
from tests.browser.actions import Actions
from tests.browser.sheet import expect_saved
from tests.factories import import_value

pytestmark = pytest.mark.django_db(transaction=True)
MOST_ACTIONS = 12
HEADINGS = (
    "Company", "HO annual", "HO quote #", "Auto annual", "Auto quote #", "PUP", "Umb quote #",
    "Total premium", "Good through",
)  # fmt: skip
ROWS = (
    ("Larkspur Mutual", "$5,120", "LMH-1", "$4,310", "LMA-1", "$615", "LMU-1", "$9,870",
     "12/18/2027"),
    ("Tidewater Casualty", "4,890", "TCH-1", "4,180", "TCA-1", "570", "TCU-1", "9,405",
     "12/12/2027"),
    ("Copperfield Specialty", "6030", "CFH-1", "4520", "CFA-1", "690", "CFU-1", "", "2027-12-20"),
    ("Quillback National", "$4,640.50", "QNH-1", "$3,985", "QNA-1", "$540", "QNU-1", "",
     "15-Dec-2027"),
)  # fmt: skip
TABLE = "\r\n".join("\t".join(row) for row in (HEADINGS, *ROWS))


@pytest.fixture
def insured(people) -> Insured:
    """A household nobody has quoted yet."""
    value = {
        "applicant": {"name": "Odalys Winterbourne"},
        "address": {"state": "CA", "zip_code": "92602"},
    }
    return import_value(value, people["broker"]).insured


@pytest.fixture
def at_insured(page: Page, live_server, sign_in, insured, people):
    sign_in(people["broker"])
    page.goto(f"{live_server.url}/insureds/{insured.pk}/")
    return Actions(page)


def check_started(page: Page, insured: Insured, broker: User) -> None:
    """All that was entered is in the one run that was started."""
    expect(page).to_have_url(re.compile("/runs/"))
    run = Run.objects.get(insured=insured, started_by=broker)
    sent = {
        (each["provider_name"], each["category"]): each["attributes"]["line_premium_annual"]
        for each in run.request["offerings"]
    }
    assert len(sent) == 12
    assert sent["Larkspur Mutual", "home"] == 5120
    assert float(sent["Quillback National", "home"]) == 4640.50
    assert sent["Copperfield Specialty", "umbrella"] == 690


def test_by_the_import_page(at_insured, page, insured, people, capsys):
    do = at_insured
    do.click(page.get_by_role("link", name="Paste or import"))
    do.click(page.get_by_label("Paste cells from a spreadsheet"))
    do.paste(TABLE)
    do.click(page.get_by_role("button", name="Preview"))
    do.click(page.get_by_role("button", name="Import 4 quotes"))
    do.click(page.get_by_role("button", name="Compare packages"))
    check_started(page, insured, people["broker"])
    say(capsys, "by the import page", do)
    assert do.count <= MOST_ACTIONS


def test_by_pasting_into_the_sheet(at_insured, page, insured, people, capsys):
    do = at_insured
    do.press("Alt+KeyN")
    do.paste(TABLE)
    expect_saved(page)
    do.click(page.get_by_role("button", name="Compare packages"))
    check_started(page, insured, people["broker"])
    say(capsys, "by pasting into the sheet", do)
    assert do.count <= MOST_ACTIONS


def test_by_keyboard_alone(at_insured, page, insured, people, capsys):
    """Every figure typed; the mouse is never touched."""
    do = at_insured
    for carrier, *figures in ROWS:
        do.press("Alt+KeyN")
        do.fill(carrier)
        home, home_id, auto, auto_id, umbrella, umbrella_id, package, last_day = figures
        for text in (home, home_id, "", auto, auto_id, "", umbrella, umbrella_id, "", package,
                     "", last_day):  # fmt: skip
            do.tab()
            if text:
                do.fill(text)
        do.tab()
    expect_saved(page)
    do.tab_to(page.get_by_role("button", name="Compare packages"))
    do.press("Enter")
    check_started(page, insured, people["broker"])
    say(capsys, "by keyboard alone, every figure typed", do)


def say(capsys: pytest.CaptureFixture[str], how: str, do: Actions) -> None:
    with capsys.disabled():
        print(f"\nfour carriers, three lines, {how}: {do.count} actions")

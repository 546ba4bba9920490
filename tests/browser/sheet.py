"""The quote grid in a browser: finding its cells, typing, pasting, and waiting until it saved."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from quotes.models import Insured, Quote, QuoteLine, User
from tests.factories import import_value


def one_quote(owner: User) -> Insured:
    """An insured with one carrier's home and auto."""
    value = {
        "applicant": {"name": "Ada Fiction"},
        "address": {"state": "OH", "zip_code": "43004"},
        "quotes": [
            {
                "carrier": "Fable Mutual",
                "package_id": "p-1",
                "package_premium_annual": 3000,
                "home": {"premium_annual": 2000, "quote_id": "h-1"},
                "auto": {"premium_annual": 1200},
            }
        ],
    }
    return import_value(value, owner).insured


def status(page: Page) -> Locator:
    return page.locator("#grid-status")


def expect_saved(page: Page) -> None:
    expect(page.locator("#grid")).to_have_attribute("data-unsaved", "0")
    expect(status(page)).to_contain_text("All changes saved")


def cell(page: Page, quote: Quote, name: str) -> Locator:
    return page.locator(f"[id='c-{quote.pk}-{name}']")


def write_in_one_go(*cells: tuple[Locator, str]) -> None:
    """Texts written before the page comes round to saving the first; the last cell keeps the focus.

    ``fill`` takes turns with the page: a dialog that opens between two of them takes the second
    text, as it would take a broker's keystrokes.
    """
    page = cells[0][0].page
    page.evaluate(
        """(cells) => {
            for (const [input, text] of cells) {
                input.focus();
                input.value = text;
                input.dispatchEvent(new InputEvent("input", { bubbles: true }));
            }
        }""",
        [[place.element_handle(), text] for place, text in cells],
    )


def type_row(page: Page, *texts: str) -> None:
    for text in texts:
        page.keyboard.type(text)
        page.keyboard.press("Tab")


def paste(target: Locator, text: str) -> None:
    """What a spreadsheet leaves on the clipboard, pasted."""
    target.focus()
    target.evaluate(
        """(input, text) => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            input.dispatchEvent(new ClipboardEvent(
                "paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        text,
    )


def premium(quote: Quote, line: str) -> float | None:
    """Dollars a year, as stored."""
    stored = QuoteLine.objects.get(quote=quote, line=line).premium_annual
    return None if stored is None else float(stored)

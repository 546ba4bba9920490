"""Counting what a person does: one click, one filled field, one paste are an action each.

Tab, arrows and what is looked at in between do not count.
"""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


class Actions:
    """A person at the page. A paste is a real one: the clipboard and Control+V."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    def click(self, target: Locator) -> None:
        self.count += 1
        target.click()

    def press(self, key: str) -> None:
        """A key that does something, such as Enter on a button or a shortcut."""
        self.count += 1
        self.page.keyboard.press(key)

    def fill(self, text: str) -> None:
        """Type into the field that has the focus."""
        self.count += 1
        self.page.keyboard.type(text)

    def paste(self, text: str) -> None:
        """Paste into what has the focus, as it was copied from elsewhere."""
        self.count += 1
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.page.keyboard.press("Control+KeyV")

    def tab(self, times: int = 1) -> None:
        for _ in range(times):
            self.page.keyboard.press("Tab")

    def tab_to(self, target: Locator, most: int = 150) -> int:
        """Tab on until `target` has the focus, as somebody without a mouse does.

        Returns how many tabs that took.
        """
        for tabs in range(most):
            if target.evaluate("element => element === document.activeElement"):
                return tabs
            self.tab()
        raise AssertionError(f"{target} is not reached by {most} tabs")

    def follow(self, target: Locator, key: str = "Enter") -> int:
        """Tab to `target`, see that it shows the focus, and press `key`: one action."""
        tabs = self.tab_to(target)
        expect_shown_focus(target)
        self.press(key)
        return tabs


def expect_shown_focus(target: Locator) -> None:
    """`target` has the focus, is on the screen, and is drawn so that one sees it."""
    expect(target).to_be_focused()
    expect(target).to_be_in_viewport()
    drawn = target.evaluate(
        """element => {
            const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
            const outlined = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
            return element.matches(":focus-visible") && (outlined || boxShadow !== "none");
        }"""
    )
    assert drawn, f"the focus on {target} does not show"

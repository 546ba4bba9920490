"""A real browser against the app's own server; what its console says fails the test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import ConsoleMessage, Page, expect

from quotes.models import Insured, User
from tests.conftest import CHROMIUM_LAUNCH
from tests.views.pages import signed_in

# Playwright's synchronous interface keeps an event loop in this thread; Django would take every
# query of the test for one made inside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

# A page on a busy machine takes its time; what never comes about still fails.
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in item.nodeid:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, **CHROMIUM_LAUNCH}


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """A page whose console must stay silent: an error there is a bug or a CSP violation."""
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # A page that is itself a 404 or a 422 is said to have failed to load; that is meant.
        own_status = message.text.startswith("Failed to load resource: the server responded")
        if own_status and message.location.get("url") == page.url:
            return
        if message.type in {"error", "warning"}:
            said.append(f"{message.type}: {message.text}")

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(f"exception: {error}"))
    page.set_default_timeout(PATIENCE)
    yield page
    assert said == []


@pytest.fixture
def sign_in(page: Page, live_server: Any) -> Callable[[User], None]:
    """Go to a test user's worklist, as after signing in, which the tests of the doors do."""

    def act(user: User) -> None:
        take_session(page, live_server, user)
        page.goto(live_server.url + reverse("quotes:worklist"))
        page.get_by_role("heading", name="Worklist").wait_for()

    return act


def take_session(page: Page, live_server: Any, user: User) -> None:
    """Give the browser a session of the user's, in place of any that it has."""
    cookie = signed_in(user).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])


@pytest.fixture
def open_sheet(page: Page, live_server: Any, people: dict[str, User]) -> Callable[..., Page]:
    """Open an insured's page as the broker, in the quiet tab or in another, its grid at work."""
    take_session(page, live_server, people["broker"])

    def act(insured: Insured, tab: Page | None = None) -> Page:
        tab = tab or page
        tab.goto(live_server.url + reverse("quotes:insured_detail", args=[insured.pk]))
        expect(tab.locator("#grid-status")).to_contain_text("Saves by itself")
        return tab

    return act


@pytest.fixture
def loud(page: Page) -> Page:
    """A tab whose console may complain: a browser logs every 401 and every lost connection."""
    return page.context.new_page()

"""No page is wider than the window at the widths between a phone and a desk."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from quotes.models import User
from tests import runs as made
from tests.browser.conftest import take_session

pytestmark = pytest.mark.django_db(transaction=True)
TABLETS = (640, 768, 900, 1024, 1200)


@pytest.mark.parametrize("who", ["broker", "admin"])
def test_pages_fit_a_tablet(
    page: Page, live_server: Any, people: dict[str, User], who: str
) -> None:
    run = made.completed_run(people["broker"])
    take_session(page, live_server, people[who])
    addresses = [
        reverse("quotes:worklist"),
        reverse("quotes:run_list"),
        reverse("quotes:insured_detail", args=[run.insured_id]),
        reverse("quotes:run_detail", args=[run.pk]),
    ]
    wide = []
    for address in addresses:
        page.goto(live_server.url + address)
        for width in TABLETS:
            page.set_viewport_size({"width": width, "height": 900})
            if (needed := page.evaluate("document.documentElement.scrollWidth")) > width:
                wide.append((address, width, needed))
    assert wide == []

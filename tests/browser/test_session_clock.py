"""A page tells before its session ends, and when it has."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Page, expect

from quotes.models import OpenSession

pytestmark = pytest.mark.django_db(transaction=True)


def used_ago(page: Page, seconds: float) -> None:
    """As if the person had last done something so long ago."""
    key = next(each["value"] for each in page.context.cookies() if each["name"] == "sessionid")
    session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    session["used_at"] = time.time() - seconds
    session.save()


def look_again(page: Page) -> None:
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_it_tells_and_goes_on(page: Page, people: Any, sign_in: Any, live_server: Any) -> None:
    sign_in(people["broker"])
    page.goto(live_server.url + reverse("quotes:insured_list"))
    bar = page.locator("#session-bar")
    expect(bar).to_have_count(0)
    used_ago(page, 3600 - 200)
    look_again(page)
    expect(bar).to_contain_text("You will be signed out at")
    bar.get_by_role("button", name="Stay signed in").click()
    expect(bar).to_have_count(0)
    used_ago(page, 3600)
    look_again(page)
    expect(bar).to_contain_text("You were signed out")
    assert not OpenSession.objects.filter(user=people["broker"]).exists()
    bar.get_by_role("link", name="Sign in").click()
    expect(page).to_have_url(live_server.url + "/sign-in/?next=%2Finsureds%2F")

"""What tests of pages share: signing in, forms as a browser would post them, words on a page."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import Any

from django.test import Client
from django.urls import reverse

from quotes.models import Insured, Run, User


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


class _Fields(HTMLParser):
    """Collects what a browser would post from the forms of the page's main part."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self.select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name, value = found.get("name") or "", found.get("value")
        if tag == "select":
            self.select = name
            self.values[name] = ""
        elif tag == "option" and "selected" in found and self.select:
            self.values[self.select] = value or ""
        elif tag == "input" and name and name != "csrfmiddlewaretoken":
            if found.get("type") in ("checkbox", "radio"):
                if "checked" in found:
                    self.values.setdefault(name, []).append(value or "on")
            else:
                self.values[name] = value or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.select = ""


def form_values(page: str) -> dict[str, Any]:
    """The values that a browser would post from the page's form, by name."""
    fields = _Fields()
    fields.feed(page[page.index("<main") :])
    return fields.values


def words(response: Any) -> str:
    """The page's text without its marks, spaces run together."""
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(html.unescape(text).split())


def edit_url(insured: Insured) -> str:
    return reverse("quotes:insured_edit", args=[insured.pk])


def unfolded(client: Client, run: Run) -> str:
    """The markup of all that stands folded under the run's packages."""
    pages = [
        client.get(reverse("quotes:run_package", args=[run.pk, position]))
        for position in run.solutions.values_list("position", flat=True)
    ]
    assert all(page.status_code == 200 for page in pages)
    return "".join(page.content.decode() for page in pages)

"""A form sent after its session ended: nothing typed is lost."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from quotes.models import Insured
from tests.factories import PASSWORD, import_example

pytestmark = pytest.mark.django_db


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, f"no hidden field {name}"
    return unescape(found[1])


@pytest.fixture
def visitor() -> Client:
    return Client(enforce_csrf_checks=True)


def typed(visitor: Client, insured: Insured) -> dict[str, str]:
    """The edit form as a browser would send it, with a new city typed in."""
    page = visitor.get(reverse("quotes:insured_edit", args=[insured.pk])).content.decode()
    form = page[page.index("<form", page.index("<main")) :]
    values = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name = re.search(r'name="([^"]+)"', tag)
        kind = re.search(r'type="([^"]+)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name and kind and kind[1] not in {"checkbox", "radio", "submit"}:
            values[name[1]] = value[1] if value else ""
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', body)
        values[name] = chosen[1] if chosen else ""
    return values


def test_a_save_after_the_session_ended_is_kept_through_signing_in(visitor, people):
    insured = import_example(owner=people["broker"]).insured
    visitor.force_login(people["broker"])
    values = typed(visitor, insured) | {"city": 'Port <b>"Quoted"</b> & Sons'}
    del visitor.cookies["sessionid"]
    address = reverse("quotes:insured_edit", args=[insured.pk])

    token = visitor.cookies["csrftoken"].value
    body = urlencode(values | {"csrfmiddlewaretoken": token})
    refused = visitor.post(address, body, content_type="application/x-www-form-urlencoded")
    assert refused.status_code == 401
    page = refused.content.decode()
    assert "What you typed is kept" in page
    assert "<b>" not in page

    signed_in = visitor.post(
        reverse("account_login"),
        {
            "login": "broker",
            "password": PASSWORD,
            "csrfmiddlewaretoken": hidden(page, "csrfmiddlewaretoken"),
            "kept_path": hidden(page, "kept_path"),
            "kept_body": hidden(page, "kept_body"),
        },
    ).content.decode()
    assert "has not been saved yet" in signed_in
    kept = {name: hidden(signed_in, re.escape(name)) for name in values if name in signed_in}
    assert kept["city"] == values["city"]
    saved = visitor.post(
        address, kept | {"csrfmiddlewaretoken": hidden(signed_in, "csrfmiddlewaretoken")}
    )
    assert saved.status_code == 302, saved.content.decode()[:2000]
    insured.refresh_from_db()
    assert insured.city == values["city"]


def test_a_wrong_password_keeps_what_was_typed(visitor, people):
    page = visitor.get(reverse("account_login")).content.decode()
    again = visitor.post(
        reverse("account_login"),
        {
            "login": "broker",
            "password": "wrong",
            "csrfmiddlewaretoken": hidden(page, "csrfmiddlewaretoken"),
            "kept_path": "/insureds/new/",
            "kept_body": "city=Elsewhere",
        },
    ).content.decode()
    assert hidden(again, "kept_body") == "city=Elsewhere"


@pytest.mark.parametrize("path", ["https://elsewhere.example/x", "//elsewhere.example/", "x", ""])
def test_a_form_is_never_sent_on_to_another_host(visitor, people, path):
    page = visitor.get(reverse("account_login")).content.decode()
    answer = visitor.post(
        reverse("account_login"),
        {
            "login": "broker",
            "password": PASSWORD,
            "csrfmiddlewaretoken": hidden(page, "csrfmiddlewaretoken"),
            "kept_path": path,
            "kept_body": "city=Elsewhere",
        },
    )
    assert answer.status_code == 302
    assert answer.url == reverse("quotes:worklist")

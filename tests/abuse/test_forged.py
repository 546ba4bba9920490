"""Requests that another site has a browser send: without a form's token, framed, or led away."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse

from quotes.models import User
from tests.abuse.asking import NAMED, changed, every_address, every_view, tables
from tests.access.enrolled import mark_confirmed
from tests.access.rules import body_of
from tests.access.world import OURS, address, browser_of, enrolled_world
from tests.factories import PASSWORD
from tests.test_access import RULES

pytestmark = pytest.mark.django_db
world = enrolled_world

ELSEWHERE = "https://evil.example"
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


def checking(who: str) -> Client:
    """A signed-in browser whose forms' tokens are checked, as they are outside tests."""
    browser = Client(enforce_csrf_checks=True)
    if who != "anonymous":
        person = User.objects.get(username=who)
        browser.force_login(person)
        mark_confirmed(browser, person)
    return browser


def token_of(browser: Client) -> str:
    """The token that a form of ours would carry."""
    browser.get(reverse("quotes:worklist"))
    browser.get(reverse("account_login"))
    return str(browser.cookies["csrftoken"].value)


def test_no_view_is_exempt_from_the_check():
    exempt = [name for name, view in every_view() if getattr(view, "csrf_exempt", False)]
    assert exempt == []


@pytest.mark.any_database
@pytest.mark.parametrize("who", ["anonymous", "broker", "admin"])
def test_without_a_token_no_unsafe_request_is_taken(world, who):
    """Every address, by every unsafe method: as a form, as JSON, with another session's token and
    from another origin with one that fits. Nothing in any table changes."""
    browser, addresses = checking(who), every_address(world)
    assert len(addresses) > 150
    own, others = token_of(browser), token_of(checking("manager"))
    before = tables()
    forgeries: tuple[dict[str, Any], ...] = (
        {"data": "a=1", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"{}", "content_type": "application/json"},
        {"data": "a=1", "content_type": "text/plain"},
        {"data": f"csrfmiddlewaretoken={'a' * 64}", **FORM},
        {"data": f"csrfmiddlewaretoken={others}", **FORM},
        {"data": f"csrfmiddlewaretoken={own}", **FORM, "headers": {"Origin": ELSEWHERE}},
        {"data": f"csrfmiddlewaretoken={own}", **FORM, "headers": {"Origin": "null"}},
    )
    taken: list[tuple[Any, ...]] = []
    for name, path in addresses.items():
        for how in forgeries:
            answer = browser.generic("POST", path, **how)
            if answer.status_code not in {403, 405}:
                taken.append((name, how, answer.status_code))
        for method in UNSAFE[1:]:
            answer = browser.generic(method, path, **forgeries[0])
            if answer.status_code != 405:
                taken.append((name, method, answer.status_code))
    assert not taken
    assert changed(before, tables()) == []


FORM = {"content_type": "application/x-www-form-urlencoded"}


def test_with_the_token_of_its_own_form_a_request_is_taken(world):
    """The control: what was refused above is refused for want of a token and nothing else."""
    browser = checking("broker")
    path = reverse("quotes:insured_search")
    assert browser.post(path, {"q": "x"}).status_code == 403
    answer = browser.post(path, {"q": "x", "csrfmiddlewaretoken": token_of(browser)})
    assert answer.status_code == 302


def test_a_refused_form_is_logged_without_what_it_held(world, caplog):
    path = reverse("quotes:insured_search")
    checking("broker").post(path, {"q": "Canaryworth"}, headers={"Origin": ELSEWHERE})
    assert "form_refused" in caplog.text
    assert "quotes:insured_search" in caplog.text
    assert "Canaryworth" not in caplog.text


def test_a_failed_sign_in_is_logged_without_what_was_typed(world, caplog):
    Client().post("/sign-in/", {"login": "broker", "password": "Canaryworth"})
    Client().post(
        "/sign-in/", {"login": "Canaryworth", "password": "a password in the wrong field"}
    )
    assert caplog.text.count("sign_in_failed") == 2
    assert "Canaryworth" not in caplog.text
    assert "wrong field" not in caplog.text


@pytest.mark.any_database
def test_over_https_a_form_from_another_site_or_none_is_refused(world):
    browser = checking("broker")
    fields = {"q": "x", "csrfmiddlewaretoken": token_of(browser)}
    path = reverse("quotes:insured_search")
    for headers in ({}, {"Referer": f"{ELSEWHERE}/a"}, {"Referer": "http://testserver/"}):
        assert browser.post(path, fields, secure=True, headers=headers).status_code == 403, headers
    ours = {"Referer": "https://testserver/insureds/"}
    assert browser.post(path, fields, secure=True, headers=ours).status_code == 302


HOSTILE = [
    "https://evil.example/", "http://evil.example", "//evil.example/", "///evil.example",
    "////evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
    "/\t/evil.example", "\t//evil.example", " //evil.example", "https:evil.example",
    "https:/evil.example", "http:///evil.example", "//evil.example%2F..", "/%09/evil.example",
    "//evil.example@testserver/", "https://testserver@evil.example/",
    "https://testserver.evil.example/", "//[::1]@evil.example", "javascript:alert(1)",
    "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "vbscript:x",
    "/ok\r\nLocation: https://evil.example/", "/ok\r\nSet-Cookie: a=b",
    "\u2028//evil.example", "//evil\u3002example", "file:///etc/passwd", "ftp://evil.example/",
]  # fmt: skip
DOORS = [
    "/sign-in/", "/sign-out/", "/admin/login/", "/admin/logout/", "/sign-in/code/",
    "/account/second-factor/", "/account/confirm/", "/account/confirm/code/",
    "/account/second-factor/codes/", "/account/password/",
]  # fmt: skip
LED_BY = ("next", "redirect_to", "return_to", "url", "redirect", "success_url")


def leads_away(led: str) -> bool:
    """Whether a browser would leave our site for it, as the URL standard reads it."""
    plain = "".join(led.split()).replace("\\", "/")
    return not plain.startswith("/") or plain.startswith("//")


@pytest.mark.any_database
@pytest.mark.parametrize("where", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_leads_to_another_host(world, where):
    """By whatever name the address is given, in the query or the body, in a header that htmx
    sends or as the page one comes from: signed in, not, and half-way."""
    by = {"HX-Request": "true", "HX-Current-URL": where.replace("\n", "").replace("\r", "")}
    told = dict.fromkeys(LED_BY, where)
    signing_in = {**told, "login": "bare", "password": PASSWORD}
    for who in ("anonymous", "broker", "bare"):
        for path in DOORS:
            browser = browser_of(who)
            answers = [browser.get(path, told)]
            if by["HX-Current-URL"].isascii():  # else no header can hold it
                answers += [browser.post(path, told, headers=by)]
                browser = browser_of(who) if "out" in path else browser
                from_there = {"Referer": by["HX-Current-URL"]}
                answers += [browser.post(path, signing_in, query_params=told, headers=from_there)]
            else:
                answers += [browser.post(path, signing_in, query_params=told)]
            for answer in answers:
                for header in ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "Refresh"):
                    led = answer.headers.get(header, "/")
                    assert not leads_away(led), (who, path, header, led)
                    onward = unquote(led.partition("next=")[2]) or "/"
                    assert not leads_away(onward), (who, path, header, led)
                    assert "\n" not in led
                assert "a" not in answer.cookies


def test_a_path_with_two_slashes_leads_to_no_host(world):
    """The redirect that adds a missing slash at the end keeps a double one at the beginning from
    becoming a host."""
    browser = checking("broker")
    for path in ("//evil.example/..//insureds", "//evil.example/insureds", "/\\evil.example/runs"):
        led = browser.get(path).headers.get("Location", "/")
        assert not leads_away(led), led


def test_no_answer_may_be_framed_or_kept_or_sniffed(world):
    """Every address that is asked for by somebody, whatever it answers, errors as well."""
    paths = [*every_address(world).values(), "/nowhere/", "/admin/nowhere/", "/%00", "/insureds"]
    for who in ("anonymous", "broker", "admin"):
        browser = checking(who)
        for path in paths:
            for method in ("GET", "POST") if who != "anonymous" else ("GET", "OPTIONS"):
                answer = browser.generic(method, path)
                told = (who, method, path, answer.status_code)
                headers = answer.headers
                assert headers.get("X-Frame-Options") == "DENY", told
                policy = headers.get("Content-Security-Policy", "")
                assert "frame-ancestors 'none'" in policy or policy == "sandbox", told
                assert "unsafe" not in policy, told
                assert headers.get("X-Content-Type-Options") == "nosniff", told
                assert headers.get("Referrer-Policy") in {"same-origin", "no-referrer"}, told
                assert headers.get("Cross-Origin-Opener-Policy") == "same-origin", told
                kept = headers.get("Cache-Control", "")
                assert "no-store" in kept, told
                assert "private" in kept, told
                assert "public" not in kept, told
                body_of(answer)  # a download is sent in pieces, to its end


def test_what_others_may_use_of_ours_is_nothing(world):
    """No address invites scripts of other sites to read its answer."""
    browser = checking("broker")
    for name in OURS:
        answer = browser.get(address(name, world), headers={"Origin": ELSEWHERE})
        assert not [header for header in answer.headers if header.startswith("Access-Control")]
        body_of(answer)  # a download is sent in pieces, to its end


def test_the_tables_of_addresses_are_whole():
    """What is asked above is every address that has a rule, and the admin's."""
    assert set(RULES) <= set(NAMED)

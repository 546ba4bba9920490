"""What a request says of hosts and of the way it came is believed only where settings say so."""

from __future__ import annotations

import re

import pytest
from allauth.account.adapter import get_adapter
from django.conf import settings as live
from django.test import Client, RequestFactory
from django.urls import reverse

from tests.access.world import browser_of, enrolled_world

pytestmark = pytest.mark.django_db
world = enrolled_world

FALSE_HOSTS = [
    "evil.example", "evil.example:80", "testserver.evil.example", "evil.example/testserver",
    "testserver@evil.example", "testserver:80@evil.example", "testserver#evil.example",
    "testserver, evil.example", "", "[::1]evil", "\"testserver\"", "testserver\t.evil.example",
]  # fmt: skip
FORWARDED = {
    "X-Forwarded-Host": "evil.example", "X-Host": "evil.example", "X-Original-URL": "/admin/",
    "X-Rewrite-URL": "/admin/", "X-Forwarded-Server": "evil.example",
    "Forwarded": "host=evil.example;proto=https;for=1.2.3.4", "X-Forwarded-Port": "9999",
    "X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE",
    "X-Forwarded-Prefix": "//evil.example", "X-Forwarded-User": "admin", "Remote-User": "admin",
    "X-Remote-User": "admin", "X-User-ID": "1",
}  # fmt: skip
PAGES = ("/", "/sign-in/", "/admin/", "/healthz", "/insureds", "/nowhere/")


@pytest.mark.parametrize("host", FALSE_HOSTS)
def test_a_host_that_is_not_ours_gets_no_page(world, host):
    for who in ("anonymous", "admin"):
        browser = browser_of(who)
        for path in PAGES:
            answer = browser.get(path, headers={"Host": host})
            if path == "/healthz":
                # It touches nothing and says one word, to monitors that know no name of ours.
                assert answer.content in {b"ok\n"} or answer.status_code == 400
                continue
            assert answer.status_code == 400, (who, path)
            assert b"evil" not in answer.content
            assert "Location" not in answer.headers


def test_headers_of_a_proxy_change_no_answer(world):
    """Nobody becomes another person, gets another page or is led to another host by them."""
    broker = browser_of("broker")
    for who, path in (("broker", "/admin/"), ("anonymous", "/"), ("anonymous", "/admin/")):
        browser = browser_of(who)
        plain, told = browser.get(path), browser.get(path, headers=FORWARDED)
        assert (told.status_code, told.headers.get("Location")) == (
            plain.status_code,
            plain.headers.get("Location"),
        )
        assert b"evil" not in told.content
    page = broker.get(reverse("quotes:insured_list"), headers=FORWARDED)
    assert page.status_code == 200
    assert b"evil" not in page.content


def test_the_protocol_is_believed_only_from_a_trusted_proxy(settings):
    """Otherwise anybody would get pages over plain http by saying that they came over https."""
    settings.SECURE_SSL_REDIRECT = True
    said = {"X-Forwarded-Proto": "https"}
    answer = Client().get("/sign-in/", headers=said)
    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/sign-in/")
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert Client().get("/sign-in/", headers=said).status_code == 200
    for other in ("http", "http, https", "HTTPS", "ws", ""):
        answer = Client().get("/sign-in/", headers={"X-Forwarded-Proto": other})
        assert answer.status_code == 301, other


def test_the_redirect_to_https_takes_no_false_host_along(settings):
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get("/sign-in/", headers={"Host": "evil.example"})
    assert answer.status_code == 400


def test_an_address_is_believed_only_from_as_many_proxies_as_there_are(settings):
    """Attempts at signing in are counted by it: whoever could choose it would be held back by
    nothing."""

    def seen(*forwarded: str) -> str:
        headers = {"X-Forwarded-For": ", ".join(forwarded)} if forwarded else {}
        request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="192.0.2.7")
        return str(get_adapter().get_client_ip(request))

    assert live.ALLAUTH_TRUSTED_PROXY_COUNT == 0
    assert seen() == seen("203.0.113.9") == seen("203.0.113.9", "198.51.100.1") == "192.0.2.7"
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1  # the proxy adds who asked it, at the end
    assert seen("203.0.113.9", "198.51.100.1") == "198.51.100.1"
    assert seen("198.51.100.1") == "198.51.100.1"


def test_nothing_is_led_by_an_absolute_address(world):
    """No page of ours names its own host, so a false one that a cache kept could lead nowhere."""
    for who in ("broker", "manager"):
        browser = browser_of(who)
        for path in ("/", "/insureds/", "/runs/", "/inbox/"):
            page = browser.get(path).content.decode()
            assert not re.findall(r"""(?:href|src|action|hx-[a-z]+)=["']?https?://""", page), path

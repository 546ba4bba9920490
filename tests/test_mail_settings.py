"""The environment of mail: off unless a server is named, wrong ones refused, nothing told."""

from __future__ import annotations

import json

import pytest

from tests.test_settings import named, refusal, run

SHOW = """
import json, django
django.setup()
from django.conf import settings as s
names = ("MAIL_ON", "MAIL_FROM", "PORTAL_URL", "EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT",
         "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD", "EMAIL_USE_TLS", "EMAIL_USE_SSL")
print(json.dumps({name: getattr(s, name) for name in names}))
"""
MAIL = {"PORTAL_URL": "https://portal.example.com/", "MAIL_FROM": "Portal <portal@example.com>"}


def shown(**environment: str) -> dict[str, object]:
    done = run("-c", SHOW, **environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_off_by_default(tmp_path):
    found = shown(DATA_DIR=str(tmp_path))
    assert not found["MAIL_ON"]
    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.dummy.EmailBackend"


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp+tls://portal%40x:p%40ss%2Fword@mail.example.com", 587, True, False),
        ("smtps://portal%40x:p%40ss%2Fword@mail.example.com:4650", 4650, False, True),
        ("smtp://portal%40x:p%40ss%2Fword@127.0.0.1:1025", 1025, False, False),
    ],
)
def test_forms_of_a_server(tmp_path, url, port, tls, ssl):
    found = shown(DATA_DIR=str(tmp_path), EMAIL_URL=url, **MAIL)
    assert found["MAIL_ON"]
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("portal@x", "p@ss/word")
    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (port, tls, ssl)
    assert found["PORTAL_URL"] == "https://portal.example.com"


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org",
        "http://mail.example.com",
        "smtp://user:hunter22@mail.example.com",
        "smtps://user:hunter22@mail.example.com:port",
        "smtps://user:hunter22@mail.example.com/inbox",
        "smtps://user:hunter22@mail.example.com?x=1",
        "smtps://user:hunter22%0d%0a@mail.example.com",
        "smtps://user:hunt#er22@mail.example.com",
        "smtps://",
    ],
)
def test_a_wrong_server_is_refused_and_its_password_not_repeated(tmp_path, url):
    lines = refusal(DATA_DIR=str(tmp_path), EMAIL_URL=url, **MAIL)
    assert named(lines) == {"EMAIL_URL"}
    assert "hunter22" not in "".join(lines)


def test_what_a_server_needs_beside_it(tmp_path):
    lines = refusal(DATA_DIR=str(tmp_path), EMAIL_URL="smtps://mail.example.com")
    assert lines == ["EMAIL_URL: needs PORTAL_URL as well: mails link to the app's pages"]


def test_wrong_neighbours_are_named_themselves(tmp_path):
    lines = refusal(
        DATA_DIR=str(tmp_path),
        EMAIL_URL="smtps://mail.example.com",
        PORTAL_URL="portal.example.com/app",
        MAIL_FROM="nobody",
    )
    assert named(lines) == {"PORTAL_URL", "MAIL_FROM"}

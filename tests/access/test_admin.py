"""Django admin: every address of it, by everybody and every method; nothing that could run code."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from tests.access.rules import MOVED, NOBODY, OTHER_METHODS, answered, body_of, rule
from tests.access.world import ROUTES, browser_of, enrolled_world, stored
from tests.factories import make_user

pytestmark = pytest.mark.django_db
world = enrolled_world

ADMINS = sorted(name for name in ROUTES if name.startswith("admin:"))
# The admin's own catch-all has no name, and leads whoever may enter nowhere.
NAMED = [name for name in ADMINS if "^" not in name and "?P" not in name]
LET_IN = frozenset({200, 302, 403, 404, 405})
KEPT_OUT = rule(MOVED, admin=LET_IN)
"""The admin sends away whoever may not enter to its own door, which tells them."""


def admin_address(name: str) -> str:
    """The address, about a row that is there where one is."""
    inside: dict[str, Any] = {}
    for part in ROUTES[name]:
        inside[part] = {"app_label": "quotes", "content_type_id": 1, "url": "x"}.get(part, 1)
        if part == "object_id":
            app, model, *_ = name.removeprefix("admin:").split("_")
            row = apps.get_model(app, model)._base_manager.first()
            inside[part] = row.pk if row else 1
    return reverse(name, kwargs=inside)


@pytest.mark.parametrize("name", NAMED)
def test_every_address_of_it(name, world):
    """Nobody but administrators with a second factor gets in, and looking changes nothing."""
    before = stored()
    path = admin_address(name)
    wrong = {}
    for who, allowed in KEPT_OUT.items():
        browser = browser_of(who)
        for method in ("GET", "HEAD", "POST"):
            if method == "POST" and who == "admin":
                continue  # what may be posted there is the matter of tests of the admin's pages
            response = browser.generic(method, path)
            if method == "POST" and who in NOBODY:
                # A form is kept at the door.
                good = response.status_code in (302, 401) and "sign-in" in (
                    response.headers.get("Location", "/sign-in/")
                )
            elif who not in (*NOBODY, "admin", "bare"):
                good = response.status_code in (302, 403)
                good &= "sign-in" not in response.headers.get("Location", "")
            else:
                good = answered(response, allowed, method)
            if not good:
                wrong[f"{method} by {who}"] = response.status_code
        for method in OTHER_METHODS:
            response = browser.generic(method, path)
            if response.status_code != 405 or body_of(response):
                wrong[f"{method} by {who}"] = response.status_code
    assert not wrong
    assert stored() == before


class TestDjangoAdmin:
    """Only people of the role, and nothing of the apps that could run code."""

    ADDRESSES = ("/admin/", "/admin/quotes/run/", "/admin/quotes/user/", "/admin/auth/group/")

    @pytest.mark.parametrize("path", ADDRESSES)
    def test_admins_only(self, world, path):
        assert browser_of("admin").get(path).status_code == 200
        for who in NOBODY:
            reply = browser_of(who).get(path, follow=True)
            assert reply.redirect_chain[-1][0].startswith("/sign-in/")
            assert unquote(reply.redirect_chain[-1][0]).endswith(f"next={path}")

    @pytest.mark.parametrize("who", ["broker", "manager", "roleless"])
    @pytest.mark.parametrize("path", ADDRESSES)
    def test_others_are_told_and_do_not_go_in_circles(self, world, who, path):
        response = browser_of(who).get(path, follow=True)
        assert response.status_code == 403
        assert "Your role does not allow this" in response.content.decode()

    def test_a_staff_mark_without_the_role_opens_nothing(self, world):
        make_user("clerk", "broker", is_staff=True)
        browser = browser_of("clerk")
        assert browser.get("/admin/quotes/run/").status_code == 403
        assert browser.get("/admin/quotes/user/").status_code == 403

    def test_no_address_belongs_to_the_queue_or_the_sign_in_library(self):
        names = set(ROUTES)
        for app in ("django_q", "account", "sessions", "contenttypes", "admin_logentry"):
            assert not [name for name in names if name.startswith(f"admin:{app}_")]

    @pytest.mark.parametrize(
        "path",
        [
            "/admin/django_q/schedule/",
            "/admin/django_q/schedule/add/",
            "/admin/django_q/success/",
            "/admin/django_q/ormq/",
            "/admin/account/emailaddress/",
            "/admin/sessions/session/",
        ],
    )
    def test_not_even_for_a_superuser(self, world, path):
        root = make_user("root", "admin", is_staff=True, is_superuser=True)
        browser = Client()
        browser.force_login(root)
        assert browser.get(path).status_code == 404

"""Django admin: every address of it, by everybody and every method; nothing that could run code."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from django.db import transaction
from django.test import Client

from tests.access.admin_table import TABLE
from tests.access.enrolled import mark_confirmed
from tests.access.rules import EVERYBODY, NOBODY, OTHER_METHODS, SET_UP, answered, body_of
from tests.access.world import ROUTES, admin_address, browser_of, enrolled_world, stored
from tests.factories import make_user

pytestmark = pytest.mark.django_db
world = enrolled_world

ADMINS = sorted(name for name in ROUTES if name.startswith("admin:"))
OURS = {"admin:login", "admin:logout"}  # shadowed by our own doors, in the table of addresses
# The admin's own catch-alls have no name, and lead whoever may enter nowhere.
NAMED = [name for name in ADMINS if name not in OURS and not set(name) & set("<(^")]
DOORS = ("/sign-in/", "/admin/login/")


def kept_out(who: str, method: str, response: Any) -> bool:
    """Whether somebody who is no administrator with a second factor was refused."""
    if who == "bare":
        return answered(response, SET_UP, method)
    where = response.headers.get("Location", "")
    if who in NOBODY:
        # A form is kept at the door, on a page of its own.
        shut = response.status_code == 302 and where.startswith(DOORS)
        return bool(shut or (method == "POST" and response.status_code == 401))
    # Where one changes one's own password nobody is refused: the admin's page leads to ours.
    return bool(response.status_code == 403 or where.startswith("/admin/login/"))


def test_every_address_has_a_line():
    assert set(NAMED) == set(TABLE)


@pytest.mark.parametrize("name", NAMED)
def test_every_address_of_it(name, world):
    """Administrators with a second factor get what the table says and nobody else gets in; looking
    changes nothing."""
    before = stored()
    path = admin_address(name)
    wrong = {}
    for who in EVERYBODY:
        browser = browser_of(who)
        if who != "admin":
            for method in ("GET", "HEAD", "POST"):
                response = browser.generic(method, path)
                if not kept_out(who, method, response):
                    wrong[f"{method} by {who}"] = response.status_code
        for method in OTHER_METHODS:
            response = browser.generic(method, path)
            if response.status_code != 405 or body_of(response):
                wrong[f"{method} by {who}"] = response.status_code
    admin = browser_of("admin")
    shown, head = admin.get(path), admin.head(path)
    assert head.status_code in {shown.status_code, 405}
    assert not wrong
    assert stored() == before
    with transaction.atomic():
        posted = admin.post(path)
        transaction.set_rollback(True)
    assert (shown.status_code, posted.status_code) == TABLE[name]


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
        mark_confirmed(browser, root)
        assert browser.get(path).status_code == 404

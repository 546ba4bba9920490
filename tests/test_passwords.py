"""Passwords that people set themselves: by a link, and by knowing the old one."""

from __future__ import annotations

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from django.contrib.auth.forms import SetPasswordForm
from django.core import mail
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.urls import reverse

from brokerportal import settings as shipped
from quotes.models import AuditEvent, Deed, OpenSession, User
from quotes.services import links
from tests.factories import PASSWORD
from tests.views.pages import signed_in, words

pytestmark = pytest.mark.django_db
NEW = "a-long-unlikely-one"
BOTH = {"new_password1": NEW, "new_password2": NEW}


@pytest.fixture(autouse=True)
def _counted_as_shipped(settings: Any) -> None:
    """The test settings count nobody's tries."""
    settings.ACCOUNT_RATE_LIMITS = shipped.ACCOUNT_RATE_LIMITS
    cache.clear()


@pytest.fixture
def mailing(settings: Any) -> None:
    settings.MAIL_ON, settings.PORTAL_URL = True, "https://portal.example.com"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def opened(path: str) -> tuple[Client, str]:
    """The link followed in a new browser, and where its form stands."""
    browser = Client()
    response = browser.get(path)
    return browser, response.headers.get("Location", path)


class TestLink:
    def test_sets_the_password_once_and_ends_every_session(self, people):
        elsewhere = signed_in(people["broker"])
        path = links.make_link(person=people["broker"], actor=people["admin"])
        browser, form = opened(path)
        token = path.rstrip("/").rsplit("/", 1)[1]
        assert token not in form
        page = browser.get(form)
        assert token not in page.content.decode()
        response = browser.post(form, BOTH, follow=True)
        assert "Your password is set. Sign in with it." in words(response)
        assert "_auth_user_id" not in browser.session, "nobody is signed in by a link"
        assert elsewhere.get("/").status_code == 302
        assert User.objects.get(username="broker").check_password(NEW)
        again, form = opened(path)
        assert "This link works no more" in words(again.get(path))
        assert browser.post(form, BOTH).status_code == 410

    def test_the_address_with_the_token_is_named_to_nobody(self, people):
        path = links.make_link(person=people["broker"], actor=None)
        browser = Client()
        assert browser.get(path)["Referrer-Policy"] == "no-referrer"
        assert browser.get(path + "x/").status_code == 404
        wrong = browser.get(path[:-3] + "zz/")
        assert wrong["Referrer-Policy"] == "no-referrer"
        assert "no-store" in wrong["Cache-Control"]

    def test_a_browser_checks_the_forms_token_against_where_it_stands(self, people):
        browser = Client(enforce_csrf_checks=True)
        path = links.make_link(person=people["broker"], actor=None)
        form = browser.get(path)["Location"]
        page = browser.get(form)
        assert page["Referrer-Policy"] != "no-referrer"
        hidden = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
        assert hidden is not None
        response = browser.post(form, BOTH | {"csrfmiddlewaretoken": hidden[1]})
        assert response.status_code == 302

    def test_runs_out(self, people, settings):
        path = links.make_link(person=people["broker"], actor=None)
        later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT + 60)
        with time_machine.travel(later):
            browser = Client()
            assert "works no more" in words(browser.get(path))

    def test_a_later_one_ends_it(self, people):
        first = links.make_link(person=people["broker"], actor=None)
        second = links.make_link(person=people["broker"], actor=None)
        assert Client().get(first).status_code == 410
        assert Client().get(second).status_code == 302

    def test_none_for_who_is_inactive_even_when_made_before(self, people):
        path = links.make_link(person=people["broker"], actor=None)
        browser, form = opened(path)
        User.objects.filter(username="broker").update(is_active=False)
        assert browser.post(form, BOTH).status_code == 410
        assert User.objects.get(username="broker").check_password(PASSWORD)
        with pytest.raises(links.NoLink):
            links.make_link(person=people["broker"], actor=None)

    def test_none_for_a_demo_account(self, people):
        User.objects.filter(username="broker").update(is_demo=True)
        with pytest.raises(links.NoLink):
            links.make_link(person=people["broker"], actor=None)

    @pytest.mark.parametrize("typed", ["", "short", "12345678901", "password", "broker"])
    def test_a_weak_password_leaves_the_link_working(self, people, typed):
        browser, form = opened(links.make_link(person=people["broker"], actor=None))
        refused = browser.post(form, {"new_password1": typed, "new_password2": typed})
        assert refused.status_code == 422
        assert browser.post(form, BOTH).status_code == 302

    def test_what_is_told_of_it_holds_no_token(self, people, caplog):
        path = links.make_link(person=people["broker"], actor=people["admin"])
        token = path.rstrip("/").rsplit("/", 1)[1]
        browser, form = opened(path)
        browser.post(form, BOTH)
        told = [(each.what, each.data) for each in AuditEvent.objects.all()]
        assert [what for what, _ in told][::-1][0] == "Made a link for broker to set a new password"
        assert token not in str(told)
        assert NEW not in str(told)
        assert token not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_link_used_twice_at_once_is_used_once(people):
    path = links.make_link(person=people["broker"], actor=None)
    token = path.rstrip("/").rsplit("/", 1)[1]

    def use(password: str) -> bool:
        try:
            person = User.objects.get(username="broker")
            assert SetPasswordForm(person, {"new_password1": password, "new_password2": password})
            links.set_by_link(person=person, token=token, password=password)
        except links.NoLink:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(2) as pool:
        used = list(pool.map(use, [NEW, NEW + "-2"]))
    assert sorted(used) == [False, True]


@pytest.mark.usefixtures("mailing")
class TestForgotten:
    def ask(self, stated: str) -> str:
        response = Client().post(reverse("password_forgot"), {"account": stated})
        assert response.status_code == 200
        return words(response)

    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The worker's part done here, by the very function it calls."""
        from quotes import tasks

        def run(name: str, *args: Any, save: bool = True) -> None:
            getattr(tasks, name.rsplit(".", 1)[1])(*args)

        monkeypatch.setattr(links, "async_task", run)

    def test_the_way_there_is_on_the_sign_in_page(self):
        assert reverse("password_forgot") in Client().get("/sign-in/").content.decode()

    def test_by_username_or_address(self, people):
        User.objects.filter(username="broker").update(email="maya@example.com")
        for stated in ("broker", "Maya@Example.com"):
            self.ask(stated)
        one, two = mail.outbox
        assert (one.to, two.to) == (["maya@example.com"], ["maya@example.com"])
        link = re.search(r"https://portal\.example\.com(/sign-in/link/\S+)", str(two.body))
        assert link is not None
        browser, form = opened(link[1])
        assert browser.post(form, BOTH).status_code == 302
        assert PASSWORD not in str(two.body)

    def test_nobody_learns_whether_there_is_an_account(self, people):
        User.objects.filter(username="broker").update(email="maya@example.com")
        User.objects.filter(username="manager").update(email="m@example.com", is_active=False)
        User.objects.filter(username="admin").update(email="a@example.com", is_demo=True)
        said = {self.ask(stated) for stated in ("broker", "nobody", "broker2", "manager", "admin")}
        assert len(said) == 1
        assert [each.to for each in mail.outbox] == [["maya@example.com"]]

    def test_held_back_when_asked_again_and_again(self, people):
        statuses = [
            Client().post(reverse("password_forgot"), {"account": "broker"}).status_code
            for _ in range(7)
        ]
        assert statuses[:5] == [200] * 5
        assert statuses[-1] == 429

    def test_a_host_that_is_not_ours_gets_into_no_mail(self, people, settings):
        settings.ALLOWED_HOSTS = ["*"]
        User.objects.filter(username="broker").update(email="maya@example.com")
        browser = Client(headers={"host": "evil.example"})
        browser.post(reverse("password_forgot"), {"account": "broker"})
        assert "evil.example" not in str(mail.outbox[0].body)


class TestWithoutMail:
    def test_there_is_no_such_page(self):
        assert Client().get(reverse("password_forgot")).status_code == 404
        assert reverse("password_forgot") not in Client().get("/sign-in/").content.decode()


class TestChanging:
    PAGE = "/account/password/"

    def test_other_browsers_are_signed_out(self, people):
        here, there = signed_in(people["broker"]), signed_in(people["broker"])
        bystander = signed_in(people["other"])
        waiting = links.make_link(person=people["broker"], actor=None)
        response = here.post(self.PAGE, {"old_password": PASSWORD, **BOTH}, follow=True)
        assert "Your password is changed." in words(response)
        assert here.get("/").status_code == 200
        assert there.get("/").status_code == 302
        assert bystander.get("/").status_code == 200
        assert OpenSession.objects.count() == 2
        assert "works no more" in words(Client().get(waiting))
        assert AuditEvent.objects.filter(
            deed=Deed.ADMINISTERED, what="Changed their own password"
        ).exists()

    def test_only_knowing_the_old_one_and_not_by_guessing(self, people):
        here = signed_in(people["broker"])
        statuses = [
            here.post(self.PAGE, {"old_password": "wrong", **BOTH}).status_code for _ in range(7)
        ]
        assert statuses[0] == 422
        assert statuses[-1] == 429
        assert User.objects.get(username="broker").check_password(PASSWORD)

    def test_a_demo_account_keeps_its_own(self, people):
        User.objects.filter(username="broker").update(is_demo=True)
        here = signed_in(people["broker"])
        assert "stays as it is" in words(here.get(self.PAGE))
        assert here.post(self.PAGE, {"old_password": PASSWORD, **BOTH}).status_code == 403
        assert User.objects.get(username="broker").check_password(PASSWORD)

    def test_the_admins_own_page_for_it_leads_here(self, people):
        User.objects.filter(username="admin").update(is_demo=True)
        here = signed_in(User.objects.get(username="admin"))
        posted = {"old_password": PASSWORD, **BOTH}
        response = here.post(reverse("admin:password_change"), posted)
        assert response["Location"] == self.PAGE
        assert User.objects.get(username="admin").check_password(PASSWORD)

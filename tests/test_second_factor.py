"""Signing in with a second factor, setting one up, losing it; over HTTP as a browser does it."""

from __future__ import annotations

import re
import time
from html import unescape

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client
from django.urls import reverse

from quotes.models import AuditEvent, OpenSession
from quotes.services import second_factor as service
from tests.access.enrolled import SECRET, enrol, mark_confirmed
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def code_of(secret: str = SECRET, later: int = 0) -> str:
    """What the app shows now, or so many half minutes later."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later)))


def password_given(username: str = "broker", **more: str) -> tuple[Client, str]:
    """A browser after the first step, and the page it got."""
    browser = Client()
    browser.get("/sign-in/")
    fields = {"login": username, "password": PASSWORD, **more}
    page = browser.post("/sign-in/", fields, follow=True).content.decode()
    return browser, page


def signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


class TestSigningIn:
    def test_a_password_alone_opens_nothing(self, people):
        enrol(people["broker"])
        browser, page = password_given()
        assert "Your second factor" in page
        assert not signed_in(browser)
        assert browser.get("/insureds/")["Location"].startswith("/sign-in/?next=")

    def test_the_app_s_code_signs_in(self, people):
        enrol(people["broker"])
        browser, _ = password_given()
        assert browser.post("/sign-in/code/", {"code": code_of()}).status_code == 302
        assert signed_in(browser)

    @pytest.mark.parametrize("wrong", ["000000", "", "abc", "1" * 200, "٠٠٠٠٠٠", "000 000"])
    def test_a_wrong_code_does_not(self, people, wrong):
        enrol(people["broker"], "A" * 32)
        browser, _ = password_given()
        assert code_of("A" * 32) != wrong
        assert browser.post("/sign-in/code/", {"code": wrong}).status_code == 422
        assert not signed_in(browser)

    @pytest.mark.parametrize("later", [-1, 0, 1])
    def test_a_code_works_once_as_long_as_it_could_count(self, people, later, time_stands):
        enrol(people["broker"])
        code = code_of(later=later)
        first, _ = password_given()
        assert first.post("/sign-in/code/", {"code": code}).status_code == 302
        for seconds in (0, 31):
            time_stands.shift(seconds)
            second, _ = password_given()
            assert second.post("/sign-in/code/", {"code": code}).status_code == 422
            assert not signed_in(second)

    def test_a_recovery_code_works_once(self, people):
        enrol(people["broker"])
        row = Authenticator.objects.get(type="recovery_codes")
        code = row.wrap().get_unused_codes()[0]
        first, _ = password_given()
        assert first.post("/sign-in/code/", {"code": f"{code[:5]} {code[5:]}"}).status_code == 302
        second, _ = password_given()
        assert second.post("/sign-in/code/", {"code": code}).status_code == 422

    def test_nobody_is_locked_out_by_another(self, people, settings):
        settings.ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "3/5m/key,30/m/ip"}
        enrol(people["broker"])
        enrol(people["other"])
        browser, _ = password_given()
        for _ in range(4):
            browser.post("/sign-in/code/", {"code": "000000"})
        held = browser.post("/sign-in/code/", {"code": code_of()})
        assert held.status_code == 422
        assert not signed_in(browser)
        colleague, _ = password_given("broker2")
        assert colleague.post("/sign-in/code/", {"code": code_of()}).status_code == 302

    def test_what_was_typed_goes_through_both_steps(self, people):
        enrol(people["broker"])
        kept = {"kept_path": "/insureds/new/", "kept_body": "city=Port+%3Cb%3E"}
        browser, page = password_given(**kept)
        for code in ("000000", code_of()):
            found = {name: re.search(rf'name="{name}" value="([^"]*)"', page) for name in kept}
            fields = {name: unescape(match[1]) for name, match in found.items() if match}
            assert fields == kept
            page = browser.post("/sign-in/code/", {"code": code, **fields}).content.decode()
        assert "has not been saved yet" in page
        assert 'name="city" value="Port &lt;b&gt;"' in page

    def test_taken_away_between_the_steps_leads_back_and_not_in_circles(self, people):
        enrol(people["broker"])
        browser, _ = password_given()
        Authenticator.objects.all().delete()
        answer = browser.get("/sign-in/code/", follow=True)
        assert answer.status_code == 200
        assert answer.request["PATH_INFO"] == "/sign-in/"
        assert not signed_in(browser)


@pytest.fixture
def time_stands(time_machine):
    class Clock:
        def shift(self, seconds: int) -> None:
            time_machine.shift(seconds)

    time_machine.move_to(1_800_000_010, tick=False)
    return Clock()


class TestSettingUp:
    @pytest.fixture(autouse=True)
    def _required(self, settings):
        settings.SECOND_FACTOR = "required"

    def test_from_the_first_sign_in_to_the_page_asked_for(self, people):
        browser = Client()
        fields = {"login": "broker", "password": PASSWORD, "next": "/insureds/?all=1"}
        first = browser.post("/sign-in/", fields, follow=True)
        assert "Set up a second factor" in first.content.decode()
        page = browser.get("/account/second-factor/app/").content.decode()
        secret = re.search(r'id="totp-key">([^<]+)<', page)
        assert secret
        key = secret[1].replace(" ", "")
        wrong = browser.post("/account/second-factor/app/", {"code": "000000"})
        assert wrong.status_code == 422
        assert key in wrong.content.decode().replace(" ", "")
        codes = browser.post("/account/second-factor/app/", {"code": code_of(key)}, follow=True)
        shown = re.findall(r'<li class="mono">([\d ]+)</li>', codes.content.decode())
        assert len(shown) == 10
        file = browser.get("/account/second-factor/codes/download/")
        assert all(code in file.content.decode() for code in shown)
        done = browser.post("/account/second-factor/codes/")
        assert done["Location"] == "/insureds/?all=1"
        assert browser.get(done["Location"], follow=True).redirect_chain == [("/insureds/", 302)]
        again = browser.get("/account/second-factor/codes/").content.decode()
        assert not any(code in again for code in shown)
        assert browser.get("/account/second-factor/codes/download/").status_code == 403

    def test_its_first_code_does_not_sign_in_as_well(self, people, time_stands):
        browser, _ = password_given()
        page = browser.get("/account/second-factor/app/").content.decode()
        key = re.search(r'id="totp-key">([^<]+)<', page)[1].replace(" ", "")  # type: ignore[index]
        browser.post("/account/second-factor/app/", {"code": code_of(key)})
        other, _ = password_given()
        assert other.post("/sign-in/code/", {"code": code_of(key)}).status_code == 422

    def test_other_sessions_end(self, people):
        other, _ = password_given()
        browser, _ = password_given()
        page = browser.get("/account/second-factor/app/").content.decode()
        key = re.search(r'id="totp-key">([^<]+)<', page)[1].replace(" ", "")  # type: ignore[index]
        browser.post("/account/second-factor/app/", {"code": code_of(key)})
        assert browser.get("/insureds/").status_code == 200
        assert other.get("/insureds/")["Location"].startswith("/sign-in/")

    def test_a_form_posted_before_is_kept_on_the_page(self, people):
        browser = Client()
        browser.force_login(people["broker"])
        body = "city=Port+%3Cb%3E&csrfmiddlewaretoken=x"
        answer = browser.post(
            "/insureds/new/", body, content_type="application/x-www-form-urlencoded"
        )
        page = answer.content.decode()
        assert answer.status_code == 403
        assert 'action="/insureds/new/"' in page
        assert 'name="city" value="Port &lt;b&gt;"' in page
        assert "Worklist</a></li>" not in page

    def test_a_forged_form_is_not_shown_for_sending_on(self, people):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(people["broker"])
        answer = browser.post("/insureds/new/", {"city": "Elsewhere"})
        assert answer.status_code == 403
        assert "Elsewhere" not in answer.content.decode()

    @pytest.mark.parametrize("path", ["//evil.example/", "https://evil.example/", "javascript:x"])
    def test_afterwards_leads_nowhere_else(self, people, path):
        browser = Client()
        browser.force_login(people["broker"])
        browser.get("/account/second-factor/", {"next": path})
        assert browser.session["second_factor_next"] == "/"

    def test_a_session_from_before_shows_the_factor_and_sets_up_no_other(self, people):
        browser = Client()
        browser.force_login(people["broker"])
        enrol(people["broker"])
        assert browser.get("/insureds/").status_code == 302
        for name in ("mfa_activate_totp", "mfa_add_webauthn", "mfa_generate_recovery_codes"):
            assert browser.get(reverse(name))["Location"].startswith(
                "/account/second-factor/?next="
            )
        asked = browser.get("/insureds/", follow=True)
        assert "Is it you?" in asked.content.decode()
        browser.post("/account/confirm/code/?next=/insureds/", {"code": code_of()})
        assert browser.get("/insureds/").status_code == 200

    def test_the_only_one_is_not_removed(self, people):
        enrol(people["broker"])
        browser, _ = password_given()
        browser.post("/sign-in/code/", {"code": code_of()})
        answer = browser.post(reverse("mfa_deactivate_totp"))
        assert answer.status_code == 422
        assert service.has_one(people["broker"])

    def test_a_demo_account_has_none_and_needs_none(self, people, settings):
        settings.DEMO_ACCOUNTS = True
        make_user("demo", "broker", is_demo=True)
        browser, page = password_given("demo")
        assert "Worklist" in page
        for name in ("mfa_activate_totp", "mfa_add_webauthn", "mfa_generate_recovery_codes"):
            for method in ("get", "post"):
                assert getattr(browser, method)(reverse(name)).status_code == 403


class TestAtRest:
    def test_no_secret_stands_in_the_database(self, people):
        factor = enrol(people["broker"])
        assert SECRET not in str(Authenticator.objects.values())
        assert service.unseal(factor.data["secret"]) == SECRET

    def test_a_new_key_reads_what_the_one_before_sealed(self, people, settings):
        factor = enrol(people["broker"])
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "n" * 10 + "ew-key-of-fifty-characters-and-then-some-more"
        assert service.unseal(factor.data["secret"]) == SECRET
        assert service.seal_anew() == (2, 0)
        settings.SECRET_KEY_FALLBACKS = []
        factor.refresh_from_db()
        assert service.unseal(factor.data["secret"]) == SECRET

    def test_without_the_key_before_no_code_fits_and_nothing_breaks(self, people, settings):
        enrol(people["broker"])
        settings.SECRET_KEY = "another-key-of-fifty-characters-and-then-some-more"
        assert service.seal_anew() == (0, 2)
        browser, _ = password_given()
        for code in (code_of(), code_of(""), "000000"):
            assert browser.post("/sign-in/code/", {"code": code}).status_code == 422
        assert not signed_in(browser)


class TestTakingAway:
    def test_it_ends_the_sessions_and_leaves_an_entry(self, people):
        enrol(people["broker"])
        theirs = Client()
        theirs.force_login(people["broker"])
        browser = Client()
        browser.force_login(people["admin"])
        address = reverse("second_factor_reset", args=[people["broker"].pk])
        assert browser.post(address, {"reason": ""}).status_code == 422
        assert service.has_one(people["broker"])
        assert browser.post(address, {"reason": "Lost telephone, called back"}).status_code == 302
        assert not Authenticator.objects.filter(user=people["broker"]).exists()
        assert theirs.get("/insureds/")["Location"].startswith("/sign-in/")
        entry = AuditEvent.objects.get(what="Took the second factor from broker")
        assert entry.actor == people["admin"]
        assert entry.data["reason"] == "Lost telephone, called back"
        assert browser.post(address, {"reason": "Once more"}).status_code == 409

    def test_nobody_takes_their_own_and_only_a_superuser_a_superuser_s(self, people):
        root = people["admin"]
        plain = make_user("plain", "admin", is_staff=True)
        for person in (root, plain):
            enrol(person)
        for actor, target in ((root, root), (plain, root), (plain, plain)):
            browser = Client()
            browser.force_login(actor)
            mark_confirmed(browser, actor)
            address = reverse("second_factor_reset", args=[target.pk])
            assert browser.post(address, {"reason": "Because I say so"}).status_code == 409
        assert Authenticator.objects.filter(type="totp").count() == 2
        assert OpenSession.objects.exists()


class TestPasskeys:
    @pytest.mark.parametrize(
        "junk", ["", "x", "[]", "{}", "null", "1", '{"id":1}', '{"id":"a","rawId":"a","type":"x",'
        '"response":{"clientDataJSON":"!!","attestationObject":"!!"}}'],
    )  # fmt: skip
    def test_an_answer_written_by_hand_is_a_mistake_and_no_fault(self, people, junk):
        browser = Client(SERVER_NAME="localhost")
        fields = {"login": "broker", "password": PASSWORD}
        browser.post("/sign-in/", fields)
        address = reverse("mfa_add_webauthn")
        assert browser.get(address).status_code == 200
        answer = browser.post(address, {"name": "Mine", "credential": junk})
        assert answer.status_code == 422
        assert not service.has_one(people["broker"])

    @pytest.mark.parametrize("junk", ["", "[]", "{}", '{"id":1}', '{"rawId":"a","response":{}}'])
    def test_at_the_door_neither(self, people, junk):
        enrol(people["broker"])
        browser, _ = password_given()
        answer = browser.post("/sign-in/code/", {"credential": junk})
        assert answer.status_code == 422
        assert not signed_in(browser)

    def test_they_are_offered_only_where_browsers_take_them(self, people):
        browser = Client(SERVER_NAME="127.0.0.1")
        browser.force_login(people["broker"])
        assert "not at this address" in browser.get(reverse("mfa_index")).content.decode()

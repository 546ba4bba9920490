"""Setting up a second factor and signing in with it, as a person does, in a real browser."""

from __future__ import annotations

import time

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import expect

from tests.access.enrolled import SECRET, enrol
from tests.browser.test_doors import LOOKS, check
from tests.factories import PASSWORD
from tests.test_second_factor import code_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def required(settings):
    settings.SECOND_FACTOR = "required"


def give_password(page, server: str, username: str = "broker") -> None:
    page.goto(f"{server}/sign-in/")
    page.get_by_label("Username").fill(username)
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("[data-sign-in]").click()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_an_app_is_set_up_and_signs_in(page, live_server, people, required, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    give_password(page, live_server.url)
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    expect(page.get_by_role("link", name="Insureds")).to_have_count(0)
    check(page, "set-up")
    page.get_by_role("link", name="Set up an authenticator app").click()
    expect(page.locator(".qr svg")).to_be_visible()
    check(page, "app")
    page.get_by_text("No camera?").click()
    key = page.locator("#totp-key").inner_text().replace(" ", "")
    page.get_by_label("The six digits").fill("000000")
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check(page, "app, wrong code")
    page.get_by_label("The six digits").fill(code_of(key))
    page.get_by_role("button", name="Set it up").click()
    expect(page.locator(".codes li")).to_have_count(10)
    check(page, "codes")
    recovery = page.locator(".codes li").first.inner_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as a file").click()
    assert download.value.suggested_filename == "recovery-codes.txt"
    page.get_by_role("button", name="I have saved them").click()
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    page.goto(f"{live_server.url}/account/second-factor/")
    check(page, "second factor")

    page.context.clear_cookies()
    give_password(page, live_server.url)
    check(page, "code")
    page.get_by_label("Code from your app").fill("000000")
    page.locator("[data-code]").click()
    expect(page.get_by_text("This did not work")).to_be_visible()
    check(page, "code, wrong")
    page.get_by_label("Code from your app").fill(recovery)
    page.locator("[data-code]").click()
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()


def test_an_administrator_takes_a_lost_one_away(page, live_server, people):
    enrol(people["broker"])
    enrol(people["admin"])
    give_password(page, live_server.url, "admin")
    page.get_by_label("Code from your app").fill(code_of(SECRET))
    page.locator("[data-code]").click()
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    page.goto(f"{live_server.url}/people/{people['broker'].pk}/second-factor/")
    check(page, "take away")
    page.get_by_label("Reason").fill("Lost telephone, called back")
    page.get_by_role("button", name="Take it away").click()
    expect(page.get_by_text("has no second factor any more")).to_be_visible()
    assert not Authenticator.objects.filter(user=people["broker"]).exists()


def test_a_passkey_is_added_and_signs_in(page, live_server, people, required):
    """By Chromium's virtual authenticator; passkeys need a name, hence `localhost`."""
    server = live_server.url.replace("127.0.0.1", "localhost")
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    tools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    give_password(page, server)
    page.get_by_role("link", name="Add a passkey").click()
    check(page, "passkey")
    page.get_by_label("Name").fill("Desk computer")
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.locator(".codes li")).to_have_count(10)
    page.context.clear_cookies()
    give_password(page, server)
    check(page, "code or passkey")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    assert time.time() - Authenticator.objects.get(type="webauthn").last_used_at.timestamp() < 60

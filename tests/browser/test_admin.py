"""Django admin in a real browser: it works under the same strict policy as our pages."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from quotes.models import Carrier, Insured, User
from quotes.services.roles import ensure_roles
from tests.factories import PASSWORD, queued_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(people) -> User:
    ensure_roles()
    User.objects.filter(pk=people["admin"].pk).update(is_superuser=False)
    person: User = people["admin"]
    return person


def pages_for(broker: User) -> list[str]:
    run = queued_run(owner=broker)
    carrier = Carrier.objects.first()
    assert carrier is not None
    return [
        reverse("admin:index"),
        reverse("admin:quotes_user_changelist"),
        reverse("admin:quotes_user_add"),
        reverse("admin:quotes_user_change", args=[broker.pk]),
        reverse("admin:quotes_user_leave", args=[broker.pk]),
        reverse("admin:quotes_user_hand_over", args=[broker.pk]),
        reverse("admin:quotes_user_link", args=[broker.pk]),
        reverse("admin:quotes_office_changelist"),
        reverse("admin:quotes_office_add"),
        reverse("admin:quotes_run_changelist"),
        reverse("admin:quotes_run_change", args=[run.pk]),
        reverse("admin:quotes_runevent_changelist"),
        reverse("admin:quotes_insured_change", args=[run.insured_id]),
        reverse("admin:quotes_insured_history", args=[run.insured_id]),
        reverse("admin:quotes_carrier_change", args=[carrier.pk]),
        reverse("admin:password_change"),
    ]


def test_no_page_breaks_the_policy(page, live_server, people, admin, sign_in):
    """The `page` fixture fails on anything the console says."""
    addresses = pages_for(people["broker"])
    sign_in(admin)
    for address in addresses:
        response = page.goto(live_server.url + address, wait_until="networkidle")
        assert response.status == 200


def test_no_axe_violations(page, live_server, people, admin, sign_in):
    addresses = pages_for(people["broker"])
    sign_in(admin)
    # axe itself writes inline styles, which our policy blocks aloud: not on the listened-to page.
    examined = page.context.new_page()
    wrong = []
    for address in addresses:
        examined.goto(live_server.url + address)
        found = Axe().run(examined, options={"resultTypes": ["violations"]})
        wrong += [
            (address, each["id"], [node["html"][:160] for node in each["nodes"]][:3])
            for each in found.response["violations"]
        ]
    assert wrong == []


def test_the_admin_reassigns_an_insured(page, live_server, people, admin, sign_in):
    insured = queued_run(owner=people["broker"]).insured
    sign_in(admin)
    page.get_by_role("link", name="Admin").click()
    page.get_by_role("link", name="Insureds", exact=True).first.click()
    page.get_by_role("link", name=insured.shown_name).click()
    page.get_by_label("Owner").select_option(label="broker2")
    page.get_by_label("Reason").fill("Theo takes the coast.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("changed successfully")
    assert Insured.objects.get(pk=insured.pk).owner == people["other"]


def test_the_admin_merges_two_carriers(page, live_server, people, admin, sign_in):
    stays = Carrier.objects.named("Heron Mutual")
    Carrier.objects.named("Heron Mut.")
    sign_in(admin)
    page.goto(live_server.url + reverse("admin:quotes_carrier_changelist"))
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(label="Merge into one carrier…")
    page.get_by_role("button", name="Go").click()
    page.get_by_label("Heron Mutual (0 quotes)").check()
    page.get_by_role("button", name="Merge").click()
    expect(page.locator(".messagelist")).to_contain_text("merged into Heron Mutual")
    assert Carrier.objects.get() == stays


def test_an_admin_is_made_and_signs_in(page, live_server, admin, sign_in):
    sign_in(admin)
    page.goto(live_server.url + reverse("admin:quotes_user_add"))
    page.get_by_label("Username").fill("newcomer")
    page.get_by_label("Admin", exact=True).check()
    page.get_by_role("button", name="Save", exact=True).click()
    link = page.get_by_label("Link").input_value()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/sign-in/")
    page.goto(link)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    page.wait_for_url("**/sign-in/")
    sign_in(User.objects.get(username="newcomer"))
    page.get_by_role("link", name="Admin").click()
    expect(page.get_by_text("People, carriers and history").first).to_be_visible()

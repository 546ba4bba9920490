"""Renewing, copying, attaching and the notice of a likely duplicate, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from quotes.models import Attachment, Insured
from tests.factories import import_example, queued_run, stored_attachment
from tests.runs import completed_run
from tests.views.pages import signed_in

pytestmark = pytest.mark.django_db(transaction=True)

PDF = b"%PDF-1.7\n% a fictional dec page"


@pytest.fixture
def enter(page, live_server, people, settings, tmp_path):
    """Open an address of the app as the broker; attachments go to a folder of the test."""
    settings.ATTACHMENTS_DIR = tmp_path / "kept"
    cookie = signed_in(people["broker"]).cookies["sessionid"].value

    def act(address: str) -> None:
        page.goto(live_server.url + address)

    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    return act


def test_a_broker_renews_with_a_package_by_keyboard_alone(page, enter, people):
    insured = import_example(owner=people["broker"]).insured
    run = completed_run(people["broker"], insured=insured)
    enter(reverse("quotes:insured_detail", args=[insured.pk]))
    page.get_by_role("link", name="Renew").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Renew Marigold Fairweather")
    page.get_by_role("radio", name="Rank 1").first.focus()
    page.keyboard.press("Space")
    page.get_by_label("Copy the 4 quotes").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The renewal was made.")).to_be_visible()
    new = insured.renewals.get()
    assert new.quotes.count() == 4
    first = run.solutions.all()[0]
    assert {p.carrier_name for p in new.incumbents.all()} == set(first.carriers)
    page.get_by_text("Renewal of").get_by_role("link").click()
    expect(page.get_by_text("Renewed as")).to_be_visible()


def test_a_pressed_twice_renewal_is_one(page, enter, people):
    insured = import_example(owner=people["broker"]).insured
    enter(reverse("quotes:insured_renew", args=[insured.pk]))
    page.get_by_role("button", name="Make the renewal").dblclick()
    expect(page.get_by_text("Renewal of")).to_be_visible()
    assert insured.renewals.count() == 1


def test_a_dec_page_is_attached_fetched_and_deleted(page, enter, people, tmp_path):
    insured = import_example(owner=people["broker"]).insured
    dec = tmp_path / "dec page.pdf"
    dec.write_bytes(PDF)
    enter(reverse("quotes:insured_detail", args=[insured.pk]))
    page.get_by_label("Files").set_input_files(dec)
    page.get_by_role("button", name="Attach").click()
    expect(page.get_by_text("“dec page.pdf” was attached.")).to_be_visible()
    with page.expect_download() as fetched:
        page.get_by_role("link", name="dec page.pdf", exact=True).click()
    assert fetched.value.suggested_filename == "dec page.pdf"
    assert Path(fetched.value.path()).read_bytes() == PDF
    page.get_by_role("link", name="Delete dec page.pdf").click()
    page.get_by_role("button", name="Delete attachment").click()
    expect(page.get_by_text("“dec page.pdf” was deleted.")).to_be_visible()
    assert not Attachment.objects.exists()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 360)])
def test_no_axe_violations(page, enter, people, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    insured = import_example(owner=people["broker"]).insured
    completed_run(people["broker"], insured=insured)
    run = completed_run(people["broker"], insured=insured)
    attached = stored_attachment(insured, "a name of one very long word " + "x" * 120 + ".pdf")
    quote = insured.quotes.all()[0]
    quote.delete()
    renewed = Insured.objects.create(
        owner=insured.owner, applicant_name="Marigold Fairweather", renewal_of=insured
    )
    addresses = [
        reverse("quotes:insured_renew", args=[insured.pk]),
        reverse("quotes:insured_detail", args=[insured.pk]) + f"?from={run.pk}",
        reverse("quotes:insured_detail", args=[renewed.pk]),
        reverse("quotes:quote_copy", args=[insured.quotes.all()[0].pk]),
        reverse("quotes:attachment_delete", args=[attached.pk]),
    ]
    for address in addresses:
        enter(address)
        page.evaluate("document.querySelectorAll('main details').forEach(d => { d.open = true; })")
        check(page, address)


def check(page: Any, where: str) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{where}: {found.generate_report()}"
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"{where} is wider than the screen"


def test_a_refused_duplicate_can_be_read_by_everybody(page, enter, people):
    queued_run(insured=import_example(owner=people["broker"]).insured)
    enter(reverse("quotes:insured_list"))
    # In a tab of its own: Chromium logs every 422 as an error.
    refused = page.context.new_page()
    refused.goto(page.url.split("/insureds/")[0] + reverse("quotes:insured_create"))
    refused.get_by_label("Applicant name").fill("Thaddeus & Marigold Fairweather")
    refused.get_by_label("Street").fill("18 Pretend Cove Ln.")
    refused.get_by_label("ZIP code").fill("92648")
    refused.get_by_role("button", name="Add insured").click()
    notice = refused.get_by_role("alert").filter(has_text="This household may be here already")
    expect(notice).to_contain_text("nearly the same name, same address")
    expect(notice).to_be_focused()
    check(refused, "the refused form")
    refused.get_by_label("Save as another insured anyway").check()
    refused.get_by_role("button", name="Add insured").click()
    expect(refused.get_by_text("The insured was added.")).to_be_visible()

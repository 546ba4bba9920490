"""An administrator settles runs from the Operations page, and their broker sees it."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from quotes.models import Run, User, WorkerBeat
from tests import runs as made

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(people) -> User:
    User.objects.filter(pk=people["admin"].pk).update(is_superuser=False)
    person: User = people["admin"]
    return person


def open_run(page: Page, run: Run) -> None:
    page.get_by_role("link", name="Operations").click()
    expect(page.get_by_role("heading", name="Operations")).to_be_visible()
    expect(page.get_by_text("1 lost in sending.")).to_be_visible()
    page.locator(f"#see-{run.pk}").click()
    expect(page.get_by_text("Nobody can know whether Nexio took this submission")).to_be_visible()


def as_broker(page: Page, live_server, sign_in, people, run: Run) -> None:
    page.get_by_text(people["admin"].shown_name, exact=True).first.click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    sign_in(people["broker"])
    page.goto(live_server.url + reverse("quotes:run_detail", args=[run.pk]))


def test_an_admin_links_a_lost_submission(page, live_server, people, admin, sign_in):
    run = made.lost_run(people["broker"])
    sign_in(admin)
    open_run(page, run)
    page.get_by_label("Nexio run id").fill("nx-found-1")
    page.get_by_role("button", name="Link and watch").click()
    expect(page.get_by_role("alert")).to_contain_text("Write the reason")
    expect(page.get_by_label("Nexio run id")).to_have_value("nx-found-1")
    page.locator("#link_reason").fill("Named by support.")
    page.get_by_role("button", name="Link and watch").click()
    expect(page.get_by_role("status")).to_contain_text("linked and is being watched")
    run.refresh_from_db()
    assert (run.state, run.nexio_run_id) == ("waiting", "nx-found-1")
    as_broker(page, live_server, sign_in, people, run)
    timeline = page.locator("#run-timeline")
    expect(timeline).to_contain_text("Linked to run_id nx-found-1: Named by support.")
    expect(timeline).to_contain_text(admin.shown_name)


def test_an_admin_abandons_a_lost_submission(page, live_server, people, admin, sign_in):
    run = made.lost_run(people["broker"])
    sign_in(admin)
    open_run(page, run)
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("#abandon_reason").fill("Support saw nothing of it.")
    page.get_by_role("button", name="Abandon this run").click()
    expect(page.get_by_role("status")).to_contain_text("The run was given up")
    run.refresh_from_db()
    assert run.state == "abandoned"
    as_broker(page, live_server, sign_in, people, run)
    expect(page.get_by_role("heading", name="This run was abandoned")).to_be_visible()
    expect(page.locator("#run-timeline")).to_contain_text("Given up: Support saw nothing of it.")


def test_the_page_follows_what_happens(page, live_server, people, admin, sign_in):
    sign_in(admin)
    page.get_by_role("link", name="Operations").click()
    expect(page.get_by_text("None serves.", exact=False).first).to_be_visible()
    now = timezone.now()
    WorkerBeat.objects.create(host="one", pid=1, started_at=now, beat_at=now, version="0.1.0")
    well = page.get_by_text("All is well")
    for _ in range(60):  # it beats on, as workers do, however long the browser takes
        WorkerBeat.objects.update(beat_at=timezone.now())
        if well.is_visible():
            break
        page.wait_for_timeout(500)
    expect(well).to_be_visible()
    page.get_by_role("link", name="hold it still").click()
    expect(page.get_by_text("The page does not refresh by itself")).to_be_visible()
    expect(page.locator("#operations[hx-get]")).to_have_count(0)


def test_no_axe_violations_and_no_wider_than_the_window(page, live_server, people, admin, sign_in):
    run = made.lost_run(people["broker"])
    made.unreadable_run(people["broker"])
    sign_in(admin)
    # axe itself writes inline styles, which our policy blocks aloud: not on the listened-to page.
    examined = page.context.new_page()
    wrong = []
    for scheme, width in (("light", 1440), ("dark", 1440), ("light", 360)):
        examined.emulate_media(color_scheme=scheme)
        examined.set_viewport_size({"width": width, "height": 800})
        for address in ("/operations/", reverse("quotes:operations_run", args=[run.pk])):
            page.goto(live_server.url + address)  # listened to: the console must stay silent
            examined.goto(live_server.url + address)
            assert examined.evaluate("document.documentElement.scrollWidth <= innerWidth")
            found = Axe().run(examined, options={"resultTypes": ["violations"]})
            wrong += [
                (address, scheme, each["id"], [node["html"][:160] for node in each["nodes"]][:3])
                for each in found.response["violations"]
            ]
    assert wrong == []

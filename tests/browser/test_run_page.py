"""The run page in a real browser: it follows the run by itself."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from quotes.models import Run
from tests import runs as made
from tests.fake_nexio import completed


@pytest.mark.django_db(transaction=True)
def test_a_waiting_run_turns_into_ranked_packages_by_itself(page, live_server, people, sign_in):
    run = made.waiting_run(people["broker"])
    sign_in(people["broker"])
    page.goto(live_server.url + reverse("quotes:run_detail", args=[run.pk]))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ranking packages")
    expect(page.locator(".stepper__step--current")).to_contain_text("Queued at Nexio")

    page.get_by_text("Abandon this run").first.click()
    page.get_by_label("Reason").fill("Typed meanwhile")
    made.answer(run, {"status": "processing", "stage": "EVALUATE"})
    Run.objects.filter(pk=run.pk).update(due_at=timezone.now())
    expect(page.locator(".stepper__step--current")).to_contain_text("Evaluating packages")
    expect(page.locator("#announcer")).to_have_text("Evaluating packages.")
    expect(page.locator("#run-timeline")).to_contain_text("stage EVALUATE")
    expect(page.get_by_label("Reason")).to_have_value("Typed meanwhile")

    made.answer(run, {"status": "completed", **completed(run.request)})
    expect(page.get_by_role("heading", level=1)).to_contain_text("packages ranked for")
    expect(page.locator("#announcer")).to_have_text("The run is completed.")
    expect(page.locator(".solution").first).to_contain_text("recommended")
    expect(page).to_have_title(f"Ranked: run 1 · {run.insured.shown_name} · Broker portal")
    assert page.locator("[hx-trigger*=load]").count() == 0


@pytest.mark.django_db(transaction=True)
def test_an_ended_session_leads_to_sign_in_and_back_to_the_run(page, live_server, people, sign_in):
    run = made.waiting_run(people["broker"])
    sign_in(people["broker"])
    address = live_server.url + reverse("quotes:run_detail", args=[run.pk])
    page.goto(address)
    page.context.clear_cookies()
    Run.objects.filter(pk=run.pk).update(due_at=timezone.now())
    page.wait_for_url("**/sign-in/?next=/runs/**")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_axe_violations_in_any_state(page, live_server, people, sign_in, scheme):
    page.emulate_media(color_scheme=scheme)
    broker = people["broker"]
    done = made.completed_run(broker)
    runs = [
        done,
        made.waiting_run(broker, insured=done.insured),
        made.answer(made.waiting_run(broker), {"status": "completed", "solutions": []}),
        made.failed_run(broker, insured=done.insured),
        made.rejected_run(broker, insured=done.insured),
        made.lost_run(broker, insured=done.insured),
        made.unreadable_run(broker, insured=done.insured),
    ]
    addresses = [reverse("quotes:run_detail", args=[run.pk]) for run in runs]
    sign_in(broker)
    axe = Axe()
    for address in [reverse("quotes:worklist"), reverse("quotes:run_list"), *addresses]:
        page.goto(live_server.url + address)
        found = axe.run(page)
        assert found.violations_count == 0, f"{address}\n{found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

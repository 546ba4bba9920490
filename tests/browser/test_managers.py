"""A manager finds last month's overridden runs and takes them along, in a real browser."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from quotes.models import AuditEvent, Run, SavedView, User
from quotes.services import decisions, doubts
from tests import runs as made
from tests.decided import WHY
from tests.views.run_lists import begun


def chosen(broker: User, rank: int, days_ago: int) -> Run:
    """A run of some days ago whose package of this rank was chosen."""
    run = made.completed_run(broker)
    solution = run.solutions.get(rank=rank)
    gone = doubts.expired_words(
        run, run.solutions.prefetch_related("lines__carrier").get(rank=rank), timezone.now()
    )
    decisions.choose_solution(run=run, solution=solution, actor=broker, reason=WHY, confirmed=gone)
    return begun(run, timezone.now() - timedelta(days=days_ago))


@pytest.mark.django_db(transaction=True)
def test_last_months_overridden_runs_are_found_and_exported(
    page: Page,
    live_server: Any,
    people: dict[str, User],
    sign_in: Callable[[User], None],
    tmp_path: Path,
) -> None:
    first = timezone.localdate().replace(day=1) - timedelta(days=1)
    last_month = (timezone.localdate() - first).days + 3
    wanted = [chosen(people["broker"], 2, last_month), chosen(people["other"], 2, last_month + 9)]
    chosen(people["broker"], 1, last_month)
    chosen(people["broker"], 2, 0)
    chosen(people["other"], 2, last_month + 70)
    sign_in(people["manager"])
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Runs").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(5)

    page.get_by_label("From", exact=True).fill(first.replace(day=1).isoformat())
    page.get_by_label("To", exact=True).fill(first.isoformat())
    page.get_by_text("More filters").click()
    page.get_by_label("Choice", exact=True).select_option("Not the first rank")
    page.get_by_role("button", name="Filter").click()
    expect(rows).to_have_count(2)
    expect(page.get_by_role("navigation", name="Pages")).to_have_text("2 runs")
    expect(page.get_by_label("Choice", exact=True)).to_have_value("yes")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
    assert [each["id"] for each in found.response["violations"]] == []

    page.locator("#menu-views > summary").click()
    page.get_by_label("Name of the view").fill("Overridden last month")
    page.get_by_role("button", name="Save what is shown").click()
    expect(page.get_by_text("View “Overridden last month” is saved.")).to_be_visible()
    assert "overridden=yes" in SavedView.objects.get().codes

    page.get_by_role("link", name="Started").click()
    expect(page.get_by_role("columnheader", name="Started")).to_have_attribute(
        "aria-sort", "ascending"
    )
    page.locator("#menu-export > summary").click()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="CSV").click()
    file = tmp_path / "runs.csv"
    downloading.value.save_as(file)
    with file.open(encoding="utf-8-sig", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [row["Run id"] for row in table] == [str(wanted[1].pk), str(wanted[0].pk)]
    assert {row["Overridden"] for row in table} == {"Yes"}
    assert {row["Reason of the choice"] for row in table} == {WHY}
    assert {row["Broker"] for row in table} == {"broker", "broker2"}
    entry = AuditEvent.objects.get(deed="exported")
    assert entry.actor == people["manager"]

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Runs").click()
    expect(rows).to_have_count(5)
    page.locator("#menu-views > summary").click()
    page.get_by_role("button", name="Overridden last month", exact=True).click()
    expect(rows).to_have_count(2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("route", ["run_list", "dashboard"])
def test_a_complaint_moves_no_field_out_of_line(
    page: Page,
    live_server: Any,
    people: dict[str, User],
    sign_in: Callable[[User], None],
    route: str,
) -> None:
    chosen(people["broker"], 1, 0)
    sign_in(people["manager"])
    address = live_server.url + reverse(f"quotes:{route}")
    page.goto(f"{address}?since=2026-11-30&until=2026-11-01")
    expect(page.get_by_text("The last day is before the first one.")).to_be_visible()
    form = page.locator("form.filters[method=get]")
    tops = form.locator(
        "> .field > :is(input, select), > .filters__actions > .button"
    ).evaluate_all("each => each.map(element => Math.round(element.getBoundingClientRect().top))")
    assert len(tops) >= 5
    assert max(tops) - min(tops) <= 1


@pytest.mark.django_db(transaction=True)
def test_on_a_phone_a_value_and_its_second_line_stand_together(
    page: Page, live_server: Any, people: dict[str, User], sign_in: Callable[[User], None]
) -> None:
    chosen(people["broker"], 1, 0)
    sign_in(people["manager"])
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(live_server.url + reverse("quotes:run_list"))
    apart = page.locator("tbody td[data-label]:has(> small)").evaluate_all(
        """cells => cells.map(cell => {
            const value = document.createRange();
            value.setStart(cell, 0);
            value.setEndBefore(cell.querySelector("small"));
            const second = cell.querySelector("small").getBoundingClientRect();
            return second.left - value.getBoundingClientRect().right;
        })"""
    )
    assert len(apart) >= 3
    assert max(apart) <= 20

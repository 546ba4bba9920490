"""What the decision's pages tell before and after a choice, and what is carried along."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.test import Client

from quotes.models import Run, User
from quotes.services import decisions
from tests import runs as made
from tests.decided import NOW, WHY, K, bring_to, choose, said
from tests.views.pages import form_values, signed_in, words
from tests.views.test_decisions import at, choose_url, record

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _day() -> Any:
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def run(people: dict[str, User]) -> Run:
    return made.completed_run(people["broker"])


@pytest.fixture
def browser(people: dict[str, User]) -> Client:
    return signed_in(people["broker"])


def test_choosing_shows_the_checks_and_what_stands_beside_todays_policies(
    run: Run, browser: Client
) -> None:
    page = words(browser.get(choose_url(run, 1)))
    assert "Auto 100/300/100, umbrella needs 250/500" in page
    assert "$4,756.24 6-month term: confirm the price of a year" in page
    assert "Unconfirmed if split" in page
    assert "−$1,613.76" in page
    assert "Not like for like:" in page
    browser.post(choose_url(run, 1), form_values(browser.get(choose_url(run, 1)).content.decode()))
    decided = words(browser.get(at("run_decision", run)))
    assert "What was said of it when it was chosen" in decided
    assert "Warning: Auto 100/300/100, umbrella needs 250/500" in decided


def test_the_cards_add_up(people: dict[str, User], browser: Client) -> None:
    run = made.completed_run(people["broker"])
    second = run.solutions.get(rank=2)
    second.est_cost_low = second.est_cost_high = (second.est_cost_low or 0) - 400
    second.save()
    page = words(browser.get(choose_url(run, 2)))
    assert "Lines added up $12,385 $400 bundle discount Annual cost $11,985" in page


def test_where_a_reason_is_needed_the_focus_is_there(run: Run, browser: Client) -> None:
    assert "autofocus" in browser.get(choose_url(run, 2)).content.decode()
    refused = browser.post(choose_url(run, 2), {"version": 0})
    # The focus goes to what is missing instead.
    assert "autofocus" not in refused.content.decode()
    assert "autofocus" not in browser.get(choose_url(run, 1)).content.decode()


def test_what_was_compared_begins_ticked_in_the_proposal(run: Run, browser: Client) -> None:
    places = {rank: run.solutions.get(rank=rank).position for rank in (2, 3)}
    query = f"?packages={places[3]}&packages={places[2]}"
    side = browser.get(f"{at('run_side_by_side', run)}?pick=1&pick=2").content.decode()
    assert f"{choose_url(run, 2)}?packages=" in side
    address = choose_url(run, 2) + query
    values = form_values(browser.get(address).content.decode())
    done = browser.post(address, {**values, "reason": WHY})
    assert done["Location"] == at("run_decision", run) + query
    page = browser.get(done["Location"]).content.decode()
    assert at("run_proposal", run) + query.replace("&", "&amp;") in page
    ticked = form_values(browser.get(at("run_proposal", run) + query).content.decode())
    assert sorted(ticked["packages"]) == sorted(str(place) for place in places.values())


def test_a_declined_option_is_marked_and_not_ticked(run: Run, browser: Client) -> None:
    broker = User.objects.get(username="broker")
    choose(run, broker, rank=2)
    first, second, third = (run.solutions.get(rank=rank) for rank in (1, 2, 3))
    decisions.mark_shown(run=run, solutions=[first, second, third], actor=broker, said=said())
    decisions.decline_option(run=run, solution=first, actor=broker, said=said())
    page = browser.get(f"{at('run_proposal', run)}?packages={first.position}")
    assert "(declined by the insured)" in words(page)
    assert form_values(page.content.decode())["packages"] == [str(second.position)]
    plain = form_values(browser.get(at("run_proposal", run)).content.decode())
    assert sorted(plain["packages"]) == sorted([str(second.position), str(third.position)])


def test_without_a_choice_no_rank_begins_ticked(run: Run, browser: Client) -> None:
    assert "packages" not in form_values(browser.get(at("run_proposal", run)).content.decode())


def test_binding_asks_for_each_line_and_is_not_what_comes_first(run: Run, browser: Client) -> None:
    broker = User.objects.get(username="broker")
    choose(run, broker, rank=2)
    page = browser.get(at("run_decision", run)).content.decode()
    assert page.index("step-higher_limits_offered") < page.index("step-bound")
    bring_to(made.completed_run(broker), "accepted", broker)
    decisions.mark_shown(run=run, solutions=[run.solutions.get(rank=2)], actor=broker, said=said())
    decisions.record_answer(run=run, kind=K.ACCEPTED, actor=broker, said=said())
    page = browser.get(at("run_decision", run)).content.decode()
    assert page.index("step-bound") < page.index("step-higher_limits_offered")
    wrong = record(browser, run, "bound", effective_home="soon", number_auto="x" * 61)
    assert wrong.status_code == 422
    assert "Write a date" in words(wrong)
    assert "Keep the number to 60 characters." in words(wrong)
    done = record(
        browser, run, "bound", effective_home="2026-12-01", number_home="LK-1 <b>", on="2026-11-16"
    )
    assert done.status_code == 302
    assert "Home: effective Dec 1, 2026, policy or binder LK-1 <b>" in words(
        browser.get(at("run_decision", run))
    )


def test_what_is_bound_is_said_at_the_head_and_offers_no_other(run: Run, browser: Client) -> None:
    bring_to(run, "bound", User.objects.get(username="broker"))
    page = browser.get(at("run_detail", run))
    html = page.content.decode()
    head = words(page).split("Nexio's rank order")[0]
    assert "Bound: rank 2" in head
    assert "Nov 16, 2026, recorded by broker" in head
    assert choose_url(run, 1) not in html
    timeline = html.split('id="run-timeline"')[1]
    assert "Bound: rank 2" in timeline
    choosing = browser.get(choose_url(run, 1))
    assert "reopen the decision" in words(choosing)
    assert 'type="submit">Choose' not in choosing.content.decode()

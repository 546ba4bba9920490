"""The what-if page, and the real rerun it leads to."""

from __future__ import annotations

import re
from copy import deepcopy
from html import unescape
from typing import Any

import pytest
import simplejson
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from quotes.models import Quote, Run, RunEvent, RunState
from quotes.services.runs import send_again
from quotes.services.what_if.origin import what_if_of
from tests import runs as made
from tests.factories import import_example, import_value, queued_run
from tests.fake_nexio import completed
from tests.services.packages import offering
from tests.views.pages import words

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "what-if"}
MARK = "Our arithmetic, not ranked by Nexio"


@pytest.fixture
def broker(people, client):
    client.force_login(people["broker"])
    return people["broker"]


def page_url(run: Run, query: str = "") -> str:
    return reverse("quotes:run_what_if", args=[run.pk]) + query


def rerun_url(run: Run, query: str = "") -> str:
    return reverse("quotes:run_what_if_rerun", args=[run.pk]) + query


def numbers(run: Run, line: str, carrier: str = "") -> list[int]:
    """The numbers of a line's offerings, by a carrier where one is named."""
    return [
        n
        for n, each in enumerate(run.request["offerings"], 1)
        if each["category"] == line and carrier in each["provider_name"]
    ]


def new_run(run: Run) -> Run:
    return Run.objects.filter(insured=run.insured_id).order_by("-number")[0]


# The page -----------------------------------------------------------------------------------


def test_every_figure_block_says_whose_arithmetic_it_is(client, broker):
    run = made.completed_run(broker)
    response = client.get(page_url(run))
    html = response.content.decode()
    head = html[html.index("<main") : html.index("what-if-form")]
    assert MARK in head
    blocks = re.findall(r"<section class=\"panel panel--flush\".*?</section>", html, re.S)
    assert len(blocks) == 2
    assert MARK in blocks[0]
    assert "Ranks by Nexio, sums by us" in blocks[1]
    assert f"{run.solutions.count()} of {run.solutions.count()} remain" in words(response)


def test_the_form_comes_back_as_it_was_sent_and_works_without_scripts(client, broker):
    run = made.completed_run(broker)
    home, auto = numbers(run, "home"), numbers(run, "auto")
    query = {
        "all": "", "home": f"o{home[0]}", "auto": "", "umbrella": "",
        "out": [str(auto[0])], f"p{home[0]}": "4,321", f"p{auto[1]}": "oops",
    }  # fmt: skip
    response = client.get(page_url(run), query)
    html = response.content.decode()
    assert re.search(rf'<option value="o{home[0]}" selected>', html)
    assert re.search(rf'value="{auto[0]}" checked>', html)
    assert 'value="4,321"' in html
    assert 'value="oops"' in html
    assert "Write dollars a year, such as 2,155" in words(response)
    assert html.count('aria-invalid="true"') == 1
    assert re.search(rf'id="w-p{auto[1]}-error">Write dollars a year', html)
    link = re.search(r'id="what-if-rerun" href="([^"]+)"', html)
    assert link is not None
    expected = f"?home=o{home[0]}&out={auto[0]}&p{home[0]}=4321"
    assert unescape(link[1]) == rerun_url(run, expected)


def test_htmx_gets_what_comes_of_it_alone_and_the_short_address(client, broker):
    run = made.completed_run(broker)
    home = numbers(run, "home")[0]
    response = client.get(page_url(run, f"?all=&home=&p{home}=1"), headers=HTMX)
    html = response.content.decode()
    assert "<form" not in html
    assert "<main" not in html
    assert response["HX-Push-Url"] == page_url(run, f"?p{home}=1")
    assert "HX-Request" in response["Vary"]
    assert "The cheapest costs $" in html
    restored = client.get(page_url(run), headers={**HTMX, "HX-History-Restore-Request": "true"})
    assert "<main" in restored.content.decode()


def test_a_premium_that_is_none_is_told_at_its_field_and_no_request_is_cut_off(client, broker):
    run = made.completed_run(broker)
    asked = client.get(page_url(run), {"p1": "abc", "p2": "4321"}, headers=HTMX)
    html = asked.content.decode()
    assert re.search(r'id="w-p1-error" hx-swap-oob="true">Write dollars a year', html)
    assert re.search(r'id="w-p2-error" hx-swap-oob="true"></p>', html)
    assert 'hx-sync="this:queue last"' in client.get(page_url(run)).content.decode()


def test_the_cheapest_say_which_of_their_checks_need_a_look(client, broker):
    with time_machine.travel("2026-11-16 15:00:00+00:00"):
        client.force_login(broker)
        page = words(client.get(page_url(made.completed_run(broker))))
    cheapest = page.split("Nexio's packages that remain")[0]
    assert "umbrella needs 250/500" in cheapest
    assert "6-month term (auto): confirm the price of a year" in cheapest


def test_leaving_a_carrier_out_drops_its_packages_with_the_reason(client, broker):
    run = made.completed_run(broker)
    html = client.get(page_url(run)).content.decode()
    code, name = re.findall(r'name="without" value="(\d+)".*?<label[^>]*>(.*?) <span', html)[0]
    text = words(client.get(page_url(run, f"?without={code}")))
    assert f"{unescape(name)} is left out" in text
    assert "Packages that drop out" in text


def test_looking_changes_nothing_and_asks_as_little_for_many_packages(client, broker):
    few, many = made.completed_run(broker), made.waiting_run(broker)
    usual = completed(many.request)["solutions"]
    listed = [{**usual[n % len(usual)], "rank": n + 1} for n in range(200)]
    made.answer(many, {"status": "completed", "solutions": listed})
    asked = []
    client.get("/")  # the first request of a session notes that it is in use
    for run in (few, many):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(page_url(run, "?p1=5")).status_code == 200
        asked.append(len(captured))
    assert asked[0] == asked[1]
    assert RunEvent.objects.filter(kind="what_if").count() == 0


def test_strangers_words_stay_words(client, broker):
    run = made.waiting_run(broker)
    evil = "<script>alert(1)</script>" * 10
    listed = [
        {"rank": 1, "cluster_label": evil, "offerings": [{"provider_name": evil, "category": evil}]}
    ]
    run = made.answer(run, {"status": "completed", "solutions": listed})
    html = client.get(page_url(run, f"?all={evil}&home=%00&p1=%3Cb%3E&p1=%ff")).content.decode()
    assert "<script>alert" not in html


def test_others_see_or_do_not_as_with_the_run(client, people):
    run = made.completed_run(people["broker"])
    for who, status in (("manager", 200), ("other", 404)):
        client.force_login(people[who])
        response = client.get(page_url(run, "?out=1"))
        assert response.status_code == status
        assert "what-if-rerun" not in response.content.decode()
        assert client.get(rerun_url(run, "?out=1")).status_code == 404
        assert client.post(rerun_url(run, "?out=1")).status_code == 404


# The rerun ----------------------------------------------------------------------------------


def sent_values(run: Run) -> tuple[Any, Any]:
    return run.request["input"], run.request["offerings"]


def test_the_confirmation_says_what_is_sent_and_sends_nothing(client, broker):
    run = made.completed_run(broker)
    auto, home = numbers(run, "auto")[0], numbers(run, "home")[0]
    left = run.request["offerings"][auto - 1]
    count = len(run.request["offerings"])
    response = client.get(rerun_url(run, f"?out={auto}&p{home}=4000"))
    text = words(response)
    assert f"{left['provider_name']} auto" in text
    assert "not sent" in text
    assert "$4,000" in text
    assert f"{count - 1} from" in text
    assert "quoted by nobody" in text
    assert Run.objects.count() == 1


def test_a_rerun_sends_the_frozen_request_with_only_these_changes(client, broker):
    run = made.completed_run(broker)
    before = bytes(run.request_body)
    quotes_before = list(Quote.objects.order_by("pk").values())
    lines_before = [list(q.lines.order_by("pk").values()) for q in Quote.objects.order_by("pk")]
    # What was edited since is not sent: the request is the old run's.
    Quote.objects.update(broker="Edited since")
    out, home = numbers(run, "auto")[0], numbers(run, "home")[1]
    response = client.post(rerun_url(run, f"?out={out}&p{home}=4321.50"))
    new = new_run(run)
    assert response["Location"] == reverse("quotes:run_detail", args=[new.pk])
    assert (new.number, new.state, new.started_by) == (2, RunState.QUEUED, broker)

    expected = deepcopy(run.request)
    gone, priced = expected["offerings"][out - 1], expected["offerings"][home - 1]
    moved = (
        simplejson.loads("4321.50", use_decimal=True) - priced["attributes"]["line_premium_annual"]
    )
    for quote in expected["input"]["quotes"]:
        if quote.get("auto", {}).get("quote_id") == gone["attributes"]["quote_id"]:
            del quote["auto"]
        if quote["home"]["quote_id"] == priced["attributes"]["quote_id"]:
            quote["home"]["premium_annual"] = simplejson.loads("4321.50", use_decimal=True)
            quote["package_premium_annual"] += moved
            ids = {
                quote[name]["quote_id"] for name in ("home", "auto", "umbrella") if name in quote
            }
    priced["attributes"]["line_premium_annual"] = simplejson.loads("4321.50", use_decimal=True)
    for each in expected["offerings"]:
        if each["attributes"]["quote_id"] in ids:
            each["attributes"]["package_premium_annual"] += moved
    del expected["offerings"][out - 1]
    assert sent_values(new) == (expected["input"], expected["offerings"])
    assert simplejson.loads(bytes(new.request_body), use_decimal=True) == new.request
    kept = {each["id"] for each in expected["offerings"]}
    assert new.offering_lines == {k: v for k, v in run.offering_lines.items() if k in kept}

    run.refresh_from_db()
    assert bytes(run.request_body) == before
    Quote.objects.update(broker=quotes_before[0]["broker"])
    assert [list(q.lines.order_by("pk").values()) for q in Quote.objects.order_by("pk")] == (
        lines_before
    )


def test_both_timelines_and_both_pages_link_the_runs(client, broker):
    run = made.completed_run(broker)
    out = numbers(run, "auto")[0]
    carrier = run.request["offerings"][out - 1]["provider_name"]
    client.post(rerun_url(run, f"?out={out}"))
    new = new_run(run)
    (event,) = new.events.filter(kind="what_if")
    assert event.text == f"What-if of run 1: left out {carrier} auto."
    assert event.actor == broker
    assert run.events.filter(kind="what_if_sent").get().data["run"] == str(new.pk)
    origin = what_if_of(new)
    assert origin is not None
    assert (origin.number, origin.repriced) == (1, 0)
    assert what_if_of(run) is None
    told = words(client.get(reverse("quotes:run_detail", args=[new.pk])))
    assert "A what-if of run 1 , not what was quoted." in told
    back = words(client.get(reverse("quotes:run_detail", args=[run.pk])))
    assert "A what-if of this run was sent as run 2" in back


def test_a_what_if_sent_again_is_one_still(broker, client):
    run = made.completed_run(broker)
    client.post(rerun_url(run, "?p1=1"))
    new = new_run(run)
    Run.objects.filter(pk=new.pk).update(state=RunState.REJECTED, finished_at=new.created_at)
    again = send_again(run=Run.objects.get(pk=new.pk), actor=broker, hint=False)
    origin = what_if_of(again)
    assert origin is not None
    assert (origin.number, origin.repriced) == (1, 1)
    page = words(client.get(reverse("quotes:run_detail", args=[again.pk])))
    assert "Nobody quoted this premium" in page


def test_a_second_press_sends_nothing_twice(client, broker):
    run = made.completed_run(broker)
    for _ in range(2):
        response = client.post(rerun_url(run, "?out=1"), follow=True)
    assert Run.objects.count() == 2
    assert "it was not sent twice" in words(response)
    client.post(rerun_url(run, "?out=2"))
    assert Run.objects.count() == 3, "another what-if is another run"


@pytest.mark.parametrize(
    ("state", "query", "status", "said"),
    [
        ("completed", lambda run: "", 409, "Nothing sent would be different"),
        ("completed", lambda run: "?p1=oops", 409, "Not counted: the premium of"),
        (
            "completed",
            lambda run: "?" + "&".join(f"out={n}" for n in numbers(run, "home")),
            422,
            "No home offering is left: put one back.",
        ),
        ("queued", lambda run: "?out=1", 409, "Only a completed run"),
    ],
)
def test_what_cannot_be_sent_is_refused_and_says_why(client, broker, state, query, status, said):
    insured = import_example("home_auto.json", broker).insured
    build = made.completed_run if state == "completed" else made.waiting_run
    run = build(broker, insured=insured)
    address = rerun_url(run, query(run))
    response = client.post(address)
    assert response.status_code == status
    assert said in words(response)
    assert "Send to Nexio" not in words(client.get(address))
    assert Run.objects.count() == 1


def test_offerings_without_quotes_and_a_terms_price(client, broker):
    """What came as offerings alone; a term's price goes with the premium it made up."""
    offerings = [
        offering("h1", "Larkspur Mutual", "home", 2000),
        offering("h2", "Copperfield Specialty", "home", 2400,
                 attributes={"term_premium": 1200, "term_premium_months": 6, "quote_id": "q"}),
    ]  # fmt: skip
    for each in offerings:
        each["attributes"].setdefault("quote_id", each["id"])
    value = {
        "input": {
            "applicant": {"name": "Odalys Winterbourne"},
            "address": {"state": "TX", "zip_code": "78704"},
            "coverage_types": ["home"],
        },
        "offerings": offerings,
    }
    insured = import_value(value, broker).insured
    run = made.completed_run(broker, insured=insured)
    term = numbers(run, "home", "Copperfield")[0]
    other = numbers(run, "home", "Larkspur")[0]
    client.post(rerun_url(run, f"?out={other}&p{term}=2500"))
    new = new_run(run)
    assert new.number == 2
    assert "quotes" not in new.request["input"]
    (sent,) = new.request["offerings"]
    assert sent["attributes"]["line_premium_annual"] == 2500
    assert not {"term_premium", "term_premium_months"} & set(sent["attributes"])


def test_a_quote_without_a_line_left_goes_too(client, broker):
    insured = import_example("home_auto.json", broker).insured
    run = made.completed_run(broker, insured=insured)
    carrier = run.request["offerings"][0]["provider_name"]
    mine = [n for n, o in enumerate(run.request["offerings"], 1) if o["provider_name"] == carrier]
    client.post(rerun_url(run, "?" + "&".join(f"out={n}" for n in mine)))
    new = new_run(run)
    names = [each["carrier"] for each in new.request["input"]["quotes"]]
    assert carrier not in names
    assert len(names) == len(run.request["input"]["quotes"]) - 1


def test_a_lock_leaves_the_lines_other_offerings_out(client, broker):
    run = made.completed_run(broker)
    kept = numbers(run, "home")[1]
    client.post(rerun_url(run, f"?home=o{kept}"))
    new = new_run(run)
    homes = [o for o in new.request["offerings"] if o["category"] == "home"]
    assert [each["id"] for each in homes] == [run.request["offerings"][kept - 1]["id"]]


def test_a_run_that_is_not_completed_has_a_page_without_packages(client, broker):
    run = queued_run(owner=broker)
    text = words(client.get(page_url(run)))
    assert "has no ranked packages" in text
    assert "It is queued." in text


def test_signed_out_it_leads_to_the_door(people):
    run = made.completed_run(people["broker"])
    response = Client().get(page_url(run), headers=HTMX)
    assert response["HX-Redirect"].startswith("/sign-in/")

"""The results of a completed run: filters in the address, odd replies, two runs compared."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal as D
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from quotes.models import QuoteLine, Run
from quotes.services.workspace import PAGE_ROWS
from tests import runs as made
from tests.factories import import_example, import_value, queued_run
from tests.fake_nexio import completed
from tests.views.pages import unfolded, words

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "results"}


@pytest.fixture
def broker(people, client):
    client.force_login(people["broker"])
    return people["broker"]


def url(run: Run, query: str = "") -> str:
    return reverse("quotes:run_detail", args=[run.pk]) + query


def page(client: Client, run: Run, query: str = "") -> str:
    response = client.get(url(run, query))
    assert response.status_code == 200
    return response.content.decode()


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def ranks(html: str) -> list[str]:
    return re.findall(r"<dt>Rank</dt><dd>([^<]*)</dd>", html)


def answered(broker: Any, solutions: Any, status: str = "completed", **reply: Any) -> Run:
    """A run whose reply lists these; a callable gets what was sent, with the usual packages."""
    run = made.waiting_run(broker)
    listed = solutions(run.request, completed(run.request)["solutions"])
    return made.answer(run, {"status": status, "solutions": listed, **reply})


def many(count: int) -> Any:
    def build(request: dict[str, Any], usual: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**usual[n % len(usual)], "rank": n + 1} for n in range(count)]

    return build


# Filters -----------------------------------------------------------------------------------


def test_filters_stand_in_the_address_and_nothing_is_hidden_unsaid(client, broker):
    run = made.completed_run(broker)
    total = run.solutions.count()
    everything = page(client, run)
    assert len(ranks(everything)) == total
    assert f"of {total} shown" not in text_of(everything)
    single = page(client, run, "?kind=single")
    few = len(ranks(single))
    assert 0 < few < total
    assert f"{few} of {total} shown." in text_of(single)
    assert f'href="{url(run)}" hx-get="{url(run)}">Show all {total}</a>' in single
    assert f"Single carrier {few}" in text_of(everything)


def test_filters_and_orders_work_on_names_with_ids_only(client, broker):
    run = made.completed_run(broker)
    first = run.solutions.get(rank=1).lines.all()[0]
    html = page(client, run, f"?with={first.carrier_id}&sort=-cost")
    assert f"With {first.shown_carrier}" in text_of(html)
    assert "Sorted by annual cost, highest first. Nexio's order is the rank: back to it" in (
        text_of(html)
    )
    own = re.findall(rf'href="{url(run)}(\?[^"]*)"', html)
    assert own
    assert all(re.fullmatch(r"\?[a-z0-9_=&;.%-]*", unescape(query)) for query in own)
    assert ranks(html) != sorted(ranks(html)) or len(ranks(html)) == 1


def test_an_address_of_nonsense_shows_all_and_says_so(client, broker):
    run = made.completed_run(broker)
    html = page(client, run, "?kind=%3Cb%3E&with=%00&budget=lots&sort=rank&page=-4&still=1")
    assert len(ranks(html)) == run.solutions.count()
    said = text_of(html)
    assert "Left out of the address, because it makes no sense for this run" in said
    for part in ("a budget that is no amount", "an order there is not", "a page there is not"):
        assert part in said
    assert "%00" not in html


def test_no_package_left_leads_back(client, broker):
    run = made.completed_run(broker)
    text = text_of(page(client, run, "?budget=1"))
    assert "No package passes these filters" in text
    assert f"0 of {run.solutions.count()} shown." in text


def test_htmx_gets_the_list_and_the_chart_and_a_tidy_address(client, broker):
    run = made.completed_run(broker)
    response = client.get(url(run, "?kind=mixed&with=&label=&sort=cost"), headers=HTMX)
    html = response.content.decode()
    assert html.count("<html") == 0
    assert 'id="results"' in html
    assert '<div id="cost-chart" hx-swap-oob="true">' in html
    assert response["HX-Push-Url"] == url(run, "?kind=mixed&sort=cost")
    assert "HX-Request" in response["Vary"]
    assert re.search(r'id="announcer"[^>]*>\d of \d packages shown, sorted by annual cost', html)
    assert b"Request as sent" not in response.content


@pytest.mark.parametrize(
    "headers", [{**HTMX, "HX-History-Restore-Request": "true"}, {"HX-Request": "true"}]
)
def test_going_back_gets_the_whole_page(client, broker, headers):
    run = made.completed_run(broker)
    response = client.get(url(run, "?kind=mixed"), headers=headers)
    assert "<html" in response.content.decode()


def test_an_unfinished_run_has_no_list_to_filter(client, broker):
    run = made.waiting_run(broker)
    response = client.get(url(run, "?kind=mixed"), headers=HTMX)
    assert response.status_code == 200
    assert "Ranking packages" in words(response)


# Many packages -----------------------------------------------------------------------------


def test_five_hundred_packages_are_filtered_as_a_whole_and_paged(client, broker):
    run = answered(broker, many(500))
    first = page(client, run)
    assert ranks(first) == [str(n) for n in range(1, PAGE_ROWS + 1)]
    assert f"1–{PAGE_ROWS} of 500" in text_of(first)
    assert "500 packages ranked for" in text_of(first)
    last = page(client, run, "?page=25")
    assert ranks(last)[-1] == "500"
    assert "481–500 of 500" in text_of(last)
    whole = page(client, run, "?page=all")
    assert len(ranks(whole)) == 500
    assert whole.count('class="chart__mark"') == 500
    mixed = page(client, run, "?kind=mixed&page=2")
    found = re.search(r"(\d+) of 500 shown", text_of(mixed))
    assert found is not None
    assert int(found[1]) == sum(
        len(s.carriers) > 1 for s in run.solutions.prefetch_related("lines__carrier")
    )


def test_packages_beyond_those_kept_are_said(client, broker):
    run = answered(broker, many(503))
    assert "Nexio's reply lists 3 more packages than the 500 shown here" in text_of(
        page(client, run)
    )


@pytest.mark.parametrize("query", ["", "?page=all", "?kind=mixed&sort=cost"])
def test_queries_do_not_grow_with_packages(client, broker, query):
    def count(run: Run, **headers: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url(run, query), headers=headers).status_code == 200
        return len(seen)

    few, lots = answered(broker, many(5)), answered(broker, many(200))
    for run in (few, lots):
        count(run)  # The first look is entered in the access log.
    assert count(lots) == count(few)
    assert count(lots, **HTMX) == count(few, **HTMX)


# Odd replies -------------------------------------------------------------------------------

LONG = "<i>" + "Northern Hemisphere Mutual " * 11


def odd_reply(request: dict[str, Any], usual: list[dict[str, Any]]) -> list[Any]:
    sent = usual[0]["offerings"]
    strange = {"provider_name": LONG, "category": "b<oa>t", "attributes": {}}
    return [
        {"rank": 1, "est_cost_low": 900, "scorecard": {"overall_level": -3}},
        {"rank": 1, "est_cost_high": 950, "offerings": [], "scorecard": {"overall_level": None}},
        {"rank": None, "cluster_label": LONG, "offerings": [*sent, strange]},
        {"rank": 3, "scorecard": {"overall_level": 10**12, "x": {"y": [1]}}, "offerings": sent},
        {"rank": 4, "est_cost_low": 1200, "est_cost_high": 800, "offerings": sent},
        {"rank": 5, "est_cost_low": 0, "est_cost_high": 0, "offerings": "none"},
        {"rank": 6, "cluster_label": "sturdiest", "scorecard": {f"d{n}": n for n in range(40)}},
        "not a package",
    ]


@pytest.mark.parametrize("query", ["", "?sort=level", "?sort=-cost&kind=mixed", "?budget=1000"])
def test_odd_replies_render(client, broker, query):
    run = answered(broker, odd_reply, status="degraded", duration_ms="soon")
    html = page(client, run, query)
    assert "<i>" not in html.replace("&lt;i&gt;", "")
    assert "b<oa>t" not in html
    assert ranks(page(client, run)) == ["1", "1", "3", "4", "5", "6", "—", "—"]


def test_odd_replies_say_what_they_lack(client, broker):
    run = answered(broker, odd_reply)
    text = text_of(page(client, run) + unfolded(client, run))
    for said in (
        "from $900", "up to $950", "no lines given", "Level -3", "sturdiest", "d39 39", "x › y [1]",
        "Nexio gave no scorecard for this package", "not among what we sent",
        "Nexio returned what we did not send:", "Its label in full: <i>",
        "no cost and are not drawn",
    ):  # fmt: skip
        assert said in text, said


def test_a_premium_other_than_the_one_sent_is_told_beside_it(client, broker):
    def raised(request: dict[str, Any], usual: list[dict[str, Any]]) -> list[dict[str, Any]]:
        first = usual[0]["offerings"][0]
        attributes = {**first["attributes"], "line_premium_annual": 7777}
        usual[0]["offerings"][0] = {**first, "attributes": attributes}
        return usual

    run = answered(broker, raised)
    line = run.solutions.get(rank=1).lines.all()[0]
    own = line.quote_line
    assert own is not None
    assert own.premium_annual is not None
    whole = own.premium_annual == int(own.premium_annual)
    shown = f"${own.premium_annual:,.0f}" if whole else f"${own.premium_annual:,.2f}"
    assert f"$7,777 sent {shown}" in text_of(page(client, run))


# Beside the list ---------------------------------------------------------------------------


def test_every_offering_sent_is_accounted_for(client, broker):
    run = answered(broker, lambda request, usual: usual[:1])
    html = page(client, run)
    table = html.split('class="table table--mini offerings"')[1].split("</table>")[0]
    assert len(re.findall(r"in 1\b", text_of(table))) == len(run.coverage_types)
    assert len(re.findall("in none", table)) == len(run.request["offerings"]) - 3
    assert "dearer than every other home offering" in text_of(table)
    text = text_of(html)
    assert "The reasons are our guess from what was sent; Nexio gives none." in text
    assert f"3 of {len(run.request['offerings'])} in a package" in text


def test_an_offering_that_excludes_the_state_says_so(client, broker):
    run = made.waiting_run(broker)
    request = run.request
    reply = completed(request)["solutions"][:1]
    used = {each["id"] for each in reply[0]["offerings"]}
    unused = next(each for each in request["offerings"] if each["id"] not in used)
    unused["constraints"] = {"excluded_states": ["CA"]}
    Run.objects.filter(pk=run.pk).update(request=request)
    run = made.answer(run, {"status": "completed", "solutions": reply})
    assert "it excludes CA" in text_of(page(client, run))


def test_how_the_order_came_about_in_plain_words(client, broker):
    run = made.waiting_run(broker)
    reply = completed(run.request)
    reply["output"] = {"diagnostic": "Two carriers timed out.", "degradation_reason": "no ratings"}
    for stage in ("FILTER", "EVALUATE", "POLISH"):
        run = made.answer(run, {"status": "processing", "stage": stage})
    run = made.answer(run, {"status": "degraded", "duration_ms": 18233, **reply})
    account = page(client, run).split('id="h-account"')[1].split("</section>")[0]
    text = text_of(account)
    assert "Appetite Balanced" in text
    assert "Degraded: ranked with less than all of Nexio's means" in text
    assert "Its reason no ratings" in text
    assert "Two carriers timed out." in text
    assert "Nexio counts 18 s" in text
    assert "Filtering offerings (FILTER), Evaluating packages (EVALUATE), POLISH" in text


def test_an_appetite_that_was_not_sent_is_not_stated(client, broker):
    run = made.completed_run(broker)
    del run.request["input"]["appetite_bucket"]
    Run.objects.filter(pk=run.pk).update(request=run.request)
    assert "Appetite — none was sent" in text_of(page(client, run))


def test_the_level_is_never_said_to_be_out_of_something(client, broker):
    text = text_of(page(client, made.completed_run(broker)))
    assert "out of 5" not in text
    assert not re.search(r"Level\s+[\d.]+\s*/", text)


# Two runs ----------------------------------------------------------------------------------


def against(run: Run, other: Run) -> str:
    return reverse("quotes:run_against", args=[run.pk, other.pk])


def test_two_runs_compared_from_the_earlier_to_the_later(client, broker):
    first = made.completed_run(broker)
    insured = first.insured
    line = QuoteLine.objects.filter(quote__insured=insured, line="home").order_by("pk")[0]
    was = line.premium_annual
    assert was is not None
    line.premium_annual = was + D(100)
    line.save()
    driver = insured.drivers.all()[0]
    driver.violations_5yr = 3
    driver.save()
    second = made.completed_run(broker, insured=insured)
    pages = [client.get(against(*pair)) for pair in ((first, second), (second, first))]
    for response in pages:
        text = words(response)
        assert "From run 1 to run 2" in text
        assert "premium +$100" in text
        assert f"Drivers › {driver.name} › Violations, 5 years None 3" in text
        assert "1 differ" in text
    assert against(second, first) in page(client, second)
    assert "Compare with run 1" in text_of(page(client, second))
    assert "Compare with run 2" in text_of(page(client, first))
    listed = client.get(reverse("quotes:insured_detail", args=[insured.pk])).content.decode()
    assert against(second, first) in listed
    assert "against run 1" in listed


def test_runs_sent_the_same_say_so(client, broker):
    first = made.completed_run(broker)
    second = made.completed_run(broker, insured=first.insured)
    text = words(client.get(against(second, first)))
    assert "Both runs were sent the same: whatever moved, moved at Nexio." in text
    assert "0 moved in rank" in text
    assert "unchanged" in text


@pytest.mark.parametrize("make", [made.failed_run, made.waiting_run, made.lost_run])
def test_a_run_without_packages_is_compared_by_what_was_sent(client, broker, make):
    first = made.completed_run(broker)
    other = make(broker, insured=first.insured)
    response = client.get(against(other, first))
    assert response.status_code == 200
    assert "only in run 1" in words(response)


def test_only_two_runs_of_one_insured_that_one_may_see(client, people):
    mine = made.completed_run(people["broker"])
    again = queued_run(insured=mine.insured, owner=people["broker"])
    elsewhere = queued_run("home_only.json", people["broker"])
    theirs = queued_run("home_only.json", people["other"])
    client.force_login(people["broker"])
    for other in (elsewhere, theirs, mine):
        assert client.get(against(mine, other)).status_code == 404
    absent = reverse("quotes:run_against", args=[mine.pk, uuid.uuid4()])
    assert client.get(absent).status_code == 404
    assert client.get(against(mine, again)).status_code == 200
    client.force_login(people["other"])
    assert client.get(against(mine, again)).status_code == 404
    client.force_login(people["manager"])
    assert client.get(against(mine, again)).status_code == 200


def test_the_queries_of_two_runs_do_not_grow_with_packages(client, broker):
    insured = import_example(owner=broker).insured

    def pair(count: int) -> int:
        runs = []
        for _ in range(2):
            run = made.waiting_run(broker, insured=insured)
            listed = many(count)(run.request, completed(run.request)["solutions"])
            runs.append(made.answer(run, {"status": "completed", "solutions": listed}))
        with CaptureQueriesContext(connection) as seen:
            assert client.get(against(*runs)).status_code == 200
        return len(seen)

    pair(3)
    assert pair(60) == pair(3)


def test_what_outsiders_wrote_is_escaped_when_runs_are_compared(client, broker):
    first = answered(broker, odd_reply)
    run = made.waiting_run(broker, insured=first.insured)
    run.request["input"]["<b>key</b>"] = "<b>value</b>"
    Run.objects.filter(pk=run.pk).update(request=run.request)
    second = made.answer(
        run, {"status": "completed", "solutions": odd_reply({}, [{"offerings": []}])}
    )
    html = client.get(against(second, first)).content.decode()
    assert "<b>" not in html
    assert "&lt;b&gt;value&lt;/b&gt;" in html


def test_a_quote_id_of_our_own_making_is_not_shown_as_the_carriers(broker, client):
    value = {
        "applicant": {"name": "Ada Fiction"},
        "address": {"state": "OH", "zip_code": "43004"},
        "coverage_types": ["home"],
        "quotes": [
            {"carrier": "Fable Mutual", "home": {"premium_annual": 2000}},
            {"carrier": "Larkspur Mutual", "home": {"premium_annual": 2100, "quote_id": "LM-7"}},
        ],
    }
    run = made.completed_run(broker, insured=import_value(value, broker).insured)
    sent = {each["attributes"]["quote_id"] for each in run.request["offerings"]}
    (own,) = sent - {"LM-7"}
    shown = re.findall(r'data-label="Quote id"[^>]*>([^<]*)<', unfolded(client, run))
    assert set(shown) == {"LM-7", "—"}
    assert own not in shown


# What is folded under a package ------------------------------------------------------------


def folded(run: Run, rank: int = 1) -> str:
    return reverse("quotes:run_package", args=[run.pk, run.solutions.get(rank=rank).position])


def test_what_is_folded_is_fetched_part_by_part_and_is_a_page_without_javascript(client, broker):
    run = made.completed_run(broker)
    html = page(client, run)
    assert "Scorecard, exactly as Nexio returned it" not in html
    parts = {
        "why": "Scorecard, exactly as Nexio returned it",
        "lines": "matched",
        "checks": "Compared: ",
        "unlike": "Not stated by",
    }
    whole = text_of(client.get(folded(run)).content.decode())
    for part, said in parts.items():
        assert f'href="{folded(run)}" data-part="{part}"' in html
        response = client.get(f"{folded(run)}?part={part}", headers={"HX-Request": "true"})
        assert "HX-Request" in response["Vary"]
        fragment = response.content.decode()
        assert "<html" not in fragment
        assert said in text_of(fragment)
        assert said in whole
        assert [each for each in parts.values() if each in text_of(fragment)] == [said]
    assert "Rank 1 of run 1" in whole


def test_what_is_folded_is_absent_where_there_is_no_such_package(client, broker, people):
    run, going = made.completed_run(broker), made.waiting_run(broker)
    for known, position in ((run, 400), (going, 0)):
        assert (
            client.get(reverse("quotes:run_package", args=[known.pk, position])).status_code == 404
        )
    client.force_login(people["other"])
    assert client.get(folded(run)).status_code == 404


def test_an_unknown_part_is_the_whole_page(client, broker):
    response = client.get(
        f"{folded(made.completed_run(broker))}?part=x", headers={"HX-Request": "true"}
    )
    assert "<html" in response.content.decode()

"""Packages side by side as pages: what is shown, what a bad address is told, and that no price
difference is ever shown without why the two are not like for like."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from brokerportal.compiled_templates import drawn, drawn_part
from quotes.models import Run
from quotes.services.details import DETAILS, parse_detail
from quotes.services.frozen import Option, Policy
from quotes.services.like_for_like import Likeness, Saving, saving
from quotes.services.package_rows import RankedPackage
from quotes.services.scorecard import Card
from tests import runs as made
from tests.fake_nexio import completed
from tests.services.packages import solution
from tests.views.pages import signed_in, unfolded, words

FIGURE = re.compile(r'<span class="amount">')


@pytest.fixture
def broker(people, client):
    client.force_login(people["broker"])
    return people["broker"]


def address(run: Run, query: str = "") -> str:
    return reverse("quotes:run_side_by_side", args=[run.pk]) + query


def page(client: Client, run: Run, query: str) -> str:
    response = client.get(address(run, query))
    assert response.status_code == 200
    return response.content.decode()


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.mark.django_db
class TestThePage:
    def test_packages_stand_beside_one_another_with_the_first_as_reference(self, client, broker):
        run = made.completed_run(broker)
        html = page(client, run, "?pick=0&pick=1&pick=2")
        text = text_of(html)
        assert f"3 options side by side for {run.insured.shown_name}" in text
        assert html.count('<th scope="col"') == 4
        for row in ("Coverage A, dwelling", "Deductible, AOP", "Liability limits", "Limit",
                    "Quote id", "Sum of lines", "First line to expire", "Term"):  # fmt: skip
            assert row in text
        assert "Not like for like: " in text
        assert "Compared with Rank 1" in text

    def test_only_what_differs(self, client, broker):
        run = made.completed_run(broker)
        whole = page(client, run, "?pick=0&pick=1")
        only = page(client, run, "?pick=0&pick=1&only=differences")
        assert whole.count('<th scope="row"') > only.count('<th scope="row"')
        assert whole.count("side__cell--differs") == only.count("side__cell--differs") > 0
        assert "all agree" in text_of(only)

    def test_what_is_in_force_beside_one_package(self, client, broker):
        run = made.completed_run(broker)
        text = text_of(page(client, run, "?pick=1&incumbent=1"))
        assert "2 options side by side" in text
        assert "Cobblestone Mutual" in text
        assert "Not stated by today's policies" in text

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("", "None is picked so far"),
            ("?pick=0", "One is picked so far"),
            ("?incumbent=1", "What is in force needs a package beside it"),
            ("?pick=4000&pick=%00&pick=<b>", "3 packages this run does not have"),
        ],
    )
    def test_too_little_is_told_what_to_pick(self, client, broker, query, said):
        run = made.completed_run(broker)
        html = page(client, run, query)
        assert said in text_of(html)
        assert "Pick two to four packages, or one and what is in force" in text_of(html)
        assert "<table" not in html
        assert "%00" not in html

    def test_too_many_are_told_and_four_are_shown(self, client, broker):
        run = made.waiting_run(broker)
        usual = completed(run.request)["solutions"]
        listed = [{**usual[n % len(usual)], "rank": n + 1} for n in range(6)]
        made.answer(run, {"status": "completed", "solutions": listed})
        html = page(client, run, "?" + "&".join(f"pick={n}" for n in range(6)))
        assert "6 packages were picked; 4 fit beside one another" in text_of(html)
        assert html.count('<th scope="col"') == 5

    def test_a_run_without_packages_says_so(self, client, broker):
        run = made.waiting_run(broker)
        assert "This run has no packages to compare" in text_of(page(client, run, "?pick=0&pick=1"))

    def test_nobody_elses(self, people):
        run = made.completed_run(people["broker"])
        for who, status in (("other", 404), ("manager", 200), ("admin", 200)):
            assert signed_in(people[who]).get(address(run, "?pick=0&pick=1")).status_code == status
        answer = words(signed_in(people["manager"]).get(address(run, "?pick=0&pick=1")))
        assert "Make a proposal of these" not in answer

    def test_odd_packages_render(self, client, broker):
        run = made.waiting_run(broker)
        sent = completed(run.request)["solutions"][0]["offerings"]
        strange = {"provider_name": "<i>Odd", "category": "b<oa>t", "attributes": {}}
        made.answer(
            run,
            {
                "status": "completed",
                "solutions": [
                    {"rank": None, "est_cost_low": 900, "offerings": [*sent, sent[0], strange]},
                    {"rank": 1, "cluster_label": "<i>" * 60, "offerings": []},
                    {"rank": 1, "est_cost_low": 1200, "est_cost_high": 800, "offerings": sent},
                ],
            },
        )
        html = page(client, run, "?pick=0&pick=1&pick=2&incumbent=1")
        assert "<i>" not in html
        assert "b<oa>t" not in html
        assert "not among what we sent" in html

    def test_queries_do_not_grow(self, client, broker):
        def count(run: Run, query: str) -> int:
            with CaptureQueriesContext(connection) as seen:
                page(client, run, query)
            return len(seen)

        few = made.completed_run(broker)
        lots = made.waiting_run(broker)
        usual = completed(lots.request)["solutions"]
        listed = [{**usual[n % len(usual)], "rank": n + 1} for n in range(120)]
        made.answer(lots, {"status": "completed", "solutions": listed})
        for run in (few, lots):
            count(run, "?pick=0&pick=1")  # The first look is entered in the access log.
        assert count(few, "?pick=0&pick=1") == count(lots, "?pick=0&pick=99&pick=7&incumbent=1")


@pytest.mark.django_db
class TestTheList:
    def test_ticks_stand_in_the_address_and_in_every_way_from_there(self, client, broker):
        run = made.completed_run(broker)
        home = reverse("quotes:run_detail", args=[run.pk])
        html = client.get(home + "?pick=0&pick=2").content.decode()
        ticked = re.findall(r'name="pick" value="(\d+)"[^>]*checked', html)
        assert ticked == ["0", "2"]
        assert "2 picked" in text_of(html)
        assert f'href="{home}?kind=single&amp;pick=0&amp;pick=2"' in html
        filtered = client.get(home + "?pick=0&pick=2&budget=1").content.decode()
        assert re.findall(r'name="pick" value="(\d+)"[^>]*checked', filtered) == ["0", "2"]

    def test_checks_stand_in_the_row_two_of_them_with_the_rest_below(self, client, broker):
        run = made.completed_run(broker)
        html = client.get(reverse("quotes:run_detail", args=[run.pk])).content.decode()
        cells = re.findall(r'<div class="solution__checks">(.*?)</div>', html, re.DOTALL)
        assert len(cells) == run.solutions.count()
        for cell in cells:
            assert 1 <= cell.count("<li") <= 2
        assert "Compared: " in unfolded(client, run)
        assert "Like for like with incumbent 0 of" in text_of(html)

    def test_an_incumbent_without_coverage_is_said_so(self, client, broker):
        run = made.completed_run(broker)
        for policy in run.request["input"]["current_coverage"].values():
            for key in set(policy) - {"carrier", "annual_premium"}:
                del policy[key]
        Run.objects.filter(pk=run.pk).update(request=run.request)
        html = client.get(reverse("quotes:run_detail", args=[run.pk])).content.decode()
        assert "coverage not stated" in text_of(html)
        assert "Like for like with incumbent — its coverage is not stated" in text_of(html)


# Price differences -------------------------------------------------------------------------

EXAMPLES = {
    line: [(each.code, parse_detail(line, each.code, text)) for each in details
           for text in [each.placeholder.split(" or ")[0]]]
    for line, details in DETAILS.items()
}  # fmt: skip
amounts = st.none() | st.integers(-5000, 60000).map(Decimal)


def options(draw: Any, lines: list[str]) -> Option:
    held = {}
    for line in lines:
        stated = draw(st.lists(st.sampled_from(EXAMPLES[line]), max_size=6))
        in_force = draw(st.booleans())
        months = draw(st.none() | st.sampled_from([6, 12]))
        held[line] = Policy(
            line, draw(st.text(max_size=9)), draw(amounts), details=dict(stated),
            term_months=months, in_force=in_force,
        )  # fmt: skip
    package = draw(st.booleans())
    return Option(
        "Rank 1" if package else "In force today", held, solution(1) if package else None,
        draw(amounts), draw(amounts),
    )  # fmt: skip


@st.composite
def pairs(draw: Any) -> Saving:
    """Two options that mostly hold the same lines, so that there is a figure to show."""
    some = st.lists(st.sampled_from(list(DETAILS)), unique=True, min_size=1)
    lines = draw(some)
    return saving(
        options(draw, lines), options(draw, draw(st.just(lines) | st.just(lines) | some)), lines
    )


def assert_never_alone(cell: str, found: Saving) -> None:
    """A figure stands in a cell only together with the words of its likeness."""
    if FIGURE.search(cell):
        assert found.likeness.words in text_of(cell)
        assert found.likeness.words
    else:
        assert not found.difference.stated
        assert found.difference.why in text_of(cell)


@given(pairs(), st.sampled_from(["", "?pick=0&incumbent=1"]))
@hypothesis_settings(max_examples=150, deadline=None)
def test_no_saving_is_rendered_without_its_differences(found, query):
    run = SimpleNamespace(pk=UUID(int=7))
    values = {"saving": found, "query": query, "run": run, "solution": solution(1)}
    assert_never_alone(drawn_part("saving", values), found)

    row = RankedPackage(
        solution=solution(1, position=0), place=0, lines=[], said=[], carriers=0, label_code="",
        level="", cost_remark="", saving=found, checks=[], bars=[], picked=False,
    )  # fmt: skip
    rows = {"rows": [row], "run": run, "decision": None}
    html = drawn("quotes/ranked_rows.html", rows)
    cell = html.split('class="solution__difference">')[1].split('class="solution__checks">')[0]
    assert_never_alone(cell, found)
    assert FIGURE.search(html.replace(cell, "")) is None
    if found.difference.stated:
        assert found.likeness.alike or 'data-part="unlike"' in html
        part = {"package": row, "card": Card((), 0), "part": "unlike", "insured_address": "/"}
        why = text_of(drawn("quotes/package_part.html", part))
        for flag in found.likeness.differences:
            assert flag.words in why
        for flag in found.likeness.unknowns:
            assert flag.named in why

    column = SimpleNamespace(
        saving=found, is_reference=False, option=SimpleNamespace(), placed=None, carriers=[]
    )
    reference = SimpleNamespace(option=SimpleNamespace(said="rank 1"))
    head = {"page": {"columns": [column], "reference": reference}, "run": run}
    html = render_to_string("quotes/partials/side_by_side_head.html", head)
    cells = [cell for cell in html.split("<td") if FIGURE.search(cell)]
    assert len(cells) == bool(found.difference.stated)
    for cell in cells:
        assert_never_alone(cell, found)
        assert found.likeness.alike or found.likeness.gist in text_of(cell)


def test_a_likeness_has_words_whatever_it_found():
    assert Likeness(()).words == "like for like"

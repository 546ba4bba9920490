"""Packages as odd as a reply can make them, on every page on which a package is dealt with."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from quotes.models import Proposal, Run, User
from tests import runs as made
from tests.factories import make_people
from tests.fake_nexio import completed
from tests.views.pages import words

pytestmark = pytest.mark.django_db
LONG = "<i>" + "Northern Hemisphere Mutual " * 11
FORMULA = '=HYPERLINK("http://x.invalid")'


def odd_packages(sent: list[Any]) -> list[dict[str, Any]]:
    """Duplicate and missing ranks, no lines, no cost, ranges upside down, odd levels and names."""
    strange = {"provider_name": LONG, "category": "b<oa>t", "attributes": {}}
    named = {"provider_name": FORMULA, "category": "home", "attributes": {}}
    return [
        {"rank": 1, "est_cost_low": 900, "scorecard": {"overall_level": -3}, "offerings": sent},
        {"rank": 1, "est_cost_high": 950, "offerings": [], "scorecard": {"overall_level": None}},
        {"rank": None, "cluster_label": LONG, "offerings": [*sent, strange], "scorecard": {}},
        {"rank": 3, "offerings": [named, named], "scorecard": {f"d{n}": -n for n in range(40)}},
        {"rank": 4, "est_cost_low": 1200, "est_cost_high": 800, "offerings": [*sent, *sent]},
        {"rank": 5, "est_cost_low": 0, "est_cost_high": 0, "cluster_label": "sturdiest"},
    ]


def rows_that_stand() -> Run:
    """A run with five hundred packages, the odd ones first."""
    run = made.waiting_run(make_people()["broker"])
    usual = completed(run.request)["solutions"]
    odd = odd_packages(usual[0]["offerings"])
    rest = [{**usual[n % len(usual)], "rank": n} for n in range(len(odd) + 1, 501)]
    return made.answer(run, {"status": "completed", "solutions": [*odd, *rest]})


@pytest.fixture
def run(rows: Run, client: Client) -> Run:
    client.force_login(User.objects.get(username="broker"))
    return rows


ODD = range(6)


def ask(client: Client, name: str, *args: Any, query: str = "") -> Any:
    response = client.get(reverse(f"quotes:{name}", args=args) + query)
    assert response.status_code == 200
    html = response.content.decode(errors="replace")
    assert "<i>Northern" not in html
    assert "b<oa>t" not in html
    return response


@pytest.mark.parametrize("picks", [(0, 1, 2, 3), (4, 5, 2, 1), (499, 0)])
@pytest.mark.parametrize("more", ["", "&incumbent=1", "&only=differences"])
def test_side_by_side(client: Client, run: Run, picks: tuple[int, ...], more: str) -> None:
    query = "?" + "&".join(f"pick={place}" for place in picks)
    response = ask(client, "run_side_by_side", run.pk, query=query + more)
    shown = min(len(picks) + ("incumbent" in more), 5)
    assert f"{shown} options side by side" in words(response)


@pytest.mark.parametrize("place", ODD)
def test_choosing_one(client: Client, run: Run, place: int) -> None:
    solution = list(run.solutions.all())[place]
    ask(client, "run_choose", run.pk, solution.position)


@pytest.mark.parametrize("place", ODD)
def test_what_is_folded_under_one(client: Client, run: Run, place: int) -> None:
    solution = list(run.solutions.all())[place]
    ask(client, "run_package", run.pk, solution.position)


def test_a_proposal_of_them(client: Client, run: Run) -> None:
    ask(client, "run_proposal", run.pk)
    positions = [str(each.position) for each in run.solutions.all()]
    for four in (positions[:4], positions[2:6]):
        answer = client.post(
            reverse("quotes:run_proposal", args=[run.pk]), {"packages": four, "notes": LONG}
        )
        assert answer.status_code == 302
    for proposal in Proposal.objects.filter(run=run):
        text = " ".join(p.extract_text() for p in PdfReader(io.BytesIO(proposal.pdf)).pages)
        assert "Option D" in text
        assert "<i>Northern" in " ".join(text.split())
        ask(client, "proposal_detail", proposal.pk)


@pytest.mark.parametrize("name", ["run_detail", "run_what_if", "run_decision"])
def test_the_pages_of_the_run(client: Client, run: Run, name: str) -> None:
    ask(client, name, run.pk)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_exports(client: Client, run: Run, kind: str) -> None:
    response = client.get(reverse(f"quotes:run_export_{kind}", args=[run.pk]))
    assert response.status_code == 200
    if kind == "csv":
        lines = response.content.decode("utf-8-sig").splitlines()
        assert not [line for line in lines if line.startswith(("=", '"='))]
        assert ",=HYPERLINK" not in response.content.decode()

"""The ready-to-compare panel beside the quotes: what it shows, and where its links lead."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from quotes.models import Insured
from quotes.services.details import set_detail, set_premium
from tests.services.households import NOON, add_quote, make_household
from tests.views.pages import signed_in, words


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def client(people: Any) -> Client:
    return signed_in(people["broker"])


def page_of(insured: Insured) -> str:
    return reverse("quotes:insured_detail", args=[insured.pk])


def panel(client: Client, insured: Insured, *lines: str, **more: str) -> Any:
    address = reverse("quotes:readiness", args=[insured.pk])
    asked = {"coverage_types": lines, **more}
    return client.get(address, asked, headers={"HX-Request": "true"})


def all_wrong(owner: Any) -> Insured:
    """A household for which every rule but those of missing rows has something to say."""
    insured = make_household(
        state="NV", drivers=(None, 4), garaged=("85007", "92648"), incumbents=("home",), owner=owner
    )
    first = add_quote(
        insured, "Larkspur", days=-2, package="7000", home="5800", auto="1500", refs={"home": "Q1"}
    )
    second = add_quote(insured, "Northgate", days=3, home="5400", auto="1", refs={"home": "Q1"})
    add_quote(insured, "Pacific Crest", days=0, package="9500", home="5100", auto="3900", term=6)
    fourth = add_quote(insured, "Alder", home="590", auto=None, umbrella="0")
    add_quote(insured, "Larkspur", auto="4100")
    for quote, line, premium, details in (
        (first, "auto", "1500", {"liability": "100/300/100"}),
        (second, "auto", "2155 / 6 mo", {}),
        (fourth, "umbrella", "0", {"required_auto": "250/500", "required_coverage_e": "500k"}),
    ):
        row = quote.lines.get(line=line)
        set_premium(row, premium)
        for code, text in details.items():
            set_detail(row, code, text)
        row.save()
    for quote in insured.quotes.all():
        for row in quote.lines.exclude(line="umbrella"):
            code, text = ("liability", "100/300") if row.line == "auto" else ("coverage_e", "100k")
            set_detail(row, code, text)
            row.save()
    return insured


def nothing_stated(owner: Any) -> Insured:
    return make_household(state="", zip_code="", drivers=(), garaged=(), incumbents=(), owner=owner)


def one_line_quoted(owner: Any) -> Insured:
    insured = make_household(zip_code="00012", incumbents=(), owner=owner)
    add_quote(insured, "Larkspur", home=None, auto="900", package="800")
    return insured


CODES = {
    all_wrong: {
        "expired", "expires_today", "expires_soon", "premium_far", "zero_premium",
        "without_premium", "same_quote_id", "zip_not_in_state", "term_not_a_year",
        "short_underneath_auto", "short_underneath_home", "package_above_lines",
        "incumbent_missing", "years_not_stated", "garaged_elsewhere", "annualised",
        "bundle_discount", "carrier_twice",
    },
    nothing_stated: {
        "no_state", "no_zip", "no_quotes", "no_drivers", "no_vehicles", "no_incumbents",
    },
    one_line_quoted: {
        "line_not_quoted", "line_without_premium", "zip_unknown", "garaged_elsewhere",
        "no_incumbents",
    },
}  # fmt: skip


def links(text: str) -> list[tuple[str, str, str]]:
    """Each link of a finding: the rule's code, the address, the words."""
    found = re.findall(r'<a id="f-([a-z_]+)-[^"]*" href="([^"]*)">([^<]*)</a>', text)
    return [(code, html.unescape(address), words) for code, address, words in found]


@pytest.mark.parametrize("made", CODES, ids=lambda made: made.__name__)
def test_every_finding_leads_to_what_mends_it(client: Client, people: Any, made: Any) -> None:
    insured = made(people["broker"])
    page = client.get(page_of(insured)).content.decode()
    found = links(panel(client, insured, "home", "auto", "umbrella").content.decode())
    assert {code for code, _, _ in found} == CODES[made]
    pages = {"": page}
    for code, address, said in found:
        path, _, anchor = address.partition("#")
        if path not in pages:
            answer = client.get(path)
            assert answer.status_code == 200, (code, address)
            pages[path] = answer.content.decode()
        assert not anchor or f'id="{anchor}"' in pages[path], (code, address)
        assert said
        assert said.lower() not in {"click here", "here", "edit", "fix"}


def test_no_two_things_of_the_panel_have_one_id(client: Client, people: Any) -> None:
    page = client.get(page_of(all_wrong(people["broker"]))).content.decode()
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert sorted(ids) == sorted(set(ids))


def test_the_matrix_says_premium_no_premium_and_not_quoted(client: Client, people: Any) -> None:
    insured = make_household(owner=people["broker"])
    add_quote(insured, "Larkspur", home="0", auto=None)
    said = words(panel(client, insured, "home", "auto", "umbrella"))
    assert "Larkspur ✓ $0 a year no premium — not quoted" in said


def test_six_are_shown_and_the_others_unfold(client: Client, people: Any) -> None:
    text = panel(client, all_wrong(people["broker"]), "home", "auto", "umbrella").content.decode()
    shown, _, folded = text.partition("<details")
    assert shown.count("checks__item--warning") == 6
    more = folded.count('<li class="checks__item')
    assert f"and {more} more</summary>" in folded
    assert folded.count("checks__item--note") == 3


def test_what_blocks_stands_apart_from_what_deserves_a_look(client: Client, people: Any) -> None:
    said = words(panel(client, one_line_quoted(people["broker"]), "home", "auto", "umbrella"))
    before, after = said.split("Worth a look")
    assert "Before you can compare No home quote has a premium yet" in before
    assert "No ZIP code begins with 000" in after
    assert "packages possible" not in said


def test_without_a_line_only_that_is_said(client: Client, people: Any) -> None:
    said = words(panel(client, all_wrong(people["broker"])))
    assert "A line is required" in said
    assert "Worth a look" not in said
    assert "no line chosen" in said


def test_the_counts_beside_the_lines_follow(client: Client, people: Any) -> None:
    insured = make_household(owner=people["broker"])
    add_quote(insured, "Larkspur", home="2000")
    add_quote(insured, "Northgate", home="2100", auto=None)
    text = panel(client, insured, "home").content.decode()
    assert re.search(r'id="quoted-home" hx-swap-oob="true">2 quoted<', text)
    assert re.search(r'id="quoted-auto" hx-swap-oob="true">not quoted<', text)


def test_a_screen_reader_is_told_only_what_is_new(client: Client, people: Any) -> None:
    insured = make_household(owner=people["broker"])
    add_quote(insured, "Larkspur", home="2000")
    first = panel(client, insured, "home").content.decode()
    assert "announcer" in first
    said = re.search(r'name="said" value="([^"]+)"', first)
    assert said
    again = panel(client, insured, "home", said=said[1]).content.decode()
    assert "announcer" not in again
    add_quote(insured, "Northgate", home="2100")
    assert "announcer" in panel(client, insured, "home", said=said[1]).content.decode()


def test_a_manager_reads_the_findings_and_is_led_nowhere(client: Client, people: Any) -> None:
    insured = all_wrong(people["broker"])
    for answer in (
        signed_in(people["manager"]).get(page_of(insured)),
        panel(signed_in(people["manager"]), insured, "home", "auto"),
    ):
        assert "Larkspur's quote (quote 1) has expired" in words(answer)
        assert links(answer.content.decode()) == []
        assert b"quotes-changed" not in answer.content


def test_a_refused_comparison_names_what_blocks_with_the_same_links(
    client: Client, people: Any
) -> None:
    insured = nothing_stated(people["broker"])
    answer = client.post(
        reverse("quotes:run_start", args=[insured.pk]),
        {"coverage_types": ["home"], "appetite": "balanced"},
    )
    assert answer.status_code == 422
    summary = answer.content.decode().split('class="error-summary"')[1].split("</div>")[0]
    edit = reverse("quotes:insured_edit", args=[insured.pk])
    assert f'<a href="{edit}#id_state">Add the state</a>' in summary
    assert "No carrier quotes home: add a quote" in summary


def test_the_panel_asks_no_more_of_the_database_for_more_quotes(
    client: Client, people: Any
) -> None:
    insured = all_wrong(people["broker"])

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert panel(client, insured, "home", "auto", "umbrella").status_code == 200
        return len(asked)

    count()  # The first look is entered in the access log.
    few = count()
    for number in range(30):
        add_quote(insured, f"Carrier {number}", days=number - 2, home="2000", umbrella="300")
    assert count() == few

"""The dashboard's page: every number leads to its runs, odd addresses, nothing, the workbook."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from python_calamine import CalamineWorkbook

from quotes.models import AuditEvent
from tests.dashboards import seeded, world
from tests.views.pages import signed_in

pytestmark = pytest.mark.django_db
__all__ = ["seeded", "world"]
URL = reverse("quotes:dashboard")
RUNS = reverse("quotes:run_list")
LINK = re.compile(rf'<a [^>]*href="({re.escape(RUNS)}\?[^"]*)"([^>]*)>(.*?)</a>', re.DOTALL)
COUNTED = re.compile(r'class="pagination__count">([\d,]+) run')
YEAR = "since=2025-12-01&until=2026-11-30"


def links(page: str) -> dict[str, int | None]:
    """Addresses of the list of runs, and the number each stands under; None for an amount."""
    found: dict[str, int | None] = {}
    for address, more, inside in LINK.findall(page):
        address = html.unescape(address)
        said = re.search(r": (\d+) runs?", more)
        words = said[1] if said else re.sub(r"<[^>]+>", "", inside).strip()
        number = int(words.replace(",", "")) if words.replace(",", "").isdigit() else None
        assert found.get(address) in {None, number} or number is None
        found[address] = found.get(address) if number is None else number
    return found


def behind(client: Client, address: str) -> int:
    response = client.get(address, follow=True)
    assert response.status_code == 200
    assert "field--error" not in response.content.decode(), address
    counted = COUNTED.search(response.content.decode())
    return int(counted[1].replace(",", "")) if counted else 0


@pytest.mark.parametrize(
    ("who", "query"),
    [("admin", YEAR), ("admin", f"{YEAR}&service=sandbox"), ("manager", "period=month")],
)
def test_every_number_leads_to_as_many_runs(world, who, query):
    client = signed_in(world[who])
    # A search that the list has in mind would leave fewer.
    client.post(reverse("quotes:run_search"), {"text": "nobody of this name"})
    page = client.get(f"{URL}?{query}")
    assert page.status_code == 200
    found = links(page.content.decode())
    assert len(found) > 20
    wrong = {
        address: (number, runs)
        for address, number in found.items()
        if (runs := behind(client, address)) != number and number is not None
    }
    assert not wrong
    assert all(behind(client, each) for each, number in found.items() if number is None)


def test_a_shared_insureds_broker_of_another_office_is_led_to_as_well(world):
    from django.contrib.auth.models import Group

    from quotes.models import Insured, InsuredShare

    manager = world["manager"]
    manager.groups.add(Group.objects.get(name="broker"))
    shared = Insured.objects.filter(owner=world["harbor"]).latest("created_at")
    InsuredShare.objects.create(
        insured=shared, user=manager, shared_by=world["harbor"], shared_at=shared.created_at
    )
    client = signed_in(manager)
    page = client.get(f"{URL}?{YEAR}").content.decode()
    found = {each: n for each, n in links(page).items() if f"broker={world['harbor'].pk}" in each}
    assert found
    assert all(behind(client, each) == n for each, n in found.items() if n is not None)


def test_a_reason_is_found_by_number_and_only_where_it_is_seen(world):
    admin = signed_in(world["admin"])
    page = admin.get(f"{URL}?{YEAR}").content.decode()
    assert "=1+1 &lt;b&gt;“no”&lt;/b&gt; long" in page
    addresses = [each for each in links(page) if "reason=" in each]
    assert len(addresses) == 2
    assert "1%2B1" not in "".join(addresses)
    seen = {each: behind(signed_in(world["manager"]), each) for each in addresses}
    assert sorted(seen.values())[0] == 0
    for odd in ("reason=abc", "reason=%00", "reason=" + "9" * 40, "has=nothing", "broker=none"):
        assert admin.get(f"{RUNS}?{odd}").status_code == 200


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("since=2026-11-20&until=2026-11-01", "The last day is before the first one."),
        ("until=2026-11-01", "Give the first day as well."),
        ("since=0001-01-01", "Give a day from 2000 to 2099."),
        ("since=9999-12-31&until=9999-12-31", "Give a day from 2000 to 2099."),
        ("since=2000-01-01&until=2090-01-01", "Choose at most 20 years."),
        ("since=%3Cb%3E", "Give a day, such as 2026-03-31."),
        ("broker=999999", "Choose one of those listed."),
        ("service=" + "x" * 300, "Choose one of those listed."),
    ],
)
def test_what_makes_no_sense_is_said_and_the_usual_shown(world, query, says):
    response = signed_in(world["admin"]).get(f"{URL}?{query}")
    assert response.status_code == 200
    page = response.content.decode()
    assert says in page
    assert "Runs started Oct 18 – Nov 16, 2026" in page
    assert signed_in(world["admin"]).get(f"{URL}?period={query}&office=%00").status_code == 200


def test_others_brokers_and_offices_are_no_filter(world):
    client = signed_in(world["manager"])
    mine = client.get(URL).context["board"].counts.runs
    for query in (f"broker={world['harbor'].pk}", f"office={world['harborside'].pk}"):
        page = client.get(f"{URL}?{query}")
        assert page.context["board"].counts.runs == mine
        assert "harbor" not in page.content.decode().lower()


def test_live_leaves_the_sandbox_out_until_it_is_asked_for(world, settings):
    client = signed_in(world["admin"])
    settings.NEXIO_IS_SANDBOX = True
    both = client.get(f"{URL}?{YEAR}").context["board"].counts.runs
    settings.NEXIO_IS_SANDBOX = False
    live = client.get(f"{URL}?{YEAR}").context["board"].counts.runs
    assert 0 < live < both
    assert client.get(f"{URL}?{YEAR}&service=both").context["board"].counts.runs == both


def test_an_empty_period_among_others_offers_a_longer_one(world):
    page = signed_in(world["manager"]).get(f"{URL}?since=2021-01-01&until=2021-01-31")
    assert "No run was started on these days" in page.content.decode()


def test_the_workbook_has_what_is_shown_and_no_formula(world, tmp_path):
    client = signed_in(world["admin"])
    shown = client.get(f"{URL}?{YEAR}").context["board"]
    before = AuditEvent.objects.count()
    response = client.get(f"{reverse('quotes:dashboard_xlsx')}?{YEAR}")
    assert response["Content-Disposition"].endswith('dashboard-2025-12-01-2026-11-30.xlsx"')
    file = tmp_path / "dashboard.xlsx"
    file.write_bytes(response.content)
    book = CalamineWorkbook.from_path(str(file))
    sheets: dict[str, list[list[Any]]] = {
        name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names
    }
    figures = {row[0]: row[1] for row in sheets["Figures"][1:]}
    assert figures["Runs started"] == shown.counts.runs
    assert figures["Another chosen"] == shown.counts.overridden
    brokers = {row[0]: row for row in sheets["Brokers"][1:]}
    assert {row.name: row.counts.bound for row in shown.brokers} == {
        name: row[sheets["Brokers"][0].index("Bound")] for name, row in brokers.items()
    }
    reasons = [row[0] for row in sheets["Why not rank 1"][1:]]
    assert any(words.startswith("=1+1 <b>") for words in reasons)
    ends = [row[0] for row in sheets["Ending undecided"][1:]]
    assert ends == [ending.day for ending in shown.endings], "days a spreadsheet can count with"
    entry = AuditEvent.objects.latest("pk")
    assert AuditEvent.objects.count() == before + 1, "one file, one entry"
    assert (entry.deed, entry.actor) == ("exported", world["admin"])
    assert entry.data["days"] == "2025-12-01 to 2026-11-30"
    assert entry.data["runs"] == shown.counts.runs

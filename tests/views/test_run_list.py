"""The list of runs: who sees which, order and pages, and at what cost."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from quotes.models import InsuredShare, Run, RunFact
from quotes.models.run_fact import shared_with
from quotes.services import run_counts, run_list
from tests import runs as made
from tests.factories import import_example, make_user, queued_run
from tests.views.pages import words
from tests.views.run_lists import URL, as_if, begun, ids, many_runs, order_shown, shown

pytestmark = pytest.mark.django_db


def test_brokers_see_their_own_managers_their_offices_and_admins_all(client, people):
    mine, theirs = queued_run(owner=people["broker"]), queued_run(owner=people["other"])
    nobodys = queued_run()
    client.force_login(people["broker"])
    assert shown(client) == ids(mine)
    assert 'name="broker"' not in client.get(URL).content.decode()
    client.force_login(people["manager"])
    assert shown(client) == ids(mine, theirs)
    client.force_login(people["admin"])
    assert shown(client) == ids(mine, theirs, nobodys)
    assert shown(client, f"broker={people['other'].pk}") == ids(theirs)


def test_facts_are_seen_by_whoever_sees_the_run(people):
    queued_run(owner=people["broker"])
    shared, _ = queued_run(owner=people["other"]), queued_run()
    InsuredShare.objects.create(
        insured=shared.insured, user=people["broker"], shared_by=people["other"]
    )
    people["other"].office = None
    people["other"].save()
    for user in people.values():
        facts = RunFact.objects.visible_to(user).values_list("pk", flat=True)
        assert set(facts) == set(Run.objects.visible_to(user).values_list("pk", flat=True))
    assert RunFact.objects.visible_to(people["broker"]).count() == 2
    assert RunFact.objects.visible_to(people["manager"]).count() == 1


def follow(client: Client, query: str = "", way: str = "next") -> list[list[str]]:
    """The ids on each page, going on by its link until there is none."""
    pages, address = [], f"{URL}?{query}"
    for _ in range(30):
        page = client.get(address)
        pages.append([str(row.fact.pk) for row in page.context["page"].rows])
        link = re.search(rf'href="([^"]+)" rel="{way}"', page.content.decode())
        if link is None:
            return pages
        address = URL + link[1].replace("&amp;", "&")
    raise AssertionError("the pages have no end")


def flat(pages: list[list[str]]) -> list[str]:
    return [pk for page in pages for pk in page]


def test_pages_hold_each_run_once_even_when_all_began_together(client, people):
    many_runs(import_example().insured, 120)
    client.force_login(people["admin"])
    pages = follow(client)
    assert [len(page) for page in pages] == [50, 50, 20]
    assert len(set(flat(pages))) == 120
    page = client.get(f"{URL}?state=queued&line=home")
    assert "state=queued&amp;line=home&amp;at=" in page.content.decode()
    assert "120 runs" in words(page)


def test_runs_that_come_in_while_one_pages_move_no_page(client, people):
    insured = import_example().insured
    start = timezone.now() - timedelta(hours=1)
    many_runs(insured, 120, at=start)
    client.force_login(people["admin"])
    before = follow(client)
    second = client.get(URL).context["page"].next
    many_runs(import_example(owner=people["broker"]).insured, 30, at=timezone.now())
    assert order_shown(client, f"at={second}") == before[1]
    back = client.get(f"{URL}?at={second}").context["page"].previous
    assert order_shown(client, f"at={back}") == before[0]
    # Before that first page is now what came in: a short way back is a whole first page.
    newest = client.get(f"{URL}?at={back}").context["page"].previous
    assert len(order_shown(client, f"at={newest}")) == 50
    assert client.get(f"{URL}?at={newest}").context["page"].previous is None
    assert flat(follow(client))[30:] == flat(before)


@pytest.mark.parametrize("code", ["started", "cost", "waited", "expires", "decided"])
def test_every_order_pages_through_each_run_once_with_the_unknown_last(client, people, code):
    now = timezone.now()
    many_runs(import_example().insured, 130)
    values = {"cost": "top_cost", "waited": "waited"}
    for place, fact in enumerate(RunFact.objects.order_by("pk")[:70]):
        value = place % 9 if code in values else now + timedelta(days=place % 9)
        column = run_list.ORDERS[code].column
        RunFact.objects.filter(pk=fact.pk).update(**{column: value})
    client.force_login(people["admin"])
    for sort in (code, f"-{code}"):
        pages = follow(client, f"sort={sort}")
        assert len(set(flat(pages))) == len(flat(pages)) == 130
        facts = RunFact.objects.in_bulk()
        column = run_list.ORDERS[code].column
        seen = [getattr(facts[UUID(pk)], column) for pk in flat(pages)]
        stated = [value for value in seen if value is not None]
        assert stated == sorted(stated, reverse=sort.startswith("-"))
        assert seen == stated + [None] * (130 - len(stated))
        # And back again, the same pages the other way round.
        last = client.get(f"{URL}?sort={sort}").context["page"]
        while last.next:
            mark = last.next
            last = client.get(f"{URL}?sort={sort}&at={mark}").context["page"]
        backwards = follow(client, f"sort={sort}&at={mark}", "prev")
        assert backwards[::-1] == pages


MADE_UP = [
    ("started", "0001-01-01T00:00:00+14:00"),
    ("started", "9999-12-31T23:59:59-14:00"),
    ("expires", "0001-01-01T00:00:00+14:00"),
    ("cost", "1000000000000"),
    ("cost", "999999999999.999"),
    ("cost", "1e-999999"),
    ("waited", "1e-999999"),
    ("waited", "nan"),
]
"""Values that no row can have, and that some database cannot even compare with one."""


@pytest.mark.parametrize(("code", "said"), MADE_UP)
def test_a_mark_that_somebody_made_up_leads_to_the_list(client, people, code, said):
    run = queued_run(owner=people["broker"])
    client.force_login(people["broker"])
    for sort in (code, f"-{code}"):
        for back in (0, 1):
            raw = json.dumps([back, said, uuid4().hex]).encode()
            mark = base64.urlsafe_b64encode(raw).decode().rstrip("=")
            assert shown(client, f"sort={sort}&at={mark}") == ids(run)


def test_headings_say_and_turn_the_order(client, people):
    first = begun(queued_run(), timezone.now() - timedelta(days=2))
    second = queued_run()
    as_if(first, top_cost=900)
    as_if(second, top_cost=100)
    client.force_login(people["admin"])
    html = client.get(URL).content.decode()
    assert '<th scope="col" class="num" aria-sort="descending"><a class="sort' in html
    assert html.count("aria-sort") == 1
    assert 'href="/runs/?sort=-cost"' in html
    assert 'href="/runs/?sort=started"' in html
    assert order_shown(client) == [str(second.pk), str(first.pk)]
    assert order_shown(client, "sort=-cost") == [str(first.pk), str(second.pk)]
    html = client.get(f"{URL}?sort=-cost&service=sandbox").content.decode()
    assert 'href="/runs/?service=sandbox&amp;sort=cost"' in html
    assert 'name="sort" value="-cost"' in html  # filtering keeps the order


@pytest.mark.parametrize(
    "mark",
    ["x", "%00", "W10", "WzAsIm5hTiIsImEiXQ", "WzAsMSwyXQ", "é", "WzAsbnVsbCwiYSJd", "A" * 5000,
     "eyJhIjoxfQ", "WzAsIjk5OTk5OTk5OTk5OTk5OTkiLCI0ZTk4MTFmMjlkZTA0MmI4OTAxYjk0ZDZkZjM4YjJmOSJd"],
)  # fmt: skip
@pytest.mark.parametrize("sort", ["", "cost", "--cost", "nothing", "-waited"])
def test_a_place_that_this_order_never_gave_is_the_beginning(client, people, mark, sort):
    run = queued_run()
    client.force_login(people["admin"])
    assert shown(client, f"sort={sort}&at={mark}") == ids(run)


def test_counting_stops_where_nobody_pages_to(client, people, monkeypatch):
    monkeypatch.setattr(run_counts, "MOST_COUNTED", 5)
    monkeypatch.setattr(run_counts, "MOST_ON_A_CHIP", 4)
    monkeypatch.setattr(run_counts._numbers, "kept", {})
    many_runs(import_example().insured, 7)
    client.force_login(people["admin"])
    page = words(client.get(URL))
    assert "More than 5 runs" in page
    assert "Under way 4+" in page
    assert "More than 5 runs" in words(client.get(f"{URL}?state=under_way"))


@pytest.mark.parametrize("name", ["broker", "other", "manager", "admin", "nobody"])
def test_what_a_list_counts_at_once_is_what_each_way_into_it_shows(people, name):
    late = timezone.now() - timedelta(minutes=20)
    for make in (made.completed_run, made.waiting_run, made.lost_run, made.failed_run):
        make(people["broker"])
    made.waiting_run(people["other"], at=late)
    made.answer(made.waiting_run(people["broker"]), {"status": "completed", "solutions": []})
    user = make_user("nobody", None) if name == "nobody" else people[name]
    seen, now = RunFact.objects.visible_to(user), timezone.now()
    counts = run_counts.counts(user, shared_with(user), now, every=True)
    assert counts.every == run_counts.Counted(seen.count(), more=False)
    for group, count in counts.chips.items():
        rows = run_counts.in_group(seen, group, run_counts.late_at(now))
        assert count == run_counts.Counted(rows.count(), more=False), group
    assert run_counts.counts(user, shared_with(user), now, every=False).every is None
    if name == "admin":
        assert min(each.number for each in counts.chips.values()) == 1


def test_a_run_whose_insured_nobody_has_is_nobodys(client, people):
    run = as_if(queued_run(owner=people["broker"]), broker=None)
    client.force_login(people["admin"])
    assert shown(client, "broker=none") == ids(run)
    assert '<td data-label="Broker">nobody</td>' in client.get(URL).content.decode()


@pytest.mark.parametrize("query", ["", "sort=-cost", "overridden=yes", "carrier={carrier}"])
def test_queries_do_not_grow_with_rows_and_load_no_documents(client, people, query):
    client.force_login(people["admin"])
    insured = import_example(owner=people["broker"]).insured
    run = made.completed_run(people["broker"], insured=insured)
    carrier = run.solutions.get(rank=1).lines.all()[0].carrier_id
    query = query.format(carrier=carrier)

    def count() -> CaptureQueriesContext:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(f"{URL}?{query}").status_code == 200
        return seen

    def grow(to: int) -> None:
        like = RunFact.objects.get(pk=run.pk)
        many_runs(insured, to - Run.objects.count())
        RunFact.objects.update(
            top_cost=like.top_cost, overridden=True, packages=2, state="completed"
        )

    grow(5)
    count()
    few = len(count())
    grow(60)
    many = count()
    assert len(many) <= few  # a full page of known values does not ask for the unknown
    heavy = ("request_body", '"response"', '"document"', "error_details", 'quotes_run"')
    assert not [q["sql"] for q in many for name in heavy if name in q["sql"]]

"""The worklist: what it shows, to whom, and at what cost."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from quotes.models import NexioService, Quote
from quotes.services.review.revisits import ask_to_revisit
from quotes.services.sharing import share_insured
from quotes.services.worklist import MOST_RECENT, FirstPackage, read_work
from tests import runs as made
from tests.decided import choose
from tests.factories import import_example, make_user, queued_run
from tests.views.run_lists import as_if, ids, shown
from tests.views.test_runs import words

pytestmark = pytest.mark.django_db
URL = reverse("quotes:worklist")


def look(client, user) -> str:
    client.force_login(user)
    response = client.get(URL)
    assert response.status_code == 200
    return str(response.content.decode())


def test_empty_for_a_new_broker(client, people):
    html = look(client, people["broker"])
    assert "No insureds yet" in html
    assert f'href="{reverse("quotes:import_new")}"' in html, (
        "what the words offer is a link as well"
    )
    assert reverse("quotes:insured_create") in html


def test_somebody_without_a_role_is_told(client, db):
    assert "no role yet" in look(client, make_user("nobody", None))


def test_runs_are_under_way_or_need_a_person_or_are_done(client, people):
    broker = people["broker"]
    going = made.waiting_run(broker)
    lost = made.lost_run(broker, name="home_auto.json")
    done = made.completed_run(broker, name="florida_coast.json")
    html = look(client, broker)
    needing, rest = html.split('id="under-way"')
    way, recent = rest.split('id="recent"')
    assert reverse("quotes:run_detail", args=[lost.pk]) in needing
    assert reverse("quotes:run_detail", args=[going.pk]) in way
    assert reverse("quotes:run_detail", args=[done.pk]) in recent
    assert "hx-trigger" in way
    first = done.solutions.get(rank=1)
    assert f"{first.est_cost_low:,.0f}" in recent or f"{first.est_cost_low:,.2f}" in recent
    assert "1 run under way · 1 needs you" in words(html)


def test_it_refreshes_only_while_something_is_under_way(client, people):
    made.completed_run(people["broker"])
    assert "hx-trigger" not in look(client, people["broker"])


def test_an_ended_session_is_sent_to_sign_in(client, db):
    response = client.get(URL, headers={"HX-Request": "true"})
    assert response["HX-Redirect"].startswith(reverse("account_login"))
    assert client.get(URL).status_code == 302


def test_a_later_run_settles_a_refused_one_but_not_a_lost_one(client, people):
    broker = people["broker"]
    refused = made.rejected_run(broker)
    lost = made.lost_run(broker, name="home_auto.json")
    with time_machine.travel(timezone.now() - timedelta(days=15)):
        old = made.failed_run(broker, name="home_only.json")
    needing = look(client, broker).split('id="under-way"')[0]
    assert str(refused.pk) in needing
    assert str(lost.pk) in needing
    assert str(old.pk) not in needing
    made.waiting_run(broker, insured=refused.insured)
    made.waiting_run(broker, insured=lost.insured)
    needing = look(client, broker).split('id="under-way"')[0]
    assert str(refused.pk) not in needing
    assert str(lost.pk) in needing


def test_a_run_without_a_package_needs_a_person_and_is_no_green_success(client, people):
    broker = people["broker"]
    none = {"output": {"diagnostic": "Nobody writes there."}, "solutions": []}
    run = made.answer(made.waiting_run(broker), {"status": "completed", **none})
    html = look(client, broker)
    needing = html.split('id="under-way"')[0]
    assert str(run.pk) in needing
    assert "Nobody writes there." in needing
    assert 'class="state state--no_package">no package<' in needing
    for page in (
        URL,
        reverse("quotes:run_list"),
        reverse("quotes:insured_list"),
        reverse("quotes:insured_detail", args=[run.insured_id]),
        reverse("quotes:run_detail", args=[run.pk]),
    ):
        text = client.get(page).content.decode()
        assert "state--no_package" in text, page
        assert "state--completed" not in text, page
    made.completed_run(broker, insured=run.insured)
    assert str(run.pk) not in look(client, broker).split('id="under-way"')[0]


def test_expiry_is_the_same_on_the_worklist_and_the_insureds_page(client, people):
    insured = import_example("home_only.json", people["broker"]).insured
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    detail = reverse("quotes:insured_detail", args=[insured.pk])
    for days, warned in ((7, True), (8, False)):
        end = midnight + timedelta(days=days + 1)
        Quote.objects.filter(insured=insured).update(expires_at=end)
        assert ("#quote-" in look(client, people["broker"])) is warned
        assert ("in 7 days" in client.get(detail).content.decode()) is warned


@pytest.mark.parametrize(
    ("field", "what"), [("submits_held_until", "are sent"), ("polls_held_until", "are asked for")]
)
def test_a_wait_that_nexio_asked_for_is_told_on_every_page(client, people, nexio, field, what):
    run = queued_run(owner=people["broker"])
    service = made.service_of(run)
    until = timezone.now() + timedelta(minutes=5)
    NexioService.objects.filter(pk=service.pk).update(**{field: until})
    for name, args in (
        ("worklist", []),
        ("run_list", []),
        ("insured_list", []),
        ("insured_detail", [run.insured_id]),
        ("run_detail", [run.pk]),
    ):
        client.force_login(people["broker"])
        text = words(client.get(reverse(f"quotes:{name}", args=args)).content.decode())
        assert text.count("Nexio asked us to wait until") == 1, name
        assert what in text or name == "run_detail"
    NexioService.objects.filter(pk=service.pk).update(**{field: timezone.now()})
    assert "asked us to wait" not in look(client, people["broker"])


def test_quotes_about_to_expire(client, people):
    insured = import_example(owner=people["broker"]).insured
    soon, gone, far, past = Quote.objects.filter(insured=insured)[:4]
    for quote, days in ((soon, 3), (gone, -3), (far, 20), (past, -20)):
        expires = timezone.now() + timedelta(days=days)
        Quote.objects.filter(pk=quote.pk).update(expires_at=expires)
    panel = look(client, people["broker"]).split('id="h-exp"')[1]
    assert f"#quote-{soon.pk}" in panel
    assert f"#quote-{gone.pk}" in panel
    assert str(far.pk) not in panel
    assert str(past.pk) not in panel


def test_another_brokers_work_is_not_there(client, people):
    made.lost_run(people["broker"])
    html = look(client, people["other"])
    assert "No insureds yet" in html
    assert "submission unknown" not in html


@pytest.mark.parametrize("role", ["manager", "admin"])
def test_managers_see_the_offices_runs_and_the_way_to_all(client, people, role):
    going, lost = made.waiting_run(people["broker"]), made.lost_run(people["other"])
    html = look(client, people[role])
    assert reverse("quotes:run_detail", args=[going.pk]) in html
    assert reverse("quotes:run_detail", args=[lost.pk]) in html
    assert reverse("quotes:run_list") in html
    assert "My insureds" not in html


@pytest.mark.parametrize("role", ["manager", "admin"])
def test_what_is_reviewed_most_is_a_link_away(client, people, role, time_machine):
    time_machine.move_to("2026-11-16 15:00:00+00:00", tick=True)
    broker = people["broker"]
    ending, later = made.completed_run(broker), made.completed_run(broker)
    as_if(ending, expires_at=timezone.now() + timedelta(days=3))
    as_if(later, expires_at=timezone.now() + timedelta(days=30))
    overridden, lost = made.completed_run(broker), made.lost_run(broker)
    choose(overridden, broker, rank=2)
    as_if(overridden, expires_at=timezone.now() + timedelta(days=3))
    page = look(client, people[role])
    found = re.findall(r'href="/runs/[?]all=1&amp;([^"]+)">([^<]+)', page)
    seen = {unescape(name): shown(client, unescape(codes)) for codes, name in found}
    assert seen == {
        "Undecided, a price ends within 7 days": ids(ending),
        "Not Nexio's first rank, last 30 days": ids(overridden),
        "Went wrong": ids(lost),
    }
    assert "Went wrong" not in look(client, broker)


def test_who_is_broker_and_manager_has_their_own_insureds_too(client, people):
    both = make_user("both", "broker")
    both.groups.add(Group.objects.get(name="manager"))
    mine = import_example("home_only.json", both).insured
    theirs = import_example("home_auto.json", people["other"]).insured
    Quote.objects.update(expires_at=timezone.now() + timedelta(days=2))
    lost = made.lost_run(people["other"], insured=theirs)
    html = look(client, both)
    assert reverse("quotes:run_detail", args=[lost.pk]) in html
    assert reverse("quotes:run_list") in html
    assert reverse("quotes:insured_create") in html
    for panel in ('id="h-mine"', 'id="h-exp"'):
        rows = html.split(panel)[1].split("</section>")[0]
        assert reverse("quotes:insured_detail", args=[mine.pk]) in rows
        assert reverse("quotes:insured_detail", args=[theirs.pk]) not in rows


def test_queries_do_not_grow_with_rows_and_load_no_documents(client, people):
    broker = people["broker"]

    def fill(count: int) -> None:
        insured = import_example("home_only.json", broker).insured
        for _ in range(count):
            for make in (made.waiting_run, made.completed_run, made.lost_run):
                make(broker, insured=insured)
        Quote.objects.update(expires_at=timezone.now() + timedelta(days=2))

    def count() -> CaptureQueriesContext:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(URL).status_code == 200
        return seen

    client.force_login(broker)
    fill(2)
    client.get(URL)
    few = len(count())
    for name in ("example_input.json", "home_auto.json", "florida_coast.json"):
        import_example(name, broker)
    fill(6)
    many = count()
    assert len(many) == few
    assert not [q for q in many if "_body" in q["sql"] or '"document"' in q["sql"].split("FROM")[0]]


def test_what_others_ask_is_told_where_else_nothing_waits(client, people):
    runs = [
        made.completed_run(people["broker"], name=name)
        for name in ("home_only.json", "home_auto.json")
    ]
    assert "nothing waits for you" in words(look(client, people["broker"]))
    ask_to_revisit(run=runs[0], actor=people["manager"], text="Look at the deductible.")
    html = look(client, people["broker"])
    assert "1 request waits for you" in words(html)
    assert "nothing waits" not in words(html)
    assert reverse("quotes:inbox") in html.split("1 request waits")[0].rsplit("<a", 1)[1]
    assert "nothing waits for a person" in words(look(client, people["manager"])), "who asked"
    look(client, people["broker"])
    with CaptureQueriesContext(connection) as one:
        look(client, people["broker"])
    ask_to_revisit(run=runs[1], actor=people["manager"], text="And at this one.")
    with CaptureQueriesContext(connection) as two:
        assert "2 requests wait for you" in words(look(client, people["broker"]))
    assert len(two) == len(one)


def test_what_was_completed_last_is_shown_though_others_were_started_later():
    broker = make_user("waits-long", "broker")
    long = made.waiting_run(broker)
    for _ in range(MOST_RECENT):
        made.completed_run(broker, insured=long.insured)
    last = timezone.now() + timedelta(minutes=30)
    long = made.answer(long, {"status": "completed", "solutions": []}, at=last)
    found = read_work(broker, last).recent
    assert found[0] == long
    assert len(found) == MOST_RECENT


def test_a_first_rank_is_told_by_its_cost_and_each_of_its_carriers_once(people):
    run = made.completed_run(people["broker"])
    first = run.solutions.get(rank=1)
    second = run.solutions.exclude(pk=first.pk).order_by("position").first()
    assert second is not None
    named = [line.shown_carrier for line in first.lines.order_by("position")]
    assert len(named) > 1

    def told() -> FirstPackage:
        return read_work(people["broker"], timezone.now()).first[run.pk]

    assert told().carriers == list(dict.fromkeys(named))
    second.rank = 1  # two that Nexio ranked alike: the one it named first
    second.save()
    earlier = min(first, second, key=lambda each: each.position)
    assert told().cost_low == earlier.est_cost_low
    earlier.lines.all().delete()
    assert told() == FirstPackage(earlier.est_cost_low, earlier.est_cost_high, [])


def test_an_insureds_last_run_is_told_though_no_list_of_runs_holds_it(client, people):
    old = timezone.now() - timedelta(days=60)
    with time_machine.travel(old, tick=True):
        run = made.rejected_run(people["broker"])
    assert run.state == "rejected"
    found = read_work(people["broker"], timezone.now())
    assert not found.needing
    assert [row.last_run for row in found.insureds] == [run]
    assert "rejected" in look(client, people["broker"])


def test_a_fuller_worklist_sends_no_more_statements(client):
    broker = make_user("grows", "broker")
    made.completed_run(broker)
    made.waiting_run(broker)
    look(client, broker)
    with CaptureQueriesContext(connection) as few:
        assert "Needs you" not in look(client, broker)
    for _ in range(3):
        made.rejected_run(broker)
        made.lost_run(broker)
        made.completed_run(broker)
    with CaptureQueriesContext(connection) as more:
        assert "Needs you" in look(client, broker)
    assert len(more) == len(few)


def test_premiums_in_force_are_added_up_where_all_are_stated(people):
    insured = import_example(owner=people["broker"]).insured
    import_example(owner=people["broker"], name="home_auto.json")
    import_example(owner=people["other"])
    whole = sum(policy.annual_premium for policy in insured.incumbents.all())

    def told() -> tuple[int, object]:
        own = read_work(people["broker"], timezone.now())
        return own.insured_count, {r.insured.pk: r.incumbent for r in own.insureds}[insured.pk]

    assert told() == (2, whole)
    insured.incumbents.filter(line="home").update(annual_premium=None)
    assert told() == (2, None)
    insured.incumbents.all().update(annual_premium=None)
    assert told() == (2, None)
    insured.incumbents.all().delete()
    assert told() == (2, None)


def test_whose_a_shared_insured_is_costs_one_statement_more(client, people):
    insured = import_example(owner=people["other"]).insured
    share_insured(insured=insured, colleague=people["broker"], actor=people["other"])
    made.completed_run(people["other"], insured=insured)
    html = look(client, people["broker"])
    assert html.count(f"shared by {people['other'].shown_name}") >= 2
    assert f"shared by {people['other'].shown_name}" not in look(client, people["other"])
    with CaptureQueriesContext(connection) as seen:
        found = read_work(people["broker"], timezone.now()).recent
        assert [run.insured.owner for run in found] == [people["other"]]
    asked = [query["sql"] for query in seen if 'FROM "quotes_user"' in query["sql"]]
    assert len(asked) == 1

"""The filters of the list of runs: every code the dashboard links to, and garbage."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.http import QueryDict
from django.utils import timezone

from quotes.forms.run_filter_form import OFFERED, RunFilterForm
from quotes.forms.run_filters import RunFilter
from quotes.models import Carrier, Office, Run, RunCarrier
from quotes.services import run_facts, run_search
from tests import runs as made
from tests.decided import bring_to, choose
from tests.factories import main_office, make_user, queued_run
from tests.views.pages import words
from tests.views.run_lists import URL, as_if, ids, search, shown

pytestmark = pytest.mark.django_db


def test_a_brokers_filter_is_no_way_to_others(client, people):
    queued_run(owner=people["other"])
    client.force_login(people["broker"])
    assert shown(client, f"broker={people['other'].pk}") == set()


def test_filters_by_state_and_groups(client, people):
    broker = people["admin"]
    going = made.waiting_run()
    late = made.waiting_run(at=timezone.now() - timedelta(minutes=20))
    done = made.completed_run()
    degraded = made.completed_run(status="degraded")
    empty = made.answer(made.waiting_run(), {"status": "completed", "solutions": []})
    lost = made.lost_run()
    client.force_login(broker)
    assert shown(client, "state=waiting") == ids(going, late)
    assert shown(client, "state=under_way") == ids(going, late)
    assert shown(client, "state=overdue") == ids(late)
    assert shown(client, "state=degraded") == ids(degraded)
    assert shown(client, "state=completed") == ids(done, degraded, empty)
    assert shown(client, "state=no_package") == ids(empty)
    assert shown(client, "state=needs_person") == ids(lost)
    html = client.get(URL).content.decode()
    assert "Overdue 1" in html
    assert "overdue</span>" in html


@pytest.mark.parametrize("pair", ["since={}&until={}", "expires_since={}&expires_until={}"])
def test_days_the_wrong_way_round_are_told_and_narrow_nothing_by_the_last(client, people, pair):
    run = queued_run(owner=people["broker"])
    as_if(run, expires_at=timezone.now())
    client.force_login(people["broker"])
    query = pair.format("2020-03-02", "2020-03-01")
    assert "The last day is before the first one." in words(client.get(f"{URL}?{query}"))
    assert shown(client, query) == ids(run)
    same_day = pair.format("2020-03-02", "2020-03-02")
    assert "The last day is before the first one." not in words(client.get(f"{URL}?{same_day}"))
    assert shown(client, same_day) == set()


def test_filters_by_line_service_day_and_first_carrier(client, people):
    old = made.completed_run(name="home_only.json")
    Run.objects.filter(pk=old.pk).update(
        created_at=timezone.now() - timedelta(days=9), sandbox=False
    )
    run_facts.refresh(old.pk)
    new = made.completed_run(name="home_auto.json")
    client.force_login(people["admin"])
    assert shown(client, "line=auto") == ids(new)
    assert shown(client, "line=home") == ids(new, old)
    assert shown(client, "service=nexio") == ids(old)
    assert shown(client, "service=sandbox") == ids(new)
    day = timezone.localdate() - timedelta(days=9)
    assert shown(client, f"since={day + timedelta(days=1)}") == ids(new)
    assert shown(client, f"until={day}") == ids(old)
    assert shown(client, f"since={day}&until={day}") == ids(old)
    first = new.solutions.get(rank=1).lines.all()[0]
    also_old = old.solutions.get(rank=1).lines.filter(carrier=first.carrier).exists()
    expected = ids(new, old) if also_old else ids(new)
    assert shown(client, f"carrier={first.carrier_id}") == expected
    lonely = Carrier.objects.named("Carrier of nothing")
    assert shown(client, f"carrier={lonely.pk}") == set()


@pytest.mark.parametrize(
    "query",
    [
        "state=nonsense", "broker=x", "broker=999999999999999999999", "carrier=%00", "line=boat",
        "since=yesterday", "since=0001-01-01&until=9999-12-31", "since=2026-02-30", "page=x",
        "page=-1", "page=99999", "page=%00", "state=%00", "state=a&state=b", "service=%F0%9F",
        "x[]=1",
    ],
)  # fmt: skip
def test_garbage_in_the_address_never_breaks_the_page(client, people, query):
    queued_run(owner=people["broker"])
    client.force_login(people["admin"])
    response = client.get(f"{URL}?{query}")
    assert response.status_code == 200
    assert b"\0" not in response.content


def test_filters_by_decision_override_and_label(client, people, time_machine):
    time_machine.move_to("2026-11-16 15:00:00+00:00", tick=False)
    broker = people["broker"]
    open_run, first = made.completed_run(broker), made.completed_run(broker)
    choose(first, broker, rank=1)
    bound = bring_to(made.completed_run(broker), "bound", broker)
    client.force_login(people["manager"])
    assert shown(client, "decision=undecided") == ids(open_run)
    assert shown(client, "decision=decided") == ids(first, bound)
    assert shown(client, "decision=bound") == ids(bound)
    assert shown(client, "overridden=yes") == ids(bound)
    assert shown(client, "overridden=no") == ids(first)
    as_if(first, top_label="only_here")
    as_if(bound, chosen_label="only_here")
    assert shown(client, "label=only_here") == ids(first, bound)
    assert "rank 2, not the first" in words(client.get(f"{URL}?overridden=yes"))


@pytest.mark.parametrize("many", [run_search.MANY_TO_SORT, -1], ids=["rare", "frequent"])
def test_a_carrier_is_found_by_the_part_it_has(client, people, time_machine, monkeypatch, many):
    monkeypatch.setattr(run_search, "MANY_TO_SORT", many)
    time_machine.move_to("2026-11-16 15:00:00+00:00", tick=False)
    broker = people["broker"]
    run, bound = made.completed_run(broker), bring_to(made.completed_run(broker), "bound", broker)
    top = {line.carrier for line in run.solutions.get(rank=1).lines.all() if line.carrier}
    second = {line.carrier for line in run.solutions.get(rank=2).lines.all() if line.carrier}
    quoted = Carrier.objects.filter(quotes__insured=run.insured).distinct()
    nowhere = next(each for each in quoted if each not in top | second)
    in_bound = next(iter(second))
    client.force_login(people["admin"])
    assert shown(client, f"carrier={nowhere.pk}") == set()
    assert shown(client, f"carrier={nowhere.pk}&part=quoted") == ids(run, bound)
    assert shown(client, f"carrier={next(iter(top)).pk}&part=top") == ids(run, bound)
    assert shown(client, f"carrier={in_bound.pk}&part=bound") == ids(bound)
    assert shown(client, f"carrier={in_bound.pk}&part=chosen") == ids(bound)
    assert ids(bound) <= shown(client, f"carrier={in_bound.pk}")
    assert shown(client, "part=bound") == ids(run, bound)  # a part of no carrier says nothing


@pytest.mark.parametrize("role", ["admin", "manager", "broker"])
def test_as_many_runs_of_a_carrier_are_counted_as_are_shown(client, people, time_machine, role):
    """Each once, in whatever parts the carrier is in it; and none that the reader does not see."""
    time_machine.move_to("2026-11-16 15:00:00+00:00", tick=False)
    broker = people["broker"]
    run = bring_to(made.completed_run(broker), "bound", broker)
    made.completed_run(broker), made.completed_run(people["other"])
    carrier = RunCarrier.objects.filter(run=run, part="bound").first()
    assert carrier is not None
    assert carrier.carrier is not None
    client.force_login(people[role])
    both = f"carrier={carrier.carrier_id}"
    for query in (both, f"{both}&part=quoted", f"{both}&part=bound", f"{both}&state=completed"):
        response = client.get(f"{URL}?{query}")
        assert response.context["count"].number == len(response.context["page"].rows) > 0, query
    for text in (carrier.carrier.name, carrier.carrier.name[:4]):
        search(client, text)
        for query in ("", both, f"{both}&part=bound"):
            response = client.get(f"{URL}?{query}")
            assert response.context["count"].number == len(response.context["page"].rows) > 0


def test_filters_by_failure_and_nexios_own_status(client, people):
    failed, lost = made.failed_run(), made.lost_run()
    going = made.answer(made.waiting_run(), {"status": "processing", "stage": "EVALUATE"})
    degraded = made.completed_run(status="degraded")
    client.force_login(people["admin"])
    assert shown(client, "failure=failed:evaluate_timeout") == ids(failed)
    assert shown(client, "failure=submit_unknown") == ids(lost)
    assert shown(client, "failure=failed:never_seen") == set()
    assert (
        "Nexio failed: never seen"
        in client.get(f"{URL}?failure=failed:never_seen").content.decode()
    )
    assert shown(client, "nexio=degraded") == ids(degraded)
    # A poll writes no fact: the list asks the run itself while it is under way.
    assert shown(client, "nexio=processing") == ids(going)
    assert shown(client, "nexio=queued") == set()
    assert shown(client, "state=with_packages") == ids(degraded)
    assert "Nexio failed: evaluate timeout" in words(client.get(f"{URL}?state=failed"))


def test_undecided_runs_whose_prices_end_are_found_by_the_last_day(client, people, time_machine):
    time_machine.move_to("2026-11-16 15:00:00+00:00", tick=False)
    broker = people["broker"]
    run, decided = made.completed_run(broker), made.completed_run(broker)
    choose(decided, broker)
    client.force_login(people["manager"])
    # The example's first price holds through November 30.
    assert "Nov 30, 2026" in words(client.get(URL))
    assert shown(client, "expires_until=2026-11-29") == set()
    assert shown(client, "decision=undecided&expires_until=2026-11-30") == ids(run)
    assert shown(client, "expires_since=2026-11-30") == ids(run, decided)
    assert shown(client, "expires_since=2026-12-01") == set()


def test_managers_filter_by_the_offices_they_see(client, people):
    north = Office.objects.create(name="North office")
    far = make_user("far", "broker", office=north)
    mine, theirs = queued_run(owner=people["broker"]), queued_run(owner=far)
    client.force_login(people["manager"])
    assert shown(client) == ids(mine)
    assert 'name="office"' not in client.get(URL).content.decode()
    assert shown(client, f"office={north.pk}") == ids(mine)  # no filter of theirs, so none
    people["manager"].oversees.add(north)
    assert shown(client) == ids(mine, theirs)
    assert shown(client, f"office={north.pk}") == ids(theirs)
    assert shown(client, f"office={main_office().pk}") == ids(mine)
    assert shown(client, f"broker={far.pk}") == ids(theirs)


def test_lines_are_all_of_those_ticked(client, people):
    home = made.completed_run(name="home_only.json")
    both = made.completed_run(name="home_auto.json")
    client.force_login(people["admin"])
    assert shown(client, "line=home") == ids(home, both)
    assert shown(client, "line=home&line=auto") == ids(both)
    page = client.get(f"{URL}?line=home&line=auto&sort=-cost").content.decode()
    assert page.count("checked") == 2
    assert "line=home&amp;line=auto" in page


def test_costs_are_shown_as_nexio_gave_them(client, people):
    run = made.completed_run()
    as_if(run, top_cost=Decimal("12840"), top_cost_high=Decimal("13900"))
    client.force_login(people["admin"])
    assert "$12,840 – $13,900" in words(client.get(URL))
    as_if(run, top_cost=Decimal(0), top_cost_high=Decimal(0))
    assert " $0 " in words(client.get(URL))


def test_a_reason_is_no_choice_of_the_forms_until_a_link_brings_one(client, people, time_machine):
    time_machine.move_to("2026-11-16 15:00:00+00:00", tick=True)
    run = made.completed_run(people["broker"])
    choose(run, people["broker"])
    step = run.decision_events.get().pk
    client.force_login(people["manager"])
    assert 'name="reason"' not in client.get(URL).content.decode()
    assert 'name="reason"' in client.get(f"{URL}?reason={step}").content.decode()


def test_what_one_person_is_offered_no_other_is(people):
    made.completed_run(people["broker"])
    query = "label=came_by_a_link&failure=odd:code&reason=1&nexio=new&state=bogus&broker=none"
    admins = RunFilter(QueryDict(query), user=people["admin"])
    assert dict(admins.form.offered["label"])["came_by_a_link"] == "came_by_a_link"
    assert set(admins.form.errors) == {"state"}
    brokers = RunFilter(QueryDict(""), user=people["broker"])
    assert {"broker", "office"}.isdisjoint(brokers.form.fields)
    assert not brokers.form.errors
    html = "".join(str(field) for field in brokers.form)
    for word in ("came_by_a_link", "odd:code", "No broker", people["other"].username):
        assert word not in html
    for field in RunFilterForm.base_fields.values():
        assert field.__dict__.get("rows") is None
        assert not field.__dict__.get("code")
    assert all(not [*RunFilterForm.base_fields[name].widget.choices] for name in OFFERED)

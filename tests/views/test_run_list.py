"""The list of runs: who sees which, filters, search, pages, and at what cost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from quotes.models import Carrier, Run
from tests import runs as made
from tests.factories import import_example, queued_run

pytestmark = pytest.mark.django_db
URL = reverse("quotes:run_list")


def shown(client, query: str = "") -> set[str]:
    """The ids of the runs on the page."""
    response = client.get(f"{URL}?{query}")
    assert response.status_code == 200
    return {str(run.pk) for run in response.context["page"]}


def ids(*runs: Run) -> set[str]:
    return {str(run.pk) for run in runs}


def test_brokers_see_their_own_and_managers_all(client, people):
    mine, theirs = queued_run(owner=people["broker"]), queued_run(owner=people["other"])
    nobodys = queued_run()
    client.force_login(people["broker"])
    assert shown(client) == ids(mine)
    assert "Broker" not in client.get(URL).context["form"].as_p()
    for role in ("manager", "admin"):
        client.force_login(people[role])
        assert shown(client) == ids(mine, theirs, nobodys)
    assert shown(client, f"broker={people['other'].pk}") == ids(theirs)


def test_a_brokers_filter_is_no_way_to_others(client, people):
    queued_run(owner=people["other"])
    client.force_login(people["broker"])
    assert shown(client, f"broker={people['other'].pk}") == set()


def test_filters_by_state_and_groups(client, people):
    broker = people["manager"]
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


def test_filters_by_line_service_day_and_first_carrier(client, people):
    old = made.completed_run(name="home_only.json")
    Run.objects.filter(pk=old.pk).update(
        created_at=timezone.now() - timedelta(days=9), sandbox=False
    )
    new = made.completed_run(name="home_auto.json")
    client.force_login(people["manager"])
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
    client.force_login(people["manager"])
    response = client.get(f"{URL}?{query}")
    assert response.status_code == 200
    assert b"\0" not in response.content


def test_search_is_posted_and_kept_out_of_addresses(client, people):
    run = made.completed_run(people["broker"])
    other = made.waiting_run(people["broker"], name="home_only.json")
    client.force_login(people["broker"])
    line = run.solutions.get(rank=1).lines.all()[0]
    for text, found in (
        (run.insured.applicant_name[:6].lower(), ids(run)),
        (line.quote_ref, ids(run)),
        (other.nexio_run_id, ids(other)),
        (str(run.pk), ids(run)),
        ("no such thing", set()),
        ("'; --", set()),
        ("%", set()),
    ):
        response = client.post(reverse("quotes:run_search"), {"text": text})
        assert response["Location"] == URL
        assert shown(client) == found, text
    assert "No run fits" in client.get(URL).content.decode()
    client.post(reverse("quotes:run_search"), {"text": "x", "clear": "1"})
    assert shown(client) == ids(run, other)
    assert client.post(reverse("quotes:run_search"), {"text": "a\0b"}).status_code == 302
    assert client.get(reverse("quotes:run_search")).status_code == 405


def test_the_whole_list_forgets_the_search_and_keeps_the_codes(client, people):
    client.force_login(people["broker"])
    run = made.completed_run(people["broker"])
    client.post(reverse("quotes:run_search"), {"text": "nobody"})
    address = reverse("quotes:run_list")
    assert str(run.pk) not in client.get(address).content.decode()
    answer = client.get(address, {"all": "1", "state": "completed"})
    assert answer["Location"] == f"{address}?state=completed"
    assert str(run.pk) in client.get(answer["Location"]).content.decode()


def test_search_by_carrier_finds_quotes_and_packages(client, people):
    run = made.completed_run(people["broker"])
    client.force_login(people["broker"])
    client.post(reverse("quotes:run_search"), {"text": "larkspur"})
    assert shown(client) == ids(run)


def test_search_finds_no_other_brokers_runs(client, people):
    run = queued_run(owner=people["broker"])
    client.force_login(people["other"])
    client.post(reverse("quotes:run_search"), {"text": str(run.pk)})
    assert shown(client) == set()


def many_runs(insured, count: int) -> None:
    """Rows like a first run's, without the work of sending them."""
    like = queued_run(insured=insured)
    at = timezone.now()
    fields = {
        "insured": insured, "request": {}, "request_body": b"{}", "created_at": at,
        "coverage_types": ["home"], "service_url": like.service_url,
    }  # fmt: skip
    Run.objects.bulk_create(Run(number=like.number + n, **fields) for n in range(1, count))


def test_pages_hold_each_run_once_even_when_all_began_together(client, people):
    many_runs(import_example().insured, 120)
    client.force_login(people["manager"])
    seen = [shown(client, f"page={number}") for number in (1, 2, 3)]
    assert [len(each) for each in seen] == [50, 50, 20]
    assert len(set.union(*seen)) == 120
    html = client.get(f"{URL}?state=queued&line=home&page=2").content.decode()
    assert "state=queued&amp;line=home&amp;page=1" in html
    assert "51–100 of 119" in html or "51–100 of 120" in html


def test_queries_do_not_grow_with_rows_and_load_no_documents(client, people):
    client.force_login(people["manager"])
    insured = import_example().insured

    def count() -> CaptureQueriesContext:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(URL).status_code == 200
        return seen

    for _ in range(2):
        made.completed_run(insured=insured)
    count()
    few = len(count())
    for _ in range(10):
        made.completed_run(people["broker"])
    many = count()
    assert len(many) == few
    heavy = ("request_body", '"response"', '"document"', "error_details")
    assert not [q for q in many for name in heavy if name in q["sql"]]

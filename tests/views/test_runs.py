"""The run page: what each state shows, how it follows a run, and at what cost."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from quotes.models import NexioService, Run, Solution
from quotes.nexio import errors
from quotes.nexio.messages import Accepted
from quotes.services import outcomes
from tests import runs as made
from tests.factories import import_example, queued_run
from tests.fake_nexio import completed
from tests.views.pages import unfolded

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def broker(people, client):
    client.force_login(people["broker"])
    return people["broker"]


def page(client: Client, run: Run, status: int = 200) -> str:
    response = client.get(reverse("quotes:run_detail", args=[run.pk]))
    assert response.status_code == status
    return response.content.decode()


def words(html: str) -> str:
    """The page's text as read: no tags, single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def fragment(client: Client, run: Run, seen: str = ""):
    url = reverse("quotes:run_status", args=[run.pk])
    return client.get(url + (f"?seen={seen}" if seen else ""), headers=HTMX)


def post(client: Client, name: str, run: Run, **data: str):
    return client.post(reverse(f"quotes:{name}", args=[run.pk]), data)


# Under way ---------------------------------------------------------------------------------


def test_a_queued_run_refreshes_itself(client, broker):
    run = queued_run(owner=broker)
    html = page(client, run)
    assert f'hx-get="{reverse("quotes:run_status", args=[run.pk])}?seen=queued&amp;as=' in html
    assert "Waiting to be sent" in html
    assert "You can leave this page" in html
    assert '<noscript><meta http-equiv="refresh"' in html
    assert f'href="{reverse("quotes:run_detail", args=[run.pk])}">Refresh</a>' in html


def test_the_page_can_be_held_still_without_javascript(client, broker):
    run = queued_run(owner=broker)
    response = client.get(reverse("quotes:run_detail", args=[run.pk]) + "?still")
    assert "http-equiv" not in response.content.decode()


def test_the_next_look_is_just_after_the_next_check(client, broker):
    run = made.waiting_run(broker)
    Run.objects.filter(pk=run.pk).update(due_at=timezone.now() + timedelta(seconds=6), polls=5)
    response = fragment(client, run)
    found = re.search(r"load delay:([0-9.]+)s", response.content.decode())
    assert found is not None
    assert 5.5 < float(found[1]) <= 6.8
    assert "the sixth" in words(response.content.decode())
    Run.objects.filter(pk=run.pk).update(due_at=timezone.now() + timedelta(seconds=300))
    assert "load delay:35.0s" in fragment(client, run).content.decode()


def asked_for(html: str) -> str:
    """What the page asks for next."""
    found = re.search(r'hx-get="([^"]+)"', html)
    assert found is not None
    return unescape(found[1])


def test_while_only_time_passes_the_page_asks_for_one_sentence(client, broker):
    run = made.answer(made.waiting_run(broker), {"status": "processing", "stage": "EVALUATE"})
    address = asked_for(page(client, run))
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(
        polls=8, due_at=now + timedelta(seconds=30.5), last_polled_at=now,
        submitted_at=now - timedelta(minutes=4),
    )  # fmt: skip
    with CaptureQueriesContext(connection) as seen:
        response = client.get(address, headers=HTMX)
    html = response.content.decode()
    assert "HX-Retarget" not in response
    assert "Next check in 30 s, the ninth." in words(html)
    assert "4 min" in words(html)
    found = re.search(r"load delay:([0-9.]+)s", html)
    assert found is not None
    assert 30.5 < float(found[1]) < 31.5
    assert asked_for(html) == address
    assert "run-timeline" not in html
    assert len(html) < 1500
    assert len(seen) <= 10


@pytest.mark.parametrize(
    "change",
    [
        lambda run: made.answer(run, {"status": "processing", "stage": "FILTER"}),
        lambda run: made.answer(run, {"status": "queued", "stage": "EVALUATE"}),
        lambda run: run.note(at=timezone.now(), kind="bad_poll", text="Not JSON. Asking again."),
        lambda run: Run.objects.filter(pk=run.pk).update(
            due_at=timezone.now() - timedelta(minutes=1)
        ),
        lambda run: Run.objects.filter(pk=run.pk).update(
            submitted_at=timezone.now() - timedelta(hours=1)
        ),
        lambda run: outcomes.refuse_key(made.service_of(run), now=timezone.now()),
        lambda run: outcomes.hold(
            made.service_of(run), until=timezone.now() + timedelta(minutes=1), polls=True
        ),
    ],
    ids=["stage", "backwards", "bad", "unattended", "overdue", "key", "held"],
)
def test_what_else_the_page_shows_comes_anew_when_it_changes(client, broker, change):
    run = made.answer(made.waiting_run(broker), {"status": "processing"})
    address = asked_for(page(client, run))
    assert "HX-Retarget" not in client.get(address, headers=HTMX)
    change(run)
    response = client.get(address, headers=HTMX)
    assert response["HX-Retarget"] == "#run-progress"
    html = response.content.decode()
    assert 'id="run-timeline"' in html
    assert asked_for(html) != address


def test_stage_and_steps(client, broker):
    run = made.waiting_run(broker)
    assert "Queued at Nexio" in words(page(client, run))
    made.answer(run, {"status": "processing", "stage": "FILTER"})
    assert "Filtering offerings" in words(page(client, run))
    made.answer(run, {"status": "processing", "stage": "EVALUATE"})
    text = words(page(client, run))
    assert "Evaluating packages" in text
    assert "stage EVALUATE" in text
    made.answer(run, {"status": "pondering", "stage": None})
    assert "Nexio says pondering" in words(page(client, run))


def test_the_announcer_is_written_only_when_the_stage_changed(client, broker):
    run = made.answer(made.waiting_run(broker), {"status": "processing", "stage": "EVALUATE"})
    fresh = fragment(client, run, "waiting-queued").content.decode()
    assert re.search(r'id="announcer" hx-swap-oob="innerHTML">Evaluating packages\.<', fresh)
    assert 'id="announcer"' not in fragment(client, run, "waiting-evaluate").content.decode()


def test_the_run_id_appears_with_the_acceptance(client, broker):
    run = made.submitting_run(broker)
    assert "Nexio run id —" in words(page(client, run))
    sent = {"run_id": "nx-just-accepted", "status": "queued"}
    reply = made.reply_of(Accepted, sent, 202)
    outcomes.submission_accepted(run, reply, now=timezone.now())
    html = fragment(client, run).content.decode()
    panel = html.split('id="run-identity" hx-swap-oob="true"')[1]
    assert "nx-just-accepted" in panel.split("</dl>")[0]


def test_usual_duration_only_after_five_runs(client, broker):
    insured = made.completed_run(broker).insured
    run = made.waiting_run(broker, insured=insured)
    assert "<progress" not in page(client, run)
    for _ in range(4):
        made.completed_run(broker, insured=insured)
    html = page(client, run)
    assert "<progress" in html
    assert "median of the last 5 completed runs" in words(html)


def test_overdue_run_says_what_it_means(client, broker):
    run = made.waiting_run(broker, at=timezone.now() - timedelta(minutes=24))
    text = words(page(client, run))
    assert "overdue" in text
    assert "It is not given up by itself" in text


def test_a_run_nobody_looks_after_says_so_and_asks_ever_more_rarely(client, broker):
    run = made.waiting_run(broker)
    Run.objects.filter(pk=run.pk).update(due_at=timezone.now() - timedelta(minutes=5))
    html = fragment(client, run).content.decode()
    assert "Nobody is looking after this run" in html
    assert "load delay:35.0s" in html


def test_key_refused_and_held_runs_say_why(client, broker):
    run = made.waiting_run(broker)
    service = made.service_of(run)
    until = timezone.now() + timedelta(minutes=3)
    NexioService.objects.filter(pk=service.pk).update(polls_held_until=until)
    assert "Nexio asked us to wait until" in words(page(client, run))
    NexioService.objects.filter(pk=service.pk).update(key_refused_at=timezone.now())
    assert "An administrator has been told" in words(page(client, run))


def test_run_of_another_service_address(client, broker):
    run = made.waiting_run(broker)
    Run.objects.filter(pk=run.pk).update(service_url="https://elsewhere.example")
    assert "Checking goes on when the app is pointed there again" in words(page(client, run))


def test_finished_run_replaces_the_page_and_stops_refreshing(client, broker):
    run = made.completed_run(broker)
    response = fragment(client, run, "waiting-evaluate")
    html = response.content.decode()
    assert response["HX-Retarget"] == "#run"
    assert "load delay" not in html
    assert "The run is completed." in html
    assert "<title>Ranked: " in html


@pytest.mark.parametrize("make", [made.failed_run, made.rejected_run, made.lost_run])
def test_runs_that_ended_otherwise_stop_refreshing_too(client, broker, make):
    run = make(broker)
    assert reverse("quotes:run_status", args=[run.pk]) not in page(client, run)
    assert "load delay" not in fragment(client, run).content.decode()


def test_fragment_opened_as_a_page_leads_to_the_page(client, broker):
    run = queued_run(owner=broker)
    response = client.get(reverse("quotes:run_status", args=[run.pk]))
    assert response.status_code == 302
    assert response["Location"] == reverse("quotes:run_detail", args=[run.pk])


def test_fragment_with_an_ended_session_leads_to_sign_in_and_back(client, people):
    run = queued_run(owner=people["broker"])
    response = fragment(client, run)
    home = reverse("quotes:run_detail", args=[run.pk])
    assert response["HX-Redirect"] == f"{reverse('account_login')}?next={home}"
    assert b"<form" not in response.content
    assert client.get(home).status_code == 302


# The end -----------------------------------------------------------------------------------


def test_completed_shows_the_ranking(client, broker):
    run = made.completed_run(broker)
    html = page(client, run)
    text = words(html)
    first, below = run.solutions.get(rank=1), unfolded(client, run)
    assert f"ranked for {run.insured.shown_name}" in text
    assert "Incumbent, requested lines $12,840" in text
    assert "of 9" in text
    assert re.search(r"\$\d[\d,.]* \d+ differences?, \d+ not stated", text)
    for line in first.lines.all():
        assert line.shown_carrier in text
        assert line.quote_ref in below
        assert line.quote_line is not None
        assert f"#quote-{line.quote_line.quote_id}" in below
    ranks = [solution.rank or 0 for solution in run.solutions.all()]
    shown = re.findall(r"<dt>Rank</dt><dd>(\d+)</dd>", html)
    assert [int(each) for each in shown] == sorted(ranks)
    assert "Sandbox, not Nexio" in text
    assert run.nexio_run_id in text


def test_a_quote_expired_by_then_is_marked_and_the_first_to_expire_is_named(client, broker):
    insured = import_example(owner=broker).insured
    first, second = insured.quotes.all()[:2]
    today = timezone.localdate()
    for quote, days in ((first, -2), (second, 3)):
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        quote.expires_at = midnight + timedelta(days=days + 1)
        quote.save()
    insured.quotes.exclude(pk__in=[first.pk, second.pk]).update(expires_at=None)
    run = made.completed_run(broker, insured=insured)
    text = words(page(client, run))
    gone = date_format(today - timedelta(days=2), "M j")
    assert f"{first.carrier_name} quote expired {gone}" in text
    assert f"{second.carrier_name} quote expired" not in text
    assert re.search(rf"First line expires {gone} 2 days ago {first.carrier_name} \w+", text)


def test_a_whole_package_says_what_the_bundle_takes_off(client, broker):
    run = made.waiting_run(broker)
    reply = completed(run.request)
    package = next(
        each
        for each in reply["solutions"]
        if len({o["provider_name"] for o in each["offerings"]}) == 1
    )
    sent = {each["id"]: each["attributes"] for each in run.request["offerings"]}
    price = sent[package["offerings"][0]["id"]]["package_premium_annual"]
    total = sum(sent[each["id"]]["line_premium_annual"] for each in package["offerings"])
    package["est_cost_low"] = package["est_cost_high"] = price
    text = words(page(client, made.answer(run, {"status": "completed", **reply})))
    assert price < total
    assert f"whole package, ${total - price:,.0f} bundle discount" in text


def test_missing_values_are_dashes_and_unmatched_lines_say_so(client, broker):
    run = made.waiting_run(broker)
    odd = {"solutions": [{"offerings": [{"category": "home"}, {"provider_name": "Nobody's"}]}]}
    run = made.answer(run, {"status": "completed", **odd})
    text = words(page(client, run))
    assert "not matched to a quote of ours" in words(unfolded(client, run))
    assert "Annual cost —" in text
    assert "the package does not cover the requested lines" in text
    assert "None" not in re.sub(r"Left out None|Diagnostic None given", "", text)


def test_range_shows_both_differences(client, broker):
    run = made.waiting_run(broker)
    reply = completed(run.request)
    reply["solutions"][0] |= {"est_cost_low": 12770, "est_cost_high": 13345}
    html = page(client, made.answer(run, {"status": "completed", **reply}))
    text = words(html)
    assert "$12,770 – $13,345" in text
    assert "−$70 to +$505" in text
    assert '<span class="amount">−$70</span> to <span class="amount">+$505</span>' in html


def test_degraded_is_a_success_with_a_warning(client, broker):
    run = made.waiting_run(broker)
    reply = completed(run.request)
    reply["output"]["degradation_reason"] = "ratings unavailable"
    text = words(page(client, made.answer(run, {"status": "degraded", **reply})))
    assert "ratings unavailable" in text
    assert "Ranked packages" in text


def test_zero_packages_with_diagnostic_and_our_own_check(client, broker):
    run = made.waiting_run(broker)
    none = {"output": {"diagnostic": "No provider satisfies 'umbrella'."}, "solutions": []}
    text = words(page(client, made.answer(run, {"status": "completed", **none})))
    assert "No provider satisfies &#x27;umbrella&#x27;." in text
    assert "Every requested line had offerings" in text


def test_zero_packages_names_the_line_without_an_offering(client, broker):
    run = made.waiting_run(broker)
    request = run.request
    request["offerings"] = [o for o in request["offerings"] if o["category"] != "umbrella"]
    Run.objects.filter(pk=run.pk).update(request=request)
    text = words(page(client, made.answer(run, {"status": "completed", "solutions": []})))
    assert "Umbrella was requested, and no offering was sent for it" in text
    assert "Every requested line had offerings" not in text


def test_failed_shows_error_and_details(client, broker):
    text = words(page(client, made.failed_run(broker)))
    assert "EVALUATE_TIMEOUT" in text
    assert "&quot;budget&quot;: 40" in text
    assert "Send again" in text


def test_rejected_shows_message_code_and_status(client, broker):
    text = words(page(client, made.rejected_run(broker)))
    assert "invalid_request: offerings[3] has no premium (HTTP 400)" in text
    assert "Mend what it names" in text


def test_rejected_for_the_key_is_not_the_brokers_to_mend(client, broker):
    refused = errors.KeyRefused("The key is refused.", http_status=401, body=b"{}")
    text = words(page(client, made.rejected_run(broker, refused)))
    assert "An administrator has been told" in text
    assert "Mend what it names" not in text


def test_submit_unknown_offers_three_ways(client, broker):
    text = words(page(client, made.lost_run(broker)))
    assert "Nobody can know whether Nexio took this submission" in text
    for way in ("Resubmit knowingly", "Link a known run", "Abandon this run"):
        assert way in text


def test_bad_response_offers_resume_and_abandon(client, broker):
    text = words(page(client, made.unreadable_run(broker)))
    assert "10 checks in a row" in text
    assert "Resume checking" in text
    assert "Abandon this run" in text


def test_texts_from_outside_are_escaped(client, broker):
    bad = "<script>alert(1)</script>"
    run = made.waiting_run(broker)
    reply = completed(run.request)
    reply["solutions"][0]["cluster_label"] = bad
    reply["solutions"][0]["scorecard"] = {"overall_level": 1, bad: bad}
    reply["solutions"][0]["offerings"][0]["provider_name"] = bad
    reply["solutions"][0]["offerings"][0]["category"] = '"><b>'
    runs = [made.answer(run, {"status": "completed", **reply})]
    zero = {"output": {"diagnostic": bad, "degradation_reason": bad}, "solutions": []}
    runs.append(made.answer(made.waiting_run(broker), {"status": "degraded", **zero}))
    failed = {"status": "failed", "error": bad, "error_details": {bad: bad}}
    runs.append(made.answer(made.waiting_run(broker), failed))
    runs.append(made.rejected_run(broker, made.refused(bad)))
    runs.append(made.answer(made.waiting_run(broker), {"status": bad, "stage": bad}))
    for each in runs:
        for html in (
            page(client, each), fragment(client, each).content.decode(), unfolded(client, each)
        ):  # fmt: skip
            assert "<script>alert" not in html
            assert '"><b>' not in html
    assert "&lt;script&gt;" in page(client, runs[1])


# Cost of a look ------------------------------------------------------------------------------


def queries(client: Client, url: str, **how) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(url, **how).status_code == 200
    return len(seen)


def test_queries_do_not_grow_with_packages_events_and_past_runs(client, broker):
    few = made.completed_run(broker)
    url = reverse("quotes:run_detail", args=[few.pk])
    client.get(url)
    before = queries(client, url)
    run = made.waiting_run(broker, insured=few.insured)
    reply = completed(run.request)
    reply["solutions"] *= 12
    run = made.answer(run, {"status": "completed", **reply})
    for _ in range(12):
        run.note(at=timezone.now(), kind="poll", text="Again.", actor=broker)
    assert Solution.objects.filter(run=run).count() >= 24
    client.get(reverse("quotes:run_detail", args=[run.pk]))  # the first look is logged
    assert queries(client, reverse("quotes:run_detail", args=[run.pk])) == before


def test_a_refresh_loads_no_documents(client, broker):
    run = made.waiting_run(broker)
    url = reverse("quotes:run_status", args=[run.pk])
    page(client, run)  # a session's time begins with its first page
    with CaptureQueriesContext(connection) as seen:
        client.get(url, headers=HTMX)
    assert not [q for q in seen if "_body" in q["sql"] or '"response"' in q["sql"]]
    assert len(seen) <= 12

"""The decision's pages: choosing, recording, and what each refusal says."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from quotes.models import DecisionEvent, Run, Solution, SolutionLine, User
from quotes.services import decisions
from tests import runs as made
from tests.decided import JUST_BEFORE, LATER, NOW, WHY, K, bring_to, choose, packages, said
from tests.factories import make_people
from tests.views.pages import form_values, signed_in, words

pytestmark = pytest.mark.django_db
XSS = '"><script>alert(1)</script>'


@pytest.fixture(autouse=True)
def _day() -> Any:
    with time_machine.travel(NOW):
        yield


def rows_that_stand() -> dict[str, Any]:
    with time_machine.travel(JUST_BEFORE):
        people = make_people()
        return {**people, "run": made.completed_run(people["broker"])}


@pytest.fixture
def people(rows: dict[str, Any]) -> dict[str, User]:
    return rows


@pytest.fixture
def run(rows: dict[str, Any]) -> Run:
    return rows["run"]  # type: ignore[no-any-return]


@pytest.fixture
def browser(people: dict[str, User]) -> Client:
    return signed_in(people["broker"])


def at(name: str, run: Run, **more: Any) -> str:
    return reverse(f"quotes:{name}", kwargs={"pk": run.pk, **more})


def choose_url(run: Run, rank: int) -> str:
    return at("run_choose", run, position=run.solutions.get(rank=rank).position)


def record(browser: Client, run: Run, kind: str, **given: Any) -> Any:
    data = {"version": decisions.version_of(run), "on": "2026-11-16", **given}
    return browser.post(at("run_record", run, kind=kind), data)


def test_from_the_ranked_list_to_a_choice(run: Run, browser: Client) -> None:
    page = browser.get(at("run_detail", run)).content.decode()
    assert choose_url(run, 2) in page
    form = browser.get(choose_url(run, 2))
    assert "It is not the first of Nexio's ranks" in words(form)
    values = form_values(form.content.decode())
    refused = browser.post(choose_url(run, 2), values)
    assert refused.status_code == 422
    assert "Write the reason" in words(refused)
    assert not run.decision_events.exists()
    done = browser.post(choose_url(run, 2), {**values, "reason": WHY}, follow=True)
    assert "Rank 2 is chosen." in words(done)
    listed = words(browser.get(at("run_detail", run)))
    assert f"Chosen Nov 16, 10:00 AM by broker: “{WHY}”" in listed
    assert choose_url(run, 2) not in browser.get(at("run_detail", run)).content.decode()


def test_a_reason_that_is_too_long_comes_back_whole(run: Run, browser: Client) -> None:
    """A browser would cut what is pasted into a field with `maxlength`, and say nothing."""
    values = form_values(browser.get(choose_url(run, 2)).content.decode())
    assert "maxlength" not in browser.get(choose_url(run, 2)).content.decode()
    long = "Better roof cover. " * 30 + "The end."
    refused = browser.post(choose_url(run, 2), {**values, "reason": long})
    assert f"Keep it to 500 characters; it has {len(long)}." in words(refused)
    assert long in refused.content.decode()


def test_the_first_rank_needs_no_reason(run: Run, browser: Client) -> None:
    values = form_values(browser.get(choose_url(run, 1)).content.decode())
    assert browser.post(choose_url(run, 1), values).status_code == 302
    assert "No reason was needed" in words(browser.get(at("run_decision", run)))


def test_an_expired_price_asks_for_a_tick(run: Run, browser: Client) -> None:
    with time_machine.travel(LATER):
        browser = signed_in(User.objects.get(username="broker"))
        page = browser.get(choose_url(run, 1))
        assert "The price of Quillfeather Insurance auto ended on Nov 30, 2026" in words(page)
        values = {"version": 0}
        refused = browser.post(choose_url(run, 1), values)
        assert refused.status_code == 422
        assert "Confirm below" in words(refused)
        ticked = "The price of Quillfeather Insurance auto ended on Nov 30, 2026"
        done = browser.post(choose_url(run, 1), {**values, "confirmed": ticked}, follow=True)
        assert "Chosen all the same" in words(done)


def test_a_superseded_run_says_so(run: Run, browser: Client, people: dict[str, User]) -> None:
    newer = made.completed_run(people["broker"], insured=run.insured)
    for address in (choose_url(run, 1), at("run_decision", run), at("run_proposal", run)):
        assert f"run {newer.number} of the same insured was completed later" in words(
            browser.get(address)
        )
    assert f"Run {newer.number} is newer" in words(browser.get(at("run_detail", run)))
    assert "superseded" not in words(browser.get(at("run_decision", newer)))


def test_a_form_made_stale_by_another_says_so_and_keeps_what_was_typed(
    run: Run, browser: Client, people: dict[str, User]
) -> None:
    old = form_values(browser.get(choose_url(run, 2)).content.decode())
    choose(run, people["broker"], rank=1)
    refused = browser.post(choose_url(run, 2), {**old, "reason": WHY})
    assert refused.status_code == 409
    assert "Something else was recorded after you opened this page" in words(refused)
    assert WHY in words(refused)
    # Drawn anew, it may be sent again.
    values = form_values(refused.content.decode())
    assert browser.post(choose_url(run, 2), {**values, "reason": WHY}).status_code == 302

    stale = record(browser, run, "reopened", reason="Second tab.", version=1)
    assert stale.status_code == 409
    assert "Second tab." in stale.content.decode()


def test_every_step_is_recorded_from_the_page(run: Run, browser: Client) -> None:
    choose(run, User.objects.get(username="broker"), rank=2)
    first, second = (str(run.solutions.get(rank=rank).position) for rank in (1, 2))
    steps: list[tuple[str, dict[str, Any], str]] = [
        ("shown", {"packages": [first, second], "how": "email"}, "Shown to the insured: rank 1"),
        ("option_declined", {"package": first, "reason": "Too dear."}, "Option declined: rank 1"),
        ("higher_limits_offered", {"line": "auto", "note": "500 CSL"}, "offered: Auto"),
        ("higher_limits_rejected", {"line": "auto", "note": "500 CSL"}, "rejected: Auto"),
        ("accepted", {"how": "phone", "note": "Called back."}, "Accepted: rank 2"),
        ("bound", {}, "Bound: rank 2"),
        ("reopened", {"reason": "Wrong household."}, "Reopened: rank 2"),
    ]
    for kind, given, told in steps:
        page = browser.get(at("run_decision", run)).content.decode()
        assert f'id="step-{kind}"' in page, kind
        response = record(browser, run, kind, **given)
        assert response.status_code == 302, (kind, words(response))
        assert told in words(browser.get(at("run_decision", run)))
    run.refresh_from_db()
    assert run.decision == "undecided"


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("shown", {"how": "email"}, "Tick the packages that were shown."),
    ("shown", {"packages": ["0"], "how": ""}, "Choose how."),
    ("shown", {"packages": ["999"], "how": "email"}, "not one of the available choices"),
    ("shown", {"packages": ["0"], "how": "email", "on": "soon"}, "Write a date"),
    ("declined", {"reason": ""}, "Write the reason"),
    ("reopened", {"reason": "x"}, "at least 3 characters"),
    ("higher_limits_offered", {"line": "", "note": "500 CSL"}, "Choose the line."),
    ("higher_limits_offered", {"line": "auto", "note": ""}, "Write which limits."),
]


@pytest.mark.parametrize(("kind", "given", "told"), MISTAKES)
def test_mistakes_are_named_beside_the_field(
    run: Run, browser: Client, kind: str, given: dict[str, Any], told: str
) -> None:
    bring_to(run, "shown", User.objects.get(username="broker"))
    before = DecisionEvent.objects.count()
    response = record(browser, run, kind, **given)
    assert response.status_code == 422
    assert told in words(response)
    assert "Nothing was done yet" in words(response)
    assert DecisionEvent.objects.count() == before


TOO_SOON: list[tuple[str, str, dict[str, Any], str]] = [
    ("undecided", "accepted", {}, "No package is chosen yet"),
    ("chosen", "accepted", {}, "not shown yet"),
    ("chosen", "bound", {}, "not recorded as accepted"),
    ("chosen", "shown", {"packages": ["0"], "how": "mail", "on": "2026-11-17"}, "still to come"),
    ("bound", "declined", {"reason": "Too late."}, "Reopen the decision"),
]


@pytest.mark.parametrize(("state", "kind", "given", "told"), TOO_SOON)
def test_steps_out_of_order_are_refused_with_a_way_on(
    run: Run, browser: Client, state: str, kind: str, given: dict[str, Any], told: str
) -> None:
    bring_to(run, state, User.objects.get(username="broker"))
    response = record(browser, run, kind, **given)
    assert response.status_code == 409
    assert told in words(response)


def test_others_see_the_decision_and_no_forms(run: Run, people: dict[str, User]) -> None:
    choose(run, people["broker"], rank=2)
    manager = signed_in(people["manager"])
    for name in ("run_decision", "run_detail"):
        page = manager.get(at(name, run)).content.decode()
        assert WHY in page
        assert "/choose/" not in page
        assert "/decision/shown/" not in page
    assert manager.get(choose_url(run, 1)).status_code == 404
    assert record(manager, run, "shown", packages=["0"], how="mail").status_code == 404


@pytest.mark.parametrize("kind", ["chosen", "nothing", "packet_made"])
def test_no_other_kinds_are_recorded(run: Run, browser: Client, kind: str) -> None:
    assert record(browser, run, kind, reason=WHY).status_code == 404
    assert browser.get(at("run_choose", run, position=999)).status_code == 404


def test_what_people_and_nexio_wrote_stays_text(run: Run, browser: Client) -> None:
    SolutionLine.objects.filter(solution__run=run).update(
        provider_name=XSS, product_name=XSS, carrier=None
    )
    Solution.objects.filter(run=run).update(cluster_label=XSS)
    broker = User.objects.get(username="broker")
    second = run.solutions.get(rank=2)
    decisions.choose_solution(run=run, solution=second, actor=broker, reason=XSS)
    decisions.mark_shown(run=run, solutions=[second], actor=broker, said=said(note=XSS))
    proposal = browser.post(at("run_proposal", run), {"packages": ["0", "1"], "notes": XSS})
    for address in (
        at("run_detail", run), at("run_decision", run), choose_url(run, 1), proposal["Location"],
        f"{at('run_proposal', run)}?like={proposal['Location'].split('/')[2]}",
    ):  # fmt: skip
        page = browser.get(address)
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()


def test_the_pages_queries_do_not_grow_with_history(run: Run, browser: Client) -> None:
    broker = User.objects.get(username="broker")
    counts = []
    for name in ("run_detail", "run_decision"):
        browser.get(at(name, run))  # the first look is logged
    for _ in range(2):
        for each in packages(run):
            decisions.mark_shown(run=run, solutions=[each], actor=broker, said=said())
        browser.post(at("run_proposal", run), {"packages": ["0", "1"], "notes": ""})
        for name in ("run_detail", "run_decision"):
            with CaptureQueriesContext(
                connection,
            ) as seen:
                browser.get(at(name, run))
            counts.append(len(seen))
    assert counts[:2] == counts[2:]


class TestPacket:
    def test_it_is_downloaded_under_nobodys_name_and_recorded(
        self, run: Run, people: dict[str, User]
    ) -> None:
        response = signed_in(people["manager"]).post(at("run_packet", run))
        assert response["Content-Type"] == "application/zip"
        assert "Fairweather" not in response["Content-Disposition"]
        assert response["Content-Disposition"].startswith('attachment; filename="eo-packet-')
        content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.read("request.json") == bytes(run.request_body)
        assert run.events.get(kind="packet_made").actor == people["manager"]
        assert "E&O packet made" in words(signed_in(people["broker"]).get(at("run_detail", run)))

    def test_not_while_under_way(self, people: dict[str, User]) -> None:
        run = made.waiting_run(people["broker"])
        response = signed_in(people["broker"]).post(at("run_packet", run), follow=True)
        assert "Make the packet once it has ended" in words(response)


class TestProposals:
    def make(self, run: Run, browser: Client, **given: Any) -> str:
        data = {"packages": ["0", "1"], "notes": "Dear Marigold", **given}
        response = browser.post(at("run_proposal", run), data)
        assert response.status_code == 302, words(response)
        return str(response["Location"])

    def test_made_looked_at_downloaded_delivered(self, run: Run, browser: Client) -> None:
        choose(run, User.objects.get(username="broker"), rank=2)
        values = form_values(browser.get(at("run_proposal", run)).content.decode())
        assert values["packages"] == [str(run.solutions.get(rank=2).position)]
        address = self.make(run, browser)
        page = browser.get(address)
        assert "not delivered" in words(page)
        assert "SAMPLE – not for presentation" in words(page)
        picture = browser.get(f"{address}page/1/")
        assert (picture["Content-Type"], picture.content[:4]) == ("image/png", b"\x89PNG")
        assert browser.get(f"{address}page/99/").status_code == 404
        pdf = browser.get(f"{address}pdf/")
        assert (pdf["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
        assert pdf["Content-Disposition"].startswith('attachment; filename="proposal-')
        assert "no-store" in pdf["Cache-Control"]
        form = form_values(page.content.decode())
        assert browser.post(f"{address}deliver/", form).status_code == 422
        done = browser.post(f"{address}deliver/", {**form, "how": "portal"}, follow=True)
        assert "Nov 16, 2026, through a portal" in words(done)
        run.refresh_from_db()
        assert run.decision == "shown"

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"packages": ["0"]}, "Tick two to four packages; 1 is ticked."),
            ({"packages": []}, "Tick two to four packages; 0 are ticked."),
            ({"packages": ["0", "x"]}, "not one of the available choices"),
            ({"notes": "x" * 4001}, "Keep the notes to 4,000 characters."),
        ],
    )
    def test_mistakes(self, run: Run, browser: Client, given: dict[str, Any], told: str) -> None:
        data = {"packages": ["0", "1"], "notes": "Kept as typed", **given}
        response = browser.post(at("run_proposal", run), data)
        assert response.status_code == 422
        assert told in words(response)
        assert not run.proposals.exists()

    def test_another_like_it_begins_with_its_words(self, run: Run, browser: Client) -> None:
        address = self.make(run, browser, packages=["1", "2"])
        again = browser.get(f"{at('run_proposal', run)}?like={address.split('/')[2]}")
        assert "Dear Marigold" in words(again)
        assert sorted(form_values(again.content.decode())["packages"]) == ["1", "2"]
        asked = browser.get(f"{at('run_proposal', run)}?packages=2&packages=0&packages=junk")
        assert sorted(form_values(asked.content.decode())["packages"]) == ["0", "2"]

    def test_a_changed_choice_is_said_on_an_older_proposal(self, run: Run, browser: Client) -> None:
        address = self.make(run, browser)
        assert "was changed after" not in words(browser.get(address))
        choose(run, User.objects.get(username="broker"), rank=3)
        assert "was changed after this proposal was made" in words(browser.get(address))

    def test_a_stale_delivery_says_so(self, run: Run, browser: Client) -> None:
        address = self.make(run, browser)
        form = form_values(browser.get(address).content.decode())
        choose(run, User.objects.get(username="broker"), rank=3)
        response = browser.post(f"{address}deliver/", {**form, "how": "mail"})
        assert response.status_code == 409
        assert "Something else was recorded" in words(response)
        assert not run.decision_events.filter(kind=K.SHOWN).exists()

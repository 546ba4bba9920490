"""A premium that no carrier quoted: named where its package is decided on or leaves the house."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from quotes.models import Run, RunState, Solution, User
from quotes.nexio.messages import Accepted
from quotes.services import decisions, outcomes, packets
from quotes.services import documents as doc
from quotes.services.decisions import NotConfirmed, NotPossible
from quotes.services.doubts import doubts_about
from quotes.services.money import dollars
from quotes.services.proposals import make_proposal
from quotes.services.runs import send_again
from quotes.services.what_if.origin import supposed_premiums, what_if_of
from tests import runs as made
from tests.decided import NOW, WHY, K, packages, said
from tests.fake_nexio import completed
from tests.views.pages import form_values, signed_in, words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _day() -> Any:
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def broker(people: dict[str, User]) -> User:
    return people["broker"]


@pytest.fixture
def browser(broker: User) -> Client:
    return signed_in(broker)


@pytest.fixture
def quoted(broker: User) -> Run:
    return made.completed_run(broker)


def what_if(browser: Client, run: Run, query: str) -> Run:
    """The what-if sent and completed with the packages that the fake makes of it."""
    browser.post(reverse("quotes:run_what_if_rerun", args=[run.pk]) + query)
    return complete(Run.objects.order_by("-number")[0])


def complete(new: Run) -> Run:
    Run.objects.filter(pk=new.pk).update(lease_owner=made.LEASE)
    new.refresh_from_db()
    outcomes.begin_submission(new, lease=made.LEASE, now=timezone.now())
    sent = made.reply_of(Accepted, {"run_id": f"nx-{new.pk}", "status": "queued"}, 202)
    outcomes.submission_accepted(new, sent, now=timezone.now())
    new.refresh_from_db()
    return made.answer(new, {"status": "completed", **completed(new.request)})


@pytest.fixture
def supposed(browser: Client, quoted: Run) -> Run:
    """Its first offering costs $1,234.50 instead of what the carrier quoted."""
    return what_if(browser, quoted, "?p1=1234.50")


def split(run: Run) -> tuple[list[Solution], list[Solution]]:
    """The packages with the supposed premium, and those without."""
    held = supposed_premiums(run)
    every = packages(run)
    return (
        [each for each in every if held.in_package(each)],
        [each for each in every if not held.in_package(each)],
    )


def sentence(run: Run) -> str:
    offering = run.request["offerings"][0]
    before = Run.objects.get(number=1).request["offerings"][0]
    was = before["attributes"]["line_premium_annual"]
    return (
        f"No carrier quoted {offering['provider_name']} {offering['category']} at $1,234.50 "
        f"(quoted at {dollars(doc.money(was))})"
    )


def at(name: str, run: Run, **more: Any) -> str:
    return reverse(f"quotes:{name}", kwargs={"pk": run.pk, **more})


def show(run: Run, solution: Solution, actor: User) -> None:
    """Chosen, knowing, and shown."""
    doubts = doubts_about(run, solution)
    how: dict[str, Any] = {"run": run, "solution": solution, "actor": actor, "reason": WHY}
    decisions.choose_solution(**how, confirmed=doubts)
    decisions.mark_shown(run=run, solutions=[solution], actor=actor, said=said())
    run.refresh_from_db()


def test_only_packages_with_that_offering_hold_it(supposed: Run, quoted: Run) -> None:
    held, free = split(supposed)
    assert held
    assert free
    first = supposed.request["offerings"][0]["id"]
    for each in held:
        assert first in {line.offering_id for line in each.lines.all()}
    assert not supposed_premiums(quoted)


def test_a_what_if_of_a_what_if_keeps_the_premiums_it_took_over(
    browser: Client, supposed: Run, quoted: Run
) -> None:
    second = what_if(browser, supposed, f"?out={len(supposed.request['offerings'])}")
    origin = what_if_of(second)
    assert origin is not None
    assert (origin.number, origin.repriced) == (2, 1)
    assert supposed_premiums(second).words == sentence(second)
    was = quoted.request["offerings"][0]["attributes"]["line_premium_annual"]
    back = what_if(browser, second, f"?p1={was}")
    assert not supposed_premiums(back)
    assert what_if_of(back).repriced == 0  # type: ignore[union-attr]


def test_sent_again_it_is_marked_in_lists_as_well(
    browser: Client, quoted: Run, broker: User
) -> None:
    browser.post(reverse("quotes:run_what_if_rerun", args=[quoted.pk]) + "?p1=1")
    second = Run.objects.get(number=2)
    Run.objects.filter(pk=second.pk).update(state=RunState.REJECTED, finished_at=timezone.now())
    again = send_again(run=Run.objects.get(pk=second.pk), actor=broker, hint=False)
    assert supposed_premiums(again)
    mark = "what-if of run 1, 1 premium not quoted"
    for address in (
        reverse("quotes:run_list"),
        reverse("quotes:insured_detail", args=[again.insured_id]),
    ):
        assert words(browser.get(address)).count(mark) == 2, address
    complete(again)
    assert mark in words(browser.get(reverse("quotes:worklist")))


def test_choosing_it_is_refused_until_it_is_confirmed(browser: Client, supposed: Run) -> None:
    held, free = split(supposed)
    address = at("run_choose", supposed, position=held[0].position)
    page = browser.get(address)
    assert sentence(supposed) in words(page)
    values = {**form_values(page.content.decode()), "reason": WHY}
    values.pop("confirmed", None)
    refused = browser.post(address, values)
    assert refused.status_code == 422
    assert "Confirm below that it is chosen all the same" in words(refused)
    assert WHY in words(refused)
    wrong = browser.post(address, {**values, "confirmed": "yes"})
    assert wrong.status_code == 422
    assert not supposed.decision_events.exists()
    assert browser.post(address, {**values, "confirmed": sentence(supposed)}).status_code == 302
    assert supposed.decision_events.get().confirmed == sentence(supposed)
    for name in ("run_decision", "run_detail"):
        assert f"Chosen all the same. {sentence(supposed)}." in words(
            browser.get(at(name, supposed))
        )
    other = browser.get(at("run_choose", supposed, position=free[0].position))
    assert 'name="confirmed"' not in other.content.decode()


def test_the_tick_outlives_another_mistake(browser: Client, supposed: Run) -> None:
    held, _ = split(supposed)
    worst = held[-1]
    address = at("run_choose", supposed, position=worst.position)
    data = {"version": 0, "reason": "x", "confirmed": sentence(supposed)}
    page = browser.post(address, data)
    assert page.status_code == 422
    assert form_values(page.content.decode())["confirmed"]


@pytest.mark.parametrize("kind", [K.ACCEPTED, K.BOUND])
def test_accepted_and_bound_are_confirmed_as_well(
    browser: Client, supposed: Run, broker: User, kind: str
) -> None:
    held, _ = split(supposed)
    show(supposed, held[0], broker)
    address = at("run_record", supposed, kind=kind)
    page = browser.get(at("run_decision", supposed)).content.decode()
    assert f'id="{kind}_confirmed"' in page
    assert 'id="declined_confirmed"' not in page
    data = {"version": decisions.version_of(supposed), "on": "2026-11-16", "note": "On the phone."}
    refused = browser.post(address, data)
    assert refused.status_code == 409
    assert f"{sentence(supposed)}. Confirm below" in words(refused)
    assert "On the phone." in refused.content.decode()
    assert supposed.decision_events.count() == 2
    assert browser.post(address, {**data, "confirmed": sentence(supposed)}).status_code == 302
    last = supposed.decision_events.order_by("-id")[0]
    assert (last.kind, last.confirmed) == (kind, sentence(supposed))


def test_what_was_accepted_while_the_price_held_is_not_asked(quoted: Run, broker: User) -> None:
    """Quillfeather's prices ended on Nov 30; the call was on the 29th, written down in December."""
    with time_machine.travel("2026-11-20 15:00:00+00:00"):
        show(quoted, packages(quoted)[0], broker)
    with time_machine.travel("2026-12-02 15:00:00+00:00"):
        how: dict[str, Any] = {"run": quoted, "actor": broker}
        with pytest.raises(NotConfirmed, match="ended on Nov 30, 2026"):
            decisions.record_answer(**how, kind=K.ACCEPTED, said=said(on=timezone.localdate()))
        early = said(on=timezone.localdate().replace(month=11, day=29))
        event = decisions.record_answer(**how, kind=K.ACCEPTED, said=early)
        assert event.confirmed == ""
        with pytest.raises(NotConfirmed):
            decisions.record_answer(**how, kind=K.BOUND, said=said(on=timezone.localdate()))


def test_it_goes_into_no_proposal(browser: Client, supposed: Run, broker: User) -> None:
    held, free = split(supposed)
    address = at("run_proposal", supposed)
    page = browser.get(address)
    assert "Not offered below" in words(page)
    assert sentence(supposed) in words(page)
    html = page.content.decode()
    for each in held:
        assert f'name="packages" value="{each.position}"' not in html
    data = {"packages": [str(held[0].position), str(free[0].position)], "notes": "Kept"}
    assert browser.post(address, data).status_code == 422
    with pytest.raises(NotPossible, match="goes into no proposal"):
        make_proposal(run=supposed, solutions=[held[0], free[0]], notes="", actor=broker)
    assert not supposed.proposals.exists()
    make_proposal(run=supposed, solutions=free[:2], notes="", actor=broker)


def test_a_run_of_such_packages_alone_has_no_form_but_a_way_on(
    browser: Client, quoted: Run
) -> None:
    homes = [
        n for n, each in enumerate(quoted.request["offerings"], 1) if each["category"] == "home"
    ]
    run = what_if(browser, quoted, "?" + "&".join(f"p{n}={n}000.10" for n in homes))
    page = browser.get(at("run_proposal", run))
    assert "No package of this run can be proposed" in words(page)
    assert 'name="packages"' not in page.content.decode()
    assert at("run_detail", quoted) in page.content.decode()
    assert browser.post(at("run_proposal", run), {"packages": ["0"]}).status_code == 422


def test_side_by_side_names_it_too(browser: Client, supposed: Run) -> None:
    assert sentence(supposed) in words(
        browser.get(at("run_side_by_side", supposed) + "?pick=0&pick=1")
    )


def test_the_packet_tells_it(supposed: Run, broker: User) -> None:
    held, _ = split(supposed)
    show(supposed, held[0], broker)
    out = io.BytesIO()
    packets.make_packet(run=supposed, out=out)
    with zipfile.ZipFile(out) as archive:
        decision = json.loads(archive.read("decision.json"))
        reader = PdfReader(io.BytesIO(archive.read("packet.pdf")))
    (premium,) = decision["what_if"]["supposed_premiums"]
    assert premium["supposed"] == 1234.5
    assert decision["events"][0]["confirmed"] == sentence(supposed)
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    assert "Of run 1, not as quoted:" in text
    assert text.count("No carrier quoted") >= 4
    assert "$1,234.50, supposed" in text


def test_the_command_line_tells_decision_proposals_and_premiums(
    supposed: Run, quoted: Run, broker: User
) -> None:
    held, free = split(supposed)
    show(supposed, held[0], broker)
    make_proposal(run=supposed, solutions=free[:2], notes="", actor=broker)
    out = io.StringIO()
    call_command("show_run", str(supposed.pk), "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["what_if"]["of_number"] == 1
    assert told["decision"]["state"] == "shown"
    assert told["decision"]["chosen"]["position"] == held[0].position
    assert [each["kind"] for each in told["decision"]["events"]] == ["chosen", "shown"]
    assert told["decision"]["events"][0]["reason"] == WHY
    (proposal,) = told["proposals"]
    assert (proposal["number"], proposal["delivered"]) == (1, False)
    assert proposal["options"]["A"]["position"] == free[0].position
    out = io.StringIO()
    call_command("show_run", str(supposed.pk), stdout=out)
    for expected in (sentence(supposed), "Decision: Shown", WHY, "Proposal 1: A rank"):
        assert expected in out.getvalue()
    out = io.StringIO()
    call_command("show_run", str(quoted.pk), "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["what_if"] is None
    assert told["decision"] == {"state": "undecided", "chosen": None, "events": []}
    assert told["proposals"] == []


def test_odd_names_can_be_confirmed(browser: Client, quoted: Run, broker: User) -> None:
    """A browser changes the ends of lines; a name of 300 letters would leave no room."""
    run = what_if(browser, quoted, "?p1=1")
    request = run.request
    request["offerings"][0]["provider_name"] = "Larkspur\n" + "x" * 300
    Run.objects.filter(pk=run.pk).update(request=request)
    held, _ = split(run)
    address = at("run_choose", run, position=held[0].position)
    values = form_values(browser.get(address).content.decode())
    values.pop("confirmed", None)
    refused = browser.post(address, {**values, "reason": WHY})
    assert refused.status_code == 422
    ticked = refused.context["form"].doubts
    assert len(ticked) < 200
    sent = ticked.replace(" ", "\r\n", 1)
    assert browser.post(address, {**values, "reason": WHY, "confirmed": sent}).status_code == 302


def test_it_supersedes_no_run_and_is_not_what_one_compares_with(
    browser: Client, quoted: Run, supposed: Run, broker: User
) -> None:
    for name in ("run_decision", "run_proposal", "run_detail"):
        page = words(browser.get(at(name, quoted)))
        assert "superseded" not in page
        assert "newer and completed" not in page
    third = made.completed_run(broker, insured=quoted.insured)
    page = browser.get(at("run_detail", third)).content.decode()
    assert reverse("quotes:run_against", args=[third.pk, quoted.pk]) in page
    assert "Compare with run 1" in page
    told = words(browser.get(at("run_decision", supposed)))
    assert "run 3 of the same insured was completed later" in told


def test_what_was_sent_does_not_say_that_nothing_was_left_out(browser: Client, quoted: Run) -> None:
    run = what_if(browser, quoted, "?out=1")
    page = words(browser.get(at("run_detail", run)))
    assert "Left out None" not in page
    assert "Left out Nothing but what the what-if changed: left out" in page
    assert "Left out None" in words(browser.get(at("run_detail", quoted)))

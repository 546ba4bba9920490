"""The insured's page says who works on it, shares it and moves it on."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from quotes.models import Insured, InsuredShare, Office, Role, User
from quotes.services.editing import insured_version
from quotes.services.sharing import share_insured
from tests.factories import import_example, make_user
from tests.views.pages import form_values, signed_in, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def insured(people) -> Insured:
    User.objects.filter(pk=people["broker"].pk).update(first_name="Maya", last_name="Okafor")
    return import_example("home_auto.json", User.objects.get(username="broker")).insured


def url(insured: Insured, name: str) -> str:
    return reverse(f"quotes:insured_{name}", args=[insured.pk])


def share(insured: Insured, person: User, colleague: Any) -> Any:
    return signed_in(person).post(url(insured, "share"), {"colleague": colleague}, follow=True)


def test_the_colleague_finds_and_edits_it(people, insured):
    response = share(insured, people["broker"], people["other"].pk)
    assert "broker2 works on it now as well" in words(response)
    colleague = signed_in(people["other"])
    for listed in ("/", reverse("quotes:insured_list")):
        assert "shared by Maya Okafor" in words(colleague.get(listed))
    page = colleague.get(url(insured, "detail"))
    assert "Edit profile" in words(page)
    assert "Drop it" in words(page)
    assert colleague.get(url(insured, "edit")).status_code == 200
    assert colleague.get(reverse("quotes:import_new") + f"?insured={insured.pk}").status_code == 200
    assert "shared by" not in words(signed_in(people["broker"]).get("/"))


def test_taking_back_and_dropping(people, insured):
    share_insured(insured=insured, colleague=people["other"], actor=people["broker"])
    posted = {"colleague": people["other"].pk}
    gone = signed_in(people["other"]).post(url(insured, "unshare"), posted, follow=True)
    assert "no longer shared with you" in words(gone)
    assert not InsuredShare.objects.exists()
    share_insured(insured=insured, colleague=people["other"], actor=people["broker"])
    broker = signed_in(people["broker"])
    assert "no longer shared with broker2" in words(
        broker.post(url(insured, "unshare"), posted, follow=True)
    )
    again = broker.post(url(insured, "unshare"), posted, follow=True)
    assert "It was no longer shared with them." in words(again)


@pytest.mark.parametrize("colleague", ["", "0", "abc", "99999999999999999999", "-1", "٣"])
def test_nobody_else_can_be_named(people, insured, colleague):
    response = share(insured, people["broker"], colleague)
    assert "Nothing was shared." in words(response)
    response = signed_in(people["broker"]).post(url(insured, "unshare"), {"colleague": colleague})
    assert response.status_code == 302
    assert not InsuredShare.objects.exists()


def test_not_with_another_office_nor_with_a_manager(people, insured):
    away = make_user("away", Role.BROKER, office=Office.objects.create(name="Away"))
    for person in (away, people["manager"], people["broker"]):
        assert "Nothing was shared." in words(share(insured, people["broker"], person.pk))
    share(insured, people["admin"], away.pk)
    assert InsuredShare.objects.get().user == away


def test_a_manager_moves_one_with_a_reason(people, insured):
    manager = signed_in(people["manager"])
    refused = manager.post(url(insured, "move"), {"to": people["other"].pk, "reason": ""})
    assert refused.status_code == 422
    assert form_values(refused.content.decode())["to"] == str(people["other"].pk), "kept"
    posted = {"to": people["other"].pk, "reason": "Closer to the household."}
    moved = manager.post(url(insured, "move"), posted, follow=True)
    assert "It is broker2's now" in words(moved)
    insured.refresh_from_db()
    assert insured.owner == people["other"]
    assert signed_in(people["broker"]).get(url(insured, "detail")).status_code == 404


def test_the_log_says_by_name_with_whom_and_from_whom_to_whom(people, insured):
    manager = signed_in(people["manager"])
    User.objects.filter(username="broker2").update(first_name="Theo", last_name="Lindqvist")
    share(insured, people["manager"], people["other"].pk)
    posted = {"to": people["other"].pk, "reason": "Closer to the household."}
    manager.post(url(insured, "move"), posted)
    manager.post(url(insured, "hold"), {"reason": "A claim is open."})
    lines = manager.get(url(insured, "audit")).context["page"].lines
    details = {line.event.what: line.details for line in lines}
    assert details["Shared with broker2"] == "user Theo Lindqvist"
    moved = "from Maya Okafor, to Theo Lindqvist, reason Closer to the household."
    assert details["Broker: broker → broker2"] == moved
    assert details["Placed a legal hold"] == "reason A claim is open."


def test_a_manager_moves_to_the_offices_they_oversee_alone(people, insured):
    away = make_user("away", Role.BROKER, office=Office.objects.create(name="Away"))
    posted = {"to": away.pk, "reason": "Closer to the household."}
    assert signed_in(people["manager"]).post(url(insured, "move"), posted).status_code == 422
    response = signed_in(people["admin"]).post(url(insured, "move"), posted, follow=True)
    assert "It is away's now" in words(response)
    assert signed_in(people["manager"]).get(url(insured, "detail")).status_code == 404


def test_a_form_left_open_after_it_was_moved_changes_nothing(people, insured):
    broker = signed_in(people["broker"])
    page = broker.get(url(insured, "edit")).content.decode()
    Insured.objects.filter(pk=insured.pk).update(owner=people["other"])
    before = insured_version(Insured.objects.get(pk=insured.pk))
    assert broker.post(url(insured, "edit"), form_values(page)).status_code == 404
    assert insured_version(Insured.objects.get(pk=insured.pk)) == before


def test_a_likeness_the_colleague_may_not_open_is_named_without_a_way_to_it(people, insured):
    other = Insured.objects.create(
        owner=people["broker"],
        applicant_name="Ana Fiction",
        state="OH",
        zip_code="43004",
    )
    share_insured(insured=insured, colleague=people["other"], actor=people["broker"])
    colleague = signed_in(people["other"])
    values = form_values(colleague.get(url(insured, "edit")).content.decode())
    values |= {"applicant_name": "Ana Fiction", "state": "OH", "zip_code": "43004"}
    response = colleague.post(url(insured, "edit"), values)
    assert response.status_code == 422
    assert "that is not shared with you" in words(response)
    assert str(other.pk) not in response.content.decode()

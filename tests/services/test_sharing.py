"""Sharing an insured with a colleague, and what a shared household is everywhere else."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from quotes.models import AuditEvent, Deed, Insured, InsuredShare, Office, Role
from quotes.services import intake, sharing, worklist
from quotes.services.importing.entry import Incoming, confirm, prepare
from quotes.services.likeness import Household, likely_duplicates
from quotes.services.origins import How
from quotes.services.renewal import renew_insured
from quotes.services.sharing import NotShared
from tests.factories import EXAMPLES, import_example, make_user, queued_run

pytestmark = pytest.mark.django_db
TABLE = "Insured,State,ZIP,Carrier,Home premium\n"


@pytest.fixture
def insured(people) -> Insured:
    made = import_example("home_auto.json", people["broker"]).insured
    sharing.share_insured(insured=made, colleague=people["other"], actor=people["broker"])
    return made


def incoming(person: Any, raw: bytes, how: How = How.PASTED) -> Incoming:
    return Incoming(raw, "", how, person, None)


class TestWhoShares:
    def test_both_work_on_it_and_it_is_told_once(self, people, insured):
        again = sharing.share_insured(
            insured=insured, colleague=people["other"], actor=people["broker"]
        )
        assert InsuredShare.objects.get() == again
        assert insured in Insured.objects.editable_by(people["other"])
        entry = AuditEvent.objects.get(deed=Deed.SHARED)
        assert (entry.actor, entry.insured_ref) == (people["broker"], insured.pk)
        assert "broker2" in entry.what

    def test_the_broker_and_who_oversees_them_and_nobody_else(self, people, insured):
        away = Office.objects.create(name="Away")
        stranger = make_user("stranger", Role.MANAGER, office=away)
        overseer = make_user("overseer", Role.MANAGER, office=away)
        overseer.oversees.add(people["broker"].office)
        may = {
            name: sharing.may_share(person, insured)
            for name, person in {**people, "stranger": stranger, "overseer": overseer}.items()
        }
        assert may == {
            "broker": True, "other": False, "manager": True, "admin": True,
            "stranger": False, "overseer": True,
        }  # fmt: skip

    def test_with_active_brokers_of_the_office_and_for_admins_of_all(self, people, insured):
        away = make_user("away", Role.BROKER, office=Office.objects.create(name="Away"))
        near = make_user("near", Role.BROKER)
        make_user("gone", Role.BROKER, is_active=False)
        assert list(sharing.colleagues(insured, people["broker"])) == [near]
        assert set(sharing.colleagues(insured, people["admin"])) == {near, away}
        with pytest.raises(NotShared):
            sharing.share_insured(insured=insured, colleague=away, actor=people["broker"])
        sharing.share_insured(insured=insured, colleague=away, actor=people["admin"])
        assert insured in Insured.objects.visible_to(away)

    def test_a_broker_without_an_office_has_no_colleagues(self, people, insured):
        people["broker"].office = None
        people["broker"].save()
        make_user("homeless", Role.BROKER, office=None)
        fresh = Insured.objects.get(pk=insured.pk)
        assert not sharing.colleagues(fresh, people["broker"]).exists()

    def test_a_colleague_passes_nothing_on_and_drops_their_own(self, people, insured):
        near = make_user("near", Role.BROKER)
        with pytest.raises(NotShared):
            sharing.share_insured(insured=insured, colleague=near, actor=people["other"])
        sharing.share_insured(insured=insured, colleague=near, actor=people["broker"])
        with pytest.raises(NotShared):
            sharing.unshare_insured(insured=insured, colleague=near, actor=people["other"])
        assert sharing.unshare_insured(
            insured=insured, colleague=people["other"], actor=people["other"]
        )
        assert insured not in Insured.objects.visible_to(people["other"])
        said = AuditEvent.objects.filter(deed=Deed.SHARED).first()
        assert said is not None
        assert said.what == "broker2 dropped the share"

    def test_taking_back_twice_is_no_mistake(self, people, insured):
        def take() -> bool:
            return sharing.unshare_insured(
                insured=insured, colleague=people["other"], actor=people["broker"]
            )

        assert [take(), take()] == [True, False]


class TestImports:
    """A household that a colleague shares is found, and not entered twice."""

    def test_a_document_meets_the_shared_one(self, people, insured):
        raw = (EXAMPLES / "home_auto.json").read_bytes()
        outcome = confirm(incoming(people["other"], raw))
        assert outcome.insureds == [insured.pk]
        assert Insured.objects.get().owner == people["broker"]

    def test_a_table_does_too(self, people, insured):
        row = f"{insured.applicant_name},{insured.state},{insured.zip_code},Fen Mutual,2000\n"
        done = confirm(incoming(people["other"], (TABLE + row).encode()))
        assert done.insureds == [insured.pk]
        assert insured.quotes.filter(carrier_name="Fen Mutual").exists()

    def test_ones_own_comes_before_a_shared_one(self, people, insured):
        sharing.unshare_insured(insured=insured, colleague=people["other"], actor=people["broker"])
        own = import_example("home_auto.json", people["other"]).insured
        sharing.share_insured(insured=insured, colleague=people["other"], actor=people["broker"])
        row = f"{own.applicant_name},{own.state},{own.zip_code},Fen Mutual,2000\n"
        assert confirm(incoming(people["other"], (TABLE + row).encode())).insureds == [own.pk]
        raw = (EXAMPLES / "home_auto.json").read_bytes()
        assert confirm(incoming(people["other"], raw)).insureds == [own.pk]

    def test_another_brokers_unshared_one_is_not_met(self, people):
        theirs = import_example("home_auto.json", people["broker"]).insured
        raw = (EXAMPLES / "home_auto.json").read_bytes()
        assert confirm(incoming(people["other"], raw)).insureds != [theirs.pk]

    def test_a_shared_one_cannot_take_the_place_of_another_of_its_brokers(self, people):
        told = {"owner": people["broker"], "applicant_name": "Ana Fiction", "state": "OH"}
        key = intake.name_key("Ana Fiction", "OH", "43004")
        Insured.objects.create(**told, zip_code="43004", identity_key=key)
        placeless = Insured.objects.create(**told)
        sharing.share_insured(insured=placeless, colleague=people["other"], actor=people["broker"])
        row = "Ana Fiction,OH,43004,Fen Mutual,2000\n"
        preview = prepare(incoming(people["other"], (TABLE + row).encode()))
        assert any("already" in each.message for each in preview.problems)

    def test_a_new_household_like_a_shared_one_is_told(self, people, insured):
        household = Household(
            insured.applicant_name, insured.street, insured.city, insured.state, insured.zip_code
        )
        found = likely_duplicates(owner=people["other"], household=household)
        assert [hit.insured.pk for hit in found] == [insured.pk]


def test_a_renewal_stays_its_brokers_and_is_shared_as_before(people, insured):
    new = renew_insured(
        insured=insured, user=people["other"], solution=None, effective=None,
        with_quotes=False, seen=0,
    )  # fmt: skip
    assert new.owner == people["broker"]
    assert new in Insured.objects.editable_by(people["other"])


def test_the_worklist_holds_what_is_shared(people, insured):
    queued_run(insured=insured, owner=people["broker"])
    quote = insured.quotes.first()
    assert quote is not None
    now = timezone.now()
    quote.expires_at = now + dt.timedelta(days=1)
    quote.save()
    other = people["other"]
    found = worklist.read_work(other, now)
    assert [row.insured for row in found.insureds] == [insured]
    assert [run.insured for run in found.under_way] == [insured]
    assert [each.quote for each in found.expiring] == [quote]
    assert found.insured_count == 1

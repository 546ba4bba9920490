"""Who sees an insured when there are several offices, and when it is shared."""

from __future__ import annotations

import pytest

from quotes.models import Insured, InsuredShare, Office, Run, User
from tests.factories import import_example, make_user, queued_run

pytestmark = pytest.mark.django_db


def seen(user: User) -> set[str]:
    fresh = User.objects.get(pk=user.pk)
    runs = set(Run.objects.visible_to(fresh).values_list("insured__owner__username", flat=True))
    insureds = set(Insured.objects.visible_to(fresh).values_list("owner__username", flat=True))
    assert runs == insureds
    return insureds


def changed(user: User) -> set[str]:
    fresh = User.objects.get(pk=user.pk)
    return set(Insured.objects.editable_by(fresh).values_list("owner__username", flat=True))


@pytest.fixture
def offices() -> dict[str, Office]:
    return {name: Office.objects.create(name=name) for name in ("North", "South", "West")}


@pytest.fixture
def brokers(offices) -> dict[str, User]:
    made = {name: make_user(name, "broker", office=office) for name, office in offices.items()}
    made["Nowhere"] = make_user("Nowhere", "broker", office=None)
    for broker in made.values():
        queued_run("home_only.json", broker)
    return made


def test_a_manager_sees_where_they_work_and_what_they_oversee(offices, brokers):
    manager = make_user("m", "manager", office=offices["North"])
    assert seen(manager) == {"North"}
    manager.oversees.add(offices["West"])
    assert seen(manager) == {"North", "West"}
    assert changed(manager) == set()


def test_a_manager_without_an_office_sees_nothing(brokers):
    assert seen(make_user("m", "manager", office=None)) == set()


def test_to_oversee_an_office_is_nothing_without_the_role(offices, brokers):
    brokers["North"].oversees.add(offices["South"])
    assert seen(brokers["North"]) == {"North"}


def test_an_admin_sees_every_office(brokers):
    assert seen(make_user("a", "admin", office=None)) == {"North", "South", "West", "Nowhere"}


def test_a_shared_insured_is_worked_on_by_both_and_by_nobody_else(brokers):
    theirs = Insured.objects.get(owner=brokers["South"])
    share = InsuredShare.objects.create(
        insured=theirs, user=brokers["North"], shared_by=brokers["South"]
    )
    assert seen(brokers["North"]) == changed(brokers["North"]) == {"North", "South"}
    assert seen(brokers["South"]) == {"South"}
    assert seen(brokers["West"]) == {"West"}
    without = Insured.objects.editable_by(brokers["North"], any_shared=False)
    assert [each.owner for each in without] == [brokers["North"]]
    share.delete()
    assert seen(brokers["North"]) == changed(brokers["North"]) == {"North"}


def test_a_share_is_nothing_without_the_brokers_role(offices, brokers):
    theirs = Insured.objects.get(owner=brokers["South"])
    manager = make_user("m", "manager", office=offices["North"])
    InsuredShare.objects.create(insured=theirs, user=manager, shared_by=brokers["South"])
    assert seen(manager) == {"North"}
    assert changed(manager) == set()


def test_a_manager_who_is_a_broker_too_changes_only_their_own(offices, brokers):
    both = make_user("both", "manager", office=offices["North"])
    both.groups.add(brokers["North"].groups.get())
    import_example("home_auto.json", both)
    queued_run("home_only.json", both)
    assert seen(both) == {"North", "both"}
    assert changed(both) == {"both"}

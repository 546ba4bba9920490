"""Insureds go to another broker; somebody leaves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from quotes.models import (
    AuditEvent,
    Deed,
    ImportDraft,
    Insured,
    InsuredShare,
    OpenSession,
    Role,
    Run,
    RunFact,
    RunState,
    User,
)
from quotes.services import people as leaving
from quotes.services import sharing
from quotes.services.people import NotDone
from quotes.services.transfer import NotMoved, transfer_insureds
from tests.factories import import_example, make_user, queued_run
from tests.views.pages import signed_in

pytestmark = pytest.mark.django_db
WHY = "Maya is on leave."


def of(person: User) -> set[object]:
    return set(Insured.objects.filter(owner=person).values_list("pk", flat=True))


class TestTransfer:
    def test_everything_goes_along(self, people):
        run = queued_run(owner=people["broker"])
        insured = run.insured
        touched = insured.updated_at
        moved = transfer_insureds(
            from_user=people["broker"], to_user=people["other"], actor=people["admin"], reason=WHY
        )
        assert (moved.insureds, moved.apart, moved.runs) == ([insured.pk], [], 1)
        assert RunFact.objects.get(run=run).broker == people["other"]
        assert Run.objects.visible_to(people["broker"]).count() == 0
        assert Run.objects.actionable_by(people["other"]).get().state == RunState.QUEUED
        insured.refresh_from_db()
        assert insured.updated_at == touched, "the order of the successor's list tells something"
        entry = AuditEvent.objects.get(deed=Deed.ADMINISTERED, insured_ref=insured.pk)
        assert entry.what == "Broker: broker → broker2"
        assert entry.data["reason"] == WHY

    def test_a_household_the_successor_has_is_kept_apart(self, people):
        comes = import_example("home_auto.json", people["broker"]).insured
        other = import_example("home_only.json", people["broker"]).insured
        there = import_example("home_auto.json", people["other"]).insured
        moved = transfer_insureds(
            from_user=people["broker"], to_user=people["other"], actor=people["admin"], reason=WHY
        )
        assert moved.apart == [comes.pk]
        assert of(people["other"]) == {comes.pk, other.pk, there.pk}
        again = import_example("home_auto.json", people["other"])
        assert again.insured == there, "later imports go to the one that was there"
        data = AuditEvent.objects.get(insured_ref=comes.pk, deed=Deed.ADMINISTERED).data
        assert data["kept_apart_from_same_household"]

    def test_shares_stay_but_for_the_successors_own(self, people):
        insured = import_example(owner=people["broker"]).insured
        third = make_user("third", Role.BROKER)
        for colleague in (people["other"], third):
            sharing.share_insured(insured=insured, colleague=colleague, actor=people["broker"])
        transfer_insureds(
            from_user=people["broker"], to_user=people["other"], actor=people["admin"], reason=WHY
        )
        assert [each.user for each in InsuredShare.objects.all()] == [third]

    def test_the_named_alone_and_all_of_them_or_none(self, people):
        one = import_example("home_auto.json", people["broker"]).insured
        two = import_example("home_only.json", people["broker"]).insured
        Insured.objects.filter(pk=two.pk).update(owner=people["other"])
        with pytest.raises(NotMoved, match="meanwhile"):
            transfer_insureds(
                from_user=people["broker"],
                to_user=people["other"],
                actor=people["manager"],
                reason=WHY,
                insureds=[one.pk, two.pk],
            )
        assert of(people["broker"]) == {one.pk}

    @pytest.mark.parametrize("reason", ["", "  ", "x", "x" * 501])
    def test_a_reason_is_needed(self, people, reason):
        import_example(owner=people["broker"])
        with pytest.raises(NotMoved):
            transfer_insureds(
                from_user=people["broker"],
                to_user=people["other"],
                actor=people["admin"],
                reason=reason,
            )

    def test_only_to_active_brokers(self, people):
        import_example(owner=people["broker"])
        gone = make_user("gone", Role.BROKER, is_active=False)
        for successor in (gone, people["manager"], people["broker"]):
            with pytest.raises(NotMoved):
                transfer_insureds(
                    from_user=people["broker"],
                    to_user=successor,
                    actor=people["admin"],
                    reason=WHY,
                )

    def test_two_thousand_cost_few_queries(self, people):
        Insured.objects.bulk_create(
            Insured(owner=people["broker"], applicant_name=f"N{n}", identity_key=f"id:{n}")
            for n in range(2000)
        )
        Insured.objects.create(owner=people["other"], identity_key="id:7")
        with CaptureQueriesContext(connection) as asked:
            moved = transfer_insureds(
                from_user=people["broker"],
                to_user=people["other"],
                actor=people["admin"],
                reason=WHY,
            )
        assert len(asked) < 40
        assert (len(moved.insureds), len(moved.apart)) == (2000, 1)
        assert AuditEvent.objects.filter(deed=Deed.ADMINISTERED).count() == 2000


class TestLeaving:
    def test_all_at_once(self, people):
        run = queued_run(owner=people["broker"])
        theirs = import_example("home_only.json", people["other"]).insured
        sharing.share_insured(insured=theirs, colleague=people["broker"], actor=people["other"])
        ImportDraft.objects.create(
            owner=people["broker"], how=ImportDraft.How.PASTED, raw=b"personal data"
        )
        page, bystander = signed_in(people["broker"]), signed_in(people["other"])
        assert leaving.holding_of(people["broker"]) == leaving.Holding(
            insureds=1, under_way=1, reviews=0, shared=1
        )
        moved = leaving.deactivate(
            person=people["broker"], actor=people["admin"], reason=WHY, successor=people["other"]
        )
        assert moved is not None
        assert of(people["other"]) == {run.insured_id, theirs.pk}
        assert not InsuredShare.objects.exists()
        assert not ImportDraft.objects.exists()
        run.refresh_from_db()
        assert run.state == RunState.QUEUED, "a run under way goes on"
        assert OpenSession.objects.count() == 1
        assert page.get("/").status_code == 302
        assert bystander.get("/").status_code == 200
        entry = AuditEvent.objects.filter(insured_ref=None, deed=Deed.ADMINISTERED).get()
        assert entry.data["reason"] == WHY
        assert entry.data["sessions_ended"] == 1

    def test_left_knowingly_needs_a_reason(self, people):
        insured = import_example(owner=people["broker"]).insured
        with pytest.raises(NotMoved):
            leaving.deactivate(person=people["broker"], actor=people["admin"])
        people["broker"].refresh_from_db()
        assert people["broker"].is_active
        leaving.deactivate(person=people["broker"], actor=people["admin"], reason=WHY)
        assert of(people["broker"]) == {insured.pk}
        assert insured in Insured.objects.visible_to(people["manager"])

    def test_nothing_is_half_done(self, people):
        import_example(owner=people["broker"])
        gone = make_user("gone", Role.BROKER, is_active=False)
        page = signed_in(people["broker"])
        with pytest.raises(NotMoved):
            leaving.deactivate(
                person=people["broker"], actor=people["admin"], reason=WHY, successor=gone
            )
        assert page.get("/").status_code == 200
        assert not AuditEvent.objects.filter(deed=Deed.ADMINISTERED).exists()

    def test_nobody_makes_themselves_inactive(self, people):
        with pytest.raises(NotDone):
            leaving.deactivate(person=people["admin"], actor=people["admin"])

    def test_and_back_again(self, people):
        leaving.deactivate(person=people["broker"], actor=people["admin"])
        leaving.reactivate(person=people["broker"], actor=people["admin"])
        assert User.objects.get(pk=people["broker"].pk).is_broker
        with pytest.raises(NotDone):
            leaving.reactivate(person=people["broker"], actor=people["admin"])


@pytest.mark.django_db(transaction=True)
def test_two_admins_cannot_make_each_other_inactive(people):
    """Real threads and connections: one is first, and the other is no admin any more."""
    second = make_user("second", Role.ADMIN, is_staff=True)
    pairs = [(people["admin"].pk, second.pk), (second.pk, people["admin"].pk)]

    def act(pair: tuple[int, int]) -> str:
        try:
            actor, person = (User.objects.get(pk=pk) for pk in pair)
            leaving.deactivate(person=person, actor=actor)
        except NotDone as error:
            return str(error)
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(act, pairs))
    assert sorted(each == "done" for each in said) == [False, True]
    assert User.objects.filter(is_active=True, groups__name=Role.ADMIN).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_admins_give_the_same_insureds_to_two_brokers(people):
    import_example(owner=people["broker"])
    third = make_user("third", Role.BROKER)

    def act(successor: User) -> str:
        try:
            transfer_insureds(
                from_user=people["broker"], to_user=successor, actor=people["admin"], reason=WHY
            )
        except NotMoved as error:
            return str(error)
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(act, [people["other"], third]))
    assert sorted(each == "done" for each in said) == [False, True]
    assert AuditEvent.objects.filter(deed=Deed.ADMINISTERED).count() == 1

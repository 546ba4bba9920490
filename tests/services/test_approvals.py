"""Approval of a choice where the office requires it: who gives it, when, and what it holds up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, connections, transaction

from quotes.models import (
    ApprovalRule,
    DecisionKind,
    InsuredShare,
    Notice,
    Office,
    ReviewRequest,
    ReviewState,
    Role,
    Run,
    User,
)
from quotes.services import decisions, doubts
from quotes.services.decisions import ApprovalMissing, NotPossible
from quotes.services.review import approvals
from tests.decided import NOW, WHY, choose, said
from tests.factories import main_office, make_user
from tests.runs import completed_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
K = DecisionKind


@pytest.fixture
def clock(time_machine):
    time_machine.move_to(NOW, tick=True)


@pytest.fixture
def run(people) -> Run:
    """A completed run of the broker's, in an office that has every choice approved."""
    Office.objects.update(approval=ApprovalRule.ALWAYS)
    return completed_run(people["broker"])


def bind(run: Run, actor: User) -> None:
    decisions.record_answer(run=run, kind=K.BOUND, actor=actor, said=said(note="By phone."))
    run.refresh_from_db()


def asked(run: Run, actor: User, rank: int = 2) -> ReviewRequest:
    choose(run, actor, rank=rank)
    return approvals.ask_approval(run=run, actor=actor, text="It saves $2,000.")


def kinds(run: Run) -> list[str]:
    return list(run.events.filter(kind__startswith="appro").values_list("kind", flat=True))


class TestBinding:
    def test_waits_for_approval_and_says_whom_to_ask(self, run, people):
        choose(run, people["broker"])
        with pytest.raises(ApprovalMissing) as refused:
            bind(run, people["broker"])
        assert "Main office has every choice approved" in str(refused.value)
        assert "manager can give it" in str(refused.value)
        run.refresh_from_db()
        assert run.decision == "chosen"
        assert not run.decision_events.filter(kind=K.BOUND).exists()

    def test_goes_ahead_once_approved(self, run, people):
        request = asked(run, people["broker"])
        with pytest.raises(ApprovalMissing, match="is not given yet"):
            bind(run, people["broker"])
        approvals.approve(request=request, actor=people["manager"])
        bind(run, people["broker"])
        assert run.decision == "bound"
        assert kinds(run) == ["approval_asked", "approved"]

    def test_is_held_up_by_a_refusal_which_says_so(self, run, people):
        request = asked(run, people["broker"])
        approvals.refuse(request=request, actor=people["manager"], text="The roof is not covered.")
        with pytest.raises(ApprovalMissing, match="manager refused it on Nov 16"):
            bind(run, people["broker"])
        again = approvals.ask_approval(run=run, actor=people["broker"])
        approvals.approve(request=again, actor=people["manager"])
        bind(run, people["broker"])

    def test_accepted_is_recorded_without_it(self, run, people):
        """It is what the insured said."""
        choose(run, people["broker"])
        shown = [run.solutions.get(rank=1)]
        decisions.mark_shown(run=run, solutions=shown, actor=people["broker"], said=said())
        decisions.record_answer(run=run, kind=K.ACCEPTED, actor=people["broker"], said=said())
        with pytest.raises(ApprovalMissing):
            bind(run, people["broker"])

    @pytest.mark.parametrize(("rank", "needed"), [(1, False), (2, True)])
    def test_only_overridden_choices_where_the_office_says_so(self, run, people, rank, needed):
        Office.objects.update(approval=ApprovalRule.OVERRIDDEN)
        choose(run, people["broker"], rank=rank)
        if needed:
            with pytest.raises(ApprovalMissing, match="choices that are not Nexio's first rank"):
                bind(run, people["broker"])
        else:
            bind(run, people["broker"])

    def test_follows_the_rule_as_it_stands_at_that_moment(self, run, people):
        Office.objects.update(approval=ApprovalRule.NONE)
        choose(run, people["broker"])
        Office.objects.update(approval=ApprovalRule.ALWAYS)
        with pytest.raises(ApprovalMissing):
            bind(run, people["broker"])
        request = approvals.ask_approval(run=run, actor=people["broker"])
        Office.objects.update(approval=ApprovalRule.NONE)
        bind(run, people["broker"])
        request.refresh_from_db()
        assert request.state == ReviewState.WITHDRAWN
        with pytest.raises(NotPossible, match="withdrawn by broker"):
            approvals.approve(request=request, actor=people["manager"])

    def test_follows_the_broker_to_another_office(self, run, people):
        other = Office.objects.create(name="Harbor office", approval=ApprovalRule.NONE)
        request = asked(run, people["broker"])
        people["broker"].office = other
        people["broker"].save()
        with pytest.raises(NotPossible, match="Only a manager of its broker's office"):
            approvals.approve(request=request, actor=people["manager"])
        bind(run, people["broker"])

    def test_an_approval_given_stays_given(self, run, people):
        request = asked(run, people["broker"])
        approvals.approve(request=request, actor=people["manager"])
        people["broker"].office = Office.objects.create(
            name="Harbor office", approval=ApprovalRule.ALWAYS
        )
        people["broker"].save()
        bind(run, people["broker"])


class TestAnotherChoice:
    def test_needs_another_approval(self, run, people):
        request = asked(run, people["broker"], rank=2)
        approvals.approve(request=request, actor=people["manager"])
        choose(run, people["broker"], rank=1)
        with pytest.raises(ApprovalMissing, match="Ask for it"):
            bind(run, people["broker"])

    def test_so_does_the_same_package_after_reopening(self, run, people):
        request = asked(run, people["broker"], rank=2)
        approvals.approve(request=request, actor=people["manager"])
        decisions.reopen_decision(run=run, actor=people["broker"], reason="A new driver.")
        choose(run, people["broker"], rank=2)
        with pytest.raises(ApprovalMissing):
            bind(run, people["broker"])

    @pytest.mark.parametrize("step", ["choose", "reopen"])
    def test_overtakes_an_open_request(self, run, people, step):
        request = asked(run, people["broker"], rank=2)
        if step == "choose":
            choose(run, people["broker"], rank=1)
        else:
            decisions.reopen_decision(run=run, actor=people["broker"], reason="A new driver.")
        request.refresh_from_db()
        assert request.state == ReviewState.WITHDRAWN
        with pytest.raises(NotPossible):
            approvals.approve(request=request, actor=people["manager"])
        assert kinds(run) == ["approval_asked", "approval_withdrawn"]


class TestWhoMay:
    def test_nobody_approves_what_they_asked_for(self, run, people):
        both = make_user("both", Role.BROKER)
        both.groups.add(people["manager"].groups.get())
        both = User.objects.get(pk=both.pk)
        InsuredShare.objects.create(insured=run.insured, user=both, shared_by=people["broker"])
        choose(run, people["broker"])
        request = approvals.ask_approval(run=run, actor=both)
        for act in (approvals.approve, approvals.refuse):
            with pytest.raises(NotPossible, match="what they asked for"):
                act(request=request, actor=both, text="Mine.")
        request.refresh_from_db()
        assert request.state == ReviewState.OPEN

    def test_nor_what_they_chose(self, run, people):
        both = make_user("both", Role.BROKER)
        both.groups.add(people["manager"].groups.get())
        both = User.objects.get(pk=both.pk)
        InsuredShare.objects.create(insured=run.insured, user=both, shared_by=people["broker"])
        choose(run, both)
        request = approvals.ask_approval(run=run, actor=people["broker"])
        with pytest.raises(NotPossible, match="what they chose"):
            approvals.approve(request=request, actor=both)
        approvals.approve(request=request, actor=people["manager"])

    def test_the_database_refuses_it_too(self, run, people):
        request = asked(run, people["broker"])
        rows = ReviewRequest.objects.filter(pk=request.pk)
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(
                state="approved", answered_by=people["broker"], answered_at=request.asked_at
            )

    def test_not_a_manager_of_another_office_nor_a_broker(self, run, people):
        request = asked(run, people["broker"])
        far = make_user("far", Role.MANAGER, office=Office.objects.create(name="Far office"))
        for person in (far, people["other"]):
            with pytest.raises(NotPossible, match="Only a manager"):
                approvals.approve(request=request, actor=person)

    def test_a_manager_who_oversees_the_office_and_an_admin(self, run, people):
        far = make_user("far", Role.MANAGER, office=Office.objects.create(name="Far office"))
        far.oversees.add(main_office())
        approvals.approve(request=asked(run, people["broker"], rank=2), actor=far)
        approvals.approve(request=asked(run, people["broker"], rank=1), actor=people["admin"])

    def test_admins_are_named_and_told_where_no_manager_can(self, run, people):
        people["manager"].groups.clear()
        request = asked(run, people["broker"])
        with pytest.raises(ApprovalMissing, match="admin can give it"):
            bind(run, people["broker"])
        told = Notice.objects.filter(key=f"asked:{request.pk.hex}")
        assert [notice.user.username for notice in told] == ["admin"]

    def test_asking_needs_a_choice_that_needs_it_and_is_made_once(self, run, people):
        with pytest.raises(NotPossible, match="Nothing is chosen"):
            approvals.ask_approval(run=run, actor=people["broker"])
        choose(run, people["broker"])
        with pytest.raises(NotPossible, match="Only the broker"):
            approvals.ask_approval(run=run, actor=people["other"])
        approvals.ask_approval(run=run, actor=people["broker"])
        with pytest.raises(NotPossible, match="asked for already"):
            approvals.ask_approval(run=run, actor=people["broker"])
        Office.objects.update(approval=ApprovalRule.NONE)
        approvals.withdraw_approval(request=ReviewRequest.objects.get(), actor=people["broker"])
        with pytest.raises(NotPossible, match="needs no approval"):
            approvals.ask_approval(run=run, actor=people["broker"])

    def test_a_refusal_says_why(self, run, people):
        request = asked(run, people["broker"])
        with pytest.raises(NotPossible, match="Write why"):
            approvals.refuse(request=request, actor=people["manager"], text="  ")


@pytest.mark.django_db(transaction=True)
def test_two_managers_at_once_settle_it_once(people):
    """Real threads and connections: one is first, the other is told who was."""
    Office.objects.update(approval=ApprovalRule.ALWAYS)
    run = completed_run(people["broker"])
    solution = run.solutions.get(rank=1)
    decisions.choose_solution(
        run=run, solution=solution, actor=people["broker"], reason=WHY,
        confirmed=doubts.expired_words(run, solution, run.created_at),
    )  # fmt: skip
    request = approvals.ask_approval(run=run, actor=people["broker"])
    second = make_user("second", Role.MANAGER)

    def settle(act: str, actor: User) -> str:
        try:
            mine = ReviewRequest.objects.get(pk=request.pk)
            getattr(approvals, act)(request=mine, actor=actor, text="Looked at it.")
        except NotPossible as refused:
            return str(refused)
        finally:
            connections.close_all()
        return act

    with ThreadPoolExecutor(2) as pool:
        said_by = list(pool.map(settle, ["approve", "refuse"], [people["manager"], second]))
    connection.close()
    request.refresh_from_db()
    assert sorted(each in {"approve", "refuse"} for each in said_by) == [False, True]
    late = next(each for each in said_by if each not in {"approve", "refuse"})
    assert request.answered_by is not None
    assert f"by {request.answered_by.username} meanwhile" in late
    assert Run.objects.get().events.filter(kind__in=["approved", "approval_refused"]).count() == 1

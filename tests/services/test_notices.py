"""Notices: who is told what, once, and that nothing is ever in the way of what happened."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import Client
from django.utils import timezone

from quotes.models import (
    Chore,
    InsuredShare,
    Notice,
    NoticeKind,
    Office,
    OpenSession,
    ReviewRequest,
    Role,
    Run,
    RunFact,
    User,
)
from quotes.models.open_session import digest_of
from quotes.nexio import errors
from quotes.services import expiry, inbox, outcomes
from quotes.services.notices import sweeps, tending
from quotes.services.notices.telling import tell, tell_of_step
from quotes.services.review import revisits
from quotes.services.runs import resume_run
from tests import runs as made
from tests.decided import NOW, choose
from tests.factories import import_example, make_user

pytestmark = pytest.mark.django_db


def told(**which: object) -> dict[str, str]:
    """Who was told, and what."""
    return {each.user.username: each.text for each in Notice.objects.filter(**which)}


class TestOfRuns:
    @pytest.mark.parametrize(
        ("make", "kind", "text"),
        [
            (made.completed_run, "finished", "Run 1 finished with 5 packages."),
            (made.failed_run, "needs_person", "Nexio could not finish run 1."),
            (made.rejected_run, "needs_person", "Nexio refused run 1."),
            (made.lost_run, "needs_person", "Nobody can know whether Nexio took run 1"),
            (made.unreadable_run, "needs_person", "Nexio's replies about run 1 are unusable"),
        ],
    )
    def test_each_end_and_what_needs_a_person(self, people, make, kind, text):
        make(people["broker"])
        notice = Notice.objects.get()
        assert (notice.user, notice.kind) == (people["broker"], kind)
        packages = Run.objects.get().solutions.count()
        assert notice.text.startswith(text.replace("5 packages", f"{packages} packages"))

    def test_without_a_package_it_finished_and_says_so(self, people):
        made.answer(made.waiting_run(people["broker"]), {"status": "completed", "solutions": []})
        assert told() == {"broker": "Run 1 finished with no package."}

    def test_tells_the_broker_whoever_started_it_and_whom_it_is_shared_with(self, people):
        run = made.waiting_run(people["broker"])
        InsuredShare.objects.create(
            insured=run.insured, user=people["other"], shared_by=people["broker"]
        )
        Run.objects.filter(pk=run.pk).update(started_by=people["manager"])
        run.refresh_from_db()
        made.answer(run, {"status": "completed", "solutions": []})
        assert set(told()) == {"broker", "broker2", "manager"}

    def test_but_only_who_still_sees_it_and_is_there(self, people):
        run = made.waiting_run(people["broker"])
        Run.objects.filter(pk=run.pk).update(started_by=people["other"])
        User.objects.filter(pk=people["broker"].pk).update(is_active=False)
        run.refresh_from_db()
        made.answer(run, {"status": "completed", "solutions": []})
        assert told() == {}

    def test_the_same_trouble_after_resuming_is_told_again(self, people):
        run = made.unreadable_run(people["broker"])
        run = resume_run(run=run, actor=people["broker"], hint=False)
        for _ in range(outcomes.MOST_BAD_POLLS):
            Run.objects.filter(pk=run.pk).update(lease_owner=made.LEASE)
            run.refresh_from_db()
            bad = errors.Unusable("Not JSON.", http_status=200, body=b"<html>")
            outcomes.poll_failed(
                run, bad, service=made.service_of(run), lease=made.LEASE, now=timezone.now()
            )
        assert Notice.objects.filter(kind="needs_person").count() == 2

    def test_nothing_twice(self, people):
        run = made.completed_run(people["broker"])
        tell_of_step(run, now=timezone.now())
        assert Notice.objects.count() == 1

    def test_a_notice_that_cannot_be_written_fails_no_run(self, people):
        def broken(execute, sql, *rest):
            return execute(sql.replace('INTO "quotes_notice"', 'INTO "no_such_table"'), *rest)

        with connection.execute_wrapper(broken):
            run = made.completed_run(people["broker"])
        assert (run.state, Notice.objects.count()) == ("completed", 0)
        assert run.solutions.exists()
        later = timezone.now() + timedelta(minutes=10)
        assert sweeps.tell_of_missed(later) == 1
        assert list(told()) == ["broker"]
        assert sweeps.tell_of_missed(later) == 0

    def test_an_error_inside_the_database_leaves_the_transaction_usable(self, people):
        run = made.completed_run(people["broker"])
        tell(
            run=run, people=lambda: [people["broker"]], kind="no such kind", key="x", text="x",
            now=timezone.now(),
        )  # fmt: skip
        assert Run.objects.filter(pk=run.pk).exists()
        assert not Notice.objects.filter(key="x").exists()


class TestExpiring:
    """The example's first prices end with Nov 30."""

    @pytest.fixture
    def run(self, people, time_machine) -> Run:
        time_machine.move_to(NOW)
        return made.completed_run(people["broker"])

    @staticmethod
    def days_before_the_end(run: Run, days: int) -> datetime:
        end = RunFact.objects.get(pk=run.pk).expires_at
        assert end is not None
        at = end - timedelta(days=days, hours=1)
        assert expiry.days_left(end, at) == days
        return at

    def expiring(self) -> dict[str, str]:
        return told(kind=NoticeKind.EXPIRING)

    @pytest.mark.parametrize(("days", "says"), [(4, False), (3, True), (0, True)])
    def test_from_three_days_before_the_last(self, run, days, says):
        sweeps.tell_of_expiring(self.days_before_the_end(run, days))
        assert bool(self.expiring()) == says

    def test_says_until_when_and_once(self, run):
        at = self.days_before_the_end(run, 2)
        assert (sweeps.tell_of_expiring(at), sweeps.tell_of_expiring(at)) == (1, 0)
        assert self.expiring() == {
            "broker": "Run 1 is undecided, and the first of its prices ends on Nov 30."
        }

    def test_not_once_it_is_gone_decided_on_or_superseded(self, run, people):
        at = self.days_before_the_end(run, 2)
        sweeps.tell_of_expiring(at + timedelta(days=4))
        assert self.expiring() == {}
        second = made.completed_run(
            people["broker"], insured=run.insured, at=run.created_at + timedelta(days=1)
        )
        choose(second, people["broker"])
        sweeps.tell_of_expiring(at)
        assert self.expiring() == {}

    def test_of_the_latest_run_only(self, run, people):
        made.completed_run(
            people["broker"], insured=run.insured, at=run.created_at + timedelta(days=1)
        )
        sweeps.tell_of_expiring(self.days_before_the_end(run, 2))
        assert [each.run.number for each in Notice.objects.filter(kind="expiring")] == [2]

    def test_one_worker_of_many_sweeps_and_not_all_the_time(self, run):
        at = self.days_before_the_end(run, 2)
        assert tending.tend(at)["expiring"] == 1
        assert not tending.take_turn("expiring", at + timedelta(minutes=4), tending.SWEEP_EVERY)
        assert tending.take_turn("expiring", at + timedelta(minutes=5), tending.SWEEP_EVERY)
        assert not tending.take_turn("expiring", at + timedelta(minutes=5), tending.SWEEP_EVERY)
        assert Chore.objects.get(name="expiring").due_at == at + timedelta(minutes=10)

    def test_old_notices_go(self, run):
        assert Notice.objects.exists()
        assert tending.tend(timezone.now() + timedelta(days=179))["cleared"] == 0
        assert tending.tend(timezone.now() + timedelta(days=181))["cleared"] >= 1

    def test_sessions_that_ended_by_themselves_go_and_open_ones_stay(self, people):
        browser = Client()
        browser.force_login(people["broker"])
        now, key = timezone.now(), digest_of(browser.session.session_key or "")
        OpenSession.objects.create(session_key="over", expire_date=now - timedelta(seconds=1))
        assert tending.tend(now)["sessions"] == 1
        assert list(OpenSession.objects.values_list("pk", flat=True)) == [key]
        assert browser.get("/inbox/").status_code == 200
        assert tending.tend(now + timedelta(minutes=59))["sessions"] == 0
        assert tending.tend(now + timedelta(days=30))["sessions"] == 1


class TestWhoSees:
    """From a notice or a request the rule is asked the other way round; it must say the same."""

    def test_the_same_as_the_run_for_everybody(self, people):
        north, south = Office.objects.create(name="North"), Office.objects.create(name="South")
        both = make_user("both", Role.BROKER, office=south)
        both.groups.add(people["manager"].groups.get())
        far = make_user("far", Role.MANAGER, office=north)
        far.oversees.add(south)
        left = make_user("left", Role.BROKER, is_active=False)
        everybody = [*people.values(), both, far, left, make_user("none", None)]
        runs = [
            made.completed_run(people["broker"]),
            made.completed_run(people["other"]),
            made.completed_run(both),
            made.completed_run(left),
            made.completed_run(),
        ]
        for run in runs[1:4]:
            InsuredShare.objects.get_or_create(
                insured=run.insured, user=both, defaults={"shared_by": people["admin"]}
            )
        Notice.objects.all().delete()
        for run in runs:
            ReviewRequest.objects.create(
                run=run, kind="revisit", asked_by=people["admin"], asked_at=timezone.now()
            )
            for user in everybody:
                Notice.objects.create(
                    user=user, run=run, kind="finished", key=str(run.pk), at=timezone.now()
                )
        for user in [User.objects.get(pk=each.pk) for each in everybody]:
            seen = set(Run.objects.visible_to(user).values_list("pk", flat=True))
            assert set(Notice.objects.of(user).values_list("run", flat=True)) == seen, user
            assert Notice.objects.of(user).count() == len(seen), "none is doubled"
            asked = ReviewRequest.objects.visible_to(user)
            assert set(asked.values_list("run", flat=True)) == seen, user
        assert not ReviewRequest.objects.visible_to(AnonymousUser()).exists()

    def test_what_is_no_longer_seen_is_not_counted(self, people):
        run = made.completed_run(people["broker"])
        revisits.ask_to_revisit(run=run, actor=people["manager"], text="Why rank 2?")
        assert inbox.unread_count(people["broker"]) == 2
        run.insured.owner = people["other"]
        run.insured.save()
        assert inbox.unread_count(people["broker"]) == 0
        assert inbox.notices_page(people["broker"]) == ([], None)

    def test_counting_is_one_query(self, people, django_assert_num_queries):
        import_example(owner=people["broker"])
        made.completed_run(people["broker"])
        broker = User.objects.get(username="broker")
        assert broker.is_broker
        with django_assert_num_queries(1):
            assert inbox.unread_count(broker) == 1

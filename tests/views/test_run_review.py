"""The Review section of a run's page, and the inbox: what is drawn, and what a POST does."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from quotes.models import (
    ApprovalRule,
    Comment,
    InsuredShare,
    Notice,
    Office,
    ReviewRequest,
    Role,
    Run,
    User,
)
from quotes.services.review import approvals, revisits
from quotes.services.review.comments import write_comment
from tests.decided import NOW, choose
from tests.factories import make_user
from tests.runs import completed_run, waiting_run
from tests.views.pages import signed_in, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def clock(time_machine):
    time_machine.move_to(NOW, tick=True)


@pytest.fixture
def run(people) -> Run:
    return completed_run(people["broker"])


def page(user: User, run: Run) -> Any:
    response = signed_in(user).get(reverse("quotes:run_detail", args=[run.pk]))
    assert response.status_code == 200
    return response


def post(user: User, name: str, *args: object, **data: str) -> Any:
    return signed_in(user).post(reverse(f"quotes:{name}", args=args), data)


class TestSection:
    def test_of_a_run_in_any_state_and_for_whoever_sees_it(self, people):
        run = waiting_run(people["broker"])
        for who in ("broker", "manager", "admin"):
            assert "Nothing was said about this run yet." in words(page(people[who], run))

    def test_forms_are_for_who_may(self, run, people):
        Office.objects.update(approval=ApprovalRule.ALWAYS)
        choose(run, people["broker"])
        broker, manager = words(page(people["broker"], run)), words(page(people["manager"], run))
        assert "Ask for approval" in broker.split("Write a comment")[0].split("Review")[-1]
        assert "Ask the broker to revisit" not in broker
        assert "Ask the broker to revisit" in manager
        assert reverse("quotes:run_approval", args=[run.pk]) not in manager

    def test_whoever_reviews_finds_it_from_the_head_of_the_page(self, run, people):
        for who in ("manager", "admin"):
            assert '<a class="button button--quiet" href="#review">Review</a>' in str(
                page(people[who], run).content.decode()
            )
        assert 'href="#review">Review' not in page(people["broker"], run).content.decode()

    def test_a_comment_is_escaped_and_leads_back_to_the_section(self, run, people):
        response = post(people["manager"], "run_comment", run.pk, text=f"{MARKUP}\nSecond line")
        assert response["Location"].endswith(f"/runs/{run.pk}/#review")
        html = page(people["broker"], run).content.decode()
        assert MARKUP not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>Second line" in html

    def test_five_thousand_characters_with_line_ends_are_taken_and_one_more_is_not(
        self, run, people
    ):
        text = ("x" * 99 + "\r\n") * 50
        assert post(people["broker"], "run_comment", run.pk, text=text[:-2]).status_code == 302
        response = post(people["broker"], "run_comment", run.pk, text="x" * 5001)
        assert response.status_code == 422
        assert "x" * 5001 in response.content.decode(), "nothing typed is lost"
        assert "it has 5001" in words(response)
        assert Comment.objects.count() == 1

    @pytest.mark.parametrize("text", ["", "  ", "a\x00b"])
    def test_what_is_no_comment_is_said_so(self, run, people, text):
        assert post(people["broker"], "run_comment", run.pk, text=text).status_code == 422
        assert not Comment.objects.exists()

    def test_queries_do_not_grow_with_what_was_said(self, run, people, django_assert_num_queries):
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        def said_something() -> None:
            write_comment(run=run, author=people["manager"], text="Hello")
            revisits.ask_to_revisit(run=run, actor=people["manager"], text="Why?")

        said_something()
        page(people["admin"], run)
        with CaptureQueriesContext(connection) as few:
            page(people["admin"], run)
        for _ in range(6):
            said_something()
        with CaptureQueriesContext(connection) as many:
            page(people["admin"], run)
        assert len(few) == len(many)


class TestSettling:
    def test_asked_answered_and_shown_as_settled(self, run, people):
        post(people["manager"], "run_revisit", run.pk, text="Why rank 2?")
        request = ReviewRequest.objects.get()
        shown = words(page(people["broker"], run))
        assert "manager asks you to revisit this run" in shown
        assert f"asked-{request.pk}" in page(people["broker"], run).content.decode()
        done = post(people["broker"], "review_settle", request.pk, "answer", text="The roof.")
        assert done.status_code == 302
        after = words(page(people["manager"], run))
        assert "Settled requests (1)" in after
        assert "The roof." in after

    def test_too_late_says_who_was_first_and_keeps_what_was_typed(self, run, people):
        request = revisits.ask_to_revisit(run=run, actor=people["manager"], text="Why rank 2?")
        revisits.withdraw_revisit(request=request, actor=people["manager"])
        late = post(people["broker"], "review_settle", request.pk, "answer", text="My long answer")
        assert late.status_code == 409
        assert "withdrawn by manager meanwhile" in words(late)
        assert "My long answer" in words(late)

    def test_an_empty_answer_and_a_refusal_without_reason_are_refused_in_words(self, run, people):
        Office.objects.update(approval=ApprovalRule.ALWAYS)
        choose(run, people["broker"])
        post(people["broker"], "run_approval", run.pk, text="")
        request = ReviewRequest.objects.get()
        response = post(people["manager"], "review_settle", request.pk, "refuse", text=" ")
        assert response.status_code == 409
        assert "Write why it is refused" in words(response)
        response = post(people["broker"], "review_settle", request.pk, "approve")
        assert response.status_code == 409
        assert "Only a manager" in words(response)

    @pytest.mark.parametrize("act", ["approve", "refuse", "bogus"])
    def test_a_revisit_has_no_such_act(self, run, people, act):
        request = revisits.ask_to_revisit(run=run, actor=people["manager"], text="Why rank 2?")
        assert post(people["broker"], "review_settle", request.pk, act).status_code == 404

    def test_a_manager_of_another_office_finds_nothing(self, run, people):
        request = revisits.ask_to_revisit(run=run, actor=people["manager"], text="Why rank 2?")
        far = make_user("far", Role.MANAGER, office=Office.objects.create(name="Far office"))
        assert post(far, "review_settle", request.pk, "withdraw").status_code == 404
        assert post(far, "run_comment", run.pk, text="Hello").status_code == 404
        assert "Why rank 2?" not in words(signed_in(far).get(reverse("quotes:inbox")))

    def test_whom_an_insured_of_another_office_is_shared_with_oversees_nothing(self, run, people):
        far = make_user("far", Role.MANAGER, office=Office.objects.create(name="Far office"))
        far.groups.add(people["broker"].groups.get())
        InsuredShare.objects.create(insured=run.insured, user=far, shared_by=people["broker"])
        assert post(far, "run_comment", run.pk, text="Hello").status_code == 302
        assert post(far, "run_revisit", run.pk, text="Why rank 2?").status_code == 404


class TestBinding:
    def test_is_refused_on_the_decisions_page_with_whom_to_ask(self, run, people):
        Office.objects.update(approval=ApprovalRule.ALWAYS)
        choose(run, people["broker"])
        browser = signed_in(people["broker"])
        at = reverse("quotes:run_decision", args=[run.pk])
        assert "Approval needed before this is bound" in words(browser.get(at))
        version = run.decision_events.latest("id").pk
        data = {"version": version, "on": "2026-11-16", "note": "By phone, typed once."}
        bound = reverse("quotes:run_record", args=[run.pk, "bound"])
        refused = browser.post(bound, data)
        assert refused.status_code == 409
        assert "manager can give it" in words(refused)
        assert "By phone, typed once." in refused.content.decode()
        request = approvals.ask_approval(run=run, actor=people["broker"])
        approvals.approve(request=request, actor=people["manager"], text="Fine.")
        assert browser.post(bound, data).status_code == 302
        history = words(browser.get(at)).split("History")[1]
        order = ["Chosen: rank 1", "Approval of the choice asked for.", "Choice approved: Fine."]
        assert [history.index(each) for each in order] == sorted(map(history.index, order))
        assert history.index("Choice approved: Fine.") < history.index("Bound: rank 1")


class TestInbox:
    def test_says_what_waits_for_whom(self, run, people):
        Office.objects.update(approval=ApprovalRule.ALWAYS)
        choose(run, people["broker"])
        approvals.ask_approval(run=run, actor=people["broker"], text="It saves.")
        revisits.ask_to_revisit(run=run, actor=people["manager"], text=MARKUP)
        at = reverse("quotes:inbox")
        broker = words(signed_in(people["broker"]).get(at))
        manager = words(signed_in(people["manager"]).get(at))
        assert "1 request waits for you" in broker
        assert "Waiting for you 1 Insured" in broker
        assert broker.index("Revisit run 1") < broker.index("Asked by you")
        assert manager.index("Approve rank 1 of run 1") < manager.index("Asked by you")
        assert MARKUP not in signed_in(people["broker"]).get(at).content.decode()
        assert "Nothing waits for you" in words(signed_in(people["other"]).get(at))

    def test_looking_marks_nothing_read_and_a_post_does(self, run, people):
        revisits.ask_to_revisit(run=run, actor=people["manager"], text="Why rank 2?")
        browser = signed_in(people["broker"])
        at = reverse("quotes:inbox")
        assert "2 unread notices" in words(browser.get(at))
        page(people["broker"], run)
        assert "Inbox , 2 unread" in words(browser.get(at))
        newest = Notice.objects.filter(user=people["broker"])[0]
        browser.post(reverse("quotes:notice_read", args=[newest.pk]))
        assert "1 unread notice" in words(browser.get(at))
        browser.post(reverse("quotes:notices_read"))
        assert "unread" not in words(browser.get(at))

    def test_an_open_run_marks_its_own_by_a_post_of_htmx(self, run, people):
        second = completed_run(people["broker"])
        browser = signed_in(people["broker"])
        read = reverse("quotes:run_notices_read", args=[run.pk])
        assert read in page(people["broker"], run).content.decode()
        response = browser.post(read, headers={"HX-Request": "true"})
        assert 'id="inbox-count" hx-swap-oob="true"' in response.content.decode()
        left = Notice.objects.filter(user=people["broker"], read_at__isnull=True)
        assert [each.run for each in left] == [second]
        assert read not in page(people["broker"], run).content.decode()

    def test_pages_neither_repeat_nor_skip(self, run, people):
        Notice.objects.bulk_create(
            Notice(
                user=people["broker"], run=run, kind="comment", key=str(n), text=f"No. {n};",
                at=run.created_at,
            )
            for n in range(120)
        )  # fmt: skip
        browser = signed_in(people["broker"])
        at, seen = reverse("quotes:inbox"), []
        while at:
            response = browser.get(at)
            seen += [each.text for each in response.context["notices"]]
            following = response.context["following"]
            at = f"{reverse('quotes:inbox')}?before={following}" if following else ""
        assert seen[:120] == [f"No. {n};" for n in reversed(range(120))]
        assert len(seen) == 121
        assert "99+" in words(browser.get(reverse("quotes:inbox")))
        for odd in ("x", "-1", "9" * 40):
            assert browser.get(reverse("quotes:inbox"), {"before": odd}).status_code == 200

    def test_mail_is_turned_off_by_oneself_where_there_is_any(self, people, settings):
        people["broker"].email = "broker@example.com"
        people["broker"].save()
        browser = signed_in(people["broker"])
        at = reverse("quotes:inbox")
        assert "By e-mail" not in words(browser.get(at))
        settings.MAIL_ON = True
        assert "Stop mailing notices to me" in words(browser.get(at))
        browser.post(reverse("quotes:inbox_mail"), {"mail": "off"})
        people["broker"].refresh_from_db()
        assert not people["broker"].notices_by_mail
        assert "Notices are not mailed to you." in words(browser.get(at))

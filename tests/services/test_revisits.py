"""Comments and requests to revisit a run: who may, what is kept, and who is told."""

from __future__ import annotations

import pytest

from quotes.models import Comment, InsuredShare, Notice, Office, ReviewState, Role, RunEvent, User
from quotes.services.decisions import NotPossible
from quotes.services.packet_documents import Kept, timeline_document
from quotes.services.review import revisits
from quotes.services.review.comments import write_comment
from tests.factories import make_user, queued_run
from tests.runs import completed_run

pytestmark = pytest.mark.django_db
MARKUP = "<script>alert(1)</script> & “quotes” "


@pytest.fixture
def run(people):
    return completed_run(people["broker"])


def told(kind: str) -> list[str]:
    rows = Notice.objects.filter(kind=kind).order_by("user__username")
    return list(rows.values_list("user__username", flat=True))


class TestComments:
    def test_stay_as_written_and_stand_on_the_timeline(self, run, people):
        text = (MARKUP * 200)[:5000]
        comment = write_comment(run=run, author=people["manager"], text=f"  {text}\n")
        assert comment.text == text.strip()
        event = run.events.get(kind="comment")
        assert event.actor == people["manager"]
        assert event.text.startswith("Commented: <script>")
        assert event.data["text"] == text.strip()
        kept = Kept(run, [], list(run.events.all()), [], [], [])
        told = [each for each in timeline_document(kept) if each["kind"] == "comment"]
        assert [each["data"]["text"] for each in told] == [text.strip()]

    @pytest.mark.parametrize("text", ["", " \n ", "x" * 5001])
    def test_nothing_and_too_much_are_refused(self, run, people, text):
        with pytest.raises(NotPossible):
            write_comment(run=run, author=people["broker"], text=text)
        assert not Comment.objects.exists()
        assert not RunEvent.objects.filter(kind="comment").exists()

    def test_only_of_what_is_seen(self, run, people):
        with pytest.raises(NotPossible, match="no longer see"):
            write_comment(run=run, author=people["other"], text="Hello")

    def test_tell_the_brokers_and_who_commented_before_but_not_the_author(self, run, people):
        InsuredShare.objects.create(
            insured=run.insured, user=people["other"], shared_by=people["broker"]
        )
        write_comment(run=run, author=people["manager"], text="Why rank 2?")
        assert told("comment") == ["broker", "broker2"]
        write_comment(run=run, author=people["broker"], text="Its deductible.")
        assert told("comment") == ["broker", "broker2", "broker2", "manager"]


class TestRevisits:
    def test_asked_and_answered(self, run, people):
        request = revisits.ask_to_revisit(run=run, actor=people["manager"], text="Why rank 2?")
        assert told("review") == ["broker"]
        closed = revisits.answer_revisit(request=request, actor=people["broker"], text="The roof.")
        assert (closed.state, closed.answer) == (ReviewState.ANSWERED, "The roof.")
        assert told("answer") == ["manager"]
        kinds = list(run.events.filter(kind__startswith="revisit").values_list("kind", flat=True))
        assert kinds == ["revisit_asked", "revisit_answered"]

    def test_of_a_run_in_any_state(self, people):
        run = queued_run(owner=people["broker"])
        revisits.ask_to_revisit(run=run, actor=people["admin"], text="Is this needed?")

    def test_a_broker_does_not_ask_and_a_manager_not_of_another_office(self, run, people):
        far = make_user("far", Role.MANAGER, office=Office.objects.create(name="Far office"))
        for person in (people["broker"], people["other"], far):
            with pytest.raises(NotPossible, match="Only a manager"):
                revisits.ask_to_revisit(run=run, actor=person, text="Why?")

    def test_nobody_asks_themselves_nor_answers_themselves(self, run, people):
        people["broker"].groups.add(people["manager"].groups.get())
        both = User.objects.get(username="broker")
        with pytest.raises(NotPossible):
            revisits.ask_to_revisit(run=run, actor=both, text="Why?")
        people["other"].groups.add(people["manager"].groups.get())
        other = User.objects.get(username="broker2")
        InsuredShare.objects.create(insured=run.insured, user=other, shared_by=both)
        request = revisits.ask_to_revisit(run=run, actor=other, text="Why rank 2?")
        with pytest.raises(NotPossible, match="Only the broker"):
            revisits.answer_revisit(request=request, actor=other, text="Because.")
        revisits.withdraw_revisit(request=request, actor=other)

    def test_withdrawn_by_another_manager_and_then_not_answered(self, run, people):
        request = revisits.ask_to_revisit(run=run, actor=people["manager"], text="Why rank 2?")
        second = make_user("second", Role.MANAGER)
        revisits.withdraw_revisit(request=request, actor=second)
        assert told("answer") == ["broker", "manager"]
        with pytest.raises(NotPossible, match="withdrawn by second meanwhile"):
            revisits.answer_revisit(request=request, actor=people["broker"], text="The roof.")
        assert not run.events.filter(kind="revisit_answered").exists()

    def test_whom_it_is_shared_with_answers_and_the_broker_is_told(self, run, people):
        InsuredShare.objects.create(
            insured=run.insured, user=people["other"], shared_by=people["broker"]
        )
        request = revisits.ask_to_revisit(run=run, actor=people["manager"], text="Why rank 2?")
        assert told("review") == ["broker", "broker2"]
        revisits.answer_revisit(request=request, actor=people["other"], text="The roof.")
        assert told("answer") == ["broker", "manager"]

    def test_a_run_of_nobody_has_nobody_to_ask(self, people):
        run = queued_run()
        with pytest.raises(NotPossible, match="belongs to nobody"):
            revisits.ask_to_revisit(run=run, actor=people["admin"], text="Why?")

    def test_a_manager_whose_broker_moved_no_longer_withdraws(self, run, people):
        request = revisits.ask_to_revisit(run=run, actor=people["manager"], text="Why rank 2?")
        people["broker"].office = Office.objects.create(name="Far office")
        people["broker"].save()
        with pytest.raises(NotPossible, match="Only a manager"):
            revisits.withdraw_revisit(request=request, actor=people["manager"])
        revisits.answer_revisit(request=request, actor=people["broker"], text="The roof.")
        assert told("answer") == [], "the manager sees the run no more"

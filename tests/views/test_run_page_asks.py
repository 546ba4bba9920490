"""What a run's page asks of the database, and what it need not ask."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from quotes.models import Insured, InsuredShare, Notice, NoticeKind, Run, RunState, User
from quotes.services import decisions, run_people, runs
from quotes.services.decision_summary import newer_among, newer_run
from quotes.services.review import comments, revisits
from quotes.views.results import other_runs
from tests import runs as made
from tests.decided import NOW, WHY, packages, said
from tests.views.pages import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.time_machine(NOW, tick=False)]
ROWS_OF = re.compile(r'^SELECT "quotes_(\w+)"')


def asked(user: User, run: Run) -> tuple[list[str], str]:
    """The tables that a run's page asks for rows of, in order; and the page."""
    client, address = signed_in(user), reverse("quotes:run_detail", args=[run.pk])
    client.get(address)
    with CaptureQueriesContext(connection) as sent:
        page = client.get(address).content.decode()
    return [found[1] for each in sent if (found := ROWS_OF.match(each["sql"]))], page


@pytest.fixture
def broker(people: dict[str, User]) -> User:
    return people["broker"]


@pytest.fixture
def run(broker: User) -> Run:
    run = made.completed_run(broker)
    Notice.objects.update(read_at=timezone.now())
    return run


def test_few_statements_where_nothing_was_said_or_decided(run: Run, broker: User) -> None:
    tables, _ = asked(broker, run)
    rare = {"comment", "reviewrequest", "decisionevent", "proposal", "insured", "office"}
    assert not rare & set(tables)
    assert tables.count("run") == 2, "the run, and its insured's others"
    assert tables.count("runevent") == 1
    assert len(tables) <= 13


def test_a_run_under_way_is_compared_with_nothing(broker: User) -> None:
    tables, _ = asked(broker, made.waiting_run(broker))
    assert tables.count("run") == 2, "the run, and how long others took"


def _comment(run: Run, people: dict[str, User]) -> str:
    comments.write_comment(run=run, author=people["manager"], text="Mind the roof.")
    return "Mind the roof."


def _request(run: Run, people: dict[str, User]) -> str:
    revisits.ask_to_revisit(run=run, actor=people["manager"], text="Why rank 2?")
    return "Why rank 2?"


def _choice(run: Run, people: dict[str, User]) -> str:
    decisions.choose_solution(
        run=run, solution=packages(run)[1], actor=people["broker"], reason=WHY
    )
    return WHY


def _offered(run: Run, people: dict[str, User]) -> str:
    decisions.mark_shown(run=run, solutions=packages(run)[:1], actor=people["broker"], said=said())
    return "1 package was shown"


def _notice(run: Run, people: dict[str, User]) -> str:
    Notice.objects.create(
        run=run, user=people["broker"], kind=NoticeKind.REVIEW, key="k", text="Look",
        at=timezone.now(),
    )  # fmt: skip
    return reverse("quotes:run_notices_read", args=[run.pk])


@pytest.mark.parametrize("add", [_comment, _request, _choice, _offered, _notice])
def test_what_few_runs_have_is_shown_as_soon_as_it_is_there(
    run: Run, people: dict[str, User], add: Callable[[Run, dict[str, User]], str]
) -> None:
    _, before = asked(people["broker"], run)
    words = add(run, people)
    _, after = asked(people["broker"], run)
    assert words not in before
    assert words in after


def test_attempts_are_named_as_soon_as_there_is_one(broker: User) -> None:
    run = made.failed_run(broker)
    assert "Sent again as" not in asked(broker, run)[1]
    again = runs.send_again(run=run, actor=broker, reason="")
    assert f"run {again.number}</a>" in asked(broker, run)[1].partition("Sent again as")[2]


def test_notices_of_others_are_not_the_readers(run: Run, people: dict[str, User]) -> None:
    address = _notice(run, people)
    assert address in asked(people["broker"], run)[1]
    assert address not in asked(people["manager"], run)[1]


@pytest.mark.parametrize("others", [[], [1], [3], [1, 3, 4], list(range(3, 24))])
@pytest.mark.parametrize("ended", [(), (1,), (3,), (3, 4), (23,)])
def test_the_newer_run_is_found_among_the_others(
    broker: User, others: list[int], ended: tuple[int, ...]
) -> None:
    insured = Insured.objects.create(owner=broker)

    def stored(number: int) -> Run:
        state = RunState.COMPLETED if number in ended else RunState.FAILED
        how: dict[str, Any] = {"created_at": timezone.now(), "finished_at": timezone.now()}
        how |= {"nexio_run_id": f"r{number}", "request": {}, "request_body": b"{}"}
        return Run.objects.create(
            insured=insured, number=number, state=state, response_body=b"{}", **how
        )

    run = stored(2)
    for number in others:
        stored(number)
    for what_if in (False, True):
        assert newer_among(other_runs(run), run) == newer_run(run)
        if not what_if:
            for each in insured.runs.filter(number__gt=3):
                each.note(at=timezone.now(), kind="what_if", text="Supposed.", data={})


@pytest.mark.parametrize("who", ["broker", "other", "manager", "admin"])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("active", [False, True])
def test_who_works_on_a_run_that_was_read_with_its_insured(
    run: Run, people: dict[str, User], who: str, shared: bool, active: bool
) -> None:
    person = people[who]
    if shared and who != "broker":
        InsuredShare.objects.create(insured=run.insured, user=person, shared_by=people["broker"])
    User.objects.filter(pk=person.pk).update(is_active=active)
    person = User.objects.get(pk=person.pk)
    assert run_people.works_on_shown(person, run) == run_people.works_on(person, run)

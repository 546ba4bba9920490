"""The search for canaries finds one wherever it looks, however it is wrapped."""

from __future__ import annotations

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Success
from django_q.tasks import async_task

from chaos.canaries import BIRTH, BUT_NAMES, KEY, SURNAME, Watch
from chaos.pages import NAMELESS, NAMING, pages_for_operators
from quotes.models import User

NAMES = [KEY, SURNAME.upper(), f"Clementine {SURNAME}-7", f"{BIRTH:%m/%d/%Y}"]


@pytest.mark.parametrize("text", NAMES)
def test_in_a_log(tmp_path, text):
    log = tmp_path / "worker.log"
    log.write_text(f"a line\nanother with {text} in it\n")
    watch = Watch()
    watch.files("worker logs", [log])
    assert watch.found == {"worker logs"}


def test_in_what_waits_in_the_queue_where_it_is_packed(db):
    async_task("quotes.tasks.watch", {"insured": [SURNAME]})
    assert SURNAME not in OrmQ.objects.get().payload
    watch = Watch()
    watch.queue()
    assert watch.found == {"queue payloads"}


def test_in_what_the_queue_keeps_of_a_task(db):
    now = timezone.now()
    Success.objects.create(
        id="1", name="one", func="f", args=(SURNAME,), started=now, stopped=now, success=True
    )
    watch = Watch()
    watch.queue()
    assert watch.found == {"queue payloads"}


def test_in_what_the_queue_is_to_do_at_a_time(db):
    Schedule.objects.create(func="f", kwargs=f"name='{SURNAME}'")
    watch = Watch()
    watch.queue()
    assert watch.found == {"queue payloads"}


def test_on_a_page_for_operators(db):
    """The pages are seen as they are drawn: what is put on one is found."""
    clean = Watch()
    clean.look("pages for operators", pages_for_operators(NAMELESS))
    assert (clean.found, clean.looked) == (set(), {"pages for operators": len(NAMELESS)})
    clean.look("pages for operators", pages_for_operators(NAMING), BUT_NAMES)
    assert not clean.found
    User.objects.create(username=f"{SURNAME}@example.com")
    watch = Watch()
    watch.look("pages for operators", pages_for_operators(NAMELESS))
    assert watch.found == {"pages for operators"}


def test_a_page_about_households_may_name_them_and_nothing_else():
    watch = Watch()
    watch.look("a page", [f"<td>{SURNAME}</td>".encode()], BUT_NAMES)
    assert not watch.found
    watch.look("a page", [f"<td>{BIRTH:%m/%d/%Y}</td>".encode()], BUT_NAMES)
    assert watch.found == {"a page"}


def test_a_queue_without_any_is_clean_and_was_looked_at(db):
    async_task("quotes.tasks.watch")
    watch = Watch()
    watch.queue()
    assert watch.found == set()
    assert watch.looked == {"queue payloads": 2}

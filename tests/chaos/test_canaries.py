"""The search for canaries finds one wherever it looks, however it is wrapped."""

from __future__ import annotations

import os

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Success
from django_q.tasks import async_task

from chaos.canaries import BIRTH, BUT_NAMES, KEY, SURNAME, Watch
from chaos.loading import Loader
from chaos.pages import NAMELESS, NAMING, pages_for_operators, pages_of_brokers, web
from quotes.models import User
from tests.processes.conftest import database_url

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


@pytest.fixture
def process(tmp_path, transactional_db):
    """A web process on the test's database."""
    env = {**os.environ, "DATABASE_URL": database_url(), "DATA_DIR": str(tmp_path)}
    env |= {"DJANGO_SETTINGS_MODULE": "chaos.settings", "LOG_LEVEL": "INFO"}
    with web(tmp_path, env) as process:
        yield process


@pytest.mark.processes
def test_on_a_page_for_operators(process):
    """The pages are seen as they are served: what is put on one is found."""
    clean = Watch()
    clean.look("pages for operators", pages_for_operators(process.url, NAMELESS))
    assert (clean.found, clean.looked) == (set(), {"pages for operators": len(NAMELESS)})
    clean.look("pages for operators", pages_for_operators(process.url, NAMING), BUT_NAMES)
    assert not clean.found
    User.objects.create(username=f"{SURNAME}@example.com")
    watch = Watch()
    watch.look("pages for operators", pages_for_operators(process.url, NAMELESS))
    assert watch.found == {"pages for operators"}


@pytest.mark.processes
def test_in_the_log_of_a_web_process_that_showed_households(process, tmp_path):
    run = Loader(tmp_path / "ledger.jsonl", seed=1, hints=False).load()
    watch = Watch()
    watch.look("pages of brokers", pages_of_brokers(process.url, [run]))
    assert watch.found == {"pages of brokers"}, "they do name the household"
    assert watch.looked["pages of brokers"] > 6
    assert b"insureds/<uuid:pk>/" in process.log.read_bytes()
    logged = Watch()
    logged.files("web log", [process.log])
    assert (logged.found, logged.looked) == (set(), {"web log": 1})
    with process.log.open("a") as log:
        log.write(f"looked for {SURNAME}\n")
    logged.files("web log", [process.log])
    assert logged.found == {"web log"}


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

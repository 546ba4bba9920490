"""`kill -9` of the web process in the middle of a request: what it was saving is there whole or
not at all, another takes its place, and the same form sent again does it once."""

from __future__ import annotations

import http.client
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from quotes.models import ImportDraft, Insured, Quote, QuoteLine, Run, RunEvent, RunFact
from tests.factories import EXAMPLES, import_example, make_user
from tests.processes.halts import FOLDER, Traps
from tests.processes.web import Person, WebProcess
from tests.processes.worker import eventually
from tests.views.pages import form_values

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]

NOWHERE = "http://127.0.0.1:9"
CHOICE = {"coverage_types": "auto", "appetite": "simplicity"}


class Office:
    """A web server, a broker who uses it, and traps on the way of what it saves."""

    def __init__(self, web: WebProcess, traps: Traps) -> None:
        self.web, self.traps = web, traps
        self.broker = make_user("broker", "broker")
        self.person = Person(web, "broker")

    def send(self, path: str, page: str, **form: str) -> str:
        """Send a form that stands on this page; returns where it leads."""
        status, where = self.person.post(self.web, path, page, **form)
        assert status == 302, status
        return where

    def die_while_sending(self, trap: tuple[str, str], path: str, page: str, **form: str) -> None:
        """The same, but the process that answers is killed in this trap."""
        self.traps.set(*trap)
        with ThreadPoolExecutor(1) as elsewhere:
            answer = elsewhere.submit(self.send, path, page, **form)
            pid = eventually(self.traps.halted, 60, "the web process came to the place")
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            with pytest.raises((http.client.HTTPException, OSError)):
                answer.result(60)


@pytest.fixture
def office(tmp_path: Path, transactional_db: None, settings: Any) -> Iterator[Office]:
    # As the process under test has it; the tests' own is quick and known to tests only.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    traps = Traps(tmp_path / "traps")
    web = WebProcess(
        tmp_path / "web",
        NOWHERE,
        DJANGO_SETTINGS_MODULE="tests.processes.settings",
        **{FOLDER: str(tmp_path / "traps")},
    )
    try:
        web.wait()
        yield Office(web, traps)
    finally:
        web.stop()


def test_while_a_run_is_started(office: Office) -> None:
    insured = import_example("home_auto.json", office.broker).insured
    page = reverse("quotes:insured_detail", args=[insured.pk])
    start = reverse("quotes:run_start", args=[insured.pk])

    halfway = ("before", r'INSERT INTO "?quotes_runevent"?')
    office.die_while_sending(halfway, start, page, **CHOICE)
    assert not Run.objects.exists()
    assert not RunFact.objects.exists()

    committed = ("committed", r'INSERT INTO "?quotes_runevent"?')
    office.die_while_sending(committed, start, page, **CHOICE)
    run = Run.objects.get()
    assert run.state == run.fact.state == "queued"
    assert [event.kind for event in run.events.all()] == ["created"]

    # Who got no answer presses the button once more, at once.
    Run.objects.update(created_at=timezone.now())
    assert office.send(start, page, **CHOICE) == reverse("quotes:run_detail", args=[run.pk])
    assert Run.objects.count() == RunEvent.objects.count() == 1


def test_while_an_import_is_saved(office: Office) -> None:
    document = (EXAMPLES / "home_auto.json").read_text()
    preview = office.send(reverse("quotes:import_new"), "", text=document)
    shown = office.person.ask(office.web, "GET", preview)[2]
    confirmed = {"do": "import", "seal": form_values(shown)["seal"]}

    halfway = ("before", r'INSERT INTO "?quotes_quoteline"?')
    office.die_while_sending(halfway, preview, preview, **confirmed)
    for kind in (Insured, Quote, QuoteLine):
        assert not kind.objects.exists()
    assert ImportDraft.objects.count() == 1, "what was pasted is kept, to be confirmed again"

    office.send(preview, preview, **confirmed)
    assert Insured.objects.count() == 1
    sent_twice = Quote.objects.count(), QuoteLine.objects.count()
    alone = import_example("home_auto.json", make_user("other", "broker"))
    lines = QuoteLine.objects.filter(quote__in=alone.quotes)
    assert sent_twice == (len(alone.quotes), lines.count())

"""What production logs: JSON lines with the request's id, and nothing of a household."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.factories import PASSWORD, make_user, queued_run
from tests.processes.conftest import database_url

ROOT = Path(__file__).resolve().parent.parent
NAME = "Wilhelmina Canarywood"
FAULTS = f"""
import logging, warnings
import django; django.setup()
import structlog
log = structlog.get_logger("quotes.example")
try:
    try:
        raise ValueError("Key (name)=({NAME}) already exists.")
    except ValueError as error:
        raise RuntimeError("while storing {NAME}") from error
except RuntimeError as error:
    log.exception("not_stored", run="1")
    kept = error
    logging.getLogger("django.db").error(f"Error calling it ({{error}}).", exc_info=True)
    logging.getLogger("django.request").error("%s: %s", "Internal Server Error", "/{NAME}/")
    logging.getLogger("django-q").error(
        f"Failed 'quotes.tasks.mail_links' (blue-moon) - {{error}} : Traceback\\n  {{error}}"
    )
log.error("told_later", exc_info=kept)
warnings.warn("something is old")
raise LookupError("{NAME}")
"""
PAGES = """
import sys
import django; django.setup()
from django.conf import settings
from django.test import Client
# As if the static files had been collected.
plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
settings.STORAGES["staticfiles"]["BACKEND"] = plain
from quotes.models import User
from tests.access.enrolled import mark_confirmed
client = Client(raise_request_exception=False, headers={"host": "portal.example.com"})
broker = User.objects.get(username="broker")
client.force_login(broker)
mark_confirmed(client, broker)
for path in sys.argv[1:]:
    client.get(path, secure=True)
"""


def logged(program: str, *arguments: str, **environment: str) -> list[dict[str, Any]]:
    """Every line that a production process writes; fails where one is not JSON."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "APP_ENV": "production",
            "SECRET_KEY": "kTz3-Wq9_vR7xLm2Pn8sYb4Hd6Gf1Jc5QaUeIoZp",
            "ALLOWED_HOSTS": "portal.example.com",
            "NEXIO_API_KEY": "nx_live_example",
            "LOG_LEVEL": "INFO",
            "DJANGO_SETTINGS_MODULE": "brokerportal.settings",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert NAME not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_a_fault_is_logged_by_kind_and_place_and_never_by_its_text():
    stored, django, request, queue, later, warned, died = logged(FAULTS)
    assert (stored["event"], stored["run"], stored["level"]) == ("not_stored", "1", "error")
    assert [each["kind"] for each in stored["fault"]] == [
        "builtins.RuntimeError", "builtins.ValueError",
    ]  # fmt: skip
    assert stored["fault"][0]["at"] == ["<string>:10 <module>"]
    assert django["event"] == "Error calling it (RuntimeError)."
    assert request["event"] == "Internal Server Error"
    assert queue["event"] == "Failed 'quotes.tasks.mail_links' (blue-moon)"
    assert (later["event"], later["fault"]) == ("told_later", stored["fault"])
    assert warned["logger"] == "py.warnings"
    assert (died["event"], died["level"]) == ("process_died", "critical")
    assert died["fault"][0]["kind"] == "builtins.LookupError"


@pytest.mark.django_db(transaction=True)
def test_a_request_is_logged_by_pattern_with_its_id_and_nobodys_name():
    broker = make_user("broker", "broker", first_name=NAME)
    run = queued_run(owner=broker)
    insured = f"/insureds/{run.insured_id}/"
    lines = logged(PAGES, insured, f"/no/such/{NAME}/", DATABASE_URL=database_url())
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["page"], line["status"], line["user"]) for line in requests] == [
        ("insureds/<uuid:pk>/", 200, broker.pk),
        ("", 404, broker.pk),
    ]
    assert len({line["request_id"] for line in requests}) == 2
    assert all(line["milliseconds"] > 0 for line in requests)
    assert str(run.insured_id) not in json.dumps(requests)
    assert run.insured.applicant_name not in json.dumps(lines)


@pytest.mark.django_db
def test_the_reply_names_the_id_of_its_log_lines(client):
    first, second = client.get("/healthz"), client.get("/healthz")
    assert len(first["X-Request-ID"]) == 32
    assert first["X-Request-ID"] != second["X-Request-ID"]
    assert PASSWORD not in str(first.headers)

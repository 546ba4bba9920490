"""The list of runs as a browser gets it, for tests of its parts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from quotes.models import Insured, Run, RunFact
from quotes.services import run_facts
from tests.factories import queued_run

URL = reverse("quotes:run_list")


def order_shown(client: Client, query: str = "") -> list[str]:
    """The ids of the runs on the page, from above."""
    response = client.get(f"{URL}?{query}")
    assert response.status_code == 200
    return [str(row.fact.pk) for row in response.context["page"].rows]


def shown(client: Client, query: str = "") -> set[str]:
    """The ids of the runs on the page."""
    return set(order_shown(client, query))


def ids(*runs: Run) -> set[str]:
    return {str(run.pk) for run in runs}


def search(client: Client, text: str, **more: str) -> Any:
    return client.post(reverse("quotes:run_search"), {"text": text, **more})


def as_if(run: Run, **facts: Any) -> Run:
    """The run with facts that would take long to come about."""
    RunFact.objects.filter(pk=run.pk).update(**facts)
    return run


def begun(run: Run, at: datetime) -> Run:
    """The run as if it had been started then."""
    Run.objects.filter(pk=run.pk).update(created_at=at)
    run_facts.refresh(run.pk)
    return run


def many_runs(insured: Insured, count: int, at: datetime | None = None) -> None:
    """Rows like a first run's, without the work of sending them; a second apart where `at` is
    given, else all of one moment."""
    like = queued_run(insured=insured)
    now = at or timezone.now()
    fields: dict[str, Any] = {
        "insured": insured, "request": {}, "request_body": b"{}", "coverage_types": ["home"],
        "service_url": like.service_url,
    }  # fmt: skip
    made = Run.objects.bulk_create(
        Run(number=like.number + n, created_at=now + timedelta(seconds=n if at else 0), **fields)
        for n in range(1, count)
    )
    list(run_facts.refresh_many(run.pk for run in made))

"""From a file to the body that is sent for it, as ``compare`` goes."""

from __future__ import annotations

from typing import Any

from quotes.models import Insured, Run
from quotes.services import intake, reading
from quotes.services.runs import start_run
from tests import documents


def imported_run(raw: bytes) -> Run:
    """The run that ``compare`` would queue for this file."""
    document = reading.read_document(raw)
    found = intake.import_document(document=document, owner=None)
    return start_run(
        insured=found.insured,
        coverage_types=document.input["coverage_types"],
        quotes=found.quotes,
        offered=found.offered,
        hint=False,
    )


def sent_for(raw: bytes) -> Any:
    return documents.values_of(bytes(imported_run(raw).request_body))


def sent_now(insured: Insured, **how: Any) -> Any:
    run = start_run(insured=insured, coverage_types=insured.requested_lines, hint=False, **how)
    return documents.values_of(bytes(run.request_body))

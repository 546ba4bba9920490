"""What a run's page says was left out of a request."""

from __future__ import annotations

import pytest

from quotes.services.as_sent import left_out_lines
from quotes.services.runs import start_run
from tests.factories import import_example, import_value

pytestmark = pytest.mark.django_db


def line(ref: str, premium: int | None) -> dict[str, object]:
    return {"quote_id": ref, "premium_annual": premium, "product_name": "Form"}


def test_everything_that_was_offered_is_left_out_nowhere():
    intake = import_example("example_input.json")
    run = start_run(insured=intake.insured, coverage_types=["home", "auto", "umbrella"], hint=False)
    assert left_out_lines(run.request, run.coverage_types) == []


def test_a_line_that_was_not_requested_says_so():
    intake = import_example("home_auto.json")
    run = start_run(insured=intake.insured, coverage_types=["home"], hint=False)
    said = left_out_lines(run.request, run.coverage_types)
    assert said
    assert all(each.endswith("auto (not requested)") for each in said)


def test_a_line_quoted_but_not_among_the_imported_offerings_says_so():
    offering = {
        "id": "o1",
        "provider_name": "Fable Mutual",
        "category": "home",
        "coverage": {"product_name": "Form", "program_type": "quoted_line"},
        "attributes": {"quote_id": "h1", "line_premium_annual": 900, "package_premium_annual": 900},
    }
    quote = {"carrier": "Fable Mutual", "home": line("h1", 900)}
    other = {"carrier": "Inkwell", "home": line("h2", 950), "auto": line("a2", None)}
    body = {
        "input": {
            "coverage_types": ["home", "auto"],
            "address": {"state": "CA", "zip_code": "92648"},
            "quotes": [quote, other],
        },
        "offerings": [offering],
    }
    intake = import_value(body)
    request = {"input": body["input"], "offerings": [offering]}
    assert intake.quotes_created == 2
    assert left_out_lines(request, ["home", "auto"]) == [
        "Inkwell home (not among the imported offerings)",
        "Inkwell auto (no premium)",
    ]

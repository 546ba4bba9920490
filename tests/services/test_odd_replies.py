"""A terminal reply is untrusted input: what is odd in it is not given, and never fails a run."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from quotes.models import Run
from tests.fake_nexio import FakeNexio
from tests.services.watch import Watching, until_state

pytestmark = pytest.mark.django_db(transaction=True)

ODD_SOLUTIONS: list[Any] = [
    None,
    7,
    {},
    {"rank": "first", "scorecard": [1], "offerings": {"home": 1}, "est_cost_low": "NaN"},
    {"rank": -1, "est_cost_low": True, "est_cost_high": 10**40, "provider_count": 2.5},
    {
        "rank": 1,
        "cluster_label": "x" * 999,
        "scorecard": {"overall_level": Decimal("1E-300")},
        "est_cost_low": Decimal("999999999.999"),
        "offerings": [
            None,
            {"provider_name": 5, "category": ["home"], "attributes": "none"},
            {"provider_name": "N\x00UL \ud800 Mutual", "category": "boat", "coverage": 3},
            {
                "id": "y" * 5000,
                "provider_name": "Larkspur Mutual",
                "category": "home",
                "attributes": {"line_premium_annual": Decimal("-12.345"), "quote_id": "q\x00"},
            },
        ],
    },
]


@pytest.mark.parametrize("solutions", [ODD_SOLUTIONS, "many", {"0": {}}, None], ids=type)
def test_odd_solutions_never_fail_a_run(nexio: FakeNexio, run: Run, solutions: Any) -> None:
    nexio.on_poll(
        None,
        lambda request: {
            "run_id": request.run_id,
            "status": "completed",
            "environment": "te\x00st",
            "output": {"diagnostic": {"why": ["odd\x00", "\ud800"]}},
            "solutions": solutions,
            "error_details": [float("nan"), "\x00", 10**60],
            "completed_at": "yesterday",
        },
    )
    with Watching(nexio):
        until_state(run, "completed")
    stored = list(run.solutions.all())
    assert len(stored) == (len(ODD_SOLUTIONS) if solutions is ODD_SOLUTIONS else 0)
    if stored:
        ranked = stored[0]
        assert (ranked.rank, ranked.est_cost_high) == (1, None)
        assert [line.category for line in ranked.lines.all()] == ["", "", "boat", "home"]
        assert all(s.rank is None for s in stored[1:])
    assert run.completed_at is None
    assert run.response_body


def test_an_undocumented_ending_with_an_error_and_no_package_is_a_failure(
    nexio: FakeNexio, run: Run
) -> None:
    nexio.on_poll(
        None,
        lambda request: {
            "run_id": request.run_id,
            "status": "cancelled",
            "error": "cancelled by an operator",
            "completed_at": "2026-03-04T03:36:44Z",
        },
    )
    with Watching(nexio):
        until_state(run, "failed")
    assert (run.nexio_status, run.error) == ("cancelled", "cancelled by an operator")

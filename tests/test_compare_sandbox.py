"""`manage.py compare` of every example against the sandbox over real HTTP."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import simplejson
from django.core.management import call_command

from tests.factories import EXAMPLES

pytestmark = pytest.mark.django_db(transaction=True)


def compare(path: Any) -> Any:
    out = StringIO()
    call_command("compare", str(path), "--json", stdout=out, stderr=StringIO())
    return simplejson.loads(out.getvalue(), use_decimal=True)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_example_is_ranked_line_by_line(sandbox: str, path: Any) -> None:
    found = compare(path)
    document = simplejson.loads(path.read_bytes(), use_decimal=True)
    asked = document.get("input", document)["coverage_types"]
    offered = {
        (o["provider_name"], o["category"], o["attributes"]["line_premium_annual"])
        for o in found["request"]["offerings"]
    }
    assert (found["state"], found["nexio_status"]) == ("completed", "completed")
    assert [s["rank"] for s in found["solutions"]] == list(range(1, len(found["solutions"]) + 1))
    assert found["solutions"]
    for solution in found["solutions"]:
        lines = solution["lines"]
        assert sorted(line["category"] for line in lines) == sorted(asked)
        named = {(x["provider_name"], x["category"], x["line_premium_annual"]) for x in lines}
        assert named <= offered
        assert solution["provider_count"] == len({line["provider_name"] for line in lines})
        total = sum(line["line_premium_annual"] for line in lines)
        low, high = solution["est_cost_low"], solution["est_cost_high"]
        assert low == high or low == total < high
        if solution["provider_count"] > 1:
            assert low == total
        else:
            assert low in packages(found["request"]["offerings"], lines) | {total}


def packages(offerings: list[Any], lines: list[Any]) -> set[Any]:
    """The package premiums under which a solution's lines were quoted."""
    carriers = {line["provider_name"] for line in lines}
    return {
        o["attributes"]["package_premium_annual"]
        for o in offerings
        if o["provider_name"] in carriers
    }

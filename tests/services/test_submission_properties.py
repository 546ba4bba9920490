"""Whatever document is imported, with unknown keys at every level: it is sent as it came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from quotes.models import Driver, IncumbentPolicy, Insured, Quote, QuoteLine, Vehicle
from quotes.services import intake, reading
from tests import documents
from tests.services.sending import sent_for

pytestmark = pytest.mark.django_db
thorough = settings(
    max_examples=30, deadline=None, derandomize=True, database=None,
    suppress_health_check=[
        HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much,
    ],
)  # fmt: skip


def packages(most: int) -> st.SearchStrategy[Any]:
    return st.lists(documents.quotes, max_size=most, unique_by=documents.unique("package_id"))


@thorough
@given(documents.inputs(packages(3)))
def test_generated_inputs_are_sent_as_they_are_with_an_offering_a_line(value: Any) -> None:
    lines = [(q, x) for q in value.get("quotes", []) for x in documents.LINES if x in q]
    quoted = {x for _, x in lines}
    assume(quoted)
    asked = [x for x in value["coverage_types"] if x in quoted] or sorted(quoted)
    value["coverage_types"] = asked
    raw = documents.text_of(value)
    with rolled_back():
        sent = sent_for(raw)
        assert sent["input"] == documents.values_of(raw)
        assert set(sent) == {"input", "offerings"}
        wanted = [(q, x) for q, x in lines if x in asked]
        assert len(sent["offerings"]) == len(wanted)
        for (quote, line), offering in zip(wanted, sent["offerings"], strict=True):
            _check_mapping(quote, line, offering)


def _check_mapping(quote: dict[str, Any], line: str, offering: dict[str, Any]) -> None:
    """Guide, "Converting Quotes to Offerings"."""
    assert offering["category"] == line
    assert offering["provider_name"] == quote["carrier"].strip()
    attributes = offering["attributes"]
    assert attributes["line_premium_annual"] == quote[line]["premium_annual"]
    for key in ("package_id", "term_months", "quote_generated_at", "quote_expires_at"):
        assert attributes.get(key) == quote.get(key)
    if quote[line].get("quote_id"):
        assert attributes["quote_id"] == quote[line]["quote_id"]
    if "package_premium_annual" in quote:
        assert attributes["package_premium_annual"] == quote["package_premium_annual"]
    assert offering["coverage"]["program_type"] == "quoted_line"
    assert offering["coverage"]["product_name"]


@st.composite
def bodies(draw: Callable[..., Any]) -> dict[str, Any]:
    offerings = draw(
        st.lists(documents.offerings, min_size=1, max_size=6, unique_by=documents.unique("id"))
    )
    value = draw(documents.inputs(packages(2)))
    offered = list(dict.fromkeys(each["category"] for each in offerings))
    value["coverage_types"] = draw(st.lists(st.sampled_from(offered), unique=True, min_size=1))
    body: dict[str, Any] = {"input": value, "offerings": offerings}
    return {**draw(documents.extras), **body}


@thorough
@given(bodies())
def test_generated_bodies_are_sent_as_they_are_and_again_and_importing_changes_nothing(
    body: Any,
) -> None:
    raw = documents.text_of(body)
    expected = documents.values_of(raw)
    asked = expected["input"]["coverage_types"]
    expected["offerings"] = [o for o in expected["offerings"] if o["category"] in asked]
    with rolled_back():
        assert sent_for(raw) == expected
        before = everything()
        document = reading.read_document(raw)
        again = intake.import_document(document=document, owner=None)
        assert everything() == before
        assert (again.quotes_created, again.quotes_changed, again.created) == (0, 0, False)
        assert sent_for(raw) == expected


def everything() -> dict[str, list[Any]]:
    """Every row an import writes, ids and times of change included."""
    models = (Insured, Driver, Vehicle, IncumbentPolicy, Quote, QuoteLine)
    return {m.__name__: list(m.objects.order_by("pk").values()) for m in models}


class rolled_back:
    """What happens inside leaves no row, so that one example does not see another's."""

    def __enter__(self) -> None:
        self.block = transaction.atomic()
        self.block.__enter__()

    def __exit__(self, *error: Any) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

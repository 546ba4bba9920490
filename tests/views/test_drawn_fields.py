"""Fields of filters that are drawn once: by what they offer, and never with what was chosen."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from django.utils.safestring import mark_safe

from brokerportal.compiled_templates import drawn_part
from quotes.forms.drawn_fields import DrawnFields
from quotes.forms.run_filters import RunFilter
from tests.factories import queued_run

pytestmark = pytest.mark.django_db

SET = (
    "state=bogus&decision=bound&broker=none&since=2026-11-16&until=2026-11-01&line=home&part=top"
    "&carrier=unknown&label=said_by_hand&failure=odd:one&nexio=strange&service=nexio&reason=7"
    "&overridden=yes&has=moved&expires_since=never&expires_until=2026-12-01&office=999"
)


def drawn(fields: DrawnFields, user: Any, query: str = "") -> dict[str, str]:
    chosen = RunFilter(QueryDict(query), user=user)
    return {field.name: fields.drawn(field, chosen.form) for field in chosen.form}


def anew(user: Any, query: str = "") -> dict[str, str]:
    chosen = RunFilter(QueryDict(query), user=user)
    return {field.name: drawn_part("filter_field", {"field": field}) for field in chosen.form}


@pytest.mark.parametrize("query", ["", SET, "line=&state=&since=&label="])
def test_they_look_as_drawn_anew_whoever_asks_and_whatever_was_set_before(people, query):
    queued_run(owner=people["broker"])
    fields = DrawnFields()
    for name in ("broker", "admin", "manager", "other", "admin", "broker"):
        assert drawn(fields, people[name], query) == anew(people[name], query)
        assert drawn(fields, people[name]) == anew(people[name])


def test_nothing_that_was_chosen_is_kept(people):
    fields = DrawnFields()
    drawn(fields, people["admin"], SET)
    assert not fields.kept


def test_a_broker_who_comes_to_the_agency_is_offered_at_once(people):
    fields = DrawnFields()
    before = drawn(fields, people["admin"])
    people["other"].last_name = "Zuniga-Later"
    people["other"].save()
    after = drawn(fields, people["admin"])
    assert "Zuniga-Later" in after["broker"]
    assert {name for name in after if after[name] != before[name]} == {"broker"}


def test_so_many_are_kept_and_no_more(people):
    fields = DrawnFields(most=3)
    assert drawn(fields, people["admin"]) == anew(people["admin"])
    assert len(fields.kept) == 3


def test_what_is_kept_is_held_against_what_is_drawn(people):
    fields = DrawnFields()
    drawn(fields, people["admin"])
    fields.kept = dict.fromkeys(fields.kept, mark_safe("another"))
    with pytest.raises(AssertionError, match="Kept: another"):
        drawn(fields, people["admin"])

"""What an insured reads in a proposal: what is open, what a term means, what is held today."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine

from quotes.models import Run, User
from quotes.services.proposal_words import glossary
from tests import runs as made
from tests.decided import NOW, bring_to
from tests.services.test_proposals import propose, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _day() -> Any:
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def broker(people: dict[str, User]) -> User:
    return people["broker"]


@pytest.fixture
def run(broker: User) -> Run:
    return made.completed_run(broker)


def test_a_six_month_price_is_never_sold_as_a_years(run: Run, broker: User) -> None:
    text = text_of(propose(run, broker))
    assert "$4,756.24, 6-month term: confirm the price of a year" in text
    assert "$4,756.24 a year" not in text
    assert "$5,012.60 a year" in text
    assert "6-month term (auto): confirm the price of a year" in text


def test_an_umbrellas_gap_and_a_low_dwelling_limit_are_told(run: Run, broker: User) -> None:
    text = text_of(propose(run, broker))
    assert "To settle before you decide" in text
    after = text.split("To settle before you decide")[1]
    assert "umbrella needs $250k: $150,000 short" in after
    assert "Coverage A $50,000 below replacement cost" in after
    assert "Cov A" not in text


def test_todays_policies_stand_with_carrier_and_premium(run: Run, broker: User) -> None:
    text = text_of(propose(run, broker))
    assert "Home Cobblestone Mutual $5,980" in text
    assert "Umbrella Tidewater Specialty $1,620" in text


@pytest.mark.parametrize(
    ("state", "words"), [("chosen", "Our suggestion"), ("accepted", "The option you accepted")]
)
def test_the_marked_option_is_the_insureds_own_only_once_accepted(
    run: Run, broker: User, state: str, words: str
) -> None:
    text = text_of(propose(bring_to(run, state, broker), broker))
    assert f"★ {words}" in text
    assert "Chosen package" not in text


def test_what_is_the_same_in_all_is_said_once(run: Run, broker: User) -> None:
    text = text_of(propose(run, broker, count=2))
    assert "The same in all: Limit: $2,000,000." in text
    assert "differs" not in text


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("250/500/100", ["100/300/100"]),
        ("500 CSL", ["CSL"]),
        ("extended RC 25%", ["Extended RC", "RC, ACV"]),
        ("$2,500 AOP, 2% hurricane", ["A deductible in percent", "AOP"]),
        ("F, medical payments", []),
        ("$25,000", []),
    ],
)
def test_only_terms_that_occur_are_explained(text: str, terms: list[str]) -> None:
    assert sorted(word for word, _ in glossary([text])) == sorted(terms)

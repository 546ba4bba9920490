"""New households of an import that may be here already under another name or address."""

from __future__ import annotations

from quotes.models import User
from quotes.services import likeness
from quotes.services.importing.households import COLUMNS
from quotes.services.importing.planning import InsuredPlan, Plan
from quotes.services.importing.stated import Problem

MOST_COMPARED = 2000


def likely_duplicates(owner: User, plan: Plan) -> list[Problem]:
    """A warning for each new household that is like a stored one, in three queries for all."""
    new = [each for each in plan.insureds if each.stored is None][:MOST_COMPARED]
    if not new:
        return []
    met = [each.stored.pk for each in plan.insureds if each.stored]
    households = [_household(each) for each in new]
    found = likeness.many_likely_duplicates(owner=owner, households=households, exclude=met)
    return [
        Problem(
            f"{each.home.name or 'this insured'} is new, and like {hits[0].insured.shown_name}"
            f"{_place(hits[0])} ({', '.join(hits[0].reasons)}). If they are one household, write "
            "its name, state and ZIP code as they are there",
            row=each.home.quotes[0].row,
            blocking=False,
        )
        for each, hits in zip(new, found, strict=True)
        if hits
    ]


def _household(planned: InsuredPlan) -> likeness.Household:
    name, street, city, state, zip_code = (str(planned.columns.get(each, "")) for each in COLUMNS)
    return likeness.Household(name, street, city, state, zip_code)


def _place(hit: likeness.Likeness) -> str:
    return f" of {hit.insured.place}" if hit.insured.place else ""

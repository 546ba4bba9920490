"""A price for a term that is no year, in the few words that must stand beside it."""

from __future__ import annotations

from quotes.services.frozen import Policy
from quotes.services.points import term_of

YEAR = 12


def term_remark(policy: Policy | None) -> str:
    """ "6-month term: confirm the price of a year"; "" for a year's term, or none stated.

    What was sent counts as a year's premium. Where the quote states the term's own price beside
    it, the year's is premium × 12 / term, an estimate; without it nobody can know which it is.
    """
    months = None if policy is None or policy.in_force else term_of(policy)
    if policy is None or months in (None, YEAR):
        return ""
    term = policy.details.get("term")
    known = isinstance(term, dict) and term.get("premium") is not None
    doubt = "a year is estimated" if known else "confirm the price of a year"
    return f"{months}-month term: {doubt}"

"""Checks of single lines of a package: terms that are no year, and a dwelling limit too low."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from quotes.services.checks import Check, Outcome
from quotes.services.comparison import in_words, line_word
from quotes.services.frozen import Option, Policy
from quotes.services.money import dollars
from quotes.services.points import term_of

YEAR = 12
NO_DWELLING = frozenset({"HO-4", "HO-6"})
"""Forms of tenants and unit owners: what the building costs to rebuild is not theirs to insure."""


def check_terms(option: Option) -> Iterable[Check]:
    """Lines whose term is no year. Annual premium = premium × 12 / term, and is then estimated.

    What was sent is a year's premium, so nobody can tell from it alone whether it was worked out
    from the term's price or is that price: a broker confirms it before the package is shown.
    """
    short = {
        line: (policy, months)
        for line, policy in option.policies.items()
        if (months := term_of(policy)) not in (None, YEAR) and not policy.in_force
    }
    if not short:
        return
    details = [_term_words(policy, months or YEAR) for policy, months in short.values()]
    terms = in_words(list(dict.fromkeys(f"{months}-month" for _, months in short.values())))
    lines = in_words([line_word(line) for line in short])
    sure = all(_stated_term_price(policy) is not None for policy, _ in short.values())
    words = f"{terms} term ({lines}): " + (
        "a year is estimated" if sure else "confirm the price of a year"
    )
    yield Check("term", Outcome.WARNING, words, details, "each line's term with a year")


def _stated_term_price(policy: Policy) -> Decimal | None:
    """The price of one term, where the quote states it beside the year's."""
    term = policy.details.get("term")
    price = term.get("premium") if isinstance(term, dict) else None
    return Decimal(price) if isinstance(price, (int, Decimal)) else None


def _term_words(policy: Policy, months: int) -> str:
    named = f"{policy.name}'s {line_word(policy.line)}"
    price = _stated_term_price(policy)
    if policy.premium is None:
        return f"{named} is written for {months} months; its premium is not stated"
    if price is not None:
        return (
            f"{named} costs {dollars(price)} for {months} months; {dollars(policy.premium)} a year "
            "holds only if it renews at the same price"
        )
    year = (policy.premium * YEAR / months).quantize(Decimal("0.01"))
    return (
        f"{named} is written for {months} months; if {dollars(policy.premium)} is the price of "
        f"those and not of a year, a year comes to about {dollars(year)}"
    )


def check_dwelling(option: Option, replacement_cost: Decimal | None) -> Iterable[Check]:
    """Coverage A against what the profile says it costs to rebuild, for forms that insure that."""
    home = option.policies.get("home")
    if home is None or replacement_cost is None or home.details.get("form") in NO_DWELLING:
        return
    cost = dollars(replacement_cost)
    limit = home.details.get("coverage_a")
    if not isinstance(limit, (int, Decimal)):
        words = "Cov A not stated"
        details = [f"the profile's replacement cost is {cost}"]
        yield Check("dwelling", Outcome.UNKNOWN, words, details, f"Cov A with {cost} to rebuild")
        return
    held = dollars(Decimal(limit))
    compared = f"Cov A {held} with the profile's replacement cost {cost}"
    if limit < replacement_cost:
        short = dollars(replacement_cost - Decimal(limit))
        words = f"Cov A {short} below replacement cost"
        yield Check("dwelling", Outcome.WARNING, words, _extended(home), compared)
    else:
        yield Check("dwelling", Outcome.FINE, "Cov A covers replacement cost", (), compared)


def _extended(home: Policy) -> list[str]:
    """What the quote says of paying beyond the limit, which may close the gap: a broker judges."""
    stated = str(home.details.get("valuation") or "")
    beyond = any(word in stated.lower() for word in ("extended", "guaranteed"))
    return [f"the quote states {stated}: see whether that closes the gap"] if beyond else []

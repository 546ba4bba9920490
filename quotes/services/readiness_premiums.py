"""What deserves a look in the premiums: far from the others, $0, beside the package, half a year.

Each rule takes the case and says what it found; none blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from statistics import median

from quotes.models import Quote
from quotes.services.findings import Case, Finding, Place, Quoted, listed
from quotes.services.shorthand import shown_dollars

FAR = Decimal("1.6")
"""How many times the median of the other carriers' premiums is far; so is less than its inverse.

A judgement, not a published figure. The slips to be caught lie further off: a six-month price
taken for a year's (half), one doubled twice (double), a month's price, a digit too many or too
few; carriers that merely compete mostly lie nearer. By ratio, both directions weigh the same:
60 % above the others is as far as 37.5 % below, where 60 % below would let the half pass.
"""
FEWEST_CARRIERS = 3
"""With two, nobody can say which of them is odd."""
MONTHS = {3: "three-month", 6: "six-month", 9: "nine-month", 18: "eighteen-month"}


def far_from_others(case: Case) -> Iterator[Finding]:
    """A premium more than `FAR` times the median of the other carriers' for that line, or less
    than its inverse. Umbrellas are compared with those of the same stated limit only: a $5M one
    rightly costs a multiple of a $1M one."""
    for line in case.requested:
        alike: dict[str, list[tuple[Quoted, Decimal]]] = {}
        for each in case.sent:
            premium = each.line.premium_annual
            if each.line.line == line and premium:
                alike.setdefault(_likeness(case, each), []).append((each, premium))
        for priced in alike.values():
            if len({each.quote.carrier_id for each, _ in priced}) >= FEWEST_CARRIERS:
                yield from _far(case, priced)


def _far(case: Case, priced: list[tuple[Quoted, Decimal]]) -> Iterator[Finding]:
    for each, premium in priced:
        others = [other for one, other in priced if one.quote.carrier_id != each.quote.carrier_id]
        middle = Decimal(median(others)).quantize(Decimal("0.01"))
        if middle / FAR <= premium <= middle * FAR:
            continue
        yield Finding(
            "offerings",
            f"{case.line_name(each)} at {shown_dollars(premium)} is {_how_far(premium, middle)} "
            f"the other carriers' median of {shown_dollars(middle)}",
            code="premium_far",
            small="check that it is a year's price for the same cover",
            places=(each.place("Check the premium"),),
        )


def _how_far(premium: Decimal, middle: Decimal) -> str:
    """ "52% below", "75% above", "3.4 times"."""
    ratio = premium / middle
    if ratio >= 2:
        return f"{ratio:.1f}".removesuffix(".0") + " times"
    return f"{abs(ratio - 1):.0%} {'above' if ratio > 1 else 'below'}"


def _likeness(case: Case, each: Quoted) -> str:
    """What must be the same for two lines' premiums to be held against one another."""
    limit = case.stated(each).get("limit") if each.line.line == "umbrella" else None
    return limit.shown if limit else ""


def zero_premium(case: Case) -> Iterator[Finding]:
    """$0 is stated, unlike a premium left empty, and is sent so."""
    found = [each for each in case.sent if each.line.premium_annual == 0]
    if len(found) == 1:
        message = f"{case.line_name(found[0])} premium is $0: check it"
    elif found:
        message = f"{listed([case.line_name(each) for each in found])} premiums are $0: check them"
    else:
        return
    yield Finding(
        "offerings",
        message,
        code="zero_premium",
        small="a line that was not quoted stays empty",
        places=tuple(
            each.place(case.line_name(each) if len(found) > 1 else "Check the premium")
            for each in found
        ),
    )


def _beside_lines(case: Case) -> Iterator[tuple[Quote, Decimal]]:
    """Package premium less the sum of the lines, dollars a year, where both are stated."""
    for quote in case.wanted_quotes:
        package, total = quote.package_premium_annual, quote.lines_sum
        if package is not None and total is not None and package != total:
            yield quote, package - total


def package_above_lines(case: Case) -> Iterator[Finding]:
    """A package dearer than its lines: fees or taxes, or a line's premium that is off."""
    found = [(quote, more) for quote, more in _beside_lines(case) if more > 0]
    if len(found) == 1:
        quote, more = found[0]
        message = f"{case.whose(quote, 'package')} is {shown_dollars(more)} more than its lines"
    elif found:
        names = listed([case.name(quote) for quote, _ in found])
        message = f"the packages of {names} cost more than their lines"
    else:
        return
    yield Finding(
        "input.quotes",
        message,
        code="package_above_lines",
        small="fees are usual; else check the premiums",
        places=_packages(case, found, "Check the package premium"),
    )


def bundle_discount(case: Case) -> Iterator[Finding]:
    """A package cheaper than its lines: usual, and said by how much."""
    found = [(quote, -less) for quote, less in _beside_lines(case) if less < 0]
    if len(found) == 1:
        quote, discount = found[0]
        message = f"{case.whose(quote, 'package')} has a {shown_dollars(discount)} bundle discount"
    elif found:
        names = listed([case.name(quote) for quote, _ in found])
        message = f"the packages of {names} have a bundle discount"
    else:
        return
    yield Finding(
        "input.quotes",
        message,
        code="bundle_discount",
        small="the package costs less than its lines apart",
        places=_packages(case, found, "Package premium"),
    )


def _packages(case: Case, found: Iterable[tuple[Quote, Decimal]], words: str) -> tuple[Place, ...]:
    pairs = list(found)
    return tuple(
        Place(
            f"{case.name(quote)}: {shown_dollars(difference)}" if len(pairs) > 1 else words,
            "cell",
            "package_premium_annual",
            quote.pk,
        )
        for quote, difference in pairs
    )


def term_not_a_year(case: Case) -> Iterator[Finding]:
    """The quote's term is not 12 months, and some of its premiums were not annualised here: they
    are taken as a year's, as Nexio takes them."""
    found = [
        quote
        for quote in case.wanted_quotes
        if quote.term_months not in (None, 12)
        and any(
            each.quote.pk == quote.pk and _stated_term(case, each) is None for each in case.sent
        )
    ]
    if len(found) == 1:
        message = (
            f"{case.whose(found[0], 'term')} is {_months(found[0])}: "
            "the premiums are taken as annual figures"
        )
    elif found:
        names = listed([case.name(quote) for quote in found])
        message = f"{names} quote for another term than a year: the premiums are taken as annual"
    else:
        return
    yield Finding(
        "input.quotes",
        message,
        code="term_not_a_year",
        small="write a six-month price as “2,155 / 6 mo” and it is doubled",
        places=tuple(
            Place(
                f"{case.name(quote)}: {_months(quote)}" if len(found) > 1 else "Check the term",
                "cell",
                "term_months",
                quote.pk,
            )
            for quote in found
        ),
    )


def _months(quote: Quote) -> str:
    return f"{quote.term_months} month{'' if quote.term_months == 1 else 's'}"


def annualised(case: Case) -> Iterator[Finding]:
    """A price for part of a year, sent as premium × 12 / term: an estimate of the year's."""
    for each in case.sent:
        stated = _stated_term(case, each)
        premium = each.line.premium_annual
        if stated is None or premium is None:
            continue
        amount, months = stated
        kind = MONTHS.get(months, f"{months}-month")
        times = f"× {12 // months}" if 12 % months == 0 else f"× 12 / {months}"
        yield Finding(
            "offerings",
            f"{case.whose(each.quote, each.noun)} is a {kind} price: "
            f"{shown_dollars(amount)} {times}, sent as {shown_dollars(premium)} a year",
            code="annualised",
            small="an estimate: the next term's price is not known",
            places=(each.place("Check the premium"),),
        )


def _stated_term(case: Case, each: Quoted) -> tuple[Decimal, int] | None:
    """The price as it was stated and for how many months, where that is not a year."""
    term = case.stated(each).get("term")
    if term is None or int(term.value["months"]) == 12:
        return None
    return Decimal(term.value["premium"]), int(term.value["months"])

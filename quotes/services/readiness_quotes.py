"""What deserves a look in the quotes themselves: their last day, their ids, what is not sent.

Each rule takes the case and says what it found; none blocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime

from quotes.models import LINES, Quote
from quotes.services import expiry
from quotes.services.findings import Case, Finding, Place, Quoted, day, line_noun, listed


def expired(case: Case) -> Iterator[Finding]:
    yield from _ending(
        case,
        lambda moment: moment <= case.now,
        code="expired",
        one="has expired",
        several="have expired",
        small="the price may be gone: ask for a new one",
    )


def expires_today(case: Case) -> Iterator[Finding]:
    yield from _ending(
        case,
        lambda moment: moment > case.now and expiry.days_left(moment, case.now) <= 0,
        code="expires_today",
        one="expires today",
        several="expire today",
    )


def expires_soon(case: Case) -> Iterator[Finding]:
    """The last day is 1 to `expiry.SOON` days off."""
    yield from _ending(
        case,
        lambda moment: moment > case.now and 0 < expiry.days_left(moment, case.now) <= expiry.SOON,
        code="expires_soon",
        one="expires",
        several=f"expire within {expiry.SOON} days",
    )


def _ending(
    case: Case,
    holds: Callable[[datetime], bool],
    *,
    code: str,
    one: str,
    several: str,
    small: str = "",
) -> Iterator[Finding]:
    """One finding for all quotes whose end `holds`, earliest first."""
    dated = [(quote.expires_at, quote) for quote in case.wanted_quotes if quote.expires_at]
    found = sorted((pair for pair in dated if holds(pair[0])), key=lambda pair: pair[0])
    if not found:
        return
    if len(found) == 1:
        moment, quote = found[0]
        left = expiry.days_left(moment, case.now)
        when = f" in {left} day{'' if left == 1 else 's'}" if code == "expires_soon" else ""
        message = f"{case.whose(quote, 'quote')} {one}{when}"
    else:
        message = f"the quotes of {listed([case.name(quote) for _, quote in found])} {several}"
    yield Finding(
        "input.quotes",
        message,
        code=code,
        small=small,
        places=tuple(
            Place(_last_day(case, moment, quote, len(found)), "cell", "expires_on", quote.pk)
            for moment, quote in found
        ),
    )


def _last_day(case: Case, moment: datetime, quote: Quote, count: int) -> str:
    shown = day(expiry.last_day(moment))
    return f"last day {shown}" if count == 1 else f"{case.name(quote)}: {shown}"


def same_quote_id(case: Case) -> Iterator[Finding]:
    """One quote id on two lines of a kind, or with two carriers. Within one carrier's quotes home
    and auto may share the package's number."""
    holders = defaultdict[str, list[Quoted]](list)
    for each in case.quoted:
        if each.line.line in case.requested and each.line.quote_ref.strip():
            holders[each.line.quote_ref.strip().casefold()].append(each)
    for found in holders.values():
        kinds = {each.line.line for each in found}
        carriers = {each.quote.carrier_id for each in found}
        if len(kinds) == len(found) and len(carriers) == 1:
            continue
        names = [case.line_name(each) for each in found]
        yield Finding(
            "offerings",
            f"quote id {found[0].line.quote_ref.strip()} stands on {listed(names)}",
            code="same_quote_id",
            small="an id belongs to one quote: one was probably copied",
            places=tuple(each.place(case.line_name(each), "quote_ref") for each in found),
        )


def without_premium(case: Case) -> Iterator[Finding]:
    """Lines without a premium beside others that have one; where none has, that blocks."""
    priced = {each.line.line for each in case.sent}
    found = [
        each
        for each in case.quoted
        if each.line.premium_annual is None and each.line.line in priced
    ]
    if len(found) == 1:
        message = f"{case.line_name(found[0])} has no premium and will not be sent"
    elif found:
        names = listed([case.line_name(each) for each in found])
        message = f"{names} have no premium and will not be sent"
    else:
        return
    yield Finding(
        "offerings",
        message,
        code="without_premium",
        places=tuple(
            each.place(f"Add {case.line_name(each)}'s" if len(found) > 1 else "Add its premium")
            for each in found
        ),
    )


def kept_back(case: Case) -> Iterator[Finding]:
    """The document quotes a line, but does not list it among the offerings."""
    for each in case.kept_back:
        if each.line.line in case.requested:
            yield Finding(
                "offerings",
                f"{case.line_name(each)} is quoted, but not among the offerings, "
                "and will not be sent",
                code="kept_back",
            )


def not_requested(case: Case) -> Iterator[Finding]:
    """Quoted lines nobody asked for. Without any line requested there is nothing to say of them."""
    if not case.requested:
        return
    for line in LINES:
        count = sum(
            each.line.line == line and each.line.premium_annual is not None for each in case.quoted
        )
        if count and line not in case.requested:
            noun = line_noun(line)
            yield Finding(
                "offerings",
                f"{count} {noun} quote{'' if count == 1 else 's'} will not be sent: not requested",
                code="not_requested",
                places=(Place(f"Tick {noun}", "choice", line),),
            )


def asked_not_quoted(case: Case) -> Iterator[Finding]:
    """A line the insured's document asks for, that no carrier quotes and nobody requests: it was
    left out on the way, knowingly or not."""
    stated = case.insured.document.get("coverage_types")
    asked = stated if isinstance(stated, list) and case.requested else []
    for line in LINES:
        if line not in asked or line in case.requested:
            continue
        if any(
            each.line.line == line and each.line.premium_annual is not None for each in case.quoted
        ):
            continue
        noun = line_noun(line)
        yield Finding(
            "input.coverage_types",
            f"{noun} was asked for, but no carrier quotes it and packages come without it",
            code="asked_not_quoted",
            places=(Place(f"Tick {noun}", "choice", line),),
        )


def carrier_twice(case: Case) -> Iterator[Finding]:
    """A carrier that quotes one line more than once: two options, both sent, both legitimate."""
    for line in case.requested:
        by_carrier = defaultdict[int, list[Quoted]](list)
        for each in case.sent:
            if each.line.line == line:
                by_carrier[each.quote.carrier_id].append(each)
        for found in by_carrier.values():
            if len(found) < 2:
                continue
            noun, count = line_noun(line), {2: "twice"}.get(len(found), f"{len(found)} times")
            yield Finding(
                "offerings",
                f"{found[0].quote.carrier_name} quotes {noun} {count}: each is sent as an option",
                code="carrier_twice",
                small="as it should be, unless one is a copy",
                places=tuple(each.place(case.line_name(each)) for each in found),
            )

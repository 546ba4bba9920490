"""Whether an insured's quotes can be compared: what blocks, what deserves a look, what to know."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from quotes.models import LINES, Insured, Quote
from quotes.services import readiness_premiums as on_premiums
from quotes.services import readiness_profile as on_profile
from quotes.services import readiness_quotes as on_quotes
from quotes.services import readiness_underlying as on_underlying
from quotes.services.findings import (
    MOST_NAMES,
    AllStated,
    Case,
    Finding,
    Place,
    Quoted,
    alternatives,
    line_noun,
)
from quotes.services.places import state_name, states_of_zip
from quotes.services.reading import Mistake

WARNINGS = (
    on_quotes.expired,
    on_quotes.expires_today,
    on_premiums.far_from_others,
    on_premiums.zero_premium,
    on_quotes.without_premium,
    on_quotes.kept_back,
    on_quotes.same_quote_id,
    on_profile.zip_not_in_state,
    on_premiums.term_not_a_year,
    on_underlying.short_underneath,
    on_quotes.expires_soon,
    on_premiums.package_above_lines,
    on_quotes.asked_not_quoted,
    on_quotes.not_requested,
    on_profile.no_drivers,
    on_profile.no_vehicles,
    on_profile.no_incumbents,
    on_profile.years_not_stated,
    on_profile.garaged_elsewhere,
)
"""The rules in the order in which their findings are shown: first what makes a price wrong."""
NOTES = (on_premiums.annualised, on_premiums.bundle_discount, on_quotes.carrier_twice)


@dataclass(frozen=True)
class Readiness:
    """`blocking` stops a comparison; `warnings` and `notes` never do. Notes are in order as they
    stand: a bundle discount, a six-month price."""

    blocking: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    notes: tuple[Finding, ...] = ()

    @property
    def ready(self) -> bool:
        return not self.blocking


class NotReady(Exception):
    """The comparison was not started; `mistakes` says what to mend."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = list(mistakes)
        super().__init__("; ".join(str(mistake) for mistake in mistakes))


def check_readiness(
    *,
    insured: Insured,
    quotes: Sequence[Quote],
    coverage_types: Sequence[str],
    offered: Collection[UUID] | None = None,
    now: datetime | None = None,
    stated: AllStated | None = None,
) -> Readiness:
    """What blocks: no coverage types, state or ZIP, or a requested line without any offering.

    The guide marks drivers, vehicles, incumbents and quotes required, yet its own example
    leaves them out: where they are missing the broker is warned and may send anyway. Where
    `offered` names quote lines, the others are as if they were not quoted. `insured` and
    `quotes` come with their rows prefetched: nothing is asked of the database. What is read of the
    lines' details is put into `stated`, and what is there already is not read again.
    """
    pairs = [Quoted(quote, line) for quote in quotes for line in quote.held]
    case = Case(
        insured=insured,
        quotes=tuple(quotes),
        requested=tuple(line for line in coverage_types if line in LINES),
        quoted=tuple(each for each in pairs if offered is None or each.line.pk in offered),
        kept_back=tuple(
            each for each in pairs if offered is not None and each.line.pk not in offered
        ),
        now=now or timezone.now(),
        _stated={} if stated is None else stated,
    )
    return Readiness(
        blocking=(*_choice(coverage_types), *_address(insured), *_lines(case)),
        warnings=tuple(finding for rule in WARNINGS for finding in rule(case)),
        notes=tuple(finding for rule in NOTES for finding in rule(case)),
    )


def _choice(coverage_types: Sequence[str]) -> Iterator[Finding]:
    path = "input.coverage_types"
    if not coverage_types:
        yield Finding(
            path,
            "a line is required: choose at least one of home, auto, umbrella",
            code="no_line",
            places=(Place("Choose the lines", "choice", LINES[0]),),
        )
    if unknown := [line for line in coverage_types if line not in LINES]:
        yield Finding(path, f"{unknown[0]!r} is not home, auto or umbrella", code="unknown_line")


def _address(insured: Insured) -> Iterator[Finding]:
    if not insured.state:
        likely = states_of_zip(insured.zip_code)
        yield Finding(
            "input.address.state",
            "the state is required: add the two-letter state",
            code="no_state",
            small=f"ZIP {insured.zip_code} is in {state_name(likely[0])}" if likely else "",
            places=(Place("Add the state", "profile", "state"),),
        )
    if not insured.zip_code:
        yield Finding(
            "input.address.zip_code",
            "the ZIP code is required: add the home's",
            code="no_zip",
            places=(Place("Add the ZIP code", "profile", "zip_code"),),
        )


def _lines(case: Case) -> Iterator[Finding]:
    """The guide: at least one offering for each of the requested lines."""
    if not case.quotes and case.requested:
        nouns = [line_noun(line) for line in case.requested]
        yield Finding(
            "offerings",
            f"no carrier quotes {alternatives(nouns)}: add a quote",
            code="no_quotes",
            places=(Place("Add a quote", "new_quote"),),
        )
        return
    for line in case.requested:
        of_line = [each for each in case.quoted if each.line.line == line]
        if not of_line:
            yield _not_quoted(case, line)
        elif all(each.line.premium_annual is None for each in of_line):
            noun = line_noun(line)
            cells = [each.place(f"Add {case.name(each.quote)}'s") for each in of_line]
            yield Finding(
                "offerings",
                f"no {noun} quote has a premium yet: add its annual premium",
                code="line_without_premium",
                places=(*cells, Place(f"Untick {noun}", "choice", line)),
            )


def _not_quoted(case: Case, line: str) -> Finding:
    noun = line_noun(line)
    article = "an" if noun[0] in "aeiou" else "a"
    cells = [
        Place(f"Add {noun} to {case.name(quote)}", "cell", f"{line}-premium_annual", quote.pk)
        for quote in case.quotes[:MOST_NAMES]
    ]
    return Finding(
        "offerings",
        f"no carrier quotes {noun}: add {article} {noun} quote, or compare without {noun}",
        code="line_not_quoted",
        places=(*cells, Place(f"Untick {noun}", "choice", line)),
    )

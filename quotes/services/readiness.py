"""Whether an insured's quotes can be compared: what blocks, and what only deserves a look."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from quotes.models import LINES, Insured, Line, Quote, QuoteLine
from quotes.services.reading import Mistake


@dataclass(frozen=True)
class Readiness:
    """`blocking` stops a comparison; `warnings` never do."""

    blocking: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]

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
) -> Readiness:
    """What blocks: no coverage types, state or ZIP, or a requested line without any offering.

    The guide marks drivers, vehicles, incumbents and quotes required, yet its own example
    leaves them out: where they are missing the broker is warned and may send anyway. Where
    `offered` names quote lines, the others are as if they were not quoted.
    """
    blocking: list[Mistake] = []
    if not coverage_types:
        blocking.append(
            Mistake(
                "input.coverage_types", "is required: choose at least one of home, auto, umbrella"
            )
        )
    if unknown := [line for line in coverage_types if line not in LINES]:
        blocking.append(
            Mistake("input.coverage_types", f"{unknown[0]!r} is not home, auto or umbrella")
        )
    if not insured.state:
        blocking.append(Mistake("input.address.state", "is required: add the two-letter state"))
    if not insured.zip_code:
        blocking.append(Mistake("input.address.zip_code", "is required: add the ZIP code"))
    quoted = [line for quote in quotes for line in quote.lines.all()]
    lines = [line for line in quoted if offered is None or line.pk in offered]
    for wanted in coverage_types:
        if wanted not in LINES:
            continue
        label = Line(wanted).label.lower()
        article = "an" if label[0] in "aeiou" else "a"
        of_line = [line for line in lines if line.line == wanted]
        if not of_line:
            blocking.append(
                Mistake(
                    "offerings",
                    f"no carrier quotes {label}: add {article} {label} quote, "
                    f"or compare without {label}",
                )
            )
        elif all(line.premium_annual is None for line in of_line):
            blocking.append(
                Mistake("offerings", f"no {label} quote has a premium yet: add its annual premium")
            )
    warnings = _warnings(insured, lines, coverage_types)
    warnings += [
        Mistake("offerings", f"{line} is quoted, but not among the offerings, and will not be sent")
        for line in quoted
        if line not in lines and line.line in coverage_types
    ]
    return Readiness(tuple(blocking), tuple(warnings))


def _warnings(
    insured: Insured, lines: list[QuoteLine], coverage_types: Sequence[str]
) -> list[Mistake]:
    found = []
    if not insured.drivers.all() and "auto" in coverage_types:
        found.append(Mistake("input.drivers", "no drivers are listed"))
    if not insured.vehicles.all() and "auto" in coverage_types:
        found.append(Mistake("input.vehicles_detail", "no vehicles are listed"))
    if not insured.incumbents.all():
        found.append(Mistake("input.current_coverage", "no policies in force are stated"))
    found += [
        Mistake("offerings", f"{line} has no premium and will not be sent")
        for line in lines
        if line.premium_annual is None
    ]
    found += [
        Mistake("offerings", f"{line} premium is $0: check it")
        for line in lines
        if line.premium_annual == 0 and line.line in coverage_types
    ]
    for unasked in LINES:
        count = sum(ln.line == unasked and ln.premium_annual is not None for ln in lines)
        if count and unasked not in coverage_types:
            quotes = f"{count} {unasked} quote{'' if count == 1 else 's'}"
            found.append(Mistake("offerings", f"{quotes} will not be sent: not requested"))
    return found

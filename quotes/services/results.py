"""Nexio's reply → solutions, each line matched back to the quote line it came from.

A reply is untrusted: what is missing or odd is stored as not given and never fails a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from quotes.models import Carrier, QuoteLine, Run, Solution, SolutionLine, many_rows
from quotes.models.carrier import carrier_key
from quotes.models.prepared import prepared
from quotes.nexio.messages import JobReply, SolutionMessage, SolutionOffering
from quotes.services.fact_columns import Known

MOST_COUNT = 2_147_483_647
MOST_AMOUNT = Decimal(10) ** 11


@dataclass(frozen=True)
class Ranked:
    """A run that Nexio has ranked, with its request at hand, and what it said."""

    run: Run
    reply: JobReply


def store_solutions(ranked: Sequence[Ranked]) -> Known:
    """Store every solution of these terminal replies, each reply's in the order it came, and
    return them with their lines. In a transaction, in a few statements for all runs together."""
    known = Known()
    messages = [(each.run, each.reply.solutions) for each in ranked if each.reply.solutions]
    if not messages:
        return known
    solutions = [
        _solution(run, position, each)
        for run, found in messages
        for position, each in enumerate(found)
    ]
    many_rows.insert(solutions, keyed=True)
    lines = list(_lines(messages, iter(solutions)))
    many_rows.insert(lines)
    known.add_packages(solutions, lines)
    return known


def _lines(
    messages: Sequence[tuple[Run, Sequence[SolutionMessage]]], solutions: Iterator[Solution]
) -> Iterator[SolutionLine]:
    """The lines of the solutions, which are stored and in the messages' order."""
    names = {
        offering.provider_name
        for _, found in messages
        for each in found
        for offering in each.offerings
        if offering.provider_name
    }
    carriers = Carrier.objects.by_key(names)
    # By the insured: a request may have more lines than a query takes parameters.
    quoted = _quoted_lines({run.insured_id for run, _ in messages})
    present = frozenset(str(pk) for pk in quoted)
    for run, found in messages:
        matcher = Matcher.of(run, present)
        for message in found:
            solution = next(solutions)
            for position, offering in enumerate(message.offerings):
                yield _line(solution, position, offering, matcher, carriers)


@prepared
def _quoted_lines(insureds: Collection[UUID]) -> QuerySet[QuoteLine, UUID]:
    rows = QuoteLine.objects.filter(quote__insured__in=insureds)
    return rows.order_by().values_list("pk", flat=True)


def _solution(run: Run, position: int, message: SolutionMessage) -> Solution:
    return Solution.unsaved(
        run_id=run.pk,
        position=position,
        rank=_count(message.rank),
        cluster_label=(message.cluster_label or "")[:200],
        overall_level=_amount(message.overall_level, "0.000001"),
        provider_count=_count(message.provider_count),
        est_cost_low=_amount(message.est_cost_low, "0.01"),
        est_cost_high=_amount(message.est_cost_high, "0.01"),
        scorecard=message.scorecard,
    )


def _line(
    solution: Solution,
    position: int,
    offering: SolutionOffering,
    matcher: Matcher,
    carriers: Mapping[str, Carrier],
) -> SolutionLine:
    quote_line, matched_by = matcher.match(offering)
    made = SolutionLine.unsaved(
        solution_id=solution.pk,
        position=position,
        category=(offering.category or "")[:64],
        provider_name=(offering.provider_name or "")[:200],
        product_name=(offering.product_name or "")[:200],
        quote_ref=(offering.quote_id or "")[:200],
        offering_id=(offering.id or "")[:200],
        line_premium_annual=_amount(offering.line_premium_annual, "0.01"),
        quote_line_id=quote_line,
        matched_by=matched_by,
    )
    made.carrier = carriers.get(carrier_key(offering.provider_name or ""))
    return made


def _count(value: int | None) -> int | None:
    return value if value is not None and 0 <= value <= MOST_COUNT else None


def _amount(value: Decimal | None, step: str) -> Decimal | None:
    if value is None or not value.is_finite() or abs(value) >= MOST_AMOUNT:
        return None
    return value.quantize(Decimal(step))


@dataclass(frozen=True)
class Matcher:
    """Finds the quote line of a returned line.

    By the offering id that was sent; else by carrier, category and premium where that is
    unique; else it stays unmatched (nothing says that Nexio echoes ids).
    """

    by_id: Mapping[str, str]
    by_words: Mapping[tuple[str, str, Decimal], str]
    present: frozenset[str]

    @classmethod
    def of(cls, run: Run, present: frozenset[str]) -> Matcher:
        """`present` are the ids of the quote lines that there are now, the run's insured's among
        them: one may have been deleted while the run was under way."""
        by_words: dict[tuple[str, str, Decimal], str] = {}
        counted: Counter[tuple[str, str, Decimal]] = Counter()
        for offering in run.request.get("offerings", []):
            line_id = run.offering_lines.get(str(offering.get("id")))
            words = _words(offering)
            if line_id and words:
                by_words[words] = line_id
                counted[words] += 1
        return cls(
            by_id=run.offering_lines,
            by_words={key: line for key, line in by_words.items() if counted[key] == 1},
            present=present,
        )

    def match(self, offering: SolutionOffering) -> tuple[str | None, str]:
        """The quote line's id and how it was found; None and "" when it was not."""
        line = self.by_id.get(offering.id or "")
        how = "id"
        if line is None and offering.line_premium_annual is not None:
            key = (
                carrier_key(offering.provider_name or ""),
                offering.category or "",
                offering.line_premium_annual,
            )
            line, how = self.by_words.get(key), "premium"
        return (line, how) if line in self.present else (None, "")


def _words(offering: Mapping[str, Any]) -> tuple[str, str, Decimal] | None:
    premium = (offering.get("attributes") or {}).get("line_premium_annual")
    if isinstance(premium, bool) or not isinstance(premium, (int, Decimal)):
        return None
    name = str(offering.get("provider_name") or "")
    return carrier_key(name), str(offering.get("category")), Decimal(premium)

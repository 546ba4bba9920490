"""The quote matrix, carriers × lines: what each package costs beside its lines, and until when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import prod

from quotes.models import LINES, IncumbentPolicy, Quote, QuoteLine
from quotes.services import expiry
from quotes.services.shorthand import shown_dollars


@dataclass(frozen=True)
class MatrixRow:
    """One quote: a cell for each line in `LINES` order, None where it is not quoted."""

    quote: Quote
    cells: tuple[QuoteLine | None, ...]
    package: Decimal | None
    remark: str
    last_day: dt.date | None
    warning: str


@dataclass(frozen=True)
class Incumbents:
    """The policies in force in `LINES` order. `total` is dollars a year over those that state
    a premium, None when none does; `complete` says whether all do."""

    cells: tuple[IncumbentPolicy | None, ...]
    total: Decimal | None
    complete: bool


def matrix_rows(*, quotes: Iterable[Quote], now: dt.datetime) -> list[MatrixRow]:
    """A row for each quote; their lines come prefetched."""
    rows = []
    for quote in quotes:
        package, remark = package_remark(quote)
        rows.append(
            MatrixRow(
                quote=quote,
                cells=tuple(quote.line(line) for line in LINES),
                package=package,
                remark=remark,
                last_day=last_day(quote),
                warning=expiry_warning(quote, now),
            )
        )
    return rows


def package_remark(quote: Quote) -> tuple[Decimal | None, str]:
    """What the package costs a year, and how that stands to the sum of its lines."""
    total, package = quote.lines_sum, quote.package_premium_annual
    if package is None:
        return total, "sum of lines" if total is not None else ""
    if total is None:
        return package, ""
    if package == total:
        return package, "one line" if len(quote.held) == 1 else "= lines"
    return package, beside_lines(package, total)


def beside_lines(package: Decimal, total: Decimal) -> str:
    """ "$400 bundle discount", "$120 more than lines": a package's price beside its lines' sum;
    empty where they are the same."""
    if package == total:
        return ""
    shown = shown_dollars(abs(total - package))
    return f"{shown} bundle discount" if package < total else f"{shown} more than lines"


def last_day(quote: Quote) -> dt.date | None:
    """The last day, in the office, on which the quote can be bound."""
    return None if quote.expires_at is None else expiry.last_day(quote.expires_at)


def expiry_warning(quote: Quote, now: dt.datetime) -> str:
    """ "expired", "expires today" or "in 3 days"; empty when it is further off or not stated."""
    if quote.expires_at is None or not expiry.is_soon(quote.expires_at, now):
        return ""
    if quote.expires_at <= now:
        return "expired"
    left = expiry.days_left(quote.expires_at, now)
    return "expires today" if left <= 0 else f"in {left} day{'' if left == 1 else 's'}"


def incumbent_summary(policies: Iterable[IncumbentPolicy]) -> Incumbents:
    """The policies in force, one a line, and what they cost together."""
    by_line = {policy.line: policy for policy in policies}
    premiums = [policy.annual_premium for policy in by_line.values()]
    stated = [premium for premium in premiums if premium is not None]
    return Incumbents(
        cells=tuple(by_line.get(line) for line in LINES),
        total=sum(stated, Decimal(0)) if stated else None,
        complete=len(stated) == len(premiums),
    )


def carriers_per_line(quotes: Iterable[Quote]) -> dict[str, int]:
    """How many quotes offer each line with a premium, by line."""
    counts = dict.fromkeys(LINES, 0)
    for quote in quotes:
        for line in quote.held:
            counts[line.line] += line.premium_annual is not None
    return counts


def packages_possible(quotes: Sequence[Quote], coverage_types: Sequence[str]) -> int:
    """How many packages, single carrier and mixed, the quotes allow for these lines."""
    counts = carriers_per_line(quotes)
    return prod(counts[line] for line in coverage_types) if coverage_types else 0

"""What waits for a person, what is under way, and what came of it lately.

Every list is bounded, and none loads the documents of a run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery

from quotes.models import (
    IncumbentPolicy,
    Insured,
    Quote,
    QuoteLine,
    Run,
    RunFact,
    RunState,
    Solution,
    SolutionLine,
    User,
)
from quotes.models.failures import NO_PACKAGE
from quotes.models.run import IN_FLIGHT, RunQuerySet
from quotes.services import expiry
from quotes.services.what_if.origin import with_origins

HEAVY = ("request", "request_body", "response", "response_body", "error_details")
"""Columns that may hold megabytes; no list loads them."""

MOST_UNDER_WAY = 25
MOST_NEEDING = 25
MOST_RECENT = 8
STARTED_LATELY = 100
"""Of so many runs started last those are looked for that ended last: few run much longer than
others."""
MOST_EXPIRING = 12
MOST_INSUREDS = 8
NEEDS_FOR = timedelta(days=14)
UNSETTLED = (RunState.SUBMIT_UNKNOWN.value, RunState.BAD_RESPONSE.value)
ENDED_BADLY = (RunState.REJECTED.value, RunState.FAILED.value)
HAS_PACKAGE = Exists(Solution.objects.filter(run=OuterRef("pk")))
"""As `has_package` it tells a run's mark whether a completed run brought anything."""


def listed(rows: RunQuerySet) -> RunQuerySet:
    """Runs for a list: with insured, broker, `has_package` and what they are a what-if of, without
    documents."""
    return with_origins(
        rows.select_related("insured__owner", "started_by")
        .defer(*HEAVY, "insured__document", "insured__body_document")
        .annotate(has_package=HAS_PACKAGE)
    )


def with_first_package(rows: RunQuerySet) -> RunQuerySet:
    """Runs with what a list says of their packages: `package_count`, and in `.solutions.all()`
    only what Nexio ranked first."""
    counted = (
        Solution.objects.order_by()
        .filter(run=OuterRef("pk"))
        .values("run")
        .annotate(count=Count("pk"))
        .values("count")
    )
    first = Solution.objects.filter(rank=1).defer("scorecard")
    lines = SolutionLine.objects.select_related("carrier")
    return rows.annotate(package_count=Subquery(counted)).prefetch_related(
        Prefetch("solutions", first.prefetch_related(Prefetch("lines", lines)))
    )


def under_way(user: User) -> list[Run]:
    """Runs under way, the longest first; one more than are shown where there are more."""
    facts = RunFact.objects.visible_to(user).filter(state__in=IN_FLIGHT)
    return _runs(facts.order_by("created_at", "pk")[: MOST_UNDER_WAY + 1])


def needs_person(user: User, now: datetime) -> list[Run]:
    """Runs that a person must settle, the latest first; one more than are shown where there are
    more.

    A lost submission or unreadable replies stay until somebody decides. A run of the last 14 days
    that was refused, failed or brought no package stays until its insured has a later run.
    """
    later = RunFact.objects.filter(insured=OuterRef("insured"), number__gt=OuterRef("number"))
    fruitless = Q(state__in=ENDED_BADLY) | Q(failure=NO_PACKAGE)
    seen = RunFact.objects.visible_to(user).order_by("-created_at", "pk")
    # Asked for apart: each half has an index, and joined by OR neither would serve.
    halves = (
        seen.filter(state__in=UNSETTLED),
        seen.filter(fruitless, ~Exists(later), created_at__gte=now - NEEDS_FOR),
    )
    rows = [run for half in halves for run in _runs(half[: MOST_NEEDING + 1])]
    return sorted(rows, key=lambda run: run.created_at, reverse=True)[: MOST_NEEDING + 1]


def recent_results(user: User) -> list[Run]:
    """The runs that were completed last, with their first packages."""
    facts = RunFact.objects.visible_to(user).filter(state=RunState.COMPLETED)
    lately = list(
        facts.order_by("-created_at", "-pk").values_list("pk", flat=True)[:STARTED_LATELY]
    )
    rows = with_first_package(listed(Run.objects.filter(pk__in=lately)))
    return list(rows.order_by("-finished_at", "id")[:MOST_RECENT])


def _runs(facts: QuerySet[RunFact]) -> list[Run]:
    """The runs of these facts, in their order: found by narrow rows and their indexes, whatever
    else there is."""
    ids = list(facts.values_list("pk", flat=True))
    found = {run.pk: run for run in listed(Run.objects.filter(pk__in=ids))}
    return [found[pk] for pk in ids if pk in found]


def expiring_quotes(user: User, now: datetime) -> QuerySet[Quote]:
    """Quotes of the insureds the user works on whose price is gone soon (see `expiry`), or went
    in the last days."""
    lines = QuoteLine.objects.only("quote", "line", "position", "premium_annual")
    return (
        Quote.objects.editable_by(user)
        .filter(
            expires_at__gt=now - timedelta(days=expiry.SOON),
            expires_at__lte=expiry.soon_until(now),
        )
        .select_related("insured__owner")
        .defer("document", "insured__document", "insured__body_document")
        .prefetch_related(Prefetch("lines", lines))
        .order_by("expires_at", "id")
    )


@dataclass(frozen=True)
class InsuredRow:
    """An insured as a list shows it: lines quoted with how often, carriers, what is in force."""

    insured: Insured
    lines: list[tuple[str, int]]
    carriers: int
    incumbent: Decimal | None
    last_run: Run | None


def latest_insureds(user: User) -> list[InsuredRow]:
    """The insureds last worked on, of the user's own and of those shared with them."""
    quotes = Quote.objects.only("insured", "carrier", "position", "created_at")
    lines = QuoteLine.objects.only("quote", "line", "position")
    policies = IncumbentPolicy.objects.only("insured", "line", "annual_premium")
    newest = Run.objects.filter(insured=OuterRef("pk")).order_by("-number").values("pk")[:1]
    rows = list(
        Insured.objects.editable_by(user)
        .select_related("owner")
        .defer("document", "body_document")
        .annotate(last_run_id=Subquery(newest))
        .prefetch_related(
            Prefetch("quotes", quotes.prefetch_related(Prefetch("lines", lines))),
            Prefetch("incumbents", policies),
        )
        .order_by("-updated_at", "id")[:MOST_INSUREDS]
    )
    latest = {row.pk: getattr(row, "last_run_id") for row in rows}  # noqa: B009 - annotated
    marked = Run.objects.defer(*HEAVY).annotate(has_package=HAS_PACKAGE)
    runs = marked.in_bulk([pk for pk in latest.values() if pk])
    return [_insured_row(row, runs.get(latest[row.pk])) for row in rows]


def _insured_row(insured: Insured, last_run: Run | None) -> InsuredRow:
    quotes = list(insured.quotes.all())
    counted = Counter(line.line for quote in quotes for line in quote.lines.all())
    premiums = [policy.annual_premium for policy in insured.incumbents.all()]
    known = [premium for premium in premiums if premium is not None]
    return InsuredRow(
        insured=insured,
        lines=[(line, counted[line]) for line in ("home", "auto", "umbrella") if counted[line]],
        carriers=len({quote.carrier_id for quote in quotes}),
        # A sum with a gap in it would look like the whole.
        incumbent=sum(known, Decimal(0)) if premiums and len(known) == len(premiums) else None,
        last_run=last_run,
    )

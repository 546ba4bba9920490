"""What waits for a person, what is under way, and what came of it lately.

Every list is bounded, and none loads the documents of a run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import (
    Exists,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    prefetch_related_objects,
)

from quotes.models import (
    LINES,
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


RUN_SHOWN = (
    "insured", "number", "state", "nexio_status", "stage", "coverage_types", "sandbox",
    "environment", "diagnostic", "error", "created_at", "submitted_at", "finished_at",
)  # fmt: skip
INSURED_SHOWN = ("applicant_name", "owner__username", "owner__first_name", "owner__last_name")


@dataclass(frozen=True)
class Work:
    """The runs of a worklist; of `under_way` and `needing` one more than are shown where there
    are more.

    `needing` is what a person must settle, the latest first: a lost submission or unreadable
    replies until somebody decides, and a run of the last 14 days that was refused, failed or
    brought no package until its insured has a later run. `recent` are those completed last.
    """

    under_way: Sequence[Run]
    needing: Sequence[Run]
    recent: Sequence[Run]


def read_work(user: User, now: datetime) -> Work:
    """What the worklist shows of runs. Which they are is asked of their facts, by narrow rows and
    their indexes whatever else there is; then all of them are read at once."""
    seen = RunFact.objects.visible_to(user)
    under_way = _keys(seen.filter(state__in=IN_FLIGHT).order_by("created_at", "pk"))
    needing = _keys_needing(seen, now)
    completed = seen.filter(state=RunState.COMPLETED).order_by("-created_at", "-pk")
    lately = Run.objects.filter(pk__in=completed.values("pk")[:STARTED_LATELY])
    recent = list(lately.order_by("-finished_at", "id").values_list("pk", flat=True)[:MOST_RECENT])
    found = _shown({*under_way, *needing, *recent})
    of_now, to_settle, done = (
        [found[pk] for pk in keys if pk in found] for keys in (under_way, needing, recent)
    )
    _add_first_packages(done)
    to_settle.sort(key=lambda run: run.created_at, reverse=True)
    return Work(of_now, to_settle[: MOST_NEEDING + 1], done)


def _keys(facts: QuerySet[RunFact], most: int = MOST_UNDER_WAY) -> list[UUID]:
    return list(facts.values_list("pk", flat=True)[: most + 1])


def _keys_needing(seen: QuerySet[RunFact], now: datetime) -> list[UUID]:
    later = RunFact.objects.filter(insured=OuterRef("insured"), number__gt=OuterRef("number"))
    fruitless = Q(state__in=ENDED_BADLY) | Q(failure=NO_PACKAGE)
    latest = seen.order_by("-created_at", "pk")
    # Asked for apart: each half has an index, and joined by OR neither would serve.
    halves = (
        latest.filter(state__in=UNSETTLED),
        latest.filter(fruitless, ~Exists(later), created_at__gte=now - NEEDS_FOR),
    )
    return [key for half in halves for key in _keys(half, MOST_NEEDING)]


def _shown(keys: Collection[UUID]) -> dict[UUID, Run]:
    """The runs as lists show them: with insured and owner, what they are a what-if of, and in
    `has_package` how many packages they brought."""
    rows = Run.objects.select_related("insured__owner").only(
        *RUN_SHOWN, *(f"insured__{name}" for name in INSURED_SHOWN)
    )
    counted = rows.annotate(has_package=F("fact__packages"))
    return {run.pk: run for run in with_origins(counted.filter(pk__in=keys)).order_by()}


def _add_first_packages(runs: Sequence[Run]) -> None:
    """In each run's `.solutions.all()` only what Nexio ranked first, with its carriers."""
    lines = SolutionLine.objects.select_related("carrier").only(
        "solution", "provider_name", "carrier__name"
    )
    first = (
        Solution.objects.filter(rank=1)
        .only("run", "rank", "est_cost_low", "est_cost_high")
        .order_by("position")
        .prefetch_related(Prefetch("lines", lines.order_by("position")))
    )
    prefetch_related_objects(runs, Prefetch("solutions", first))


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
        .only(
            "carrier_name",
            "expires_at",
            "package_premium_annual",
            *(f"insured__{name}" for name in INSURED_SHOWN),
        )
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
    newest = Run.objects.filter(insured=OuterRef("pk")).order_by("-number").values("pk")[:1]
    rows = list(
        Insured.objects.editable_by(user)
        .select_related("owner")
        .only(*INSURED_SHOWN, "city", "state", "zip_code", "renewal_of", "created_at")
        .annotate(last_run_id=Subquery(newest))
        .order_by("-updated_at", "id")[:MOST_INSUREDS]
    )
    keys = [row.pk for row in rows]
    lines, carriers = _quoted(keys)
    premiums = _in_force(keys)
    latest = {row.pk: getattr(row, "last_run_id") for row in rows}  # noqa: B009 - annotated
    marked = Run.objects.only("state", "nexio_status").annotate(has_package=F("fact__packages"))
    runs = marked.order_by().in_bulk([pk for pk in latest.values() if pk])
    return [
        InsuredRow(
            insured=row,
            lines=[(line, count) for line in LINES if (count := lines[row.pk, line])],
            carriers=len(carriers[row.pk]),
            incumbent=_sum(premiums[row.pk]),
            last_run=runs.get(latest[row.pk]),
        )
        for row in rows
    ]


def _quoted(insureds: Collection[UUID]) -> tuple[Counter[tuple[UUID, str]], dict[UUID, set[int]]]:
    """How often each line is quoted for each insured, and by which carriers anything is."""
    lines: Counter[tuple[UUID, str]] = Counter()
    carriers: dict[UUID, set[int]] = defaultdict(set)
    quoted = Quote.objects.filter(insured__in=insureds).order_by()
    for insured, carrier, line in quoted.values_list("insured", "carrier", "lines__line"):
        carriers[insured].add(carrier)
        lines[insured, line] += 1
    return lines, carriers


def _in_force(insureds: Collection[UUID]) -> dict[UUID, list[Decimal | None]]:
    premiums: dict[UUID, list[Decimal | None]] = defaultdict(list)
    policies = IncumbentPolicy.objects.filter(insured__in=insureds).order_by()
    for insured, premium in policies.values_list("insured", "annual_premium"):
        premiums[insured].append(premium)
    return premiums


def _sum(premiums: Sequence[Decimal | None]) -> Decimal | None:
    """None with a gap in it, which would look like the whole, and without any."""
    known = [premium for premium in premiums if premium is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(premiums) else None

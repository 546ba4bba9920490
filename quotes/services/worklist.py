"""What waits for a person, what is under way, and what came of it lately.

Every list is bounded, and none loads the documents of a run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum

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
from quotes.models.prepared import NUMBER_OF_ROWS, prepared
from quotes.models.run import IN_FLIGHT, RunQuerySet
from quotes.models.run_fact import shared_with
from quotes.models.solution import shown_carrier
from quotes.services import expiry
from quotes.services.what_if.origin import IS_WHAT_IF, add_origins, with_origins

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
NOT_COMPLETED = [value for value in RunState.values if value != RunState.COMPLETED]
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
OWNER_SHOWN = ("username", "first_name", "last_name")
INSURED_SHOWN = ("applicant_name", *(f"owner__{name}" for name in OWNER_SHOWN))
INSURED_NAMED = ("applicant_name", "owner")
"""Without owners, whom `_give_owners` adds: most insureds of a worklist are its reader's."""


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
    first: Mapping[UUID, FirstPackage]
    """By run, what Nexio ranked first of the recent ones."""


def read_work(user: User, now: datetime) -> Work:
    """What the worklist shows of runs. Which they are is asked of their facts, by narrow rows and
    their indexes whatever else there is; then all of them are read at once."""
    shared = shared_with(user)
    under_way = _keys_under_way(user, shared)
    # Asked for apart: each half has an index, and joined by OR neither would serve.
    needing = [*_keys_unsettled(user, shared), *_keys_fruitless(user, shared, now - NEEDS_FOR)]
    recent = _keys_recent(user, shared)
    found = {run.pk: run for run in _shown({*under_way, *needing, *recent})}
    add_origins(list(found.values()))
    _give_owners(user, [run.insured for run in found.values()])
    of_now, to_settle, done = (
        [found[pk] for pk in keys if pk in found] for keys in (under_way, needing, recent)
    )
    to_settle.sort(key=lambda run: run.created_at, reverse=True)
    return Work(of_now, to_settle[: MOST_NEEDING + 1], done, _first_packages(recent))


@prepared
def _keys_under_way(user: User, shared: Collection[UUID]) -> QuerySet[RunFact, UUID]:
    rows = RunFact.objects.visible_to(user, shared).filter(state__in=IN_FLIGHT)
    return rows.order_by("created_at", "pk").values_list("pk", flat=True)[: MOST_UNDER_WAY + 1]


@prepared
def _keys_unsettled(user: User, shared: Collection[UUID]) -> QuerySet[RunFact, UUID]:
    return _latest(RunFact.objects.visible_to(user, shared).filter(state__in=UNSETTLED))


@prepared
def _keys_fruitless(
    user: User, shared: Collection[UUID], since: datetime
) -> QuerySet[RunFact, UUID]:
    later = RunFact.objects.filter(insured=OuterRef("insured"), number__gt=OuterRef("number"))
    fruitless = Q(state__in=ENDED_BADLY) | Q(failure=NO_PACKAGE)
    seen = RunFact.objects.visible_to(user, shared)
    return _latest(seen.filter(fruitless, ~Exists(later), created_at__gte=since))


def _latest(facts: QuerySet[RunFact]) -> QuerySet[RunFact, UUID]:
    return facts.order_by("-created_at", "pk").values_list("pk", flat=True)[: MOST_NEEDING + 1]


@prepared
def _keys_recent(user: User, shared: Collection[UUID]) -> QuerySet[Run, UUID]:
    # Said so, SQLite reads a broker's own facts, latest first, and not the completed ones of all.
    completed = RunFact.objects.visible_to(user, shared).exclude(state__in=NOT_COMPLETED)
    lately = completed.order_by("-created_at", "-pk").values("pk")[:STARTED_LATELY]
    rows = Run.objects.filter(pk__in=lately).order_by("-finished_at", "id")
    return rows.values_list("pk", flat=True)[:MOST_RECENT]


@prepared
def _shown(keys: Collection[UUID]) -> QuerySet[Run]:
    """The runs as lists show them: with their insured, and in `has_package` how many packages they
    brought."""
    rows = Run.objects.select_related("insured").only(
        *RUN_SHOWN, *(f"insured__{name}" for name in INSURED_NAMED)
    )
    marked = rows.annotate(has_package=F("fact__packages"), is_what_if=IS_WHAT_IF)
    return marked.filter(pk__in=keys).order_by()


def _give_owners(user: User, insureds: Collection[Insured]) -> None:
    """Owners, where pages name them: those that are not `user`, and to an office all."""
    keys = {each.owner_id for each in insureds if each.owner_id is not None}
    named = keys if user.sees_others else keys - {user.pk}
    people = {person.pk: person for person in _people_named(named)} if named else {}
    for each in insureds:
        if each.owner_id in people:
            each.owner = people[each.owner_id]


@prepared
def _people_named(people: Collection[int]) -> QuerySet[User]:
    return User.objects.filter(pk__in=people).only(*OWNER_SHOWN)


@dataclass(frozen=True)
class FirstPackage:
    """What Nexio ranked first in a run, and the carriers of its lines, each once."""

    solution: Solution
    carriers: Sequence[str]


def _first_packages(runs: Collection[UUID]) -> dict[UUID, FirstPackage]:
    found = {solution.run_id: solution for solution in reversed(_ranked_first(runs))}
    carriers: dict[int, dict[str, None]] = defaultdict(dict)
    for solution, provider, carrier in _carriers_of([each.pk for each in found.values()]):
        carriers[solution][shown_carrier(carrier, provider)] = None
    return {run: FirstPackage(each, list(carriers[each.pk])) for run, each in found.items()}


@prepared
def _ranked_first(runs: Collection[UUID]) -> QuerySet[Solution]:
    first = Solution.objects.filter(rank=1, run__in=runs).order_by("position")
    return first.only("run", "rank", "est_cost_low", "est_cost_high")


@prepared
def _carriers_of(solutions: Collection[int]) -> QuerySet[SolutionLine, Any]:
    lines = SolutionLine.objects.filter(solution__in=solutions).order_by("position")
    return lines.values_list("solution", "provider_name", "carrier__name")


@dataclass(frozen=True)
class Expiring:
    """A quote whose price is gone soon, or went in the last days, and its lines of business."""

    quote: Quote
    lines: Sequence[str]


def expiring_quotes(user: User, now: datetime) -> list[Expiring]:
    """Quotes of the insureds the user works on that expire (see `expiry`): of more than are shown
    one more."""
    since = now - timedelta(days=expiry.SOON)
    quotes = _expiring(user, since, expiry.soon_until(now))
    lines: dict[UUID, list[str]] = defaultdict(list)
    for quote, line in _quoted_lines([each.pk for each in quotes]):
        lines[quote].append(line)
    _give_owners(user, [each.insured for each in quotes])
    return [Expiring(each, lines[each.pk]) for each in quotes]


@prepared
def _expiring(user: User, since: datetime, until: datetime) -> QuerySet[Quote]:
    return (
        Quote.objects.editable_by(user)
        .filter(expires_at__gt=since, expires_at__lte=until)
        .select_related("insured")
        .only(
            "carrier_name",
            "expires_at",
            "package_premium_annual",
            *(f"insured__{name}" for name in INSURED_NAMED),
        )
        .order_by("expires_at", "id")[: MOST_EXPIRING + 1]
    )


@prepared
def _quoted_lines(quotes: Collection[UUID]) -> QuerySet[QuoteLine, Any]:
    return QuoteLine.objects.filter(quote__in=quotes).values_list("quote", "line")


@dataclass(frozen=True)
class InsuredRow:
    """An insured as a list shows it: lines quoted with how often, carriers, what is in force."""

    insured: Insured
    lines: list[tuple[str, int]]
    carriers: int
    incumbent: Decimal | None
    last_run: Run | None


@dataclass(frozen=True)
class OwnInsureds:
    """The insureds last worked on, and how many there are in all."""

    latest: Sequence[InsuredRow]
    count: int


def own_insureds(user: User) -> OwnInsureds:
    """Of the user's own insureds and of those shared with them."""
    rows: list[Any] = _latest_insureds(user)  # annotated
    times = {(insured, line): n for insured, line, n in _times_quoted([row.pk for row in rows])}
    runs = {run.pk: run for run in _marked([row.last_run_id for row in rows if row.last_run_id])}
    _give_owners(user, rows)
    latest = [
        InsuredRow(
            insured=row,
            lines=[(line, times[row.pk, line]) for line in LINES if (row.pk, line) in times],
            carriers=row.carriers or 0,
            incumbent=row.in_force,
            last_run=runs.get(row.last_run_id),
        )
        for row in rows
    ]
    return OwnInsureds(latest, rows[0].how_many if rows else 0)


@prepared
def _latest_insureds(user: User) -> QuerySet[Insured]:
    newest = Run.objects.filter(insured=OuterRef("pk")).order_by("-number").values("pk")[:1]
    policies = IncumbentPolicy.objects.filter(insured=OuterRef("pk")).order_by().values("insured")
    # None with a gap in it, which would look like the whole, and without any policy.
    stated = policies.annotate(policies=Count("pk"), known=Count("annual_premium"))
    in_force = stated.filter(known=F("policies")).annotate(sum=Sum("annual_premium")).values("sum")
    quotes = Quote.objects.filter(insured=OuterRef("pk")).order_by().values("insured")
    carriers = quotes.annotate(carriers=Count("carrier", distinct=True)).values("carriers")
    worked_on = Insured.objects.editable_by(user)
    every = worked_on.order_by().values(how_many=NUMBER_OF_ROWS)
    # Which these are comes first: figures of all would be worked out to sort them.
    latest = worked_on.order_by("-updated_at", "id").values("pk")[:MOST_INSUREDS]
    return (
        Insured.objects.filter(pk__in=latest)
        .only(*INSURED_NAMED, "city", "state", "zip_code", "renewal_of", "created_at")
        .annotate(
            last_run_id=Subquery(newest),
            in_force=Subquery(in_force),
            carriers=Subquery(carriers),
            how_many=Subquery(every),
        )
        .order_by("-updated_at", "id")
    )


@prepared
def _marked(runs: Collection[UUID]) -> QuerySet[Run]:
    """Runs with what their mark says."""
    rows = Run.objects.only("state", "nexio_status").annotate(has_package=F("fact__packages"))
    return rows.filter(pk__in=runs).order_by()


@prepared
def _times_quoted(insureds: Collection[UUID]) -> QuerySet[QuoteLine, Any]:
    """How often each line is quoted for each insured."""
    lines = QuoteLine.objects.filter(quote__insured__in=insureds).order_by()
    times = lines.values("quote__insured", "line").annotate(times=Count("pk"))
    return times.values_list("quote__insured", "line", "times")

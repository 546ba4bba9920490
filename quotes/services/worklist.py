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
class FirstPackage:
    """What Nexio ranked first in a run: what it costs a year, and the carriers of its lines, each
    once."""

    cost_low: Decimal | None
    cost_high: Decimal | None
    carriers: Sequence[str]


@dataclass(frozen=True)
class Expiring:
    """A quote whose price is gone soon, or went in the last days, and its lines of business."""

    quote: Quote
    lines: Sequence[str]


@dataclass(frozen=True)
class InsuredRow:
    """An insured as a list shows it: lines quoted with how often, carriers, what is in force."""

    insured: Insured
    lines: list[tuple[str, int]]
    carriers: int
    incumbent: Decimal | None
    last_run: Run | None


@dataclass(frozen=True)
class Work:
    """What a worklist shows; of `under_way`, `needing` and `expiring` one more than are shown
    where there are more.

    `needing` is what a person must settle, the latest first: a lost submission or unreadable
    replies until somebody decides, and a run of the last 14 days that was refused, failed or
    brought no package until its insured has a later run. `recent` are those completed last.
    """

    under_way: Sequence[Run]
    needing: Sequence[Run]
    recent: Sequence[Run]
    first: Mapping[UUID, FirstPackage]
    """By run, what Nexio ranked first of the recent ones."""
    insureds: Sequence[InsuredRow]
    """Those last worked on, of a broker's own and of what is shared with them."""
    insured_count: int
    """How many these are in all."""
    expiring: Sequence[Expiring]
    """Quotes of these insureds that expire (see `expiry`)."""


def read_work(user: User, now: datetime) -> Work:
    """What the worklist shows. Which runs these are is asked of their facts, by narrow rows and
    their indexes whatever else there is; then all of them are read at once."""
    shared = shared_with(user)
    own: list[Any] = _latest_insureds(user, bool(shared)) if user.is_broker else []  # annotated
    expiring = _expiring_quotes(user, now, any_shared=bool(shared)) if user.is_broker else []
    under_way = _keys_under_way(user, shared)
    # Asked for apart: each half has an index, and joined by OR neither would serve.
    needing = [*_keys_unsettled(user, shared), *_keys_fruitless(user, shared, now - NEEDS_FOR)]
    recent = _keys_recent(user, shared)
    listed = {*under_way, *needing, *recent}
    last = {row.last_run_id for row in own if row.last_run_id is not None}
    found = {run.pk: run for run in _shown(listed | last)}
    add_origins([run for pk, run in found.items() if pk in listed])
    insureds = [run.insured for run in found.values()]
    _give_owners(user, [*insureds, *own, *(each.quote.insured for each in expiring)])
    of_now, to_settle, done = (
        [found[pk] for pk in keys if pk in found] for keys in (under_way, needing, recent)
    )
    to_settle.sort(key=lambda run: run.created_at, reverse=True)
    return Work(
        under_way=of_now,
        needing=to_settle[: MOST_NEEDING + 1],
        recent=done,
        first=_first_packages(recent),
        insureds=_insured_rows(own, found),
        insured_count=own[0].how_many if own else 0,
        expiring=expiring,
    )


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


def _first_packages(runs: Collection[UUID]) -> dict[UUID, FirstPackage]:
    lines: dict[UUID, list[Any]] = defaultdict(list)
    for run, *line in _lines_ranked_first(runs):
        # Of several first ranks the one that came first.
        if not lines[run] or lines[run][0][0] == line[0]:
            lines[run].append(line)
    return {run: _first_package(of) for run, of in lines.items()}


def _first_package(lines: Sequence[Any]) -> FirstPackage:
    _, low, high, *_ = lines[0]
    carriers = (shown_carrier(known, named) for *_, named, known in lines if named is not None)
    return FirstPackage(low, high, list(dict.fromkeys(carriers)))


@prepared
def _lines_ranked_first(runs: Collection[UUID]) -> QuerySet[Solution, Any]:
    """A row for each line of these packages, and one with None for a package without any."""
    lines = Solution.objects.filter(rank=1, run__in=runs).order_by("position", "lines__position")
    return lines.values_list(
        "run", "position", "est_cost_low", "est_cost_high",
        "lines__provider_name", "lines__carrier__name",
    )  # fmt: skip


def _expiring_quotes(user: User, now: datetime, *, any_shared: bool) -> list[Expiring]:
    since = now - timedelta(days=expiry.SOON)
    quotes = _expiring(user, since, expiry.soon_until(now), any_shared)
    lines: dict[UUID, list[str]] = defaultdict(list)
    for quote, line in _quoted_lines([each.pk for each in quotes]):
        lines[quote].append(line)
    return [Expiring(each, lines[each.pk]) for each in quotes]


@prepared
def _expiring(user: User, since: datetime, until: datetime, any_shared: bool) -> QuerySet[Quote]:
    return (
        Quote.objects.editable_by(user, any_shared=any_shared)
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


def _insured_rows(insureds: Sequence[Any], runs: Mapping[UUID, Run]) -> list[InsuredRow]:
    times = {(insured, line): n for insured, line, n in _times_quoted([row.pk for row in insureds])}
    return [
        InsuredRow(
            insured=row,
            lines=[(line, times[row.pk, line]) for line in LINES if (row.pk, line) in times],
            carriers=row.carriers or 0,
            incumbent=row.in_force,
            last_run=runs.get(row.last_run_id),
        )
        for row in insureds
    ]


@prepared
def _latest_insureds(user: User, any_shared: bool) -> QuerySet[Insured]:
    newest = Run.objects.filter(insured=OuterRef("pk")).order_by("-number").values("pk")[:1]
    policies = IncumbentPolicy.objects.filter(insured=OuterRef("pk")).order_by().values("insured")
    # None with a gap in it, which would look like the whole, and without any policy.
    stated = policies.annotate(policies=Count("pk"), known=Count("annual_premium"))
    in_force = stated.filter(known=F("policies")).annotate(sum=Sum("annual_premium")).values("sum")
    quotes = Quote.objects.filter(insured=OuterRef("pk")).order_by().values("insured")
    carriers = quotes.annotate(carriers=Count("carrier", distinct=True)).values("carriers")
    worked_on = Insured.objects.editable_by(user, any_shared=any_shared)
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
def _times_quoted(insureds: Collection[UUID]) -> QuerySet[QuoteLine, Any]:
    """How often each line is quoted for each insured."""
    lines = QuoteLine.objects.filter(quote__insured__in=insureds).order_by()
    times = lines.values("quote__insured", "line").annotate(times=Count("pk"))
    return times.values_list("quote__insured", "line", "times")

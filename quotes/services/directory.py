"""Find insureds: the list with its figures, and the search over it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum

from quotes.models import (
    LINES,
    CarrierAlias,
    IncumbentPolicy,
    Insured,
    InsuredShare,
    Quote,
    QuoteLine,
    Run,
    Solution,
    User,
)
from quotes.models.prepared import NUMBER_OF_ROWS, prepared
from quotes.services.what_if.origin import IS_WHAT_IF, add_origins
from quotes.services.worklist import HAS_PACKAGE, INSURED_SHOWN

PAGE_SIZE = 25
MOST_WORDS = 6
MOST_TEXT = 100
MOST_RUNS = 50
RUN_LISTED = (
    "id", "number", "insured_id", "state", "nexio_status", "stage", "created_at", "submitted_at",
)  # fmt: skip


def listed(rows: QuerySet[Insured], text: str = "") -> QuerySet[Insured]:
    """`rows` cut down to those that match every word of `text`, newest change first.

    Each comes with `quote_count`, `in_force` (dollars a year, None when not stated) and
    `last_run_id`; none with its document.
    """
    for word in text.split()[:MOST_WORDS]:
        rows = rows.filter(_matches(word))
    runs = Run.objects.filter(insured=OuterRef("pk")).order_by("-number")
    quotes = Quote.objects.filter(insured=OuterRef("pk")).order_by().values("insured")
    policies = IncumbentPolicy.objects.filter(insured=OuterRef("pk")).order_by().values("insured")
    return (
        rows.select_related("owner")
        .only(*INSURED_SHOWN, "city", "state", "zip_code", "renewal_of", "created_at")
        .annotate(
            quote_count=Subquery(quotes.annotate(n=Count("pk")).values("n")),
            in_force=Subquery(policies.annotate(sum=Sum("annual_premium")).values("sum")),
            last_run_id=Subquery(runs.values("pk")[:1]),
        )
        .order_by("-updated_at", "id")
    )


class Everyone:
    """All insureds that the user sees, in the list's order, as a paginator takes them: how many,
    and where the list begins, is asked by prepared queries."""

    ordered = True

    def __init__(self, user: User) -> None:
        self.user = user

    @cached_property
    def _alone(self) -> int | None:
        """How many a broker has with whom nobody shares any; None for everybody else."""
        if self.user.sees_others or not self.user.is_broker:
            return None
        return next((own for own, shared in _own_and_shared(self.user) if not shared), None)

    def count(self) -> int:
        if self._alone is not None:
            return self._alone
        (number,) = _number_seen(self.user) or [0]
        return number

    def __getitem__(self, span: slice) -> list[Insured]:
        any_shared = self._alone is None
        if span.start == 0 and span.stop <= PAGE_SIZE:
            return _begins(self.user, any_shared)[: span.stop]
        return list(listed(Insured.objects.visible_to(self.user, any_shared=any_shared))[span])


@prepared
def _own_and_shared(broker: User) -> QuerySet[User, Any]:
    own = Insured.objects.filter(owner=broker).order_by().values(how_many=NUMBER_OF_ROWS)
    shared = Exists(InsuredShare.objects.filter(user=broker))
    return User.objects.filter(pk=broker.pk).values_list(Subquery(own), shared)


@prepared
def _number_seen(user: User) -> QuerySet[Insured, int]:
    return Insured.objects.visible_to(user).order_by().values_list(NUMBER_OF_ROWS, flat=True)


@prepared
def _begins(user: User, any_shared: bool) -> QuerySet[Insured]:
    return listed(Insured.objects.visible_to(user, any_shared=any_shared))[:PAGE_SIZE]


def _matches(word: str) -> Q:
    aliases = CarrierAlias.objects.filter(name__icontains=word).values("carrier")
    quoted = Quote.objects.filter(Q(carrier__in=aliases) | Q(carrier_name__icontains=word))
    in_force = IncumbentPolicy.objects.filter(
        Q(carrier__in=aliases) | Q(carrier_name__icontains=word)
    )
    return (
        Q(applicant_name__icontains=word)
        | Q(city__icontains=word)
        | Q(state__iexact=word)
        | Q(zip_code__startswith=word)
        | Q(pk__in=quoted.values("insured"))
        | Q(pk__in=in_force.values("insured"))
    )


def last_runs(insureds: Sequence[Insured]) -> dict[object, Run]:
    """The latest run of each listed insured, by insured id; without the big columns."""
    ids = [run_id for each in insureds if (run_id := getattr(each, "last_run_id", None))]
    return {run.insured_id: run for run in _runs_listed(ids)}


@prepared
def _runs_listed(runs: Collection[UUID]) -> QuerySet[Run]:
    rows = Run.objects.filter(pk__in=runs).order_by()
    return rows.only(*RUN_LISTED).annotate(has_package=F("fact__packages"))


def runs_of(insured: UUID) -> list[Run]:
    """An insured's runs, newest first, without the big columns: of more than `MOST_RUNS` one more.

    Each comes with `packages` (how many were ranked), rank 1's `best_low` and `best_high`,
    dollars a year, and `before_id` and `before_number`, the run before it.
    """
    runs = _runs_of(insured)
    add_origins(runs)
    return runs


@prepared
def _runs_of(insured: UUID) -> QuerySet[Run]:
    best = Solution.objects.filter(run=OuterRef("pk"), rank=1).order_by("position")
    before = Run.objects.filter(insured=insured, number__lt=OuterRef("number")).order_by("-number")
    return (
        Run.objects.filter(insured=insured)
        .only(*RUN_LISTED, "coverage_types", "appetite", "error")
        .annotate(
            packages=Count("solutions"),
            has_package=HAS_PACKAGE,
            is_what_if=IS_WHAT_IF,
            best_low=Subquery(best.values("est_cost_low")[:1]),
            best_high=Subquery(best.values("est_cost_high")[:1]),
            before_id=Subquery(before.values("pk")[:1]),
            before_number=Subquery(before.values("number")[:1]),
        )
        .order_by("-number")[: MOST_RUNS + 1]
    )


def lines_quoted(insureds: Sequence[Insured]) -> dict[UUID, list[str]]:
    """The lines that any of an insured's quotes holds, by insured."""
    held = set(_lines_held([each.pk for each in insureds]))
    return {each.pk: [line for line in LINES if (each.pk, line) in held] for each in insureds}


@prepared
def _lines_held(insureds: Collection[UUID]) -> QuerySet[QuoteLine, Any]:
    rows = QuoteLine.objects.filter(quote__insured__in=insureds).order_by()
    return rows.values_list("quote__insured", "line").distinct()

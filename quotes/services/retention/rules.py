"""Whose time is over: when a household was last touched, and what keeps it all the same.

A household stays until `RETENTION_YEARS` after anything of it was last written: a quote, a run, a
decision, a comment, an attachment. Looking at it prolongs nothing, or whoever checks the old ones
would keep them for another term. Insureds that renew each other go when the youngest may.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Max, QuerySet

from quotes.models import (
    Attachment,
    Comment,
    DecisionEvent,
    ImportDraft,
    Insured,
    InsuredShare,
    LegalHold,
    Proposal,
    Quote,
    ReviewRequest,
    Run,
    RunEvent,
)

CHUNK = 500


@dataclass(frozen=True)
class Verdict:
    """Of one insured: `kept` says in words why it stays; empty, it may go."""

    insured: UUID
    last_touched: datetime
    kept: str


def cutoff(now: datetime) -> datetime:
    """What was last touched before this moment is past its term."""
    return years_before(now, settings.RETENTION_YEARS)


def rule_words() -> str:
    return f"{settings.RETENTION_YEARS} years after the last change"


def years_before(now: datetime, years: int) -> datetime:
    """The same day so many years ago; Feb 28 where that year has no Feb 29."""
    try:
        return now.replace(year=now.year - years)
    except ValueError:
        return now.replace(year=now.year - years, day=28)


def verdicts(now: datetime) -> Iterator[Verdict]:
    """Of every insured whose own row is past the term, oldest first; younger ones go unsaid."""
    limit = cutoff(now)
    after: tuple[datetime, UUID] | None = None
    while True:
        rows = Insured.objects.filter(updated_at__lt=limit).order_by("updated_at", "pk")
        if after:
            same = rows.filter(updated_at=after[0], pk__gt=after[1])
            rows = rows.filter(updated_at__gt=after[0]) | same
        found = list(rows.values_list("updated_at", "pk")[:CHUNK])
        for _, pk in found:
            yield judge(pk, now)
        if len(found) < CHUNK:
            return
        after = found[-1]


def judge(insured: UUID, now: datetime) -> Verdict:
    """Whether the insured may go now. Raises Insured.DoesNotExist."""
    limit, touched = cutoff(now), last_touched(insured)
    if touched >= limit:
        return Verdict(insured, touched, f"something of it was written on {touched:%Y-%m-%d}")
    chain = renewal_chain(insured)
    if LegalHold.objects.filter(insured__in=chain, lifted_at__isnull=True).exists():
        own = LegalHold.objects.filter(insured=insured, lifted_at__isnull=True).exists()
        return Verdict(insured, touched, "legal hold" + ("" if own else " on one it renews"))
    if Run.objects.in_flight().filter(insured__in=chain).exists():
        return Verdict(insured, touched, "a run is under way")
    if any(last_touched(each) >= limit for each in chain - {insured}):
        return Verdict(insured, touched, "it renews, or is renewed by, a younger one")
    return Verdict(insured, touched, "")


def last_touched(insured: UUID) -> datetime:
    """When anything of the insured was last written. Raises Insured.DoesNotExist."""
    own = Insured.objects.values_list("created_at", "updated_at").get(pk=insured)
    of_insured: list[tuple[QuerySet[Any], str]] = [
        (Quote.objects.filter(insured=insured), "updated_at"),
        (Attachment.objects.filter(insured=insured), "added_at"),
        (ImportDraft.objects.filter(insured=insured), "created_at"),
        (InsuredShare.objects.filter(insured=insured), "shared_at"),
        (LegalHold.objects.filter(insured=insured), "placed_at"),
        (LegalHold.objects.filter(insured=insured), "lifted_at"),
        (Run.objects.filter(insured=insured), "created_at"),
        (Run.objects.filter(insured=insured), "finished_at"),
        (Run.objects.filter(insured=insured), "last_polled_at"),
        (RunEvent.objects.filter(run__insured=insured), "at"),
        (DecisionEvent.objects.filter(run__insured=insured), "at"),
        (Proposal.objects.filter(run__insured=insured), "made_at"),
        (Comment.objects.filter(run__insured=insured), "at"),
        (ReviewRequest.objects.filter(run__insured=insured), "asked_at"),
        (ReviewRequest.objects.filter(run__insured=insured), "answered_at"),
    ]
    found = (rows.order_by().aggregate(at=Max(column))["at"] for rows, column in of_insured)
    moments: list[datetime] = [*own, *(at for at in found if at is not None)]
    return max(moments)


def renewal_chain(insured: UUID) -> set[UUID]:
    """The insured, those it renews and those that renew it, and theirs in turn."""
    chain, new = {insured}, {insured}
    while new:
        near = _neighbours(new)
        new = near - chain
        chain |= new
    return chain


def _neighbours(of: Iterable[UUID]) -> set[UUID]:
    wanted = list(of)
    before = Insured.objects.filter(pk__in=wanted, renewal_of__isnull=False)
    after = Insured.objects.filter(renewal_of__in=wanted)
    found = set(before.values_list("renewal_of", flat=True)) | set(
        after.values_list("pk", flat=True)
    )
    return {each for each in found if each is not None}

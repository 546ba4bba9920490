"""One door: every view gets its rows here, and what is not the user's is absent (404).

The door notes which rows went through it, so that the access log is written of what a view really
got, whoever wrote the view: see `quotes.views.access_log`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django_htmx.middleware import HtmxDetails

from quotes.models import Insured, Run, User
from quotes.models.prepared import may_have as may_have

M = TypeVar("M", bound=Model)


class PortalRequest(HttpRequest):
    """A request as our views get it: signed in, with htmx's details."""

    user: User
    htmx: HtmxDetails


class Whose(NamedTuple):
    """The insured and the run a row belongs to; None where it does not say without a query."""

    insured: UUID | None
    run: UUID | None


@dataclass
class Passage:
    """What went through the door while one request was answered."""

    whose: list[Whose] = field(default_factory=list)
    refused: list[tuple[type[Model], UUID]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)


_passage: ContextVar[Passage | None] = ContextVar("passage", default=None)


@contextmanager
def passing() -> Iterator[Passage]:
    """The passage of the request that is answered inside."""
    passage = Passage()
    token = _passage.set(passage)
    try:
        yield passage
    finally:
        _passage.reset(token)


def get_or_absent(rows: QuerySet[M], pk: UUID) -> M:
    """The row `pk` of `rows`, which the caller has cut down to what the user may see or change.

    Raises Http404: somebody else's row looks the same as one that does not exist.
    """
    return one_or_absent(rows.model, pk, rows.filter(pk=pk)[:1])


def one_or_absent(model: type[M], pk: UUID, found: Iterable[M]) -> M:
    """The same, where the one row, or none, is `found` already: by a prepared query, which is
    given the user and `pk` and cuts its rows down by both."""
    row = next(iter(found), None)
    if row is None:
        if (passage := _passage.get()) is not None:
            passage.refused.append((model, pk))
        raise Http404("No such page.")
    touched(row)
    return row


def touched(*rows: Model | Whose, **details: Any) -> None:
    """Note rows that the view made and not got, and what the log should say besides: counts and
    codes, never what a household is called."""
    passage = _passage.get()
    if passage is not None:
        passage.whose += [row if isinstance(row, Whose) else whose(row) for row in rows]
        passage.details |= details


def whose(row: Model) -> Whose:
    """By columns the row was read with. A column that was left unread is not asked for."""
    unread = row.get_deferred_fields()

    def column(name: str) -> UUID | None:
        value = None if name in unread else getattr(row, name, None)
        return value if isinstance(value, UUID) else None

    if isinstance(row, Insured):
        return Whose(row.pk, None)
    if isinstance(row, Run):
        return Whose(column("insured_id"), row.pk)
    return Whose(column("insured_id"), column("run_id"))


def may_edit(user: User, insured: Insured) -> bool:
    """Whether the person works on the insured: its own broker, or one it is shared with."""
    if not user.is_broker:
        return False
    return (
        insured.owner_id == user.pk
        or Insured.objects.editable_by(user).filter(pk=insured.pk).exists()
    )

"""One door: every view gets its rows here, and what is not the user's is absent (404)."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django_htmx.middleware import HtmxDetails

from quotes.models import User

M = TypeVar("M", bound=Model)


class PortalRequest(HttpRequest):
    """A request as our views get it: signed in, with htmx's details."""

    user: User
    htmx: HtmxDetails


def get_or_absent(rows: QuerySet[M], pk: UUID) -> M:
    """The row `pk` of `rows`, which the caller has cut down to what the user may see or change.

    Raises Http404: somebody else's row looks the same as one that does not exist.
    """
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404("No such page.")
    return row

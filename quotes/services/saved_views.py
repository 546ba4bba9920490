"""A person's saved views of the list of runs: filters and order as codes, and the search."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from quotes.models import SavedView, User
from quotes.models.prepared import prepared

MOST_VIEWS = 40
MOST_CODES = 2000


class NotSaved(Exception):
    """The view was not saved; the text says why, and what can be done."""


@prepared
def views_of(owner: User) -> QuerySet[SavedView]:
    return SavedView.objects.filter(owner=owner)


def save_view(*, owner: User, name: str, codes: str, search: str) -> SavedView:
    """Keep the codes and the search under a new name. Raises NotSaved."""
    if SavedView.objects.filter(owner=owner).count() >= MOST_VIEWS:
        raise NotSaved(f"You have {MOST_VIEWS} views. Delete one you no longer use, then save.")
    _check(codes)
    try:
        with transaction.atomic():
            return SavedView.objects.create(owner=owner, name=name, codes=codes, search=search)
    except IntegrityError:
        raise NotSaved(
            f"You have a view called “{name}” already. Choose another name, or replace that one."
        ) from None


def replace_view(*, view: SavedView, codes: str, search: str) -> SavedView:
    """Keep the codes and the search under the view's name, in place of what it had."""
    _check(codes)
    view.codes, view.search = codes, search
    view.save(update_fields=["codes", "search", "saved_at"])
    return view


def _check(codes: str) -> None:
    if len(codes) > MOST_CODES:
        raise NotSaved("These filters are too long to be saved.")

"""Models of which a page reads rows by the dozen, made of their columns and of nothing else."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

from django.db import models
from django.db.models.base import ModelState
from django.db.models.signals import post_init, pre_init


class ReadModel(models.Model):
    """A row read from the database takes its columns as they come.

    Django makes such a row as it makes a new one: field by field, asking of each whether it was
    given, what stands in for it and what a descriptor has to do about it, and telling whoever
    listens before and after. None of it does anything for a row that was read, unless somebody
    listens; it took more than half of the time.
    """

    class Meta:
        abstract = True

    @classmethod
    # The stubs are those of Django 6.1, whose `fetch_mode` is to be handed on then.
    def from_db(  # type: ignore[override]
        cls, db: str | None, field_names: Collection[str], values: Collection[Any]
    ) -> Self:
        if pre_init.has_listeners(cls) or post_init.has_listeners(cls):
            return super().from_db(db, field_names, values)
        made = cls.__new__(cls)
        columns = vars(made)
        state = columns["_state"] = ModelState()
        state.adding, state.db = False, db
        columns.update(zip(field_names, values, strict=True))
        return made

"""Models of which rows are read, or written, by the dozen: made of their columns and of nothing
else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
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

    @classmethod
    def unsaved(cls, **columns: Any) -> Self:
        """A new row of these columns, by attribute name ("run_id"), and of what stands in for the
        others: as Django makes it, in three fifths of the time."""
        if pre_init.has_listeners(cls) or post_init.has_listeners(cls):
            return cls(**columns)
        plain, made_anew = _stand_ins(cls)
        if unknown := columns.keys() - plain.keys() - made_anew.keys():
            raise TypeError(f"{cls.__name__} has no columns {sorted(unknown)}")
        made = cls.__new__(cls)
        vars(made).update(plain, _state=ModelState(), **columns)
        for name, make in made_anew.items():
            if name not in columns:
                vars(made)[name] = make()
        return made


@lru_cache
def _stand_ins(
    model: type[models.Model],
) -> tuple[Mapping[str, Any], Mapping[str, Callable[[], Any]]]:
    """What stands in for columns that are not given, by attribute name: what is the same for all
    rows, and what is made for each."""
    fields = model._meta.concrete_fields
    anew = {each.attname: each.get_default for each in fields if callable(each.default)}
    return {each.attname: each.get_default() for each in fields if each.attname not in anew}, anew

"""Values as the database takes them, by their fields.

Django asks five methods of a field for each value. For most, such as a text that is text, they do
nothing between them; of what an end of a run costs they were a fifth.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    Field = models.Field[Any, Any]
Written = Callable[[Any, BaseDatabaseWrapper], Any]
"""A value, and the database it goes to → what is sent. As `Field.get_db_prep_save`."""

TEXTS = {models.CharField, models.TextField}
NUMBERS = {
    models.IntegerField, models.SmallIntegerField, models.BigIntegerField, models.AutoField,
    models.PositiveIntegerField, models.PositiveSmallIntegerField, models.BigAutoField,
    models.PositiveBigIntegerField,
}  # fmt: skip


def written_by(field: Field, database: BaseDatabaseWrapper) -> Written:
    """How values of this field are written in databases of this kind: to the same effect as
    Django's own way, which is taken for every value and field of a kind not known here."""
    usual: Written = field.get_db_prep_save
    if type(field) is models.ForeignKey:
        field = field.target_field
    on_sqlite = database.vendor == "sqlite"
    if type(field) is models.UUIDField:
        return _Hex(usual).write if on_sqlite else _As(UUID, usual).write
    if type(field) is models.DateTimeField:
        return _Moment(usual).write if on_sqlite else usual
    for kinds, kind in ((TEXTS, str), ({models.BooleanField}, bool)):
        if type(field) in kinds:
            return _As(kind, usual).write
    # PostgreSQL is told of each number how wide it is.
    return _As(int, usual).write if on_sqlite and type(field) in NUMBERS else usual


class _As:
    """Values of exactly this kind, and NULL, are written as they are."""

    def __init__(self, kind: type, usual: Written) -> None:
        self.kind, self.usual = kind, usual

    def write(self, value: Any, database: BaseDatabaseWrapper) -> Any:
        if value is None or type(value) is self.kind:
            return value
        return self.usual(value, database)


class _Hex:
    """SQLite has no kind for UUIDs."""

    def __init__(self, usual: Written) -> None:
        self.usual = usual

    def write(self, value: Any, database: BaseDatabaseWrapper) -> Any:
        return value.hex if type(value) is UUID else self.usual(value, database)


class _Moment:
    """SQLite keeps moments as text, in UTC unless a setting says otherwise."""

    def __init__(self, usual: Written) -> None:
        self.usual = usual

    def write(self, value: Any, database: BaseDatabaseWrapper) -> Any:
        if type(value) is datetime and value.tzinfo is UTC and database.timezone is UTC:
            return str(value.replace(tzinfo=None))
        return None if value is None else self.usual(value, database)

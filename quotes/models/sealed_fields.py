"""Columns whose values are sealed on their way into the database and opened on their way out.

Models, services and pages see plain values. A sealed column cannot be searched, sorted or
compared by the database: a lookup other than whether it is empty raises at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.models.functions import Length, Substr
from django.db.models.lookups import Exact, IsNull

from quotes.models.fields import NOTHING_STATED, DocumentField
from quotes.models.sealing import (
    HEAD_BYTES,
    open_bytes,
    open_text,
    seal_bytes,
    seal_text,
    size_inside,
)

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class _IsEmpty(Exact):
    """`column=""`: empty values are not sealed. Nothing else can be asked for."""

    def get_prep_lookup(self) -> Any:
        if self.rhs not in ("", b""):
            raise FieldError("A sealed column can be asked only whether it is empty or null.")
        return self.rhs


class Sealed:
    """What the kinds of sealed columns share; stands before a kind of Django's field."""

    model: Any
    column: Any

    @property
    def where(self) -> str:
        """What a value is bound to: "table.column"."""
        return f"{self.model._meta.db_table}.{self.column}"

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "exact":
            return _IsEmpty
        if lookup_name == "isnull":
            return IsNull
        raise FieldError(f"{self.where} is sealed: the database cannot look into it.")

    def get_transform(self, lookup_name: str) -> Any:
        raise FieldError(f"{self.where} is sealed: the database cannot look into it.")


class SealedTextField(Sealed, _TextField):
    """Text, sealed."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return None if value is None else open_text(value, self.where)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        plain = super().get_db_prep_save(value, connection)
        return seal_text(plain, self.where) if isinstance(plain, str) else plain


class SealedDocumentField(Sealed, DocumentField):
    """A JSON value, sealed as the text that DocumentField makes of it."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        if value is None or value == NOTHING_STATED:  # which is never sealed
            return super().from_db_value(value, expression, connection)
        return super().from_db_value(open_text(value, self.where), expression, connection)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        plain = super().get_db_prep_save(value, connection)
        return seal_text(plain, self.where) if isinstance(plain, str) else plain


class SealedBinaryField(Sealed, models.BinaryField):  # type: ignore[type-arg]
    """Bytes, sealed; what comes out is exactly what went in."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else open_bytes(bytes(value), self.where)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if value is None or hasattr(value, "as_sql"):
            return super().get_db_prep_save(value, connection)
        return super().get_db_prep_save(seal_bytes(bytes(value), self.where), connection)


def stored_sizes(*columns: str) -> dict[str, Any]:
    """Annotations by which `size_of` says how many bytes are in sealed columns, unread."""
    found: dict[str, Any] = {}
    for column in columns:
        head = Substr(column, 1, HEAD_BYTES, output_field=models.BinaryField())
        found |= {f"{column}_head": head, f"{column}_stored": Length(column)}
    return found


def size_of(row: models.Model, column: str) -> int | None:
    """Bytes in the sealed column of a row read with `stored_sizes`; None where it is null."""
    head, stored = getattr(row, f"{column}_head"), getattr(row, f"{column}_stored")
    return None if stored is None else size_inside(bytes(head), stored)

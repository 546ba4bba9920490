"""Field types the models share."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import simplejson
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

MOST_MONEY = Decimal("9999999")
"""The largest premium taken, in dollars a year: more is a slip of the keyboard."""


READER = simplejson.JSONDecoder(parse_float=Decimal)
"""As `simplejson.loads` with `use_decimal`, which makes one for each text."""


NOTHING_STATED = "{}"
"""What most documents of a row are: an object made, and nothing read."""


class DocumentField(models.TextField):  # type: ignore[type-arg]
    """A JSON value kept as text, so that nothing of it changes on the way through a database.

    Numbers with a fraction are Decimal; key order, repeated spaces and digits survive, and a
    NUL inside a string stays escaped, which PostgreSQL's own JSON type refuses. It is not made
    to be queried: what is searched for has a column of its own.
    """

    # For the type checker: what may be set and got is any JSON value.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        if value == NOTHING_STATED:
            return {}
        return None if value is None else READER.decode(value)

    def to_python(self, value: Any) -> Any:
        return value

    def get_prep_value(self, value: Any) -> Any:
        if value is None:
            return None
        return simplejson.dumps(value, use_decimal=True, allow_nan=False)

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.get_prep_value(self.value_from_object(obj)))


class PremiumField(models.DecimalField):  # type: ignore[type-arg]
    """US dollars a year, exact to the cent, from 0 to `MOST_MONEY`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"] = 12
        kwargs["decimal_places"] = 2
        kwargs.setdefault("validators", [MinValueValidator(0), MaxValueValidator(MOST_MONEY)])
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for key in ("max_digits", "decimal_places", "validators"):
            kwargs.pop(key, None)
        return name, path, args, kwargs


def within(
    field: str, low: int | Decimal, high: int | Decimal, name: str
) -> models.CheckConstraint:
    """A check that `field` is null or lies between `low` and `high`, both included."""
    return models.CheckConstraint(
        name=name,
        condition=models.Q(**{f"{field}__isnull": True})
        | models.Q(**{f"{field}__gte": low, f"{field}__lte": high}),
    )

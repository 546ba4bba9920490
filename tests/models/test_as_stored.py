"""A value is written as Django writes it, whatever its column and whatever it is."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.functional import lazystr
from hypothesis import given
from hypothesis import strategies as st

from quotes.models.as_stored import written_by
from quotes.models.sealed_fields import Sealed

FIELDS = {
    f"{model.__name__}.{field.name}": field
    for model in apps.get_app_config("quotes").get_models()
    for field in model._meta.concrete_fields
    if not isinstance(field, Sealed)  # no two seals are alike
}
ELSEWHERE = timezone(timedelta(hours=-5))
ODD: list[Any] = [
    None, "", "text", "é", 0, 7, -1, True, False, 1.5, Decimal("12.30"), b"bytes", {}, [1],
    uuid.UUID(int=9), str(uuid.UUID(int=9)), lazystr("said later"),
    datetime(2026, 3, 1, 12, 30, 1, 5, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC),
    datetime(2026, 3, 1, 12, 30, tzinfo=ELSEWHERE), datetime(2026, 3, 1, tzinfo=UTC).date(),
    "2026-03-01T12:30:00Z",
]  # fmt: skip


def _written(write: Any, value: Any) -> tuple[str, Any]:
    try:
        made = write(value, connection)
    except (TypeError, ValueError, ArithmeticError, AttributeError, ValidationError) as error:
        return type(error).__name__, None
    return type(made).__name__, made


@pytest.mark.filterwarnings("ignore:DateTimeField .* naive")
@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_every_column_is_written_as_django_writes_it(field: Any) -> None:
    write = written_by(field, connection)
    for value in ODD:
        assert _written(write, value) == _written(field.get_db_prep_save, value), repr(value)


@given(
    moment=st.datetimes(timezones=st.timezones() | st.just(UTC)),
    text=st.text(),
    number=st.integers(-(2**63), 2**63 - 1),
    key=st.uuids(),
)
def test_values_of_their_columns_kind(
    moment: datetime, text: str, number: int, key: uuid.UUID
) -> None:
    for name, value in (
        ("Run.due_at", moment), ("Run.stage", text), ("Run.polls", number), ("Run.id", key),
        ("RunEvent.run", key), ("RunEvent.actor", number), ("SolutionLine.carrier", number),
    ):  # fmt: skip
        field = FIELDS[name]
        ours = _written(written_by(field, connection), value)
        assert ours == _written(field.get_db_prep_save, value), name

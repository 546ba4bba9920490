"""Rows written together are the rows that were given, or none."""

from __future__ import annotations

import pytest

from quotes.models import Quote, many_rows

pytestmark = pytest.mark.django_db


def test_columns_that_are_filled_in_as_a_row_is_saved_are_not_left_empty() -> None:
    with pytest.raises(TypeError, match=r"created_at.*updated_at"):
        many_rows.insert([Quote()])
    assert not Quote.objects.exists()

"""The quote grid's cells: whatever is stored reads back the same, as written and as read."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotes.forms.grid import read_cell
from quotes.services.grid import CELLS, Value, premium_value
from quotes.services.sheet import label, raw_cell, shown

MONEY = st.decimals(0, Decimal("9999999"), places=2)
DAYS = st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31))


def reads_back(cell: str, value: Value) -> None:
    assert read_cell(cell, raw_cell(cell, value)) == value
    assert read_cell(cell, shown(value)) == value


@given(MONEY)
def test_money(value):
    reads_back("package_premium_annual", value)
    reads_back("home-premium_annual", premium_value(str(value)))


@given(st.decimals(1, 9999, places=2), st.integers(1, 36))
def test_a_premium_of_another_term(amount, months):
    reads_back("auto-premium_annual", premium_value(f"{amount} / {months} mo"))


@given(DAYS)
def test_days(value):
    reads_back("expires_on", value)


@given(st.integers(1, 36))
def test_terms(value):
    reads_back("term_months", value)


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_not_stated_is_empty_and_stays_so(cell):
    value = read_cell(cell, "")
    assert value in ("", None)
    assert raw_cell(cell, value) == shown(value) == ""


def test_nothing_is_not_zero():
    assert read_cell("package_premium_annual", "0") == 0
    assert shown(Decimal("0.00")) == "$0"
    assert read_cell("home-premium_annual", "0") == "$0"


def test_every_cell_has_a_name_of_its_own():
    names = [label(cell) for cell in CELLS]
    assert len(set(names)) == len(CELLS)
    assert label("umbrella-quote_ref") == "Umbrella quote id"
